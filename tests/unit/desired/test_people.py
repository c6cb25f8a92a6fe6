"""Directory entries as accounts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest

from reconciler.desired.people import (
    Naming,
    NoValueError,
    account,
    raw_username,
    single_value,
    usernames,
    words_of,
)
from reconciler.model.access import Flag, NameLimits, User
from reconciler.model.diagnostic import Severity
from reconciler.model.directory import Person
from reconciler.policy.model import NamingRule, OnInvalidName, UserRules
from tests.builders import CORP, FORGE, ROSTER, SCHEMA, at, person

PLAIN = NameLimits(pattern="[a-z]+", max_length=8)


def naming(template: str = "", on_invalid: OnInvalidName = OnInvalidName.SKIP, sync: tuple[str, ...] = ()) -> Naming:
    return Naming(CORP, UserRules(username=template, sync=sync, where=at(6)), NamingRule(on_invalid=on_invalid), PLAIN)


def named(*people: Person, how: Naming | None = None) -> tuple[dict[int, str], list[str], list[str]]:
    found = usernames(people, range(len(people)), how or naming(), SCHEMA)
    return dict(found.names), list(found.frozen.values()), [str(finding.severity) for finding in found.diagnostics]


def test_the_only_value_is_the_value() -> None:
    """Whatever the DN says."""
    assert single_value("uid=x,dc=acme", {"uid": ("ann",)}, "uid") == "ann"


def test_of_several_values_that_in_the_dn_counts() -> None:
    """Directories do not keep the order of values."""
    assert single_value("UID=Ann,dc=acme", {"uid": ("bob", "ann")}, "uid") == "ann"


@pytest.mark.parametrize(("values", "message"), [((), "no attribute"), (("a", "b"), "2 values")])
def test_no_value_and_no_telling_which_are_both_said(values: tuple[str, ...], message: str) -> None:
    """A guess would give access to somebody else."""
    with pytest.raises(NoValueError, match=message):
        single_value("uid=ann,dc=acme", {"uid": values}, "uid")


def test_a_username_is_the_directorys_unless_a_template_says_otherwise() -> None:
    """Our words stand for the directory's attributes, other words for themselves."""
    ann = person("ann", mail="Ann.Lee@acme.example", l="Ulm")
    assert raw_username(ann, naming(), SCHEMA) == "ann"
    assert raw_username(ann, naming("{email|lower}-{l}"), SCHEMA) == "ann.lee@acme.example-Ulm"
    mapped = replace(naming(), directory=replace(CORP, attributes={"username": "cn"}))
    assert raw_username(ann, mapped, SCHEMA) == "Ann"


def test_an_unusable_name_freezes_its_person_only() -> None:
    """A warning names the entry and what happens."""
    found = usernames([person("ann!"), person("bob")], [0, 1], naming(), SCHEMA)
    assert found.names == {1: "bob"}
    assert found.frozen == {0: 'would be called "ann!", which does not match [a-z]+'}
    (finding,) = found.diagnostics
    assert (finding.severity, finding.where, finding.subject) == (Severity.WARNING, at(6), "uid=ann!,ou=people,dc=acme")
    assert "left as it is" in finding.detail


def test_an_unusable_name_is_an_error_where_the_policy_says_so() -> None:
    """Then the plan cannot be applied."""
    assert named(person("ann!"), how=naming(on_invalid=OnInvalidName.ERROR))[2] == ["error"]


def test_a_name_is_normalized_where_the_policy_says_so() -> None:
    """And still refused if that does not help."""
    how = naming(on_invalid=OnInvalidName.NORMALIZE)
    assert named(person("ann!"), how=how) == ({0: "ann"}, [], [])
    assert named(person("fine"), how=how) == ({0: "fine"}, [], [])
    assert named(person("!!"), how=how) == ({}, ['would be called "!!", which does not match [a-z]+'], ["error"])


def test_an_entry_without_what_the_template_needs_is_frozen() -> None:
    """The reason names the attribute."""
    assert named(person("ann"), how=naming("{mail}"))[1] == ['has no attribute "mail", which the username needs']


@pytest.mark.parametrize(("on_invalid", "severity"), [(OnInvalidName.SKIP, "warning"), (OnInvalidName.ERROR, "error")])
def test_people_of_one_name_are_all_frozen(on_invalid: OnInvalidName, severity: str) -> None:
    """None of them gets the account of another; case does not tell them apart."""
    people = (person("ann"), person("zoe", uid="ann"), person("bob"))
    names, frozen, severities = named(*people, how=naming(on_invalid=on_invalid))
    assert names == {2: "bob"}
    assert frozen == [
        'would be called "ann", like uid=zoe,ou=people,dc=acme',
        'would be called "ann", like uid=ann,ou=people,dc=acme',
    ]
    assert severities == [severity, severity]


def made_of(entry: Person, sync: tuple[str, ...] = (), held: Collection[str] = ("email", "name", "ssh_keys")) -> User:
    """Return the account of an entry in a target that can hold these attributes."""
    capabilities = replace(ROSTER, attributes=frozenset(held))
    return account(entry, "ann", words_of(naming(sync=sync), SCHEMA, capabilities), {Flag.ADMIN: True})


def test_an_account_holds_what_the_directory_gives() -> None:
    """The lowest of several values, sorted keys, text for bytes that are none; flags as they are given."""
    entry = person("ann", mail=["b@acme.example", "a@acme.example"], displayname="Ann\udcff", sshpublickey=["k2", "k1"])
    made = made_of(entry)
    assert made.attributes == {"email": "a@acme.example", "name": "Ann\ufffd", "ssh_keys": ("k1", "k2")}
    assert made.active
    assert made.flags == {Flag.ADMIN: True}


def test_a_common_name_stands_in_for_a_missing_name() -> None:
    """And without either there is none, which is no opinion."""
    assert made_of(person("ann", disabled=True)).attributes == {"name": "Ann"}
    assert made_of(person("ann", cn=())).attributes == {}
    assert not made_of(person("ann", disabled=True)).active


def test_an_entry_without_keys_has_none_where_keys_are_kept_in_step() -> None:
    """The last key that is taken from an entry must not stay in the target."""
    assert made_of(person("ann"), sync=("ssh_keys",)).attributes["ssh_keys"] == ()


@pytest.mark.parametrize("held", ["email", "name", "ssh_keys"])
def test_an_account_is_cut_down_to_what_the_target_can_hold(held: str) -> None:
    """Keys that are kept in step too: where there is no place for any, their absence is no opinion either."""
    entry = person("ann", mail="a@acme.example", sshpublickey="k")
    assert list(made_of(entry, held=[held]).attributes) == [held]
    assert held == "ssh_keys" or "ssh_keys" not in made_of(person("ann"), sync=("ssh_keys",), held=[held]).attributes


def on_forge(entry: Person, email: str = "", name: str = "", kerberos: str = "") -> dict[str, object]:
    """Return what an account holds on a target that keeps DNs and Kerberos identities, and addresses in small letters."""
    how = replace(naming(), rules=UserRules(email=email, name=name, kerberos=kerberos))
    return dict(account(entry, "ann", words_of(how, SCHEMA, FORGE), {}).attributes)


def test_an_account_holds_its_dn_in_the_targets_spelling() -> None:
    """And its address in small letters, whatever the directory writes."""
    entry = replace(person("ann", mail="Ann.Lee@Acme.example"), dn="UID=Ann, OU=people\\2c here,DC=acme")
    assert on_forge(entry) == {
        "email": "ann.lee@acme.example",
        "name": "Ann",
        "dn": "uid=ann,ou=people\\, here,dc=acme",
    }


def test_templates_make_what_the_directory_does_not_hold() -> None:
    """Our words stand for the directory's attributes, and an address gets small letters here, too."""
    made = on_forge(
        person("ann", title="Dr", mail="ann@acme.example"),
        email="{uid|upper}@acme.example",
        name="{title} {cn}",
        kerberos="{username|lower}@ACME.EXAMPLE",
    )
    assert made == {
        "email": "ann@acme.example",
        "name": "Dr Ann",
        "kerberos": "ann@ACME.EXAMPLE",
        "dn": "uid=ann,ou=people,dc=acme",
    }


def test_an_entry_that_lacks_what_a_template_needs_is_no_opinion() -> None:
    """Nothing is made up out of half of it."""
    made = on_forge(person("ann", mail="a@acme.example"), email="{sn}@x", name="{sn}", kerberos="{sn}@X")
    assert made == {"dn": "uid=ann,ou=people,dc=acme"}
