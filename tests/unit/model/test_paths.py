"""Paths of groups that nest."""

from __future__ import annotations

from reconciler.model.access import GroupKey
from reconciler.model.paths import ancestors, depth, path_key


def test_what_lies_above_a_group_is_told_from_its_path() -> None:
    """Outermost first; nothing lies above a group at the top."""
    assert ancestors(GroupKey("a/b/c")) == ("a", "a/b")
    assert ancestors(GroupKey("a")) == ()
    assert [depth(GroupKey(path)) for path in ("a", "a/b", "a/b/c")] == [0, 1, 2]


def test_paths_compare_without_case() -> None:
    """Both are one group."""
    assert path_key(GroupKey("Payments/API")) == path_key(GroupKey("payments/api"))
