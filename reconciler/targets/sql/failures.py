"""Turn what a roster's database complains about into one clear line; never lets a driver's exception or a secret out."""

from __future__ import annotations

from contextlib import AbstractContextManager

from reconciler.database.failures import Complaint
from reconciler.database.failures import explained as understood
from reconciler.errors import TargetError, TargetRejected, TargetUnreachable

_NOTHING_WRITTEN = "Nothing was written."
_PERHAPS_WRITTEN = "Plan again to see whether anything was written."
_MANUAL = "docs/targets/sql.md"


def explained(place: str) -> AbstractContextManager[None]:
    """Raise TargetUnreachable or TargetRejected, naming `place`, for whatever the database complains about inside."""

    def raised(complaint: Complaint) -> TargetError:
        family = TargetRejected if complaint.answered else TargetUnreachable
        written = _PERHAPS_WRITTEN if complaint.perhaps_written else _NOTHING_WRITTEN
        way_out = f" {complaint.way_out}." if complaint.way_out else ""
        return family(f"{place} {complaint.fact}. {written}{way_out}")

    return understood(raised, _MANUAL)
