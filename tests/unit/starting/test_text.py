"""A first policy says what was seen, and nothing that stands in a directory can change what it says."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
import yaml

from reconciler.starting.seen import FoundGroup, Seen
from reconciler.starting.text import TargetKind, Wanted, connections, rules
from tests.starting import uncommented

SEEN = Seen("openldap", "dc=x", "ou=g,dc=x", "(objectClass=person)", {"username": "uid", "email": "mail"}, people=4)
NASTY = [
    'quo"te',
    "line\nbreak: true",
    "# comment",
    "a: b",
    "{flow}",
    "yes",
    "0123",
    "back\\slash",
    "\u202eesrever\u2028",
    "${{ secrets.LDAP_PASSWORD }}",
    "@@POLICY@@",
    "*anchor",
    " spaces ",
    "Jörg & söhne",
]


@pytest.mark.parametrize("name", NASTY)
def test_names_of_groups_stay_names(name: str) -> None:
    """As written nothing of them holds; with the marks of the comment taken away, the link names just that group."""
    group = FoundGroup(name, f"cn={name},dc=x")
    text = rules(Wanted(replace(SEEN, groups=(group, replace(group, unique=False)))))
    assert yaml.safe_load(text) == {"version": 1}
    links = yaml.safe_load(uncommented(text))["group_links"]["roster"]
    assert next(iter(links.values())) == [{"cn": name, "access": "viewer"}]


def test_a_group_whose_name_is_not_unique_is_linked_by_its_dn() -> None:
    """Two links by the same CN would be an error of the policy."""
    text = rules(Wanted(replace(SEEN, groups=(FoundGroup("ops", "cn=ops,ou=a,dc=x", unique=False),))))
    assert yaml.safe_load(uncommented(text))["group_links"]["roster"]["ops"] == [
        {"dn": "cn=ops,ou=a,dc=x", "access": "viewer"}
    ]


def test_a_few_groups_are_shown_and_long_names_are_not() -> None:
    """Five examples are enough, two that would be one group of the target are one, and the count is of all."""
    names = ["a" * 500, "b", "c", "C!", "d", "e", "f", "g"]
    text = rules(Wanted(replace(SEEN, groups=tuple(FoundGroup(name, f"cn={name}") for name in names)), target="gitlab"))
    links = yaml.safe_load(uncommented(text))["group_links"]["gitlab"]
    assert list(links) == ["b", "c", "d", "e", "by-filter"]
    assert "(8 in all)" in text


def test_a_directory_without_groups_has_an_example_all_the_same() -> None:
    """It is one that anybody can read."""
    links = yaml.safe_load(uncommented(rules(Wanted(SEEN))))["group_links"]["roster"]
    assert list(links) == ["payments", "by-filter"]


@pytest.mark.parametrize(("text", "target"), list(product(NASTY, ("sql", "gitlab"))))
def test_what_is_written_is_read_as_it_was_given(text: str, target: TargetKind) -> None:
    """Servers, names, paths and addresses stand in the file unchanged, secrets by name."""
    wanted = Wanted(
        seen=Seen("389ds", text, text, text, {"username": text}, people=1, all_people=False),
        server=text,
        bind_dn=text,
        password=("file", text),
        ca_file=text,
        start_tls=True,
        target=target,
        gitlab_url=text,
    )
    policy = yaml.safe_load(connections(wanted))
    corp = policy["directories"]["corp"]
    assert corp == {
        "kind": "ldap",
        "servers": [text],
        "bind": {"dn": text, "password": {"file": text}},
        "tls": {"start_tls": True, "ca_file": text},
        "dialect": "389ds",
        "base": text,
        "group_base": text,
        "attributes": {"username": text},
        "nested_groups": True,
    }
    assert policy["targets"][wanted.target_name].get("url") == ("sqlite:///roster.db" if target == "sql" else text)


def test_what_was_not_seen_is_not_said() -> None:
    """No base, no attributes, no bind: the keys are absent, not empty."""
    policy = yaml.safe_load(connections(Wanted(Seen("openldap", ""), server="ldaps://dc1")))
    assert policy["directories"]["corp"] == {
        "kind": "ldap",
        "servers": ["ldaps://dc1"],
        "dialect": "openldap",
        "nested_groups": True,
    }
    assert "sync" not in policy["targets"]["roster"]["users"]


def test_every_key_has_a_comment_before_it() -> None:
    """Who reads the file for the first time needs no other page to understand it."""
    lines = connections(Wanted(SEEN, server="ldaps://dc1", bind_dn="cn=r", ca_file="ca.pem")).splitlines()
    keys = [number for number, line in enumerate(lines) if line.strip() and not line.lstrip().startswith(("#", "-"))]
    bare = [lines[number] for number in keys if not lines[number - 1].lstrip().startswith("#")]
    told = (
        "corp:",
        "roster:",
        "dn:",
        "password:",
        "env:",
        "username:",
        "email:",
        "when_disabled:",
        "kind: sql",
        "users:",
        "groups:",
    )
    assert [line for line in bare if not line.strip().startswith(told)] == []
