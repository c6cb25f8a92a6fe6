"""Paths of groups that nest, such as ``payments/backend/api``: what lies above one, and how deep it lies; looks nothing up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NewType, TypeVar

from reconciler.model.access import GroupKey

PathKey = NewType("PathKey", str)
"""What the spellings of one path have in common."""

_SEPARATOR = "/"
_T = TypeVar("_T")


def path_key(path: GroupKey) -> PathKey:
    """Return what two spellings of a path have in common: targets whose groups nest compare paths without case."""
    return PathKey(path.casefold())


def ancestors(path: GroupKey) -> tuple[GroupKey, ...]:
    """Return the paths of all groups above one, outermost first; none for a group at the top."""
    parts = path.split(_SEPARATOR)
    return tuple(GroupKey(_SEPARATOR.join(parts[:end])) for end in range(1, len(parts)))


def found_above(path: GroupKey, known: Mapping[PathKey, _T]) -> tuple[_T, ...]:
    """Return what is known of the groups above one, outermost first, however they are spelt."""
    return tuple(known[above] for above in map(path_key, ancestors(path)) if above in known)


def depth(path: GroupKey) -> int:
    """Return how many groups lie above one."""
    return path.count(_SEPARATOR)
