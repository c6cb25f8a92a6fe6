"""A replica keeps members by id, and tells which groups a server may have changed without a word."""

from __future__ import annotations

import pytest

from reconciler.directory.pages import RawAttributes
from reconciler.directory.replica import Replica
from reconciler.directory.replica_codec import ReplicaSyntaxError, decode, encode
from reconciler.model.names import caseless

PEOPLE, GROUPS = 0, 1
BASE = "dc=example"
A, B, C, G, H = (bytes([n]) * 16 for n in range(1, 6))


def _empty() -> Replica:
    return Replica([False, True], caseless)


def _person(replica: Replica, uuid: bytes, uid: str) -> None:
    replica.put(PEOPLE, uuid, (f"uid={uid},{BASE}".encode(), {"uid": [uid.encode()]}))


def _group(replica: Replica, uuid: bytes, cn: str, *members: str, attribute: str = "member") -> None:
    values = [f"{member},{BASE}".encode() if member else b"" for member in members]
    replica.put(GROUPS, uuid, (f"cn={cn},{BASE}".encode(), {"cn": [cn.encode()], attribute: values}))


def _built() -> Replica:
    replica = _empty()
    _person(replica, A, "a")
    _person(replica, B, "b")
    _group(replica, G, "g", "uid=a", "uid=ghost", "UID=B", "cn=h")
    _group(replica, H, "h", "uid=b", attribute="uniqueMember")
    replica.containers = {C: b"dc=example"}
    replica.settle([BASE])
    return replica


def _again(replica: Replica) -> Replica:
    """Return it as the next run finds it."""
    found = _empty()
    decode(b"".join(encode(replica)), found)
    found.expect_changes()
    return found


def _groups(replica: Replica) -> dict[bytes, RawAttributes]:
    return {dn.partition(b",")[0]: attributes for dn, attributes in replica.entries(GROUPS)}


def _members(replica: Replica, cn: bytes = b"cn=g", attribute: str = "member") -> list[bytes]:
    return [value.partition(b",")[0] for value in _groups(replica)[cn][attribute]]


def test_what_comes_out_is_what_was_put_in() -> None:
    """Members by the DNs that the entries have; the order stays."""
    replica = _again(_built())
    assert list(replica.entries(PEOPLE)) == [
        (b"uid=a,dc=example", {"uid": [b"a"]}),
        (b"uid=b,dc=example", {"uid": [b"b"]}),
    ]
    assert _members(replica) == [b"uid=a", b"uid=ghost", b"uid=b", b"cn=h"]
    assert _members(replica, b"cn=h", "uniqueMember") == [b"uid=b"]
    assert replica.containers == {C: b"dc=example"}
    assert not replica.changed


def test_a_renamed_member_stays_and_its_groups_are_doubtful() -> None:
    """The server may or may not follow it."""
    replica = _again(_built())
    _person(replica, A, "z")
    assert _members(replica) == [b"uid=z", b"uid=ghost", b"uid=b", b"cn=h"]
    assert replica.came() == [b"uid=z,dc=example"]
    assert replica.doubtful() == {G}


def test_a_member_that_went_is_in_no_group() -> None:
    """Nor is it after the next run."""
    replica = _again(_built())
    replica.drop(PEOPLE, B)
    assert _members(replica) == [b"uid=a", b"uid=ghost", b"cn=h"]
    assert replica.doubtful() == {G, H}
    replica.settle([BASE])
    assert _members(_again(replica)) == [b"uid=a", b"uid=ghost", b"cn=h"]


def test_who_comes_to_the_name_of_one_that_went_inherits_nothing() -> None:
    """Not from a group that did not come, nor from one that came and still has the name."""
    replica = _again(_built())
    replica.drop(PEOPLE, A)
    _person(replica, C, "a")
    assert _members(replica) == [b"uid=ghost", b"uid=b", b"cn=h"]
    _group(replica, G, "g", "uid=a", "uid=b")
    replica.settle([BASE])
    assert _members(replica) == [b"uid=b"]
    assert replica.again == {G}


def test_a_group_that_names_nobody_is_doubtful_once_somebody_has_that_name() -> None:
    """It is read again before anybody counts as a member."""
    replica = _again(_built())
    _person(replica, C, "ghost")
    assert replica.doubtful() == {G}
    _group(replica, G, "g", "uid=ghost")
    assert not replica.doubtful()
    replica.settle([BASE])
    assert _members(replica) == [b"uid=ghost"]
    assert replica.again == {G}, "somebody came just now"


def test_groups_with_names_of_nobody_are_looked_at_once_more() -> None:
    """The server may have been about to take them out; where it did not, it is not asked for ever."""
    replica = _built()
    assert replica.again == {G}
    replica = _again(replica)
    assert replica.doubtful({G}) == {G}
    _group(replica, G, "g", "uid=ghost")
    replica.settle([BASE], {G})
    assert not replica.again


def test_names_outside_the_bases_and_placeholders_are_nobody_for_good() -> None:
    """Nobody will come there."""
    replica = _empty()
    replica.put(GROUPS, G, (b"cn=g,dc=example", {"member": [b"uid=a,dc=elsewhere", b"", b"no dn"]}))
    replica.settle([BASE])
    assert not replica.again
    assert _groups(replica)[b"cn=g"]["member"] == [b"uid=a,dc=elsewhere", b"", b"no dn"]


def test_unique_members_lose_their_uid_and_no_others_do() -> None:
    """What looks like a UID is a part of the name elsewhere (RFC 4517 3.3.21)."""
    replica = _empty()
    _person(replica, A, "a")
    value = b"uid=a,dc=example#'01'B"
    replica.put(GROUPS, G, (b"cn=g,dc=example", {"uniqueMember": [value], "member": [value]}))
    replica.settle([BASE])
    assert _groups(replica)[b"cn=g"] == {"uniqueMember": [b"uid=a,dc=example"], "member": [value]}


def test_an_entry_of_two_searches_is_there_until_both_lose_it() -> None:
    """A person may be a group as well."""
    replica = _built()
    replica.put(PEOPLE, H, (b"cn=h,dc=example", {}))
    replica = _again(replica)
    replica.drop(PEOPLE, H)
    assert replica.dn_of(H) == b"cn=h,dc=example"
    replica.drop(GROUPS, H)
    assert replica.dn_of(H) is None
    assert replica.dn_of(b"nobody") is None
    replica.drop(GROUPS, H)


def test_numbers_follow_who_went() -> None:
    """What is kept after a removal is read as it was."""
    replica = _again(_built())
    replica.drop(PEOPLE, A)
    _person(replica, C, "c")
    _group(replica, G, "g", "uid=c", "uid=b")
    replica.settle([BASE])
    replica = _again(replica)
    assert _members(replica) == [b"uid=c", b"uid=b"]
    assert _members(replica, b"cn=h", "uniqueMember") == [b"uid=b"]


def test_bytes_that_are_cut_short_are_refused() -> None:
    """Wherever they end, except behind an entry: that is what the checksum is for."""
    parts = list(encode(_built()))
    ends = {sum(map(len, parts[:n])) for n in range(len(parts) + 1)}
    whole = b"".join(parts)
    for end in set(range(len(whole))) - ends:
        with pytest.raises(ReplicaSyntaxError):
            decode(whole[:end], _empty())


def test_an_entry_of_an_unknown_search_is_refused() -> None:
    """The policy has other searches now."""
    with pytest.raises(ReplicaSyntaxError):
        decode(b"".join(encode(_built())), Replica([False], caseless))
