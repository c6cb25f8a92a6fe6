"""Turn a plan into the JSON document that every view and every later apply reads; pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, TypeAlias, assert_never

from reconciler.model.access import Group, User, Value
from reconciler.model.change import (
    AddMembership,
    AdoptGroup,
    AdoptUser,
    Change,
    ChangeRole,
    CreateGroup,
    CreateUser,
    DisableUser,
    EnableUser,
    RemoveGroup,
    RemoveMembership,
    RemoveUser,
    RenameGroup,
    SetFlag,
    SetSetting,
    UpdateUser,
    Who,
    type_name,
)
from reconciler.model.diagnostic import Diagnostic, Position
from reconciler.model.plan import FORMAT_VERSION, Base, Cause, DirectoryFacts, Only, Plan, Refusal, TargetPlan, Withheld
from reconciler.model.reason import Reason
from reconciler.plan.precondition import precondition
from reconciler.plan.summary import summary_of

Document: TypeAlias = dict[str, Any]
"""JSON-ready data. `Any` is at home only here: json has no better type."""


def encode(plan: Plan) -> Document:
    """Return the plan as plain data, its id included: the digest of everything else in it."""
    document = content(plan)
    document["id"] = digest(document)
    return document


def content(plan: Plan) -> Document:
    """Return the plan as plain data without its id; equal to what `json.loads` makes of its text."""
    return {
        "format_version": FORMAT_VERSION,
        "created_at": plan.created_at,
        "today": plan.today,
        "complete": plan.complete,
        "applyable": plan.applyable,
        "errored": plan.errored,
        "policy": {"root": plan.policy_root, "digest": plan.policy_digest, "git_commit": plan.git_commit},
        "directories": [_directory(facts) for facts in plan.directories],
        "targets": [_target(target) for target in plan.targets],
        "notes": [_diagnostic(note) for note in plan.notes],
        "summary": {**summary_of(plan), **({"causes": _cause_counts(plan)} if plan.base else {})},
        **({"only": [_only(one) for one in plan.only]} if plan.only else {}),
        **({"base": _base(plan.base)} if plan.base else {}),
    }


def digest(document: Mapping[str, object]) -> str:
    """Return ``sha256:`` over the document in canonical JSON, its own id and its signature left out, whatever its white space.

    The document is taken row by row, so that a plan of hundreds of thousands of changes is never one more text in memory:
    first everything that is no list of rows, then each row on a line of its own after the name of its list.
    """
    found = hashlib.sha256()
    for line in _canonical_lines({key: value for key, value in document.items() if key not in OUTSIDE}):
        found.update(line.encode() + b"\n")
    return "sha256:" + found.hexdigest()


OUTSIDE = frozenset({"id", "signature"})
"""What a plan's digest does not cover: itself, and the signature of it."""


def to_text(document: Document) -> str:
    """Return the document as JSON text, one line per change, the same bytes for the same document."""
    return "".join(pieces(document))


def pieces(document: Document) -> Iterator[str]:
    """Yield the text of `to_text` in lines."""
    yield "{\n"
    if "signature" in document:
        yield f'  "signature": {json.dumps(document["signature"])},\n'
    for key in ("id", "format_version", "created_at", "today", "complete", "applyable", "errored", "policy", "summary"):
        yield f'  "{key}": {json.dumps(document[key])},\n'
    if "base" in document:
        yield f'  "base": {json.dumps(document["base"])},\n'
    if "only" in document:
        yield from _rows("only", document["only"], "  ", ",\n")
    yield from _rows("directories", document["directories"], "  ", ",\n")
    yield '  "targets": ['
    for number, target in enumerate(document["targets"]):
        yield "\n    {\n" if number == 0 else ",\n    {\n"
        yield from _target_pieces(target)
        yield "    }"
    yield "\n  ],\n" if document["targets"] else "],\n"
    yield from _rows("notes", document["notes"], "  ", "\n")
    yield "}\n"


def utf8(text: Iterable[str]) -> bytes:
    """Return pieces of text as bytes, without one more text of the whole in memory."""
    found = BytesIO()
    found.writelines(piece.encode() for piece in text)
    return found.getvalue()


def _target_pieces(target: Document) -> Iterator[str]:
    last = len(target) - 1
    for number, (key, value) in enumerate(target.items()):
        end = ",\n" if number < last else "\n"
        if isinstance(value, list):
            yield from _rows(key, value, "      ", end)
        else:
            yield f'      "{key}": {json.dumps(value)}{end}'


def _rows(key: str, rows: Sequence[object], margin: str, end: str) -> Iterator[str]:
    if not rows:
        yield f'{margin}"{key}": []{end}'
        return
    yield f'{margin}"{key}": [\n'
    for row in rows[:-1]:
        yield f"{margin}  {json.dumps(row)},\n"
    yield f"{margin}  {json.dumps(rows[-1])}\n{margin}]{end}"


def _canonical_lines(data: Mapping[str, object]) -> Iterator[str]:
    lists = {key: value for key, value in data.items() if isinstance(value, list)}
    yield canonical({key: value for key, value in data.items() if key not in lists})
    for key, rows in sorted(lists.items()):
        yield canonical([key, len(rows)])
        for row in rows:
            if key == "targets" and isinstance(row, dict):
                yield from _canonical_lines(row)
            else:
                yield canonical(row)


def canonical(data: object) -> str:
    """Return the one way in which data is written as JSON where bytes count: names sorted, no white space."""
    return _CANONICAL.encode(data)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def _directory(facts: DirectoryFacts) -> Document:
    return {
        "name": facts.name,
        "source": facts.source,
        "read_at": facts.read_at,
        "digest": facts.digest,
        "people": facts.people,
        "groups": facts.groups,
        "complete": facts.complete,
        **({"confirmed_at": facts.confirmed_at} if facts.confirmed_at else {}),
    }


def _base(base: Base) -> Document:
    return {"root": base.root, "digest": base.digest, "git_commit": base.git_commit}


def _cause_counts(plan: Plan) -> Document:
    found = Counter(cause for target in plan.targets for cause in target.causes)
    return {str(cause): found[cause] for cause in Cause}


def _only(one: Only) -> Document:
    return {"name": one.name, "key": one.key, "dn": one.dn}


def _target(target: TargetPlan) -> Document:
    shared = _Shared()
    return {
        "name": target.name,
        "kind": target.kind,
        "address": target.address,
        "directory": target.directory,
        "error": target.error,
        "on_refusal": target.on_refusal,
        "changes_id": target.changes_id,
        "privileged_roles": sorted(target.privileged),
        "guards_off": list(target.guards_off),
        "unchanged": {
            "users": target.unchanged.users,
            "groups": target.unchanged.groups,
            "memberships": target.unchanged.memberships,
        },
        "counts": _counts(target.changes),
        "changes": _caused([_change(change, target.name, shared) for change in target.changes], target.causes),
        "refusals": [_refusal(refusal) for refusal in target.refusals],
        "withheld": [_withheld(withheld, target.name, shared) for withheld in target.withheld],
        "diagnostics": [_diagnostic(finding) for finding in target.diagnostics],
    }


def _caused(changes: list[Document], causes: Sequence[Cause]) -> list[Document]:
    for change, cause in zip(changes, causes, strict=bool(causes)):
        change["cause"] = str(cause)
    return changes


def _counts(changes: Iterable[Change]) -> Document:
    return dict(sorted(Counter(type_name(change) for change in changes).items()))


def _refusal(refusal: Refusal) -> Document:
    return {
        "guard": refusal.guard,
        "summary": refusal.summary,
        "count": refusal.count,
        "limit": refusal.limit,
        "total": refusal.total,
        "group": refusal.group,
        "objects": list(refusal.objects),
        "waiver": refusal.waiver,
    }


def _withheld(withheld: Withheld, target: str, shared: _Shared) -> Document:
    return {"hold": str(withheld.hold), "detail": withheld.detail, "change": _change(withheld.change, target, shared)}


def _diagnostic(finding: Diagnostic) -> Document:
    return {
        "severity": str(finding.severity),
        "code": finding.code,
        "summary": finding.summary,
        "detail": finding.detail,
        "where": position_data(finding.where),
        "subject": finding.subject,
    }


def position_data(position: Position | None) -> Document | None:
    """Return a place in a policy file as a plan's document holds it."""
    return None if position is None else {"path": position.path, "line": position.line, "column": position.column}


def change_data(change: Change, target: str) -> Document:
    """Return one change as a plan's document holds it."""
    return _change(change, target, _Shared())


def reason_data(reason: Reason) -> Document:
    """Return a reason as a plan's document holds it."""
    return {
        "why": str(reason.why),
        "rule": position_data(reason.rule),
        "path": list(reason.path),
        "detail": reason.detail,
    }


class _Shared:
    """The data that thousands of changes of one target have in common: one object each, which keeps plans small."""

    def __init__(self) -> None:
        self._reasons: dict[int, Document] = {}
        self._people: dict[Who, Document] = {}
        self._preconditions: dict[str, Document] = {}

    def reason(self, reason: Reason) -> Document:
        known = self._reasons.get(id(reason))
        if known is None:
            known = self._reasons[id(reason)] = reason_data(reason)
        return known

    def who(self, who: Who) -> Document:
        known = self._people.get(who)
        if known is None:
            known = self._people[who] = _who(who)
        return known

    def precondition(self, change: Change) -> Document:
        facts = _plain(precondition(change))
        return self._preconditions.setdefault(repr(facts), facts) if "role" in facts else facts


def _plain(values: Mapping[str, Value | None]) -> Document:
    """Return the values by name, sorted, with lists as JSON has them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in sorted(values.items())}


def _who(who: Who) -> Document:
    return {"username": who.username, "key": who.key, **_known_by(who)}


def _known_by(account: Who | User) -> Document:
    return {"account": account.account} if account.account else {}


def _user(user: User) -> Document:
    return {
        "username": user.username,
        "key": user.key,
        "attributes": _plain(user.attributes),
        "active": user.active,
        "flags": {str(flag): held for flag, held in sorted(user.flags.items())},
        "managed": user.managed,
        "disabled_by_hand": user.disabled_by_hand,
        **_known_by(user),
    }


def _group(group: Group) -> Document:
    return {"key": group.key, "source": group.source, "managed": group.managed}


def _change(change: Change, target: str, shared: _Shared) -> Document:
    who, group, have, want = parts_of(change)
    document: Document = {
        "type": type_name(change),
        "target": target,
        "user": None if who is None else shared.who(who),
        "group": group,
        "have": have,
        "want": want,
        "reason": shared.reason(change.reason),
        "precondition": shared.precondition(change),
    }
    if isinstance(change, SetFlag):
        document["flag"] = str(change.flag)
    elif isinstance(change, SetSetting):
        document["setting"] = change.name
    return document


def parts_of(change: Change) -> tuple[Who | None, str | None, object, object]:  # noqa: C901, PLR0911, PLR0912 - one arm per type
    """Return who and which group a change concerns, and what is there before and after it, as plain data."""
    match change:
        case CreateUser(user=user):
            return Who(user.username, user.key), None, None, _user(user)
        case AdoptUser(who=who, have=account) | RemoveUser(who=who, have=account):
            return who, None, _user(account), None
        case UpdateUser(who=who, have=before, want=after):
            return who, None, _plain(before), _plain(after)
        case EnableUser(who=who):
            return who, None, False, True
        case DisableUser(who=who):
            return who, None, True, False
        case SetFlag(who=who, have=held, want=wanted):
            return who, None, held, wanted
        case CreateGroup(group=group):
            return None, group.key, None, _group(group)
        case AdoptGroup(group=group):
            return None, group.key, None, _group(group)
        case RenameGroup(have=name, want=new, source=source):
            return None, name, {"key": name, "source": source}, {"key": new, "source": source}
        case RemoveGroup(have=gone):
            return None, gone.key, _group(gone), None
        case AddMembership(who=who, group=name, want=role):
            return who, name, None, role
        case ChangeRole(who=who, group=name, have=role, want=new_role):
            return who, name, role, new_role
        case RemoveMembership(who=who, group=name, have=role):
            return who, name, role, None
        case SetSetting(have=held, want=wanted):
            return None, None, held, wanted
        case _:
            assert_never(change)
