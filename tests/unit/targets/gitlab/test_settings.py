"""The policy keys of a GitLab as values: defaults, bounds, and one clear error for each that is not usable."""

from __future__ import annotations

import re

import pytest

from reconciler.errors import TargetError
from reconciler.model.access import Flag, Role
from reconciler.model.diagnostic import Position
from reconciler.policy.model import SecretRef, Tls
from reconciler.targets.base import Options
from reconciler.targets.gitlab.settings import Access, Settings, settings
from reconciler.targets.pace import Rate

TOKEN = SecretRef("env", "GITLAB_TOKEN", Position("policy.yaml", 1))
KEYS: dict[str, object] = {"url": "https://git.example.com", "token": TOKEN}


def made(**keys: object) -> Settings:
    """Return the settings of a target with these keys."""
    return settings(Options("forge", "corp", KEYS | keys, "/", ()))


def test_defaults_are_those_of_the_documentation() -> None:
    """Only the address and the token have to be said."""
    found = made()
    assert (found.url, found.site.url) == ("https://git.example.com", "https://git.example.com/api")
    assert (found.provider, found.visibility, found.remember, found.lock, found.graphql) == (
        "ldapmain",
        "private",
        False,
        None,
        False,
    )
    assert found.site.parallel == 8
    assert found.site.rates == {"delete_member": Rate(60, 60)}
    assert (found.patience.connect, found.patience.receive, found.patience.whole) == (10, 60, 300)


@pytest.mark.parametrize("url", ["https://h/git", "https://h/git/", "https://h/git/api/v4", "https://h/git/api/v4/"])
def test_the_address_may_have_a_path_and_that_of_the_api(url: str) -> None:
    """All of them are the same place."""
    found = made(url=url)
    assert (found.url, found.site.url) == ("https://h/git", "https://h/git/api")


def test_keys_are_taken_over() -> None:
    """Each has its effect."""
    found = made(
        provider="ldapsecondary",
        group_visibility="internal",
        remember=True,
        membership_lock=False,
        graphql=True,
        parallel=3,
        delete_rate=600,
        connect_timeout=2,
        receive_timeout=400,
        tls=Tls("/ca.pem", allow_plaintext=True),
    )
    assert (found.provider, found.visibility, found.remember, found.lock, found.graphql) == (
        "ldapsecondary",
        "internal",
        True,
        False,
        True,
    )
    assert (found.site.parallel, found.site.rates) == (3, {"delete_member": Rate(600, 60)})
    assert (found.site.ca_file, found.site.plaintext) == ("/ca.pem", True)
    assert (found.patience.connect, found.patience.receive, found.patience.whole) == (2, 400, 400)
    assert found.capabilities.keeps_keys


def test_what_a_gitlab_can_hold() -> None:
    """Roles in order, the owner last, and neither accounts nor groups are deleted."""
    can = made().capabilities
    assert can.roles == ("minimal", "guest", "planner", "reporter", "developer", "maintainer", "owner")
    assert can.owner_role == "owner"
    assert can.privileged_roles == {"owner"}
    assert can.flags == set(Flag)
    assert can.attributes == {"email", "name", "ssh_keys", "dn", "kerberos"}
    assert (can.creates_users, can.removes_users, can.creates_groups, can.removes_groups) == (True, False, True, False)
    assert (can.inherits, can.marks_memberships) == (True, False)
    assert (can.keeps_keys, can.keeps_sources, can.renames_users) == (False, False, False)
    assert can.lower_case == {"email"}
    assert can.needs == {"email", "name"}
    assert can.settings == {"membership_lock"}


def test_a_custom_role_stands_right_above_its_base() -> None:
    """Two of one base in the order of the policy."""
    found = made(
        custom_roles={
            "triage": {"id": 9, "base": "guest"},
            "audit": {"id": 3, "base": "reporter"},
            "audit more": {"id": 4, "base": "reporter"},
        }
    )
    assert found.capabilities.roles == (
        *(
            "minimal",
            "guest",
            "triage",
            "planner",
            "reporter",
            "audit",
            "audit more",
            "developer",
            "maintainer",
            "owner",
        ),
    )
    assert found.roles[Role("audit")] == Access(20, 3)
    assert found.roles[Role("reporter")] == Access(20)
    assert {found.role_names[access] for access in found.roles.values()} == set(found.roles)


GOOD_NAMES = ("ann", "ann.lee", "_ann", ".ann", "a-b_c.d", "4", "x" * 255)
BAD_NAMES = ("", "-ann", "ann.", "ann.git", "ann.atom", "änn", "ann lee", "ann/lee", "x" * 256)


def test_names_are_those_that_gitlab_takes() -> None:
    """Usernames are one segment of an address, groups are paths of them."""
    can = made().capabilities
    assert all(re.fullmatch(can.user_names.pattern, name) for name in GOOD_NAMES)
    assert not any(re.fullmatch(can.user_names.pattern, name) for name in BAD_NAMES)
    assert all(re.fullmatch(can.group_names.pattern, f"a/{name}/b") for name in GOOD_NAMES)
    assert not any(re.fullmatch(can.group_names.pattern, f"a/{name}") for name in BAD_NAMES if "/" not in name)
    assert "admin" in can.user_names.reserved


UNUSABLE: dict[str, tuple[dict[str, object], str]] = {
    "a key that is none": ({"tokne": 1}, "tokne is no key of kind gitlab (known: connect_timeout, "),
    "no url": ({"url": ""}, "url is missing: write https://HOST"),
    "no token": ({"token": "glpat"}, "token is missing: write {env: NAME}"),
    "tls": ({"tls": True}, "tls must be a map such as {ca_file: FILE}"),
    "provider": ({"provider": "ldap main"}, "provider must be the name of an LDAP server"),
    "visibility": ({"group_visibility": "secret"}, "group_visibility must be one of private, internal, public"),
    "a list as visibility": ({"group_visibility": []}, "group_visibility must be one of"),
    "remember": ({"remember": "yes"}, "remember must be true or false"),
    "lock": ({"membership_lock": 1}, "membership_lock must be true or false"),
    "parallel": ({"parallel": 0}, "parallel must be a whole number from 1 to 64"),
    "a flag as a number": ({"delete_rate": True}, "delete_rate must be a whole number from 1 to 100,000"),
    "timeout": ({"receive_timeout": 1.5}, "receive_timeout must be a whole number from 1 to 3,600"),
    "roles": ({"custom_roles": []}, "custom_roles must be a map such as {auditing: {id: 12, base: reporter}}"),
    "a role": ({"custom_roles": {"x": 3}}, "custom_roles: x needs an id of its own"),
    "an id twice": (
        {"custom_roles": {"x": {"id": 1, "base": "guest"}, "y": {"id": 1, "base": "guest"}}},
        "custom_roles: y needs an id of its own",
    ),
    "a base": ({"custom_roles": {"x": {"id": 1, "base": "owner"}}}, "custom_roles: x needs a base, one of minimal, "),
    "a role's name": (
        {"custom_roles": {"guest": {"id": 1, "base": "guest"}}},
        "custom_roles: guest has the name of a role that GitLab has already",
    ),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_not_usable_is_named(name: str) -> None:
    """The target, the key, and what to write."""
    keys, fact = UNUSABLE[name]
    with pytest.raises(TargetError) as caught:
        made(**keys)
    assert str(caught.value).startswith(f"target forge: {fact}")
