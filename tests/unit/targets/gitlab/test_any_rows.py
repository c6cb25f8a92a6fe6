"""Whatever a server answers is taken for what it is or refused by name: never another error, never a guess."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import TargetError
from reconciler.model.diagnostic import Position
from reconciler.model.names import dn_text
from reconciler.policy.model import SecretRef
from reconciler.targets.answers import Answer, Request
from reconciler.targets.base import Options
from reconciler.targets.gitlab.accounts import Account, account, by_key, decoded_keys, encoded_keys, notes, providers
from reconciler.targets.gitlab.groups import Reading
from reconciler.targets.gitlab.settings import settings
from reconciler.targets.pages import Item

ANSWER = Answer(Request("GET", "/v4/users"), 200, {}, b"[]", "target forge: GET /v4/users")
FORGE = settings(
    Options("forge", "corp", {"url": "https://h", "token": SecretRef("env", "T", Position("p", 1))}, "/", ())
)
DN = "uid=ann,ou=people,dc=example,dc=com"
ROW: dict[str, object] = {
    "id": 5,
    "username": "ann",
    "name": "Ann",
    "email": "ann@example.com",
    "state": "active",
    "identities": [{"provider": "ldapmain", "extern_uid": DN}],
    "custom_attributes": [{"key": "reconcile_id", "value": "1f-2"}, {"key": "reconcile_ssh_keys", "value": "[]"}],
    "is_admin": False,
    "external": False,
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 60)
    | st.text(max_size=5)
    | st.sampled_from([DN, "ldapmain", "reconcile_id"]),
    lambda inside: (
        st.lists(inside, max_size=2)
        | st.dictionaries(
            st.sampled_from(["id", "provider", "extern_uid", "key", "value", "refused", "username"]), inside, max_size=3
        )
    ),
    max_leaves=5,
)


def read(row: dict[str, object]) -> Account | str:
    """Return the account of a row, or why it is none."""
    try:
        return account(Item(row, ANSWER), "ldapmain")
    except TargetError as error:
        return str(error)


@given(st.dictionaries(st.sampled_from([*ROW, "is_auditor"]), JSON, max_size=3))
def test_any_row_is_an_account_or_an_error_that_names_its_place(changed: dict[str, object]) -> None:
    """And an account is whole: what is ours has a DN, and everybody has a key."""
    found = read(ROW | changed)
    if isinstance(found, str):
        assert found.startswith("target forge: GET /v4/users answered with ")
        return
    assert found.user.key
    assert found.user.managed == ("dn" in found.user.attributes)
    assert by_key([found]) == {found.user.key: found}
    assert all(note.line() for note in notes([found]))


MEMBER = {"id": 5, "access_level": 30, "member_role": {"id": 7}, "created_by": {"username": "eve"}}


@given(st.lists(st.dictionaries(st.sampled_from([*MEMBER]), JSON, max_size=2), max_size=3))
def test_any_members_are_members_or_an_error(changed: list[dict[str, object]]) -> None:
    """What was read before changes nothing."""
    rows = [MEMBER | change for change in changed]
    reading = Reading(FORGE)
    reading.entries(ANSWER, [MEMBER])
    with suppress(TargetError):
        found = reading.entries(ANSWER, rows)
        assert found.keys() == {row["id"] for row in rows}


@given(st.dictionaries(st.text(), st.text()))
def test_what_is_noted_of_keys_is_read_again(keys: dict[str, str]) -> None:
    """Whatever a key or a reason is made of."""
    assert decoded_keys(encoded_keys(keys)) == keys


@given(JSON)
def test_any_note_of_keys_is_one_of_ours_or_none(value: object) -> None:
    """Others can write there, too."""
    found = decoded_keys(json.dumps(value))
    assert found is None or all(isinstance(text, str) for pair in found.items() for text in pair)


def row(**changed: object) -> Account:
    """Return the account of a row."""
    return account(Item(ROW | changed, ANSWER), "ldapmain")


@pytest.mark.parametrize("mark", ["dn:uid=eve,dc=x", "local:eve", ""])
def test_a_mark_that_is_no_stable_id_is_none(mark: str) -> None:
    """It cannot make an account somebody else's: the identity says whose it is."""
    found = row(custom_attributes=[{"key": "reconcile_id", "value": mark}])
    assert found.user.key == f"dn:{DN}"


@pytest.mark.parametrize(
    "identities", [[], [{"provider": "saml", "extern_uid": DN}], [{"provider": "ldapmain", "extern_uid": None}]]
)
def test_an_account_without_an_identity_of_ours_is_nobodys(identities: list[object]) -> None:
    """Whatever is noted there, if it is not known who that is."""
    found = row(identities=identities, custom_attributes=[])
    assert (found.user.managed, found.user.key) == (False, "local:ann")


def test_a_dn_is_shown_as_gitlab_writes_it() -> None:
    """And as it was in the identity for those who write."""
    found = row(identities=[{"provider": "ldapmain", "extern_uid": "UID=Ann , DC=X"}])
    assert found.user.attributes["dn"] == dn_text("UID=Ann , DC=X")
    assert found.dn == "UID=Ann , DC=X"


def test_a_note_names_some_of_many() -> None:
    """There may be thousands in one state."""
    people = [row(id=number, username=f"user{number}", state="deactivated") for number in range(8)]
    (note,) = notes(people)
    assert note.summary == "8 deactivated accounts: user0, user1, user2, user3, user4 and 3 more."
    (note,) = notes(people[:1])
    assert note.summary == "1 deactivated account: user0."


def test_a_provider_that_nobody_has_an_identity_of_is_named_with_those_that_are_there() -> None:
    """Its name may be a wrong one; where somebody has one, or nobody has any, there is nothing to say."""
    people = [
        row(username=f"user{number}", identities=[{"provider": name, "extern_uid": "uid=a"}])
        for number, name in enumerate(("ldapmain", "ldapmain", "ldaptwo"))
    ]
    local = row(username="root", identities=[])
    (note,) = providers([*people, local], "ldapmian")
    assert note.summary == (
        'No account has an identity of the provider "ldapmian"; there are some of ldapmain (2), ldaptwo (1).'
    )
    assert providers([*people, local], "ldaptwo") == providers([local], "ldapmian") == ()
