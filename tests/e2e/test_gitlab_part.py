"""A part of a GitLab is what the whole says, as far as it goes, and takes no request for whatever else there is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.model.access import GroupKey, Scope, Totals, UserKey
from tests.e2e.gitlab_reading import SECRET, VARIABLE, crowd, dn, found
from tests.fakes.gitlab_server import Served, serving


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the token."""
    monkeypatch.setenv(VARIABLE, SECRET)


@pytest.fixture
def served() -> Iterator[Served]:
    """Give forty groups of three, some of them inside others; one person is in four, and in a project."""
    world = crowd(90, 40, 3)
    inside = world.add_group("team0007/inside")
    one = world.user("user00001")
    world.add_member(inside, one, 50)
    world.add_member(world.source("team0030"), one, 20)
    world.add_member(world.add_project("team0009/app"), one, 30)
    with serving(world) as served:
        yield served


ONE = UserKey(f"dn:{dn('user00001')}")


def part(served: Served, *groups: str, users: frozenset[UserKey], names: frozenset[str] = frozenset()) -> Scope:
    """Return the scope of some people."""
    return Scope("corp", frozenset(map(GroupKey, groups)), users=users, names=names)


def test_a_part_is_the_groups_asked_for_and_those_that_they_are_in(served: Served) -> None:
    """Found by key, by username or by e-mail address; everybody's account is there, and who else is in these groups."""
    every = [source.full_path for source in (*served.world.groups.values(), *served.world.projects.values())]
    whole = found(served, *every).state
    served.forget()
    wanted = {"team0000", "team0007", "team0007/inside", "team0009", "team0009/app", "team0030", "team0038", "team0039"}
    for scope in (
        part(served, "team0039", users=frozenset({ONE})),
        part(served, "team0039", users=frozenset(), names=frozenset({"USER00001"})),
        part(served, "team0039", users=frozenset(), names=frozenset({"user00001@example.com"})),
    ):
        have = found(served, users=scope).state
        assert set(have.groups) == wanted
        assert have.users == whole.users
        ruled = wanted - {"team0007", "team0009"}  # these two lie above
        assert have.memberships == {name: whole.memberships[GroupKey(name)] for name in sorted(ruled)}
        assert have.above == {name: whole.memberships[GroupKey(name)] for name in ("team0007", "team0009")}
    assert served.counts["members.list"] == 3 * len(wanted)
    assert served.counts["memberships"] == 3  # the memberships of one account


def test_a_part_has_its_totals(served: Served) -> None:
    """Of memberships those that were read: GitLab does not count, and a limit in percent of fewer is the stricter."""
    served.world.user("user00002").admin = True
    served.world.user("user00003").state = "blocked"
    state = found(served, users=part(served, users=frozenset({ONE}))).state
    read = sum(map(len, state.memberships.values()))
    assert state.totals == Totals(accounts=88, admins=1, groups=41, memberships=read)
    assert found(served).state.totals is None


def test_a_part_says_nothing_of_accounts_that_nobody_asked_for(served: Served) -> None:
    """Only what is to be noted of those that it is about."""
    for name in ("user00001", "user00002"):
        served.world.user(name).state = "ldap_blocked"
    assert [note.summary for note in found(served).state.notes] == ["2 ldap_blocked accounts: user00001, user00002."]
    (note,) = found(served, users=part(served, users=frozenset({ONE}))).state.notes
    assert note.summary == "1 ldap_blocked account: user00001."


def test_nobody_is_in_no_group(served: Served) -> None:
    """Whoever is not there is asked for nothing."""
    state = found(served, users=part(served, users=frozenset({UserKey("dn:uid=nobody")}))).state
    assert not state.groups
    assert served.counts["members.list"] == 0
