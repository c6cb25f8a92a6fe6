"""Which marks mean administratively disabled, and which do not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.directory.markers import ATTRIBUTES, disabled, is_marker

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)


def _since(epoch: str, moment: str) -> timedelta:
    return datetime.fromisoformat(moment) - datetime.fromisoformat(epoch)


def _ticks(moment: str) -> str:
    return str(_since("1601-01-01", moment) // timedelta(microseconds=1) * 10)


def _days(moment: str) -> str:
    return str(_since("1970-01-01", moment).days)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("pwdaccountlockedtime", "000001010000Z", True),
        ("pwdaccountlockedtime", "00000101000000Z", True),
        ("pwdaccountlockedtime", "20260101000000Z", False),
        ("nsaccountlock", "TRUE", True),
        ("nsaccountlock", "true", True),
        ("nsaccountlock", "false", False),
        ("logindisabled", "TRUE", True),
        ("logindisabled", "FALSE", False),
        ("useraccountcontrol", "514", True),
        ("useraccountcontrol", "512", False),
        ("useraccountcontrol", "528", False),  # locked out, which ends by itself
        ("accountexpires", "0", False),
        ("accountexpires", "9223372036854775807", False),
        ("accountexpires", "9223372036854775806", False),
        ("accountexpires", _ticks("2026-11-20T03:59:59"), True),
        ("accountexpires", _ticks("2026-11-20T04:00:00"), True),
        ("accountexpires", _ticks("2026-11-20T04:00:01"), False),
        ("shadowexpire", "-1", False),
        ("shadowexpire", "0", False),
        ("shadowexpire", "1", True),
        ("shadowexpire", _days("2026-11-19"), True),
        ("shadowexpire", _days("2026-11-20"), True),
        ("shadowexpire", _days("2026-11-21"), False),
        ("shadowexpire", "99999999999999", False),
    ],
)
def test_a_mark_says_whether_an_account_is_disabled(name: str, value: str, *, expected: bool) -> None:
    """At the moment that is given, not now."""
    assert disabled({name: [value.encode()]}, NOW) is expected


def test_one_mark_of_several_is_enough() -> None:
    """And none is none."""
    assert disabled({"useraccountcontrol": [b"512"], "nsaccountlock": [b"true"]}, NOW)
    assert not disabled({"useraccountcontrol": [b"512"]}, NOW)
    assert not disabled({}, NOW)


@pytest.mark.parametrize("name", ["useraccountcontrol", "accountexpires", "shadowexpire"])
@pytest.mark.parametrize("value", [b"", b"soon", b"\xff"])
def test_a_value_that_is_no_mark_is_an_error(name: str, value: bytes) -> None:
    """Nobody is taken for enabled because a number could not be read."""
    with pytest.raises(ValueError, match=r".+"):
        disabled({name: [value]}, NOW)


def test_marks_are_asked_for_by_name() -> None:
    """Operational attributes come no other way."""
    assert "pwdAccountLockedTime" in ATTRIBUTES
    assert is_marker("nsaccountlock")
    assert not is_marker("cn")
