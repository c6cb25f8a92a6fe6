"""Write to a state store as fast as it lets us: a process for tests to race and to kill, never more than that.

``python -m tests.servers.state_worker PLACE ACTION COUNT`` says ``ready``, waits for a line, works, and prints what it did.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from reconciler.state.base import Store
from tests.servers.stores import Place


def create(store: Store, count: int) -> None:
    """Try to have each of the names; print those that were free."""
    print(*[number for number in range(count) if store.create(f"race/{number}", str(os.getpid()).encode())])


def replace(store: Store, count: int) -> None:
    """Add 1 to the number of a piece as often as it takes to have done so `count` times."""
    done = 0
    while done < count:
        item = store.read("counter")
        assert item is not None
        done += store.replace("counter", str(int(item.content) + 1).encode(), item.version)
    print(done)


def append(store: Store, count: int) -> None:
    """Add as many records, each at the end that was seen last."""
    done = 0
    while done < count:
        done += store.append("logs/race", f"{os.getpid()} {done}".encode(), len(store.records("logs/race")))
    print(done)


def flood(store: Store, start: int) -> None:
    """Add records without an end; print the number of each that was kept."""
    for number in itertools.count(start):
        assert store.append("logs/flood", f"{number} {'x' * 2000}".encode(), number)
        print(number, flush=True)


ACTIONS: Mapping[str, Callable[[Store, int], None]] = {
    "create": create,
    "replace": replace,
    "append": append,
    "flood": flood,
}


def main(arguments: Sequence[str]) -> None:
    """Wait for the start, then act."""
    place, action, count = arguments
    store = Place.parsed(place).open()
    print("ready", flush=True)
    sys.stdin.readline()
    ACTIONS[action](store, int(count))


if __name__ == "__main__":
    main(sys.argv[1:])
