"""The `sql` target: a roster in SQLite or PostgreSQL; one transaction per batch, one batch per run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import gmtime, strftime

from reconciler.model.access import Capabilities, Scope, State
from reconciler.model.change import Change
from reconciler.plan.needed import needed
from reconciler.targets.base import Batch, Outcome, Rights
from reconciler.targets.sql.rehearse import rehearse, touched
from reconciler.targets.sql.rows import Roster
from reconciler.targets.sql.settings import Settings

Clock = Callable[[], str]

PATIENCE = 10.0  # seconds that a lock is waited for


def utc_now() -> str:
    """Return the time as ISO 8601 UTC, to the second."""
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime())


class SqlTarget:
    """A roster. Connects anew for every read and every batch, so between calls it holds no connection and no lock."""

    def __init__(self, settings: Settings, clock: Clock = utc_now, patience: float = PATIENCE) -> None:
        """`clock` gives the time that changed rows get; a lock is waited for at most `patience` seconds."""
        self._settings = settings
        self._clock = clock
        self._patience = patience

    @property
    def capabilities(self) -> Capabilities:
        """Return what a roster can hold and do."""
        return self._settings.capabilities

    @property
    def address(self) -> str:
        """Return the URL as the policy writes it, without its parameters."""
        return self._settings.address

    @property
    def parallel(self) -> int:
        """Return 1: a run is one transaction."""
        return 1

    def read(self, scope: Scope) -> State:
        """Return the live state; a roster that is not there yet is an empty one, and is not made."""
        from reconciler.targets.sql import connect, read, schema  # noqa: PLC0415 - SQLAlchemy takes 0.2 s to import

        if connect.is_absent(self._settings):
            return State()
        with connect.reading(self._settings, self._patience) as connection:
            if not schema.is_there(connection, connect.place_of(self._settings)):
                return State()
            if scope.users is not None:
                return read.part(connection, scope, scope.users)
            return read.state(connection, scope.directory, self.capabilities.roles)

    def rights(self) -> Rights:
        """Return what the file's permissions, or the server's grants, let us do."""
        from reconciler.targets.sql import rights  # noqa: PLC0415 - the same

        return rights.rights_of(self._settings, self._patience)

    def batches(self, changes: Sequence[Change]) -> Iterable[Batch]:
        """Return everything as one batch: a run is one transaction."""
        return [Batch(tuple(changes))] if changes else []

    def apply(self, batch: Batch) -> list[Outcome]:
        """Make the batch so, in one transaction.

        One stale change, and nothing is written: the others are skipped. A change that this roster refuses to hold has
        failed, those that rest on it are skipped, and all others are made.
        """
        from reconciler.targets.sql import connect, read, schema, write  # noqa: PLC0415 - the same

        connect.is_absent(self._settings)  # raises where the file cannot be made
        directory, place = self._settings.directory, connect.place_of(self._settings)
        with connect.writing(self._settings, self._patience) as connection:
            there = schema.is_there(connection, place)
            if there:
                connect.lock(connection, tuple(schema.metadata.tables))
            about = touched(batch.changes), directory, needed(batch.changes)
            have = read.roster(connection, *about) if there else Roster()
            rehearsal = rehearse(directory, have, batch.changes, self.capabilities.owner_role)
            if not rehearsal.stale:
                if not there:
                    schema.create(connection)
                write.Writer(connection, self._clock(), place).write(rehearsal.draft)
            return rehearsal.outcomes

    def close(self) -> None:
        """Do nothing: no connection outlives a call."""
