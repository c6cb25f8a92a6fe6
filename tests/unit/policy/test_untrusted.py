"""A policy of two: the base's connections, the head's rules, and what is said of the rest."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from reconciler.model.filter import parse_filter
from reconciler.policy.model import (
    Bind,
    Canary,
    DirectoryConfig,
    Incremental,
    Policy,
    SecretRef,
    StateConfig,
    TargetConfig,
    Tls,
    UserRules,
)
from reconciler.policy.untrusted import CHANGED, RULES_OF_DIRECTORIES, Sides, rules_only
from tests.builders import at

CORP = DirectoryConfig("corp", "ldap", at(3), servers=("ldaps://a",), explicit=frozenset({"servers", "base"}))
ROSTER = TargetConfig(
    "roster",
    "sql",
    "corp",
    at(9),
    roles=("viewer", "owner"),
    options={"url": "sqlite:///a.db", "privileged_roles": ("owner",)},
    folder="base",
)
POLICY = Policy("policies", "sha256:1", (), {"corp": CORP}, {"roster": ROSTER})
OTHER: dict[str, Any] = {
    "kind": "ldif",
    "servers": ("ldaps://evil",),
    "dialect": "openldap",
    "bind": Bind("cn=x", SecretRef("env", "OTHER", at(4))),
    "tls": Tls("evil.pem"),
    "file": "evil.ldif",
    "attributes": {"name": "title"},
    "incremental": Incremental("evil"),
    "decoder": "ldap3",
    "page_size": 1,
    "connect_timeout": 1,
    "receive_timeout": 1,
    "read_timeout": 1,
}
READ: dict[str, Any] = {
    "bases": ("dc=x",),
    "group_bases": ("ou=x",),
    "user_filter": parse_filter("(cn=x)"),
    "group_filter": parse_filter("(cn=y)"),
    "nested_groups": False,
    "member_of": True,
    "dynamic_groups": True,
    "canary": Canary(min_people=1),
}


def head(**changes: Any) -> Policy:
    """Return a head that differs in this of its only directory."""
    return replace(POLICY, digest="sha256:2", directories={"corp": replace(CORP, **changes)})


def merged(one: Policy, base: Policy = POLICY) -> tuple[Policy, list[tuple[str, str]]]:
    policy, notes = rules_only(base, one, Sides(base, one))
    return policy, [(note.code, note.summary) for note in notes]


def test_every_key_of_a_directory_is_a_rule_or_a_connection() -> None:
    """A key that is added to the class has to be put on one side, here and there."""
    known = {*OTHER, *RULES_OF_DIRECTORIES, "name", "where", "explicit", "places"}
    assert {field.name for field in fields(DirectoryConfig)} == known
    assert set(READ) == RULES_OF_DIRECTORIES


@pytest.mark.parametrize("key", OTHER)
def test_a_connection_of_a_directory_is_the_bases(key: str) -> None:
    """It is named, never its value, and the digest is nobody's."""
    policy, notes = merged(head(**{key: OTHER[key]}))
    assert policy.directories["corp"] == replace(CORP, incremental=None)
    assert notes == [(CHANGED, f"The base has another {key} of the directory corp.")]
    assert policy.digest not in {"sha256:1", "sha256:2"}


@pytest.mark.parametrize("key", READ)
def test_what_is_read_of_a_directory_is_the_heads(key: str) -> None:
    """It is a rule like others."""
    policy, notes = merged(head(**{key: READ[key]}))
    assert getattr(policy.directories["corp"], key) == READ[key]
    assert policy.directories["corp"].servers == ("ldaps://a",)
    assert notes == []
    assert policy.digest == "sha256:2"


def test_keys_that_are_said_are_those_of_the_side_that_says_them() -> None:
    """A snapshot that a policy names is held against the keys that the policy itself sets."""
    policy, _ = merged(
        head(
            explicit=frozenset({"servers", "user_filter", "page_size"}),
            places={"user_filter": at(7), "attributes.name": at(8)},
        )
    )
    assert policy.directories["corp"].explicit == {"servers", "user_filter"}
    assert policy.directories["corp"].places == {"user_filter": at(7)}


def test_a_target_keeps_its_place_and_takes_its_rules() -> None:
    """Where it is from the base, how its accounts are managed from the head, without roles that are no more."""
    mine = replace(
        ROSTER,
        directory="other",
        users=UserRules(create=True),
        roles=("viewer", "editor"),
        options={"url": "sqlite:///evil.db"},
        folder="head",
    )
    policy, notes = merged(replace(POLICY, targets={"roster": mine}))
    assert policy.targets["roster"] == replace(
        mine, directory="corp", options={"url": "sqlite:///a.db", "privileged_roles": ()}, folder="base"
    )
    assert notes == [(CHANGED, "The base has another directory, privileged_roles, url of the target roster.")]
    plain = replace(POLICY, targets={"roster": replace(ROSTER, options={"url": "sqlite:///a.db"})})
    assert merged(plain, plain)[0].targets == plain.targets


def test_what_is_new_or_of_another_kind_is_left_out_and_said() -> None:
    """It cannot be reached; what is taken out is said, too, and the digest stays the head's."""
    new = replace(ROSTER, name="new", directory="fresh")
    gone = replace(POLICY, directories={"fresh": replace(CORP, name="fresh")}, targets={"new": new})
    policy, notes = merged(gone)
    assert dict(policy.targets) == {}
    assert [code for code, _ in notes] == ["NEW-DIRECTORY", "NEW-TARGET", "GONE-DIRECTORY", "GONE-TARGET"]
    assert policy.digest == gone.digest
    assert policy.directories["corp"] == CORP
    other = replace(POLICY, targets={"roster": replace(ROSTER, kind="gitlab")})
    policy, notes = merged(other)
    assert dict(policy.targets) == {}
    assert notes[0][1].startswith("The target roster is of another kind.")


def test_the_state_store_is_the_bases() -> None:
    """Its keys are named."""
    policy, notes = merged(replace(POLICY, state=StateConfig("s3", bucket="evil")))
    assert policy.state == StateConfig()
    assert notes == [(CHANGED, "The base has another kind, bucket of the state store.")]
