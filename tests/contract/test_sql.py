"""The `sql` target keeps what every target has to keep, in SQLite and in PostgreSQL."""

from __future__ import annotations

import pytest

from reconciler.testing.conformance import Conformance
from reconciler.testing.scratch import Scratch
from tests.servers.rosters import Roster, RosterScratch


class TestSql(Conformance):
    """Runs once per database."""

    @pytest.fixture
    def scratch(self, roster: Roster) -> Scratch:
        """Give an empty roster."""
        return RosterScratch(roster)
