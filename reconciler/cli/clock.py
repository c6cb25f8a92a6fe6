"""Read the clock, here and nowhere else; everything below the command line is given its time as a value."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from reconciler.errors import UsageError

NOW_VARIABLE = "RECONCILE_NOW"
"""Seconds since 1970 that stand for now, so that output can be reproduced.

A name of our own: the one that build shells export for their own ends would revive grants that have ended.
"""


def now() -> datetime:
    """Return the moment of this run, UTC, whole seconds; raises UsageError for an unusable RECONCILE_NOW."""
    given = os.environ.get(NOW_VARIABLE, "")
    if not given:
        return real().replace(microsecond=0)
    try:
        return datetime.fromtimestamp(int(given), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"{NOW_VARIABLE} is not a number of seconds since 1970: unset it or correct it.") from error


def real() -> datetime:
    """Return the time, UTC, whatever stands for now: what several machines agree on (locks) must not stand still."""
    return datetime.now(UTC)  # noqa: TID251 - the one place


def iso(moment: datetime) -> str:
    """Return a UTC moment as ``2026-11-20T04:00:00Z``."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
