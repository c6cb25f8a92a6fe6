"""Members read by GraphQL are those that REST tells; where it does not work, REST tells them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.errors import TargetError
from reconciler.model.access import GroupKey
from tests.e2e.gitlab_reading import SECRET, VARIABLE, crowd, found, person, world_of
from tests.fakes.gitlab_answers import Reply, answer
from tests.fakes.gitlab_faults import Fault
from tests.fakes.gitlab_server import Served, serving

GRAPHQL = ".*/api/graphql"


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the token."""
    monkeypatch.setenv(VARIABLE, SECRET)


@pytest.fixture(scope="module")
def large() -> Iterator[Served]:
    """Give a GitLab with groups of several pages, one that is empty, and a project."""
    world = crowd(400, 45, 130)
    world.add_group("empty")
    for user in list(world.users.values())[:300]:
        world.add_member(world.source("team0001"), user, 50, created_by=user.id)
    world.add_member(world.add_project("team0000/app"), world.user("user00001"), 30)
    with serving(world) as served:
        yield served


NAMES = [*(f"team{number:04}" for number in range(45)), "empty", "team0000/app"]


def test_graphql_says_what_rest_says_in_fewer_requests(large: Served) -> None:
    """A probe, a query for 20 groups, and one for six further pages; projects are asked for by REST."""
    large.forget()
    large.fail()
    rest = found(large, *NAMES).state
    assert (large.counts["members.list"], large.counts["graphql"]) == (44 * 2 + 3 + 1 + 1, 0)
    large.forget()
    state = found(large, *NAMES, graphql=True).state
    assert state == rest
    assert (large.counts["members.list"], large.counts["graphql"]) == (1, 1 + 3 + 8 + 1)


def test_custom_roles_are_told_by_graphql_too() -> None:
    """An Enterprise Edition has them; one that the policy does not know is no role that it has."""
    world = world_of()
    world.instance.enterprise = True
    world.instance.custom_roles = {7: ("Auditing", 20), 8: ("Other", 20)}
    group = world.add_group("acme")
    for number, name in enumerate(("ann", "ben", "cleo")):
        world.add_member(group, world.users[person(world, name)], 20, role=(7, 8, 0)[number], created_by=1)
    custom = {"auditing": {"id": 7, "base": "reporter"}}
    with serving(world) as served:
        state = found(served, "acme", graphql=True, custom_roles=custom).state
        assert served.counts["members.list"] == 0
        assert sorted(state.memberships[GroupKey("acme")].values()) == ["auditing", "custom role 8", "reporter"]
        assert state == found(served, "acme", custom_roles=custom).state


def page_of(*nodes: object, more: bool = False, cursor: object = "x") -> Reply:
    """Return an answer with the members of the group with number 2."""
    members = {"nodes": list(nodes), "pageInfo": {"hasNextPage": more, "endCursor": cursor}}
    return answer({"data": {"groups": {"nodes": [{"id": "gid://gitlab/Group/2", "groupMembers": members}]}}})


ANN = {"accessLevel": {"integerValue": 30}, "user": {"id": "gid://gitlab/User/2"}, "createdBy": None}
BROKEN: dict[str, Reply] = {
    "no JSON": Reply(200, b"<html>", {}, "text/html"),
    "gone": Reply(404, b"<html>", {}, "text/html"),
    "errors": answer({"errors": [{"message": "Timeout on validation of query"}], "data": None}),
    "no data": answer({"data": None}),
    "no groups": answer({"data": {"groups": {"nodes": []}}}),
    "a list": answer({"data": {"groups": {"nodes": {}}}}),
    "twice": page_of(ANN, ANN),
    "no level": page_of({**ANN, "accessLevel": {"integerValue": True}}),
    "no id": page_of({**ANN, "user": {"id": "2"}}),
    "another kind of id": page_of({**ANN, "user": {"id": "gid://gitlab/Bot/2"}}),
    "a nameless creator": page_of({**ANN, "createdBy": {"username": None}}),
    "nowhere to go": page_of(more=True),
    "no place to go": page_of(ANN, more=True, cursor=None),
}


@pytest.mark.parametrize("name", BROKEN)
def test_whatever_graphql_breaks_on_is_asked_for_by_rest(name: str) -> None:
    """All groups, and the plan says so."""
    world = world_of()
    group = world.add_group("acme")
    world.add_member(group, world.users[person(world, "ann")], 30)
    with serving(world) as served:
        rest = found(served, "acme").state
        served.fail(Fault("POST", GRAPHQL, reply=BROKEN[name], first=2, times=99))
        state = found(served, "acme", graphql=True).state
    assert state.memberships == rest.memberships != {}
    (note,) = state.notes
    assert note.code == "GITLAB-NO-GRAPHQL"
    assert SECRET not in note.line()


def test_an_older_gitlab_is_asked_by_rest() -> None:
    """Its GraphQL does not take ids of groups."""
    world = world_of()
    world.instance.graphql_fields = frozenset()
    world.add_member(world.add_group("acme"), world.users[person(world, "ann")], 30)
    with serving(world) as served:
        state = found(served, "acme", graphql=True).state
        assert state.memberships
        assert served.counts["graphql"] == 1
    (note,) = state.notes
    assert note.summary == (
        "Members were read by REST, more slowly, because GraphQL was of no use: "
        "its GraphQL has no Query.groups with what is needed."
    )


def test_who_was_invited_by_mail_is_no_member_yet() -> None:
    """There is no account to be managed."""
    world = world_of()
    world.add_member(world.add_group("acme"), world.users[person(world, "ann")], 30)
    with serving(world) as served:
        number = world.source("acme").id
        invited = page_of({**ANN, "user": None}, ANN)
        invited = Reply(invited.status, invited.body.replace(b"Group/2", b"Group/%d" % number), {}, invited.media)
        served.fail(Fault("POST", GRAPHQL, reply=invited, first=2))
        state = found(served, "acme", graphql=True).state
    assert not state.notes
    assert [len(people) for people in state.memberships.values()] == [1]


def test_where_neither_works_it_is_an_error() -> None:
    """A part is never returned as the whole."""
    world = world_of()
    world.add_group("acme")
    with serving(world) as served:
        served.fail(
            Fault("POST", GRAPHQL, reply=BROKEN["gone"], times=99),
            Fault("GET", "/groups/[0-9]+/members", reply=BROKEN["gone"], times=99),
        )
        with pytest.raises(TargetError, match="status 404"):
            found(served, "acme", graphql=True)
