"""Entries that came one by one make the snapshot that a whole read of them would."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from reconciler.directory.gathered import Gathered
from reconciler.directory.reduction import Origin, Reduction
from reconciler.model.directory import DirectoryGroup, Needs, Readability, ReadWith
from reconciler.model.names import DnKey
from reconciler.model.standard_schema import standard_schema

ANN = b"uid=ann,dc=acme"
NAMES = {"objectClass": [b"groupOfNames"], "cn": [b"x"]}
UNIQUE = {"objectClass": [b"groupOfUniqueNames"], "cn": [b"x"]}
POSIX = {"objectClass": [b"posixGroup"], "cn": [b"x"]}


def group(
    attributes: dict[str, list[bytes]], *, whole: bool = False, dns: Sequence[bytes] = (), uids: Sequence[bytes] = ()
) -> DirectoryGroup:
    """Return what becomes of one group beside ann, whose login is `ann`."""
    gathered = Gathered()
    gathered.people[DnKey("uid=ann,dc=acme")] = (ANN, {"objectClass": [b"person"], "uid": [b"ann"]})
    gathered.take((b"cn=x,dc=acme", attributes), dns, uids, whole=whole)
    reduction = Reduction(Needs(), standard_schema(), datetime(2026, 11, 20, tzinfo=UTC))
    gathered.give(reduction, {b"ann"})
    return reduction.snapshot(Origin("corp", "x", "", ReadWith())).groups[0]


def test_a_group_that_was_found_to_hold_somebody_holds_them() -> None:
    """Whatever its class demands: its members were not asked for."""
    for attributes in (NAMES, UNIQUE, POSIX):
        found = group(attributes, dns=[ANN])
        assert (found.people, found.dangling, found.readability) == ((0,), (), Readability.READ)
    assert group(POSIX, uids=[b"ann"]).people == (0,)


def test_a_group_that_was_only_looked_up_is_there_and_holds_nobody() -> None:
    """It is neither missing nor unreadable."""
    for attributes in (NAMES, UNIQUE, POSIX):
        found = group(attributes)
        assert (found.people, found.dangling, found.readability) == ((), (), Readability.READ)


def test_of_all_members_those_count_who_are_here() -> None:
    """The others do not dangle: nobody looked for them."""
    for name, attributes in (("member", NAMES), ("UniqueMember", UNIQUE)):
        values = {name: [b"UID=Ann, dc=acme", b"uid=zoe,dc=acme", b"no dn"]}
        found = group({**attributes, **values}, whole=True)
        assert (found.people, found.dangling, found.readability) == ((0,), (), Readability.READ)
        nobody = group({**attributes, name: [b"uid=zoe,dc=acme"]}, whole=True)
        assert (nobody.people, nobody.dangling, nobody.readability) == ((), (), Readability.READ)
    assert group({**POSIX, "memberUid": [b"zoe", b"ann"]}, whole=True).people == (0,)
    assert group({**POSIX, "memberUid": [b"zoe"]}, whole=True).people == ()


def test_a_group_that_shows_none_of_the_members_it_must_have_is_unreadable() -> None:
    """Also where a search says that it holds somebody."""
    assert group(NAMES, whole=True).readability is Readability.UNREADABLE
    found = group(NAMES, whole=True, dns=[ANN])
    assert (found.people, found.readability) == ((0,), Readability.UNREADABLE)


def test_a_member_that_may_be_anybody_is_kept() -> None:
    """Active Directory's well-known principals make a group unreadable, wherever it is looked into."""
    anybody = b"CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=acme"
    assert group({**NAMES, "member": [anybody, ANN]}, whole=True).readability is Readability.UNREADABLE


def test_what_comes_twice_is_put_together() -> None:
    """First as one that holds somebody, then with its members."""
    gathered = Gathered()
    gathered.take((b"cn=x,dc=acme", NAMES), [ANN])
    gathered.take((b"CN=x, dc=acme", {**NAMES, "uniqueMember": [b"uid=bob,dc=acme#'01'B"]}), whole=True)
    (found,) = gathered.groups.values()
    assert (found.dns, list(found.named())) == ({ANN}, [b"uid=bob,dc=acme"])
