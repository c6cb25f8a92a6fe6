"""Keep one comment, or one open issue, up to date; never touches what somebody else has written.

Ours is what carries our marker as its first or last line and was written by the account that we are. Two runs at once may
both find nothing and both write: the next one keeps the oldest, and takes the later copies away.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.forge.base import Comment, Forge, Issue, Thread

_MARKER = re.compile(r"<!-- reconcile:[A-Za-z0-9_.-]+ -->")


@dataclass(frozen=True, slots=True)
class Done:
    """What was done: a word such as ``updated``, empty for nothing; where it is to be seen; how many copies are gone."""

    word: str
    url: str = ""
    copies: int = 0


def marker_of(text: str) -> str:
    """Return the marker that a text carries as its first or last line, empty where there is none."""
    return next((line for line in _ends(text) if _MARKER.fullmatch(line)), "")


def upsert_comment(forge: Forge, thread: Thread, text: str, marker: str) -> Done:
    """Have this text as our one comment there: ``created``, ``updated``, or ``unchanged`` where nothing had to be sent."""
    mine = _mine(forge.comments(thread), forge.me(), marker)
    if not mine:
        return Done("created", forge.add(thread, text).url)
    first, *copies = mine
    same = _same(first.text, text)
    if not same:
        forge.edit(first, text)
    for copy in copies:
        forge.drop(copy)
    return Done("unchanged" if same else "updated", first.url, len(copies))


def upsert_issue(forge: Forge, title: str, labels: Sequence[str], text: str, marker: str) -> Done:
    """Have this text as our one open issue of this title: ``opened``, ``updated`` or ``unchanged``.

    One that was closed stays closed: what comes after it is another story. Labels are given to a new one only.
    """
    mine = _issues(forge, title, marker)
    if not mine:
        return Done("opened", forge.open_issue(title, text, labels).url)
    first, *copies = mine
    same = _same(first.text, text)
    if not same:
        forge.edit_issue(first.number, text)
    for copy in copies:
        forge.close_issue(copy.number)
    return Done("unchanged" if same else "updated", first.url, len(copies))


def close_issue(forge: Forge, title: str, text: str, marker: str) -> Done:
    """Close our open issue of this title, with this text as its last comment: ``closed``, or nothing where none is open.

    The comment comes first, and is not written twice on end: a run that ended between the two is made good by the next one.
    """
    mine = _issues(forge, title, marker)
    if not mine:
        return Done("")
    first, *copies = mine
    thread = Thread("issue", first.number)
    last = forge.comments(thread)[-1:]
    if not (_mine(last, first.author, marker) and _same(last[0].text, text)):
        forge.add(thread, text)
    for issue in mine:
        forge.close_issue(issue.number)
    return Done("closed", first.url, len(copies))


def _issues(forge: Forge, title: str, marker: str) -> list[Issue]:
    me = forge.me()
    found = [issue for issue in forge.issues(me) if issue.title.strip() == title]
    return [issue for issue in found if issue.author == me and marker in _ends(issue.text)]


def _mine(comments: Sequence[Comment], me: str, marker: str) -> list[Comment]:
    return [comment for comment in comments if comment.author == me and marker in _ends(comment.text)]


def _ends(text: str) -> list[str]:
    """Return the first and the last line, where there are any."""
    lines = text.strip().splitlines()
    return [lines[0].strip(), lines[-1].strip()] if lines else []


def _same(have: str, want: str) -> bool:
    """Compare texts as forges keep them: they change line ends, and cut what is white at both ends."""
    return have.replace("\r\n", "\n").strip() == want.replace("\r\n", "\n").strip()
