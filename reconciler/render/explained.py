"""Show an explanation as text: who it is about, and per target what is, what should be, and by which rule; pure.

The document is the one that explain/answer.py and explain/saved.py make.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias, cast

from reconciler.render.document import ChangeData, PlaceData, ReasonData
from reconciler.render.look import Look, cells, chunked, padded, shown
from reconciler.render.rows import subject, verb
from reconciler.render.words import HOLDS, cause, counted, place

Data: TypeAlias = Mapping[str, object]

_STATUS = {"active": "active", "disabled": "disabled in the directory", "gone": "no longer in the directory"}


def explained_text(document: Data, look: Look) -> Iterator[str]:
    """Return the explanation in pieces of text."""
    yield from chunked(look.drawn(line) for line in _lines(document, look))


def _lines(document: Data, look: Look) -> Iterator[str]:
    asked = _map(document["asked"])
    person = document["person"]
    if isinstance(person, dict):
        entry = shown(str(person["dn"])) or f"account {shown(str(person['key']))}"
        where = f"{_STATUS[str(person['status'])]}; directory {shown(str(person['directory']))}"
        yield f"{look.paint('strong', shown(str(asked['user'])))}  {entry}  ({where})"
    elif "plan" in document:
        what = " in ".join(filter(None, (shown(str(asked["user"])), shown(str(asked["group"])))))
        yield f"{look.paint('strong', what)}  in the plan {shown(str(document['plan']))[:19]}"
    if not document["live"]:
        yield "Targets were not asked: this is what should be."
    for target in _maps(document["targets"]):
        yield ""
        yield f"{look.paint('strong', shown(str(target['name'])))}  {shown(str(target['address']))}".rstrip()
        if target["error"]:
            yield f"  {look.paint('error', 'error:')} {shown(str(target['error']))}"
        yield from _target(target, look, live=bool(document["live"]) and not target["error"])


def _target(target: Data, look: Look, *, live: bool) -> Iterator[str]:
    if "people" in target:
        yield from _group(target, look, live=live)
    elif "account" in target:
        yield from _account(_map(target["account"]), look, live=live)
        for flag in _maps(target["flags"]):
            yield from _mark(flag, look, live=live)
        rows = _maps(target["groups"])
        for row in rows:
            yield from _row(row, look, live=live)
        if not rows:
            yield "  no role in any group, and no rule gives one"
    else:
        for change in _maps(target["changes"]):
            yield f"  {_in_words(change)}"
        yield from _held(target, look)


def _account(account: Data, look: Look, *, live: bool) -> Iterator[str]:
    held = _maps(account["have"]) if account["have"] else ()
    for user in held:
        facts = ["active" if user["active"] else "disabled by hand" if user["disabled_by_hand"] else "disabled"]
        facts += ["ours" if user["ours"] else "not ours: made by somebody else"]
        facts += ["protected by the policy"] if account["protected"] else []
        yield f"  account {shown(str(user['username']))}: {', '.join(facts)}"
    if live and not held:
        yield "  no account"
    if account["want"] is None and not account["frozen"]:
        yield "  no rule names this person, so the policy wants no account"
    elif not held and account["want"] is not None:
        yield f"  the policy wants an account called {shown(str(account['want']))}"
    if account["frozen"]:
        yield f"  {look.paint('warning', 'left as it is:')} {shown(str(account['frozen']))}"
    for change in _maps(account["changes"]):
        yield f"  {look.paint('change', 'next apply:')} {_in_words(change)}"
    yield from _held(account, look)


def _mark(flag: Data, look: Look, *, live: bool) -> Iterator[str]:
    has, should = bool(flag["have"]), bool(flag["want"])
    now = ("is" if has else "is not") if live else ""
    state = " and ".join(filter(None, (now, "should be" if should else "should not be")))
    yield f"  {look.paint('strong', shown(str(flag['flag'])))}: {state}"
    yield from _rules(flag, look)


def _row(row: Data, look: Look, *, live: bool) -> Iterator[str]:
    yield f"  {look.paint('strong', shown(str(row['group'])))}"
    yield f"    {_standing(row, live=live)}"
    yield from _rules(row, look)


def _standing(row: Data, *, live: bool) -> str:
    """Return what somebody has and should have, as one sentence without an end."""
    have, want = row["have"], row["want"]
    by_hand = ", held by hand" if row["by_hand"] else ""
    if not row["ruled"]:
        return f"has {_role(have)}{by_hand}; no rule names this group, so nothing is changed here"
    if not live:
        return f"should have {_role(want)}"
    if have == want:
        return f"has {_role(have)}{by_hand}, as it should be"
    return f"has {_role(have)}{by_hand}, should have {_role(want)}"


def _role(role: object) -> str:
    return "no role" if role is None else shown(str(role))


def _rules(row: Data, look: Look) -> Iterator[str]:
    lines = [(shown(str(one["role"])), _as_above(one), "") for one in _maps([row["floor"]] if row.get("floor") else [])]
    lines += [
        (
            shown(str(one["role"])),
            f"{cause(_reason(one['reason']))}{', outranked' if number or lines else ''}",
            _at(one["reason"]),
        )
        for number, one in enumerate(_maps(row["given"]))
    ]
    lines += [(f"not {shown(str(one['role']))}", _missed(one), _place(one["rule"])) for one in _maps(row["missed"])]
    lines += [
        (
            f"not {shown(str(one['role']))}",
            f"the grant ended on {one['until']}: {shown(str(one['reason']))}",
            _place(one["rule"]),
        )
        for one in _maps(row["ended"])
    ]
    widths = [max((cells(line[column]) for line in lines), default=0) for column in (0, 1)]
    for first, why, at in lines:
        quiet = look.paint("quiet", at)
        yield f"      {padded(first, widths[0])}  {padded(why, widths[1]) if at else why}  {quiet}".rstrip()
    if row["frozen"]:
        yield f"      nothing is taken here: {shown(str(row['frozen']))}"
    if row["unsure"]:
        yield "      nothing is taken here: a grant may mean this person"
    for change in _maps(row["changes"]):
        yield f"    {look.paint('change', 'next apply:')} {_in_words(change)}"
    yield from _held(row, look)


def _as_above(floor: Data) -> str:
    return f"at least, as in {shown(str(floor['group']))}"


def _missed(source: Data) -> str:
    if source["gap"]:
        return shown(str(source["gap"]))
    label = shown(str(source["label"]))
    if source["why"] == "grant":
        return f"the grant {label} is for somebody else"
    return f"does not match {label}" if label.startswith("(") else f"not in {label}"


def _held(row: Data, look: Look) -> Iterator[str]:
    for one in _maps(row["held"]):
        detail = f" ({shown(str(one['detail']))})" if one["detail"] else ""
        yield f"    {look.paint('warning', 'held back:')} {_in_words(_map(one['change']))}: {_hold(one)}{detail}"


def _hold(one: Data) -> str:
    return HOLDS.get(str(one["hold"]), str(one["hold"]))


def _group(target: Data, look: Look, *, live: bool) -> Iterator[str]:
    yield f"  {look.paint('strong', shown(str(target['group'])))}"
    if not target["ruled"]:
        yield "    no rule names this group, so nothing is changed here"
    if live and not target["exists"]:
        yield "    there is no such group in the target"
    for rule in _maps(target["rules"]):
        gap = f"; {shown(str(rule['gap']))}" if rule["gap"] else ""
        count = counted(int(str(rule["people"])), "person")
        by = "by the grant" if rule["why"] == "grant" else "for"
        yield f"    {shown(str(rule['role']))} {by} {shown(str(rule['label']))}: {count}{gap}  {look.paint('quiet', _place(rule['rule']))}"
    if target["frozen"]:
        yield f"    nothing is taken here: {shown(str(target['frozen']))}"
    people = _maps(target["people"])
    names = max((cells(shown(str(one["username"]))) for one in people), default=0)
    for one in people:
        reason = f"  {look.paint('quiet', f'({_why(one)})')}" if _why(one) else ""
        yield f"      {padded(shown(str(one['username'])), names)}  {_brief(one, live=live)}{reason}"
    if not people:
        yield "      nobody"


def _brief(one: Data, *, live: bool) -> str:
    have, want = one["have"], one["want"]
    if not live:
        return _role(want)
    if one["by_hand"]:
        return f"{_role(have)}, by hand"
    return _role(have) if have == want else f"{_role(have)} → {_role(want)}"


def _why(one: Data) -> str:
    held = _maps(one["held"])
    change = _map(held[0]["change"]) if held else one["change"]
    reason = _reason(change["reason"]) if isinstance(change, dict) else one["reason"]
    if not isinstance(reason, dict):
        return ""
    found, floor = cast("ReasonData", reason), one["floor"]
    above = f"at least {shown(str(_map(floor)['role']))}, as in {shown(str(_map(floor)['group']))}" if floor else ""
    stays = f"held back: {_hold(held[0])}" if held else ""
    return "; ".join(filter(None, (cause(found), "" if change else above, place(found), stays)))


def _in_words(change: Data) -> str:
    found = cast("ChangeData", change)
    group = change["group"]
    where = f" in {shown(str(group))}" if group and change["user"] else ""
    reason = "; ".join(filter(None, (cause(found["reason"]), place(found["reason"]))))
    word = str(change["type"]).rpartition(".")[2]
    said = verb(found) if verb(found) != word else ""
    return " ".join(filter(None, (word, subject(found), said))) + f"{where} ({reason})"


def _at(reason: object) -> str:
    return place(_reason(reason))


def _reason(reason: object) -> ReasonData:
    return cast("ReasonData", reason)


def _place(where: object) -> str:
    if not isinstance(where, dict):
        return ""
    found = cast("PlaceData", where)
    return f"{shown(found['path'])}:{found['line']}"


def _map(value: object) -> Data:
    return cast("Data", value)


def _maps(value: object) -> Sequence[Data]:
    return cast("Sequence[Data]", value)
