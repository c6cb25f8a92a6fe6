"""Which attributes readers have to fetch."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.filter import parse_filter
from reconciler.policy.model import Expectation, GroupLink, Policy, TargetConfig
from reconciler.policy.needs import needs_of
from tests.builders import CORP, TARGET, USERS, at, imported, link, rule

PLAIN = {"cn", "uid", "mail", "displayName"}


def policy(*targets: TargetConfig) -> Policy:
    return Policy(
        "p",
        "d",
        (),
        {"corp": CORP},
        {target.name: target for target in targets},
        groups={"roster": {"api": rule("api", link("devs"), link("(&(title=x)(!(l=y)))"))}},
        imports={"roster": (imported("(&(cn=app-*)(businessCategory=app))", "{o}-{cn}"),)},
    )


def test_a_target_needs_what_accounts_are_made_of_and_what_filters_name() -> None:
    """Of people for links, of groups for imports and their names."""
    needs = needs_of(policy(TARGET), CORP, [TARGET])
    assert needs.person == PLAIN | {"title", "l"}
    assert needs.group == {"cn", "businessCategory", "o"}


def test_a_target_without_rules_needs_the_least() -> None:
    """A group's common name is always needed."""
    bare = replace(TARGET, name="bare")
    needs = needs_of(policy(bare), CORP, [bare])
    assert needs.person == PLAIN
    assert needs.group == {"cn"}


def test_keys_are_fetched_only_where_they_are_kept_in_step() -> None:
    """They are large."""
    synced = replace(TARGET, name="bare", users=replace(USERS, sync=("ssh_keys",)))
    assert needs_of(policy(synced), CORP, [synced]).person == PLAIN | {"sshPublicKey"}


def test_our_words_in_a_template_stand_for_the_directorys_attributes() -> None:
    """Other words for themselves."""
    directory = replace(CORP, attributes={"username": "sAMAccountName"})
    templated = replace(TARGET, name="bare", users=replace(USERS, username="{username}.{email}.{employeeNumber|lower}"))
    wanted = {"cn", "sAMAccountName", "mail", "displayName", "employeeNumber"}
    assert needs_of(policy(templated), directory, [templated]).person == wanted


def test_every_template_of_an_account_is_fetched_for() -> None:
    """Those for the e-mail address, the name and the Kerberos identity, too."""
    users = replace(USERS, email="{uid}@x", name="{givenName} {sn}", kerberos="{krbPrincipalName}")
    templated = replace(TARGET, name="bare", users=users)
    assert needs_of(policy(templated), CORP, [templated]).person >= {"uid", "givenName", "sn", "krbPrincipalName"}


def test_where_only_the_server_knows_the_dialect_all_possible_logins_are_fetched() -> None:
    """uid, and what Active Directory has in its place."""
    assert needs_of(policy(TARGET), replace(CORP, dialect="auto"), [TARGET]).person >= {"uid", "sAMAccountName"}
    windows = replace(CORP, dialect="active_directory", attributes={})
    assert "uid" not in needs_of(policy(TARGET), windows, [TARGET]).person


def test_only_targets_of_the_directory_count() -> None:
    """Others read from elsewhere."""
    assert needs_of(policy(TARGET), replace(CORP, name="partners"), [TARGET]).person == frozenset()


def test_a_test_that_selects_people_by_a_filter_needs_its_attributes() -> None:
    """Those of the tests of that target, so that a snapshot for the policy serves them, too."""
    outside = GroupLink("", at(60), filter=parse_filter("(employeeType=staff)"))
    test = Expectation("", "roster", at(60), groups=("**",), nobody_outside=outside)
    other = replace(test, target="bare", nobody_outside=replace(outside, filter=parse_filter("(ou=x)")))
    by_name = replace(test, nobody_outside=link("staff"))
    expecting = replace(policy(TARGET), expect=(test, other, by_name))
    assert needs_of(expecting, CORP, [TARGET]).person == PLAIN | {"title", "l", "employeeType"}
