"""Paths of groups that nest, such as ``payments/backend/api``: what lies above one, and how deep it lies; looks nothing up."""

from __future__ import annotations

from typing import NewType

from reconciler.model.access import GroupKey

PathKey = NewType("PathKey", str)
"""What the spellings of one path have in common."""

_SEPARATOR = "/"


def path_key(path: GroupKey) -> PathKey:
    """Return what two spellings of a path have in common: targets whose groups nest compare paths without case."""
    return PathKey(path.casefold())


def ancestors(path: GroupKey) -> tuple[GroupKey, ...]:
    """Return the paths of all groups above one, outermost first; none for a group at the top."""
    parts = path.split(_SEPARATOR)
    return tuple(GroupKey(_SEPARATOR.join(parts[:end])) for end in range(1, len(parts)))


def depth(path: GroupKey) -> int:
    """Return how many groups lie above one."""
    return path.count(_SEPARATOR)
