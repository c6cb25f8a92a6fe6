"""What a forge has to be able to do for one comment and one issue, as values and a protocol; never sends anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from reconciler.targets.pages import Item


@dataclass(frozen=True, slots=True)
class Thread:
    """Where comments stand: below a change under review (a pull or merge request), or below an issue."""

    kind: Literal["change", "issue"]
    number: int


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as it is there. `author` is to be compared with what `Forge.me` returns; empty where nobody is named.

    `path` is where the API has it, `url` where people see it.
    """

    number: int
    author: str
    text: str
    path: str
    url: str


@dataclass(frozen=True, slots=True)
class Issue:
    """An open issue as it is there; `author` as in a comment."""

    number: int
    author: str
    title: str
    text: str
    url: str


class Forge(Protocol):
    """One repository or project of a forge. What it cannot do raises TargetError, with the right that is missing."""

    def me(self) -> str:
        """Return who we are, as authors are named."""

    def comments(self, thread: Thread) -> Sequence[Comment]:
        """Return the comments that people and programs wrote, the oldest first; what the forge notes itself is none."""

    def add(self, thread: Thread, text: str) -> Comment:
        """Write one more comment: not a call to repeat."""

    def edit(self, comment: Comment, text: str) -> None:
        """Put another text in place of a comment's."""

    def drop(self, comment: Comment) -> None:
        """Take a comment away; one that is not there is gone."""

    def issues(self, author: str) -> Sequence[Issue]:
        """Return the open issues of this author, the oldest first."""

    def open_issue(self, title: str, text: str, labels: Sequence[str]) -> Issue:
        """Open one more issue: not a call to repeat."""

    def edit_issue(self, number: int, text: str) -> None:
        """Put another text in place of an issue's."""

    def close_issue(self, number: int) -> None:
        """Close an issue."""

    def close(self) -> None:
        """Give back connections; may be called twice."""


def page_of(item: Item, key: str) -> str:
    """Return the address of a page for people, as it may be printed: whatever stands in it, our token does not."""
    return item.answer.shown(item.value(key, str))


def text_of(item: Item, key: str) -> str:
    """Return a text of an entry, empty where it is null: an issue may have no description."""
    return "" if item.data.get(key) is None else item.value(key, str)
