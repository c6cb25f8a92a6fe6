"""Read a plan file back, and refuse whatever is not exactly a plan that we wrote; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Literal

from reconciler.errors import UsageError
from reconciler.model.access import Flag, Group, GroupKey, Role, User, UserKey, Value
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
)
from reconciler.model.diagnostic import Diagnostic, Position, Severity
from reconciler.model.plan import (
    FORMAT_VERSION,
    Base,
    Cause,
    DirectoryFacts,
    Hold,
    Only,
    Plan,
    Refusal,
    TargetPlan,
    Unchanged,
    Withheld,
)
from reconciler.model.reason import Reason, Why
from reconciler.model.text import shortened
from reconciler.plan.encode import OUTSIDE, Document, content, digest
from reconciler.plan.sharing import shared_json

_AGAIN = "Make it again with `reconcile plan --out`."


def decode(text: str, name: str = "the plan file") -> tuple[Plan, Document]:
    """Return the plan in `text` and its data; `name` is how errors call it.

    Raises UsageError for a file that is truncated, no plan, of another major format, or not what its id says.
    """
    document = load_document(text, name)
    del text  # it may be the largest of all
    try:
        plan = _plan(document)
        # a newer minor format may say more than we would: then its own digest is all the proof there is
        again = {**content(plan), **_proofs(document)} if document["format_version"] == FORMAT_VERSION else document
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{name} is not a usable plan: {shortened(repr(error))}. {_AGAIN}") from error
    if again != document:
        place = shortened(_first_difference(document, again))
        raise UsageError(f"{name} holds something at {place} that this version would not have written. {_AGAIN}")
    return plan, document


def _proofs(document: Document) -> Document:
    """Return what stands beside the content: the id, and a signature if there is one."""
    return {key: document[key] for key in OUTSIDE if key in document}


def _first_difference(have: Document, want: Document) -> str:
    """Return the path of the first place where two documents that differ do so, such as ``['targets'][0]['kind']``."""
    from deepdiff import DeepDiff  # noqa: PLC0415 - heavy, and needed only to say what is wrong

    found = DeepDiff(have, want, ignore_private_variables=False, view="tree")
    return min(str(place.path()).removeprefix("root") for places in found.values() for place in places)


def load_document(text: str, name: str = "the plan file") -> Document:
    """Return the plan's data after checking its format and its digest; raises UsageError as `decode` does."""
    try:
        document = shared_json(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{name} is not complete JSON, truncated perhaps: {shortened(str(error))}. {_AGAIN}"
        ) from error
    if not isinstance(document, dict) or not isinstance(document.get("format_version"), str):
        raise UsageError(f"{name} is JSON, but not a plan. {_AGAIN}")
    major, ours = document["format_version"].split(".")[0], FORMAT_VERSION.split(".")[0]
    if major != ours:
        raise UsageError(
            f"{name} has plan format {shortened(document['format_version'])}; this version reads {ours}.x. "
            "Apply it with the version that made it, or make it again."
        )
    if document.get("id") != digest(document):
        raise UsageError(f"{name} was edited or damaged: its id is not the digest of its content. {_AGAIN}")
    return document


def _plan(document: Document) -> Plan:
    policy, known = document["policy"], _Known()
    return Plan(
        created_at=document["created_at"],
        today=document["today"],
        policy_digest=policy["digest"],
        policy_root=policy["root"],
        git_commit=policy["git_commit"],
        directories=tuple(
            DirectoryFacts(**_known(DirectoryFacts, {"confirmed_at": "", **facts})) for facts in document["directories"]
        ),
        targets=tuple(_target(target, known) for target in document["targets"]),
        notes=tuple(_diagnostic(note) for note in document["notes"]),
        only=tuple(Only(**_known(Only, one)) for one in document.get("only", ())),
        base=Base(**_known(Base, document["base"])) if "base" in document else None,
    )


def _target(target: Document, known: _Known) -> TargetPlan:
    return TargetPlan(
        name=target["name"],
        kind=target["kind"],
        address=target["address"],
        directory=target["directory"],
        changes=tuple(_change(change, known) for change in target["changes"]),
        refusals=tuple(_refusal(refusal) for refusal in target["refusals"]),
        withheld=tuple(
            Withheld(_change(item["change"], known), Hold(item["hold"]), item["detail"]) for item in target["withheld"]
        ),
        diagnostics=tuple(_diagnostic(finding) for finding in target["diagnostics"]),
        unchanged=Unchanged(**_known(Unchanged, target["unchanged"])),
        privileged=frozenset(target["privileged_roles"]),
        guards_off=tuple(target["guards_off"]),
        error=target["error"],
        on_refusal=_on_refusal(target.get("on_refusal", "stop")),  # format 1.0 does not have it, nor the next
        changes_id=target.get("changes_id", ""),
        causes=tuple(Cause(change["cause"]) for change in target["changes"] if "cause" in change),
    )


def _on_refusal(word: object) -> Literal["stop", "continue"]:
    return "continue" if word == "continue" else "stop"


def _refusal(data: Document) -> Refusal:
    return Refusal(**{**_known(Refusal, data), "objects": tuple(data["objects"])})


def _diagnostic(data: Document) -> Diagnostic:
    return Diagnostic(
        severity=Severity(data["severity"]),
        code=data["code"],
        summary=data["summary"],
        detail=data["detail"],
        where=_position(data["where"]),
        subject=data["subject"],
    )


def _known(kind: type[DirectoryFacts | Unchanged | Refusal | Only | Base], data: Document) -> Document:
    """Return the fields that this version knows; those that a newer minor format adds are left out."""
    return {field.name: data[field.name] for field in fields(kind)}


def _position(data: Document | None) -> Position | None:
    return None if data is None else Position(data["path"], data["line"], data["column"])


def _reason(data: Document) -> Reason:
    return Reason(Why(data["why"]), _position(data["rule"]), tuple(data["path"]), data["detail"])


def _who(data: Document) -> Who:
    return Who(data["username"], UserKey(data["key"]), UserKey(data.get("account", "")))


def _user(data: Document) -> User:
    return User(
        key=UserKey(data["key"]),
        username=data["username"],
        attributes=_values(data["attributes"]),
        active=data["active"],
        flags={Flag(flag): held for flag, held in data["flags"].items()},
        managed=data["managed"],
        disabled_by_hand=data["disabled_by_hand"],
        account=UserKey(data.get("account", "")),
    )


def _values(data: Document) -> dict[str, Value]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}


def _group(data: Document) -> Group:
    return Group(GroupKey(data["key"]), data["source"], data["managed"])


class _Known:
    """People and reasons of one document, one object for each object there, which `shared_json` has made few."""

    def __init__(self) -> None:
        self._reasons: dict[int, Reason] = {}
        self._people: dict[int, Who] = {}

    def reason(self, data: Document) -> Reason:
        """Return the reason."""
        found = self._reasons.get(id(data))
        if found is None:
            found = self._reasons[id(data)] = _reason(data)
        return found

    def who(self, data: Document) -> Who:
        """Return the person."""
        found = self._people.get(id(data))
        if found is None:
            found = self._people[id(data)] = _who(data)
        return found


def _change(data: Document, known: _Known) -> Change:
    return _BUILDERS[data["type"]](data, known.reason(data["reason"]), known)


# One builder per type name of model.change.type_name; decode() proves them by encoding the result again.
_BUILDERS: Mapping[str, Callable[[dict[str, Any], Reason, _Known], Change]] = {
    "user.create": lambda data, why, _known: CreateUser(_user(data["want"]), why),
    "user.adopt": lambda data, why, known: AdoptUser(known.who(data["user"]), _user(data["have"]), why),
    "user.update": lambda data, why, known: UpdateUser(
        known.who(data["user"]), _values(data["have"]), _values(data["want"]), why
    ),
    "user.enable": lambda data, why, known: EnableUser(known.who(data["user"]), why),
    "user.disable": lambda data, why, known: DisableUser(known.who(data["user"]), why),
    "user.remove": lambda data, why, known: RemoveUser(known.who(data["user"]), _user(data["have"]), why),
    "user.flag": lambda data, why, known: SetFlag(
        known.who(data["user"]), Flag(data["flag"]), have=data["have"], want=data["want"], reason=why
    ),
    "group.create": lambda data, why, _known: CreateGroup(_group(data["want"]), why),
    "group.adopt": lambda data, why, _known: AdoptGroup(_group(data["want"]), why),
    "group.rename": lambda data, why, _known: RenameGroup(
        GroupKey(data["have"]["key"]), GroupKey(data["want"]["key"]), data["want"]["source"], why
    ),
    "group.remove": lambda data, why, _known: RemoveGroup(_group(data["have"]), why),
    "membership.add": lambda data, why, known: AddMembership(
        known.who(data["user"]), GroupKey(data["group"]), Role(data["want"]), why
    ),
    "membership.change": lambda data, why, known: ChangeRole(
        known.who(data["user"]), GroupKey(data["group"]), Role(data["have"]), Role(data["want"]), why
    ),
    "membership.remove": lambda data, why, known: RemoveMembership(
        known.who(data["user"]), GroupKey(data["group"]), Role(data["have"]), why
    ),
    "setting.set": lambda data, why, _known: SetSetting(
        data["setting"], have=data["have"], want=data["want"], reason=why
    ),
}
