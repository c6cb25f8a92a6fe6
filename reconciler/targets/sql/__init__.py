"""Keep a roster in SQLite or PostgreSQL, for applications that read who has what from a database."""

from __future__ import annotations

from reconciler.targets.base import Options
from reconciler.targets.sql.settings import settings
from reconciler.targets.sql.target import SqlTarget


def create(options: Options) -> SqlTarget:
    """Return the roster that the policy describes, not yet connected; raises TargetError for keys that are not usable."""
    return SqlTarget(settings(options))
