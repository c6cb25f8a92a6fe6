"""The clock and its stand-in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.cli.clock import iso, now
from reconciler.errors import UsageError


def test_reconcile_now_stands_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan can be reproduced to the byte."""
    monkeypatch.setenv("RECONCILE_NOW", "1795147200")
    assert iso(now()) == "2026-11-20T04:00:00Z"


def test_without_it_now_is_now_in_whole_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """UTC, and no fraction that a second run could not repeat."""
    monkeypatch.delenv("RECONCILE_NOW", raising=False)
    moment = now()
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 5
    assert moment.microsecond == 0


@pytest.mark.parametrize("value", ["today", "1e9", "9" * 30])
def test_unusable_reconcile_now_is_a_usage_error(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is never ignored: the plan would carry another time than was asked for."""
    monkeypatch.setenv("RECONCILE_NOW", value)
    with pytest.raises(UsageError, match="RECONCILE_NOW"):
        now()
