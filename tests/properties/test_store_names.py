"""A name of the policy is one segment of a store's names, and never that of another."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from reconciler.state.names import checked, segment

NAMES = st.text(max_size=20) | st.text("aA_-.5f/", max_size=6)


@given(NAMES)
def test_a_segment_is_a_name_that_a_store_can_hold(name: str) -> None:
    """By itself, and below others."""
    found = segment(name)
    assert "/" not in found
    assert checked(found) == found
    assert checked(f"locks/{found}") == f"locks/{found}"


@given(NAMES)
def test_a_segment_can_be_read_back(name: str) -> None:
    """So two names never become one."""
    found = segment(name)
    written = re.sub(rb"_([0-9a-f]{2})", lambda part: bytes.fromhex(part[1].decode()), found.encode())
    assert (b"" if found == "_" else written).decode("utf-8", "surrogatepass") == name


@given(NAMES, NAMES)
def test_two_names_stay_two_where_capitals_do_not_count(one: str, other: str) -> None:
    """As in many file systems."""
    assert (segment(one).lower() == segment(other).lower()) == (one == other)


def test_an_ordinary_name_stays_readable() -> None:
    """It is seen in listings and in error messages."""
    assert [segment(name) for name in ("gitlab", "gitlab-2", "Git_Lab", "a.b", "ü", "", "_")] == [
        "gitlab",
        "gitlab-2",
        "_47it_5f_4cab",
        "a_2eb",
        "_c3_bc",
        "_",
        "_5f",
    ]
