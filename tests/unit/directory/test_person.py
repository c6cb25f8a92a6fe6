"""People found in a directory that has been read whole."""

from __future__ import annotations

import pytest

from reconciler.directory.person import Consulted, WholeFile, place_of
from reconciler.errors import ReadIncomplete
from reconciler.model.access import User, UserKey
from tests.builders import CORP, person, snapshot

PEOPLE = (
    person("ann", mail="team@acme"),
    person("bob", mail="team@acme"),
    person("cy", stable=False),
    person("dee", uid=()),
)
WHOLE = WholeFile(CORP, snapshot(PEOPLE))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ANN", ["ann"]),
        ("team@ACME", ["ann", "bob"]),
        ("id-bob", ["bob"]),
        ("UID=cy, OU=people,DC=acme", ["cy"]),
        ("ann=", []),
        ("uid=ann", []),
        ("dee", []),
        ("*", []),
    ],
)
def test_a_name_is_a_login_an_address_an_id_or_a_dn(name: str, found: list[str]) -> None:
    """Nothing else, and never a pattern."""
    assert [one.dn.partition(",")[0].removeprefix("uid=") for one in WHOLE.find(name)] == found


@pytest.mark.parametrize(
    ("key", "username", "found"),
    [
        ("id-ann", "other", ["ann"]),
        ("id-gone", "ann", []),
        ("id-gone", "cy", ["cy"]),
        ("dn:uid=cy,ou=people,dc=acme", "other", ["cy"]),
        ("dn:uid=old,ou=people,dc=acme", "BOB", ["bob"]),
        ("local:zoe", "zoe", []),
        ("local:dee", "dee", []),
    ],
)
def test_an_account_is_somebodys_by_id_else_by_dn_or_login(key: str, username: str, found: list[str]) -> None:
    """Where both have a stable id, only that counts."""
    (people,) = WHOLE.behind([User(UserKey(key), username)]).values()
    assert [one.dn.partition(",")[0].removeprefix("uid=") for one in people] == found


def test_a_whole_directory_needs_no_further_question() -> None:
    """Whatever is asked for is in it."""
    WHOLE.follow((), ())
    WHOLE.check_somebody()
    WHOLE.consult(Consulted())
    assert WHOLE.snapshot() is WHOLE.seen


def test_only_a_dn_is_a_place() -> None:
    """Compared by its canonical form."""
    assert place_of("UID=Ann , dc=acme") == "uid=ann,dc=acme"
    assert [place_of(name) for name in ("ann", "a=b=,c", "=")] == ["", "", ""]


def test_nobody_has_left_a_directory_that_shows_nobody() -> None:
    """A base or a filter that is wrong looks just like that."""
    with pytest.raises(ReadIncomplete, match="shows nobody at all"):
        WholeFile(CORP, snapshot()).check_somebody()
