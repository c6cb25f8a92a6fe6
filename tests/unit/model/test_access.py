"""Who has what, as values."""

from __future__ import annotations

import pytest

from reconciler.model.access import Role, UserKey, is_stable
from tests.builders import EDITOR, ROSTER


@pytest.mark.parametrize(
    ("key", "stable"),
    [("7184d454-95bd-103e-a139-4b2d62f746b4", True), ("dn:uid=ann,dc=acme", False), ("local:ann", False)],
)
def test_a_key_is_stable_if_it_stays_through_renames_and_moves(key: str, *, stable: bool) -> None:
    """A DN changes, and a key of the target's own making says nothing about the person."""
    assert is_stable(UserKey(key)) is stable


def test_a_role_has_its_place_among_the_targets_roles() -> None:
    """Lowest first; a role that the target does not have has none."""
    assert ROSTER.rank(EDITOR) == 1
    with pytest.raises(ValueError, match="not in tuple"):
        ROSTER.rank(Role("boss"))
