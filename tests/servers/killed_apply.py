"""Apply a saved plan and die at one of its boundaries: a process for tests, never more than that.

``python -m tests.servers.killed_apply POLICY PLAN N`` counts what is durable as it happens: before and after each record of
the journal, before and after each write to a target, before each piece of the state store that is made or forgotten. At
number N the process kills itself. Where there is no such number, it ends with 0, and the last line says how many there are.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Lock

from reconciler.apply.manner import Manner
from reconciler.apply.perform import perform
from reconciler.apply.task import Task
from reconciler.model.access import Capabilities, Scope, State
from reconciler.model.change import Change
from reconciler.plan.decode import decode
from reconciler.policy.load import load_policy
from reconciler.state.base import Item, Store
from reconciler.state.lease import this_process
from reconciler.state.lock import Terms
from reconciler.state.open import open_store
from reconciler.targets.base import Batch, Outcome, Rights, Target
from reconciler.targets.registry import create, options_of

TODAY, NOW = date(2026, 11, 20), "2026-11-20T12:00:00Z"


class Boundaries:
    """Counts up to the one that is the last."""

    def __init__(self, last: int) -> None:
        self._last, self._count, self._lock = last, 0, Lock()

    @property
    def count(self) -> int:
        """Return how many were reached."""
        return self._count

    def reach(self) -> None:
        """Count, and die at the last one."""
        with self._lock:
            self._count += 1
            if self._count == self._last:
                os.kill(os.getpid(), signal.SIGKILL)


class KilledStore:
    """A state store whose writes are boundaries; what locks do to it is not counted."""

    def __init__(self, store: Store, boundaries: Boundaries) -> None:
        self._store, self._boundaries = store, boundaries

    @property
    def address(self) -> str:
        """Return that of the store."""
        return self._store.address

    def read(self, name: str) -> Item | None:
        """Read."""
        return self._store.read(name)

    def create(self, name: str, content: bytes) -> bool:
        """Count, and make a piece."""
        self._reach(name)
        return self._store.create(name, content)

    def replace(self, name: str, content: bytes, version: str) -> bool:
        """Count, and replace a piece."""
        self._reach(name)
        return self._store.replace(name, content, version)

    def delete(self, name: str) -> None:
        """Count, and forget a piece."""
        self._reach(name)
        self._store.delete(name)

    def names(self, prefix: str) -> Sequence[str]:
        """Return names."""
        return self._store.names(prefix)

    def append(self, log: str, record: bytes, position: int) -> bool:
        """Count before and after."""
        self._boundaries.reach()
        done = self._store.append(log, record, position)
        self._boundaries.reach()
        return done

    def records(self, log: str) -> Sequence[bytes]:
        """Return records."""
        return self._store.records(log)

    def close(self) -> None:
        """Close."""
        self._store.close()

    def _reach(self, name: str) -> None:
        if not name.startswith("locks/"):
            self._boundaries.reach()


class KilledTarget:
    """A target whose writes are boundaries."""

    def __init__(self, target: Target, boundaries: Boundaries) -> None:
        self._target, self._boundaries = target, boundaries

    @property
    def capabilities(self) -> Capabilities:
        """Return those of the target."""
        return self._target.capabilities

    @property
    def address(self) -> str:
        """Return that of the target."""
        return self._target.address

    @property
    def parallel(self) -> int:
        """Return that of the target."""
        return self._target.parallel

    def read(self, scope: Scope) -> State:
        """Read."""
        return self._target.read(scope)

    def rights(self) -> Rights:
        """Return those of the target."""
        return self._target.rights()

    def batches(self, changes: Sequence[Change]) -> Iterable[Batch]:
        """Group."""
        return self._target.batches(changes)

    def apply(self, batch: Batch) -> list[Outcome]:
        """Count before and after."""
        self._boundaries.reach()
        outcomes = self._target.apply(batch)
        self._boundaries.reach()
        return outcomes

    def close(self) -> None:
        """Close."""
        self._target.close()


def main(arguments: Sequence[str]) -> int:
    """Apply."""
    folder, file, number = arguments
    boundaries = Boundaries(int(number))
    policy = load_policy(folder, TODAY).policy
    plan, document = decode(Path(file).read_text(encoding="utf-8"))
    terms = Terms(this_process(), lambda: datetime.now(UTC))

    def open_target(name: str) -> Target:
        config = policy.targets[name]
        return KilledTarget(create(config.kind, options_of(config)), boundaries)

    store = KilledStore(open_store(policy.state, folder), boundaries)
    code = perform(Task(plan, document), store, open_target, Manner(lambda: NOW, terms)).exit_code
    print(boundaries.count)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
