"""Tell whether an entry is administratively disabled, by whichever dialect's marker it carries; never look at a clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from reconciler.model.names import caseless

Marker: TypeAlias = Callable[[str, datetime], bool]

_LOCKED_FOR_GOOD = frozenset({"000001010000Z", "00000101000000Z"})  # draft-behera-ldap-password-policy-10 5.3.3
_ACCOUNTDISABLE = 0x2  # MS-ADTS 2.2.16
_NEVER = frozenset({0, 0x7FFF_FFFF_FFFF_FFFF})  # MS-ADA1, accountExpires
_EPOCH_1601 = datetime(1601, 1, 1, tzinfo=UTC)
_EPOCH_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


def _after_days(value: str, moment: datetime) -> bool:
    """shadow(5): days since 1970; -1 is never, and so is 0, which is ambiguous."""
    days = int(value)
    return days > 0 and moment >= _after(_EPOCH_1970, timedelta(days=min(days, timedelta.max.days)))


def _after_ticks(value: str, moment: datetime) -> bool:
    """MS-ADA1, accountExpires: steps of 100 ns since 1601."""
    ticks = int(value)
    return ticks not in _NEVER and moment >= _after(_EPOCH_1601, timedelta(microseconds=ticks // 10))


def _after(epoch: datetime, span: timedelta) -> datetime:
    return epoch + span if span <= _LATEST - epoch else _LATEST


def _true(value: str, _: datetime) -> bool:
    return caseless(value) == "true"


_MARKERS: Mapping[str, Marker] = {
    # a lock with another time was set by failed passwords and ends by itself
    "pwdAccountLockedTime": lambda value, _: value in _LOCKED_FOR_GOOD,
    "nsAccountLock": _true,
    "loginDisabled": _true,
    "userAccountControl": lambda value, _: bool(int(value) & _ACCOUNTDISABLE),
    "accountExpires": _after_ticks,
    "shadowExpire": _after_days,
}
ATTRIBUTES = tuple(sorted(_MARKERS))
"""What to ask a server for, by name: some are operational and come no other way."""

_BY_KEY = {caseless(name): marker for name, marker in _MARKERS.items()}


def is_marker(key: str) -> bool:
    """Tell whether an attribute, by its name in lower case, is one of the markers."""
    return key in _BY_KEY


def found_in(facts: Mapping[str, Sequence[bytes]]) -> Mapping[str, Sequence[bytes]]:
    """Return those of an entry's attributes, by name in lower case, that are markers: mostly none."""
    if _BY_KEY.keys().isdisjoint(facts):
        return {}
    return {name: values for name, values in facts.items() if name in _BY_KEY}


def disabled(markers: Mapping[str, Sequence[bytes]], moment: datetime) -> bool:
    """Tell whether any marker of an entry says so at that moment (UTC); raises ValueError for a value that is no marker's."""
    return any(
        _BY_KEY[key](value.decode("ascii").strip(), moment) for key, values in markers.items() for value in values
    )
