"""Turn one change of a plan document into one row: sign, name, verb, reason; never lay it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from reconciler.render.detail import details
from reconciler.render.document import ChangeData, ReasonData
from reconciler.render.look import shown
from reconciler.render.words import cause, counted, place, value_text

STYLES: Mapping[str, str] = {"+": "add", "~": "change", "-": "remove", "!": "refused"}

SIGNS: Mapping[str, str] = {
    "user.create": "+",
    "user.adopt": "~",
    "user.update": "~",
    "user.enable": "~",
    "user.disable": "-",
    "user.remove": "-",
    "user.flag": "~",
    "group.create": "+",
    "group.adopt": "~",
    "group.rename": "~",
    "group.remove": "-",
    "membership.add": "+",
    "membership.change": "~",
    "membership.remove": "-",
    "setting.set": "~",
}
_RANKS: Mapping[str, int] = {"-": 1, "~": 2, "+": 3}


class Row(NamedTuple):
    """One line of a section, and the lines below it.

    Rows sort by `rank` (privileged access taken, removals, changes, additions), then name.
    """

    rank: int
    name: str
    sign: str
    verb: str
    cause: str
    place: str
    privileged: bool = False
    below: tuple[str, ...] = ()

    @property
    def named(self) -> bool:
        """Whether a summary keeps this row: what takes access away, and what gives privileged access."""
        return self.sign == "-" or self.privileged


class Rows:
    """Makes the rows of one target; says each reason once, because thousands of changes share theirs."""

    def __init__(self, privileged_roles: list[str], *, verbose: bool = False) -> None:
        """Keep the roles that count as privileged, and whether each row says all that is known of it."""
        self._verbose = verbose
        self._privileged = frozenset(privileged_roles)
        self._said: dict[int, tuple[str, str]] = {}

    def row(self, change: ChangeData) -> Row:
        """Return the change as a row."""
        kind = change["type"]
        sign = SIGNS.get(kind, "~")
        why, rule = self._reason(change["reason"])
        takes, gives = self._privileges(change)
        rank = 0 if takes else _RANKS[sign]
        below = details(change) if self._verbose else ()
        return Row(rank, subject(change), sign, verb(change), why, rule, takes or gives, below)

    def _reason(self, reason: ReasonData) -> tuple[str, str]:
        known = self._said.get(id(reason))
        if known is None:
            known = self._said[id(reason)] = cause(reason), place(reason)
        return known

    def _privileges(self, change: ChangeData) -> tuple[bool, bool]:
        """Tell whether privileged access is taken, and whether it is given."""
        kind = change["type"]
        if kind.startswith("membership."):
            had, has = change["have"] in self._privileged, change["want"] in self._privileged
        elif kind == "user.flag" and change.get("flag") in _PRIVILEGED_MARKS:
            had, has = bool(change["have"]), bool(change["want"])
        else:
            had, has = _marked(change["have"]), _marked(change["want"])
        return had and not has, has and not had


_PRIVILEGED_MARKS = ("admin", "auditor")


def _marked(account: object) -> bool:
    flags = account.get("flags") if isinstance(account, dict) else None
    return isinstance(flags, dict) and any(flags.get(mark) for mark in _PRIVILEGED_MARKS)


def subject(change: ChangeData) -> str:
    """Return whose line it is: the person, or the group of a change of groups, or the setting."""
    user = change["user"]
    return shown(user["username"] if user else change["group"] or change.get("setting", ""))


def verb(change: ChangeData) -> str:
    """Return what is done, or the role before and after."""
    say = _VERBS.get(change["type"])
    return say(change) if say else shown(change["type"])


def _created(change: ChangeData) -> str:
    want = change["want"]
    if not isinstance(want, dict):
        return "create"
    flags = [shown(flag) for flag, held in want.get("flags", {}).items() if held]
    inactive = [] if want.get("active", True) else ["disabled"]
    return ", ".join(["create", *flags, *inactive])


def _updated(change: ChangeData) -> str:
    have, want = change["have"], change["want"]
    if not isinstance(have, dict) or not isinstance(want, dict):
        return "update"
    return ", ".join(_attribute(name, have.get(name), want[name]) for name in want)


def _attribute(name: str, have: object, want: object) -> str:
    if isinstance(have, list | tuple) and isinstance(want, list | tuple):
        gone, new = len(set(have) - set(want)), len(set(want) - set(have))
        return f"{shown(name)} +{new} -{gone}"
    return f"{shown(name)} {value_text(have)} → {value_text(want)}"


def _renamed(change: ChangeData) -> str:
    want = change["want"]
    return f"rename → {shown(str(want['key']))}" if isinstance(want, dict) else "rename"


def _flagged(change: ChangeData) -> str:
    return f"{shown(change.get('flag', ''))} {value_text(change['have'])} → {value_text(change['want'])}"


def _switch(on: object) -> str:
    return "on" if on else "off"


_VERBS: Mapping[str, Callable[[ChangeData], str]] = {
    "user.create": _created,
    "user.adopt": lambda _: "adopt",
    "user.update": _updated,
    "user.enable": lambda _: "enable",
    "user.disable": lambda _: "disable",
    "user.remove": lambda _: "remove",
    "user.flag": _flagged,
    "group.create": lambda _: "create",
    "group.adopt": lambda _: "adopt",
    "group.rename": _renamed,
    "group.remove": lambda _: "remove",
    "membership.add": lambda change: shown(str(change["want"])),
    "membership.change": lambda change: f"{shown(str(change['have']))} → {shown(str(change['want']))}",
    "membership.remove": lambda change: shown(str(change["have"])),
    "setting.set": lambda change: f"{_switch(change['have'])} → {_switch(change['want'])}",
}


def rolled_up(rows: list[Row], noun: str) -> list[Row]:
    """Return the rows with those that no summary names put together by sign, verb and cause, as ``12 people``."""
    same: dict[tuple[str, str, str, str], list[Row]] = {}
    for row in rows:
        if not row.named:
            same.setdefault((row.sign, row.verb, row.cause, row.place), []).append(row)
    out = [row for row in rows if row.named]
    for together in same.values():
        first, count = together[0], len(together)
        out.append(first if count == 1 else first._replace(name=counted(count, noun)))
    return sorted(out)
