"""What GitLab's answers say of groups, members and keys, as plain values; never asks anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.targets.answers import Answer, Map
from reconciler.targets.gitlab.settings import Access
from reconciler.targets.pages import Item


class Space(NamedTuple):
    """What has members: a group, or a project. `path` is the full one, as GitLab spells it."""

    kind: str  # groups, projects
    number: int
    path: str


class Member(NamedTuple):
    """A direct membership. `expires` is the day as GitLab writes it, `by` the username of whoever made it, else empty."""

    access: Access
    expires: str = ""
    by: str = ""
    username: str = ""


class Key(NamedTuple):
    """An SSH key of an account."""

    number: int
    title: str
    key: str


class Said(NamedTuple):
    """What GitLab says to members added at once: why some were refused, by username; those that wait for somebody's approval.

    `text` is what it says of the call as a whole, where it is no success and names nobody.
    """

    refused: Mapping[str, str]
    queued: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group to be made; `parent` is the number of the group above, 0 for none."""

    name: str
    path: str
    parent: int
    visibility: str


def access_of(answer: Answer, row: Map) -> Access:
    """Return the access of a member's row."""
    level, role = answer.value(row, "access_level", int), row.get("member_role")
    if role is None:
        return Access(level)
    if not isinstance(role, dict):
        answer.fail('answered with a member whose "member_role" is no object')
    return Access(level, answer.value(role, "id", int))


def creator_of(answer: Answer, row: Map) -> str:
    """Return the username of whoever made a membership, empty where GitLab does not say."""
    by = row.get("created_by")
    if by is None:
        return ""
    return answer.value(by, "username", str) if isinstance(by, dict) else answer.fail('"created_by" is no object')


def members(answer: Answer, rows: Sequence[Map]) -> dict[int, Member]:
    """Return the members of a page, by number."""
    return {answer.value(row, "id", int): _member(answer, row) for row in rows}


def _member(answer: Answer, row: Map) -> Member:
    expires = row.get("expires_at")
    return Member(
        access_of(answer, row),
        "" if expires is None else answer.value(row, "expires_at", str),
        creator_of(answer, row),
        answer.value(row, "username", str),
    )


def groups(answer: Answer, rows: Sequence[Map]) -> dict[int, Space]:
    """Return the groups of a page, by number."""
    found = [space("groups", Item(row, answer), "full_path") for row in rows]
    return {each.number: each for each in found}


def projects(answer: Answer, rows: Sequence[Map]) -> dict[int, Space]:
    """Return the projects of a page, by number."""
    found = [space("projects", Item(row, answer), "path_with_namespace") for row in rows]
    return {each.number: each for each in found}


def space(kind: str, item: Item, path: str) -> Space:
    """Return a group or a project, whose full path is under this word."""
    return Space(kind, item.value("id", int), item.value(path, str))


def key(item: Item) -> Key:
    """Return an SSH key."""
    return Key(item.value("id", int), item.value("title", str), item.value("key", str))


def id_of(item: Item) -> int:
    """Return the number of an entry."""
    return item.value("id", int)


def said(answer: Answer) -> Said:
    """Return what became of members added or changed: GitLab answers 2xx where it refused some of them, too.

    Of several it says ``{"status": …}``; of one it shows the membership, or only a message where somebody has to approve it.
    """
    found = answer.map()
    message, status = found.get("message"), found.get("status")
    refused = _texts(answer, message) if status == "error" else {}
    queued = _texts(answer, found.get("queued_users") if status else message)
    text = answer.shown(str(message)) if status == "error" and not refused else ""
    return Said(refused, queued, text)


def problem(answer: Answer) -> str:
    """Return what GitLab finds wrong with a value, in its words: ``key is invalid``."""
    found = answer.map()
    message = found.get("message", found.get("error"))
    if isinstance(message, dict):
        texts = {str(name): said if isinstance(said, list) else [said] for name, said in message.items()}
        message = "; ".join(f"{name} {', '.join(map(str, said))}" for name, said in texts.items())
    return answer.shown(str(message))


def _texts(answer: Answer, found: object) -> dict[str, str]:
    return {str(name): answer.shown(str(text)) for name, text in found.items()} if isinstance(found, dict) else {}
