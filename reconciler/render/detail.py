"""Say of one change what its line leaves out: keys, values in full, what must still be so, the rule's place; never lay it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.render.document import ChangeData
from reconciler.render.look import shown
from reconciler.render.words import value_text


def details(change: ChangeData) -> tuple[str, ...]:
    """Return the lines below a change's own, in this order: whose it is, values, what has to be so before it is made, which rule."""
    return (*_identity(change), *_values(change), *_account(change), *_expected(change), *_rule(change))


def _identity(change: ChangeData) -> Iterator[str]:
    if user := change["user"]:
        yield f"key: {shown(user['key'])}"
        if account := user.get("account"):
            yield f"account: {shown(account)}"
    group = change["want"] or change["have"]
    if change["type"].startswith("group.") and isinstance(group, dict) and group.get("source"):
        yield f"source: {shown(str(group['source']))}"


def _values(change: ChangeData) -> Iterator[str]:
    """Return attributes in full, a list value by value with the sign of what happens to it."""
    have, want = _attributes(change["have"]), _attributes(change["want"])
    if change["type"] not in {"user.create", "user.update"}:
        return
    for name, value in want.items():
        held = have.get(name)
        if isinstance(value, list) or isinstance(held, list):
            before, after = _texts(held), _texts(value)
            yield from (f"{shown(name)}: - {shown(text)}" for text in before if text not in after)
            yield from (f"{shown(name)}: + {shown(text)}" for text in after if text not in before)
        elif name in have:
            yield f"{shown(name)}: {value_text(held)} → {value_text(value)}"
        else:
            yield f"{shown(name)}: {value_text(value)}"


def _account(change: ChangeData) -> Iterator[str]:
    """Return what an account holds that is to go, or to become ours; without signs, since none of it is changed alone."""
    account = change["have"]
    if change["type"] not in {"user.adopt", "user.remove"} or not isinstance(account, dict):
        return
    for name, value in account.get("attributes", {}).items():
        for one in value if isinstance(value, list) else [value]:
            yield f"{shown(name)}: {value_text(one)}"
    for flag, held in account.get("flags", {}).items():
        yield f"{shown(flag)}: {value_text(held)}"


def _attributes(data: object) -> Mapping[str, object]:
    """Return what a change says of an account: an account's attributes, or just those that change."""
    if not isinstance(data, dict):
        return {}
    inner = data.get("attributes")
    return inner if isinstance(inner, dict) else data


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _expected(change: ChangeData) -> Iterator[str]:
    facts = change.get("precondition", {})
    if facts:
        said = (f"{shown(name).replace('_', ' ')} {_found(value)}" for name, value in facts.items())
        yield f"made only while: {', '.join(said)}"


def _found(value: object) -> str:
    return "absent" if value is None else value_text(value)


def _rule(change: ChangeData) -> Iterator[str]:
    if rule := change["reason"]["rule"]:
        yield f"rule: {shown(rule['path'])}:{rule['line']}:{rule['column']}"
