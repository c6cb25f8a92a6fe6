"""A roster that nobody reads yet costs nothing."""

from __future__ import annotations

import subprocess
import sys

from reconciler.targets.sql.target import utc_now
from tests.examples import unwatched


def test_making_a_target_imports_no_database_library() -> None:
    """Capabilities can be asked for without SQLAlchemy, which takes 0.2 s to import."""
    code = (
        "import sys; from reconciler.targets.base import Options; from reconciler.targets.sql import create; "
        "target = create(Options('app', 'corp', {'url': 'sqlite:///r.db'}, '/', ())); target.capabilities; "
        "print([name for name in ('sqlalchemy', 'sqlite3', 'psycopg') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=unwatched(), capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == "[]\n"


def test_the_clock_is_iso_8601_utc() -> None:
    """To the second, so that times sort as text."""
    assert len(utc_now()) == len("2026-11-20T04:00:00Z")
    assert utc_now().endswith("Z")
