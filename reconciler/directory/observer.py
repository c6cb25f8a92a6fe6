"""Let whoever started a read follow it: each search as it is sent, and how many entries came; never says anything itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:  # else a run that reads a file would import ssl
    from reconciler.directory.servers import Address, Login, Search


@dataclass(frozen=True, slots=True)
class Way:
    """How a server is reached and who we say we are there; holds no password."""

    address: Address
    method: str = ""
    dn: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One search as it is sent: to whom, how far down, and in pages of how many entries (0: not in pages)."""

    search: Search
    way: Way
    scope: Literal["sub", "one", "base"] = "base"
    page_size: int = 0


class Observer(Protocol):
    """Whoever follows a read; called while it is made, so it has to be quick."""

    def searching(self, question: Question) -> None:
        """Take notice of a search, before it is sent; the further pages of one search are not told."""

    def found(self, entries: int) -> None:
        """Take notice of so many more entries of the latest search."""

    def finished(self) -> None:
        """Take notice that one directory has been read, or cannot be."""


class Silent:
    """An observer that does nothing."""

    def searching(self, question: Question) -> None:
        """Ignore it."""

    def found(self, entries: int) -> None:
        """Ignore it."""

    def finished(self) -> None:
        """Ignore it."""


SILENT: Observer = Silent()


def way_of(address: Address, login: Login, ca_file: str) -> Way:
    """Return a way in, without the password that goes with it."""
    return Way(address, login.method, login.dn, ca_file)
