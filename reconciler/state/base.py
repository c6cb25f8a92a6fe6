"""What a state store is: named pieces of text that many machines share, and logs that only grow; no store's own knowledge is here.

Everything that runs keep (locks, journals, used plan ids, reports, what was seen last) is built on these few promises, so
that a new kind of store has nothing else to know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Item:
    """One piece as it was read; `version` is the store's own word for exactly this content."""

    content: bytes
    version: str


class Store(Protocol):
    """Where runs keep things. All methods raise only StateError, and StateError only for a store that cannot be used.

    A name is one or more segments of ``[A-Za-z0-9._-]`` joined by ``/``, none of which starts with ``.``; anything else, and a
    record with a line end in it, is a mistake of the caller (ValueError). What is written is durable when the call returns,
    and never half there. Several threads may use one store. Logs and items have names of their own: a name is one or the other, and nothing lies below it.
    """

    @property
    def address(self) -> str:
        """Return where the store is, for people: never a secret."""

    def read(self, name: str) -> Item | None:
        """Return the piece of that name, None where there is none."""

    def create(self, name: str, content: bytes) -> bool:
        """Keep a piece under a name that must be free; return False, and write nothing, where it is not."""

    def replace(self, name: str, content: bytes, version: str) -> bool:
        """Put other content in the place of exactly this version; return False, and write nothing, where it has changed."""

    def delete(self, name: str) -> None:
        """Forget a piece or a log; does nothing where there is none."""

    def names(self, prefix: str) -> Sequence[str]:
        """Return the names of all pieces and logs below a prefix, which ends with ``/``, sorted."""

    def append(self, log: str, record: bytes, position: int) -> bool:
        """Add one record (a line of JSON, without its end) to a log that holds `position` records so far.

        Return False, and write nothing, where it holds another number: somebody else has written to it.
        """

    def records(self, log: str) -> Sequence[bytes]:
        """Return the records of a log in order; one that was not written to its end is not there."""

    def close(self) -> None:
        """Give back connections; may be called twice."""
