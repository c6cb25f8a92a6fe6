"""Give many people accounts in the roster of a URL: a process for tests to interrupt, never more than that.

``python -m tests.servers.apply_crowd URL COUNT`` makes accounts from number 1 on, and prints what became of the first, or the error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from reconciler.errors import TargetError
from reconciler.model.access import User, UserKey
from reconciler.model.change import CreateUser
from reconciler.model.diagnostic import Position
from reconciler.model.reason import Reason, Why
from reconciler.policy.model import SecretRef
from reconciler.targets.base import Batch
from reconciler.targets.sql import create
from tests.servers.rosters import PASSWORD_VARIABLE, options


def crowd(numbers: Iterable[int]) -> list[CreateUser]:
    """Return the creation of an account for each number, each with a long name."""
    reason = Reason(Why.SCOPE)
    return [
        CreateUser(User(UserKey(f"uuid-{number:09}"), f"user{number}", {"name": f"{number:0200}"}), reason)
        for number in numbers
    ]


def main(arguments: Sequence[str]) -> None:
    """Apply, and print one line."""
    url, count = arguments
    more: dict[str, object] = (
        {} if url.startswith("sqlite") else {"password": SecretRef("env", PASSWORD_VARIABLE, Position("x", 1))}
    )
    try:
        outcomes = create(options(url, "/", **more)).apply(Batch(tuple(crowd(range(1, int(count) + 1)))))
    except TargetError as error:
        print(f"{type(error).__name__}: {error}")
    else:
        print(outcomes[0].status)


if __name__ == "__main__":
    main(sys.argv[1:])
