"""What a few entries say of a directory: where its groups are, which attributes it uses, which context people are in."""

from __future__ import annotations

import pytest

from reconciler.starting.seen import (
    attributes_in,
    common_place,
    found_groups,
    is_dn,
    narrower,
    proposed_contexts,
)


@pytest.mark.parametrize(
    ("names", "place"),
    [
        ([], ""),
        (["cn=a"], ""),
        (["cn=a,ou=Groups, dc=x"], "ou=Groups, dc=x"),
        (["cn=a,ou=Groups,dc=x", "CN=b,OU=groups,DC=x"], "ou=Groups,dc=x"),
        (["cn=a,ou=1,ou=g,dc=x", "cn=b,ou=2,ou=g,dc=x", "cn=c,ou=g,dc=x"], "ou=g,dc=x"),
        (["cn=a,dc=x", "cn=a,dc=y"], ""),
        (["cn=a\\,b,ou=g\\2Ch,dc=x", "cn=c,ou=g\\,h,dc=x"], "ou=g\\2Ch,dc=x"),
        (["cn=a,ou=g,dc=x", "ou=g,dc=x"], "dc=x"),
    ],
)
def test_the_place_of_entries_is_what_all_of_them_lie_below(names: list[str], place: str) -> None:
    """Compared as DNs, written as the first entry writes it; an entry does not lie below itself."""
    assert common_place(names) == place


def test_contexts_that_servers_keep_for_themselves_are_not_proposed() -> None:
    """The default context comes first; what is left is taken all the same where there is nothing else."""
    contexts = ["cn=config", "DC=DomainDnsZones,dc=x", "o=other", "dc=x"]
    assert proposed_contexts(contexts, "dc=x") == ["dc=x", "o=other"]
    assert proposed_contexts(["cn=only", ""]) == ["cn=only"]
    assert proposed_contexts([]) == []


def test_attributes_are_those_that_most_entries_have() -> None:
    """The dialect's own is taken where anybody has it; a word that nothing stands for is left out."""
    people = [{"uid", "MAIL", "ipaSshPubKey"}, {"uid", "ipasshpubkey"}, {"sshpublickey", "samaccountname"}]
    found = {"username": "uid", "email": "mail", "ssh_keys": "sshPublicKey"}
    assert attributes_in(people, "openldap") == found
    assert attributes_in(people, "active_directory")["username"] == "sAMAccountName"
    assert attributes_in([{"userprincipalname"}], "openldap") == {"username": "userPrincipalName"}
    assert attributes_in([{"ipasshpubkey"}], "389ds") == {"ssh_keys": "ipaSshPubKey"}


def test_groups_are_sorted_and_those_of_one_name_are_told() -> None:
    """CNs compare as names do; a group without a CN cannot be linked."""
    groups = found_groups([("Ops", "cn=Ops,ou=a"), ("devs", "cn=devs"), ("ops", "cn=ops,ou=b"), ("", "ou=nameless")])
    assert [(group.cn, group.unique) for group in groups] == [("Ops", False), ("devs", True), ("ops", False)]


def test_a_place_is_narrower_where_it_is_another_one() -> None:
    """The same place written otherwise is the base itself."""
    assert narrower("OU=g,DC=x", "ou=g, dc=x") == ""
    assert narrower("ou=g,dc=x", "dc=x") == "ou=g,dc=x"


def test_a_dn_is_told_from_other_words() -> None:
    """The empty name is no entry's."""
    assert [is_dn(text) for text in ("dc=x", "", "example.com")] == [True, False, False]
