"""Reading a GitLab: who is ours, what is in which group, and how many requests that takes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from reconciler.errors import TargetError
from reconciler.model.access import Flag, GroupKey, Role, UserKey
from tests.e2e.gitlab_reading import PROVIDER, SECRET, VARIABLE, crowd, dn, found, person, world_of
from tests.fakes.gitlab_answers import Reply, answer
from tests.fakes.gitlab_faults import Fault, resource_lock, retry_later
from tests.fakes.gitlab_server import Served, serving
from tests.fakes.gitlab_world import World


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the token."""
    monkeypatch.setenv(VARIABLE, SECRET)


@pytest.fixture
def served() -> Iterator[Served]:
    """Give a GitLab with nobody but ourselves."""
    with serving(world_of()) as served:
        yield served


def counts(served: Served) -> dict[str, int]:
    """Return the requests by kind, probes apart."""
    probes = {"version", "user", "token"}
    return {kind: number for kind, number in sorted(served.counts.items()) if kind not in probes}


@pytest.mark.parametrize("times", [1, 2])
def test_the_requests_of_a_read_are_one_for_each_page(times: int) -> None:
    """Twice as much of everything takes twice the pages, and never a request for each account."""
    with serving(crowd(240 * times, 120 * times, 130)) as served:
        groups = [f"team{number:04}" for number in range(40 * times)]
        have = found(served, *groups)
        assert counts(served) == {
            "groups.list": 2 + (times > 1),
            "members.list": 80 * times,
            "users.list": 2 * times + 1,
        }
        assert sum(served.counts.values()) == 3 + (2 + (times > 1)) + 80 * times + (2 * times + 1)
    assert sum(map(len, have.state.memberships.values())) == 130 * 40 * times
    assert len(have.state.users) == 240 * times


def test_one_full_last_page_is_followed_by_an_empty_one() -> None:
    """Only then can there be more; a short page is the last."""
    for users, pages in ((200, 3), (199, 2), (40, 2)):
        with serving(crowd(users, 1, 1)) as served:
            found(served)
            assert counts(served)["users.list"] == pages, users


def test_an_account_is_ours_by_its_identity(served: Served) -> None:
    """That of our provider, if no other LDAP server's comes before it; everybody else is somebody else's."""
    world = served.world
    person(world, "ann", name="Ann Lee", email="Ann@Example.com")
    person(world, "ben", identities={"saml": "ben", PROVIDER: "UID=Ben , OU=People,dc=example,DC=com"})
    person(world, "cleo", identities={"ldapsecondary": "uid=cleo,dc=b", PROVIDER: dn("cleo")})
    person(world, "dan", identities={PROVIDER: dn("dan"), "ldapsecondary": "uid=dan,dc=b"})
    person(world, "eve", identities={"saml": "eve"})
    person(
        world, "fay", attributes={"reconcile_id": "1f-2"}, identities={PROVIDER: dn("fay"), "kerberos": "fay@EXAMPLE"}
    )
    person(world, "ghost", bot="ghost")
    person(world, "robot", bot="project_bot")
    users = found(served).state.users
    assert {key: user.username for key, user in users.items() if user.managed} == {
        UserKey(f"dn:{dn('ann')}"): "ann",
        UserKey(f"dn:{dn('ben')}"): "ben",
        UserKey(f"dn:{dn('dan')}"): "dan",
        UserKey("1f-2"): "fay",
    }
    assert {key for key, user in users.items() if not user.managed} == {"local:cleo", "local:eve", "local:sync"}
    assert users[UserKey(f"dn:{dn('ann')}")].attributes == {
        "email": "Ann@Example.com",
        "name": "Ann Lee",
        "dn": dn("ann"),
    }
    assert users[UserKey("1f-2")].attributes["kerberos"] == "fay@EXAMPLE"
    assert users[UserKey(f"dn:{dn('ben')}")].attributes["dn"] == dn("ben")


def test_what_is_no_dn_is_nobodys_and_is_named(served: Served) -> None:
    """Nothing of it is managed, and the plan says so."""
    person(served.world, "ann", identities={PROVIDER: "ann at work"})
    state = found(served).state
    assert not state.users[UserKey("local:ann")].managed
    assert [(note.code, note.subject) for note in state.notes] == [("GITLAB-BAD-IDENTITY", "ann")]


def test_a_provider_that_is_nobodys_is_said(served: Served) -> None:
    """Everybody would count as without an account."""
    person(served.world, "ann")
    assert [note.code for note in found(served, provider="ldaptwo").state.notes] == ["GITLAB-PROVIDER"]


def test_two_accounts_of_one_person_are_an_error(served: Served) -> None:
    """Which of them is meant is for people to say."""
    for name in ("ann", "ben"):
        person(served.world, name, attributes={"reconcile_id": "1f-2"})
    with pytest.raises(TargetError, match='"ann" and "ben" are both marked as those of "1f-2"'):
        found(served)


STATES = {
    "active": (True, False),
    "deactivated": (True, False),
    "blocked": (False, True),
    "ldap_blocked": (False, True),
    "banned": (False, True),
    "blocked_pending_approval": (False, True),
}


def test_states_of_accounts(served: Served) -> None:
    """Deactivated ones count as active; what we have not blocked ourselves, somebody else has."""
    for word in STATES:
        person(served.world, word, state=word)
        person(served.world, f"{word}_ours", state=word, attributes={"reconcile_blocked": "2026-11-20"})
    state = found(served).state
    users = {user.username: user for user in state.users.values()}
    assert {name: (users[name].active, users[name].disabled_by_hand) for name in STATES} == STATES
    assert {name: users[f"{name}_ours"].disabled_by_hand for name in STATES} == {
        name: name not in {"active", "deactivated", "blocked"} for name in STATES
    }
    marked = {name for name, user in users.items() if user.attributes.get("block_mark") == "2026-11-20"}
    assert marked == {"active_ours", "deactivated_ours"}
    assert [(note.code, note.summary) for note in state.notes] == [
        ("GITLAB-DEACTIVATED", "2 deactivated accounts: deactivated, deactivated_ours."),
        ("GITLAB-LDAP-BLOCKED", "2 ldap_blocked accounts: ldap_blocked, ldap_blocked_ours."),
    ]


def test_ssh_keys_are_what_we_have_noted(served: Served) -> None:
    """No request for any account; what GitLab refused is remembered and said, and a damaged note is none."""
    noted = [{"key": "ssh-rsa B"}, {"key": "ssh-dss A", "refused": "is forbidden"}]
    person(served.world, "ann", attributes={"reconcile_ssh_keys": json.dumps(noted)})
    person(served.world, "ben", attributes={"reconcile_ssh_keys": "[{]"})
    state = found(served).state
    assert state.users[UserKey(f"dn:{dn('ann')}")].attributes["ssh_keys"] == ("ssh-dss A", "ssh-rsa B")
    assert "ssh_keys" not in state.users[UserKey(f"dn:{dn('ben')}")].attributes
    assert [note.summary for note in state.notes] == [
        'GitLab has refused the SSH key "ssh-dss …A" of ann: is forbidden.'
    ]
    assert "keys.list" not in served.counts


def test_flags_are_those_that_this_gitlab_has(served: Served) -> None:
    """Only an Enterprise Edition says who is an auditor."""
    person(served.world, "ann", admin=True, auditor=True)
    flags = found(served).state.users[UserKey(f"dn:{dn('ann')}")].flags
    assert flags == {Flag.ADMIN: True, Flag.EXTERNAL: False}
    served.world.instance.enterprise = True
    served.world.touch(served.world.user("ann"))
    flags = found(served).state.users[UserKey(f"dn:{dn('ann')}")].flags
    assert flags == {Flag.ADMIN: True, Flag.EXTERNAL: False, Flag.AUDITOR: True}


def team(world: World) -> None:
    """Add two people, somebody by hand, a bot, groups above each other, and a project."""
    people = {name: world.users[person(world, name)] for name in ("ann", "ben")}
    people |= {"eve": world.add_user("eve"), "bot": world.add_user("bot", bot="project_bot")}
    inside = {
        "acme": {"ann": 40, "eve": 50, "bot": 40},
        "acme/dev": {"ann": 30, "ben": 20, "eve": 10, "bot": 30},
        "acme/dev/deep": {"ben": 50},
        "other": {"ann": 50},
    }
    for path, members in inside.items():
        group = world.add_group(path)
        for name, level in members.items():
            world.add_member(group, people[name], level, created_by=people["eve"].id)
    world.add_member(world.add_project("acme/dev/app"), people["ben"], 15)


def test_groups_their_ancestors_and_projects(served: Served) -> None:
    """Members of ruled groups are ours or by hand, those above are known, bots are nobody, all else is not read."""
    team(served.world)
    have = found(served, "acme/dev", "acme/dev/app", "acme/none/deep", "gone/away")
    state, ann, ben = have.state, f"dn:{dn('ann')}", f"dn:{dn('ben')}"
    assert set(state.groups) == {"acme", "acme/dev", "acme/dev/app"}
    assert state.memberships == {"acme/dev": {ann: "developer", ben: "reporter"}, "acme/dev/app": {ben: "planner"}}
    assert state.by_hand == {"acme/dev": {"local:eve": "guest"}}
    assert state.above == {"acme": {ann: "maintainer"}}
    assert {name: space.kind for name, space in have.spaces.items()} == {
        "acme": "groups",
        "acme/dev": "groups",
        "acme/dev/app": "projects",
    }
    assert state.own == "local:sync"
    assert served.counts["members.list"] == 3
    assert served.counts["projects.get"] == 2  # not below a group that is not there


def test_what_lies_above_a_group_that_is_missing_is_known(served: Served) -> None:
    """Who has a role there has it in the group that is made below."""
    team(served.world)
    state = found(served, "ACME/Dev/new/deep", "acme/Dev/new").state
    assert set(state.groups) == {"ACME", "ACME/Dev"}
    assert state.memberships == {}
    assert state.above[GroupKey("ACME")] == {f"dn:{dn('ann')}": "maintainer"}


def test_who_made_a_membership_is_told_where_it_was_not_us(served: Served) -> None:
    """GitLab does not know of all; those above and by hand are nobody's business."""
    team(served.world)
    group, ours = served.world.source("acme/dev"), served.world.user("sync").id
    group.members[served.world.user("ben").id].created_by = ours
    served.world.add_member(group, served.world.users[person(served.world, "fay")], 30)
    state = found(served, "acme/dev").state
    assert state.made_by == {"acme/dev": {f"dn:{dn('ann')}": "eve"}}
    assert f"dn:{dn('fay')}" in state.memberships[GroupKey("acme/dev")]


def test_paths_compare_without_case(served: Served) -> None:
    """As GitLab does; the state has them as the policy does, and the plan says that they differ."""
    team(served.world)
    state = found(served, "Acme/Dev").state
    assert set(state.groups) == {"Acme", "Acme/Dev"}
    assert set(state.memberships) == {"Acme/Dev"}
    assert set(state.above) == {"Acme"}
    assert [note.summary for note in state.notes] == ['The policy writes "Acme/Dev", and GitLab "acme/dev".']
    with pytest.raises(TargetError, match='"ACME" and "acme" are one group'):
        found(served, "acme", "ACME")


def test_custom_roles_are_read_by_their_number(served: Served) -> None:
    """One that the policy does not know has a name that no policy has; so does a level that nobody knows."""
    served.world.instance.enterprise = True
    served.world.instance.custom_roles = {7: ("Auditing", 20), 8: ("Other", 20)}
    group = served.world.add_group("acme")
    for name, (level, role) in {"ann": (20, 7), "ben": (20, 8), "cleo": (20, 0), "dan": (25, 0)}.items():
        served.world.add_member(group, served.world.users[person(served.world, name)], level, role=role)
    members = found(served, "acme", custom_roles={"auditing": {"id": 7, "base": "reporter"}}).state.memberships
    assert members[GroupKey("acme")] == {
        f"dn:{dn('ann')}": Role("auditing"),
        f"dn:{dn('ben')}": Role("custom role 8"),
        f"dn:{dn('cleo')}": Role("reporter"),
        f"dn:{dn('dan')}": Role("level 25"),
    }


def test_the_membership_lock_is_asked_for_only_where_the_policy_has_it(served: Served) -> None:
    """A GitLab without the setting has no switch; that is no error."""
    assert found(served).state.settings == {}
    assert "settings.get" not in served.counts
    assert found(served, membership_lock=True).state.settings == {}
    served.world.instance.enterprise = True
    assert found(served, membership_lock=False).state.settings == {"membership_lock": False}
    served.world.instance.lock_memberships = True
    assert found(served, membership_lock=True).state.settings == {"membership_lock": True}


def test_a_list_that_moves_is_read_again() -> None:
    """A member who goes between two pages would hide another one."""
    with serving(crowd(300, 1, 150)) as served:
        group = served.world.source("team0000")
        members = list(group.members)

        def leave(world: World) -> None:
            world.source("team0000").members.pop(members.pop(0))

        served.fail(Fault("GET", "/groups/[0-9]+/members", first=2, meanwhile=leave))
        have = found(served, "team0000")
        assert len(have.state.memberships[GroupKey("team0000")]) == 149
        assert served.counts["members.list"] == 4
        served.fail(Fault("GET", "/groups/[0-9]+/members", first=2, times=99, meanwhile=leave))
        with pytest.raises(TargetError, match="could not be read as a whole in 3 reads"):
            found(served, "team0000")


BAD_MEMBERS: dict[str, object] = {
    "no list": {"id": 1},
    "no number": [{"id": "1", "access_level": 30}],
    "no level": [{"id": 1, "access_level": True}],
    "a role": [{"id": 1, "access_level": 30, "member_role": {"id": "x"}}],
    "a role that is a list": [{"id": 1, "access_level": 30, "member_role": {"id": []}}],
    "a creator": [{"id": 1, "access_level": 30, "created_by": ["x"]}],
    "a nameless creator": [{"id": 1, "access_level": 30, "created_by": {"username": 3}}],
    "twice": [{"id": 1, "access_level": 30}, {"id": 1, "access_level": 40}],
}


@pytest.mark.parametrize("name", BAD_MEMBERS)
def test_members_of_another_shape_are_an_error(served: Served, name: str) -> None:
    """With the place, and without our secret."""
    served.world.add_group("acme")
    served.fail(Fault("GET", "/groups/[0-9]+/members", reply=answer(BAD_MEMBERS[name]), times=99))
    with pytest.raises(TargetError, match=r"GET /v4/groups/[0-9]+/members") as caught:
        found(served, "acme")
    assert SECRET not in str(caught.value)


GOOD_USER: dict[str, object] = {
    "id": 5,
    "username": "ann",
    "name": "Ann",
    "email": "ann@example.com",
    "state": "active",
    "identities": [{"provider": PROVIDER, "extern_uid": dn("ann")}],
    "is_admin": False,
    "external": False,
}
BAD_USERS: dict[str, dict[str, object]] = {
    "no number": {"id": None},
    "no username": {"username": 3},
    "identities": {"identities": {}},
    "an identity": {"identities": ["x"]},
    "a provider": {"identities": [{"provider": None, "extern_uid": "x"}]},
    "custom attributes": {"custom_attributes": 3},
    "a custom attribute": {"custom_attributes": [3]},
    "a value": {"custom_attributes": [{"key": "reconcile_id", "value": 3}]},
    "a flag": {"is_admin": 1},
    "an auditor": {"is_auditor": None},
    "a state": {"state": None},
}


@pytest.mark.parametrize("name", BAD_USERS)
def test_accounts_of_another_shape_are_an_error(served: Served, name: str) -> None:
    """Nothing is guessed of an account."""
    served.fail(Fault("GET", "/users", reply=answer([GOOD_USER]), times=99))
    assert f"dn:{dn('ann')}" in found(served).state.users
    served.fail(Fault("GET", "/users", reply=answer([GOOD_USER | BAD_USERS[name]]), times=99))
    with pytest.raises(TargetError, match="GET /v4/users"):
        found(served)


def test_nothing_more_is_read_once_something_failed() -> None:
    """Whoever waits for an error need not wait for all accounts."""
    with serving(crowd(3000, 1, 1)) as served:
        served.fail(
            Fault("GET", "/groups/[0-9]+/members", reply=answer({"message": "403 Forbidden"}, 403)),
            Fault("GET", "/users", times=99, delay=0.05),
        )
        with pytest.raises(TargetError, match="403 Forbidden"):
            found(served, "team0000")
        assert counts(served)["users.list"] < 15


def test_passing_troubles_are_waited_for(served: Served) -> None:
    """A lock, a rate that says how long, a gateway: the read goes on."""
    team(served.world)
    served.fail(
        Fault("GET", "/users", reply=retry_later(0)),
        Fault("GET", "/groups", reply=Reply(502, b"<html>", {}, "text/html")),
        Fault("GET", "/groups/[0-9]+/members", ending="reset"),
    )
    assert set(found(served, "acme/dev").state.memberships) == {"acme/dev"}
    served.fail(Fault("GET", "/groups", reply=resource_lock()))
    with pytest.raises(TargetError, match="409"):
        found(served, "acme/dev")
