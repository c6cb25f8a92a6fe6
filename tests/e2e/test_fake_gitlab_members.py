"""The fake GitLab keeps GitLab's rules of groups, projects and their members, and reads them by GraphQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.gitlab_caller import Answer, Caller
from tests.fakes.gitlab_server import serving
from tests.fakes.gitlab_world import Instance, Source, World


@pytest.fixture
def ask() -> Iterator[Caller]:
    """Return a fresh GitLab to ask."""
    with serving(World(Instance())) as served:
        yield Caller(served)


def _group(ask: Caller, path: str = "team", **levels: int) -> Source:
    group = ask.world.add_group(path)
    for username, level in levels.items():
        ask.world.add_member(group, ask.world.user(username), level)
    return group


def _add(ask: Caller, group: Source, who: str, level: int = 30, **more: object) -> Answer:
    return ask("POST", f"/groups/{group.id}/members", {"user_id": who, "access_level": level, **more})


def _id(ask: Caller, username: str) -> int:
    return ask.world.user(username).id


def test_groups_are_listed_found_by_path_and_created_under_rules(ask: Caller) -> None:
    """A path is encoded, lookups ignore case, a group is no project; refusals are in Ruby's spelling."""
    assert ask("POST", "/groups", {"name": "Top", "path": "top", "visibility": "internal"}).status == 201
    top = ask.world.source("top")
    assert ask.world.levels("top") == {"root": 50}
    sub = ask("POST", "/groups", {"name": "Sub", "path": "Sub", "parent_id": top.id})
    assert (sub.body["full_path"], sub.body["visibility"], sub.body["full_name"]) == ("top/Sub", "private", "Top / Sub")
    assert ask.world.levels("top/sub") == {}
    taken = ask("POST", "/groups", {"name": "Sub", "path": "sub", "parent_id": top.id})
    assert taken.body == {"message": 'Failed to save group {:path=>["has already been taken"]}'}
    wide = ask("POST", "/groups", {"name": "w", "path": "w", "parent_id": top.id, "visibility": "public"})
    assert "is not allowed since the parent group has a internal visibility" in wide.body["message"]
    assert ask("POST", "/groups", {"name": "w", "path": "w", "parent_id": 999}).status == 404
    assert ask("GET", "/groups/TOP%2Fsub?with_projects=false").body["id"] == sub.body["id"]
    assert ask("GET", "/projects/top%2Fsub").body == {"message": "404 Project Not Found"}
    project = ask("POST", "/projects", {"name": "app", "namespace_id": top.id}).body
    assert ask("GET", "/projects/top%2Fapp").body["id"] == project["id"]
    assert [row["full_path"] for row in ask("GET", "/groups?all_available=true&top_level_only=true").body] == ["top"]
    assert len(ask("GET", "/groups?pagination=keyset&per_page=1").headers["link"].split(",")) > 1


def test_a_group_that_may_not_be_seen_is_not_there(ask: Caller) -> None:
    """404 for a stranger, and 403 for a member who is no owner."""
    group = _group(ask, u2=30)
    ask.world.add_token("u1", ask.world.user("u1"))
    ask.world.add_token("u2", ask.world.user("u2"))
    assert ask("GET", f"/groups/{group.id}", by="u1").status == 404
    assert ask("GET", "/groups", by="u1").body == []
    body = {"user_id": "1,2", "access_level": 30}
    assert ask("POST", f"/groups/{group.id}/members", body, by="u2").status == 403
    assert ask("DELETE", f"/groups/{group.id}/members/{_id(ask, 'u2')}", by="u2").status == 204


def test_projects_are_listed_by_keyset_in_the_order_of_ids_alone(ask: Caller) -> None:
    """With or without archived ones."""
    for number in range(5):
        ask.world.add_project(f"top/p{number}", archived=number == 3)
    page = ask("GET", "/projects?pagination=keyset&order_by=id&sort=asc&per_page=3&archived=false")
    assert [row["path_with_namespace"] for row in page.body] == ["top/p0", "top/p1", "top/p2"]
    assert 'rel="next"' in page.headers["link"]
    assert [row["id"] for row in ask("GET", "/projects?archived=true").body] == [4]
    assert ask("GET", "/projects?pagination=keyset").status == 405


def test_members_are_direct_ones_with_bots_and_without_identities(ask: Caller) -> None:
    """The list says nothing about a bot being one; `all` has each person once, with the highest level."""
    top, sub = _group(ask, "top", u1=40, u2=20), _group(ask, "top/sub", u2=30)
    ask.world.add_member(sub, ask.world.add_user("group_1_bot", bot="project_bot"), 40, created_by=1)
    rows = ask("GET", f"/groups/{sub.id}/members").body
    assert [(row["username"], row["access_level"]) for row in rows] == [("u2", 30), ("group_1_bot", 40)]
    assert not {"bot", "identities", "email"} & set(rows[1])
    assert rows[1]["created_by"]["username"] == "root"
    everyone = ask("GET", f"/groups/{sub.id}/members/all").body
    assert {row["username"]: row["access_level"] for row in everyone} == {"u1": 40, "u2": 30, "group_1_bot": 40}
    some = ask("GET", f"/groups/{sub.id}/members?user_ids={_id(ask, 'u1')},{_id(ask, 'u2')}").body
    assert [row["username"] for row in some] == ["u2"]
    assert len(ask("GET", f"/groups/{sub.id}/members?skip_users[]={_id(ask, 'u2')}").body) == 1
    assert ask("GET", f"/groups/{sub.id}/members?pagination=keyset").status == 405
    assert ask("GET", f"/groups/{top.id}/members/{_id(ask, 'u1')}").body["access_level"] == 40
    assert ask("GET", f"/groups/{sub.id}/members/{_id(ask, 'u1')}").status == 404
    assert ask("GET", f"/groups/{sub.id}/members/all/{_id(ask, 'u1')}").status == 200
    guests = _group(ask, "guests", u3=40, u2=50)
    top.shared[guests.id] = 30
    everyone = ask("GET", f"/groups/{sub.id}/members/all").body
    assert {row["username"]: row["access_level"] for row in everyone}.items() >= {"u2": 30, "u3": 30}.items()
    assert len(ask("GET", f"/groups/{top.id}/members").body) == 2
    del guests.members[_id(ask, "u2")]
    memberships = ask("GET", f"/users/{_id(ask, 'u2')}/memberships?type=Namespace").body
    assert [(row["source_id"], row["access_level"]) for row in memberships] == [(top.id, 20), (sub.id, 30)]


def test_adding_one(ask: Caller) -> None:
    """409 for a member, 404 for nobody, 400 for a level that is none, 405 where membership is locked."""
    group = _group(ask)
    made = _add(ask, group, str(_id(ask, "u1")), expires_at="2030-01-01")
    assert (made.status, made.body["expires_at"], made.body["created_by"]["username"]) == (201, "2030-01-01", "root")
    assert _add(ask, group, str(_id(ask, "u1"))).body == {"message": "Member already exists"}
    assert _add(ask, group, "999").body == {"message": "404 User Not Found"}
    assert _add(ask, group, str(_id(ask, "u2")), 33).body == {"error": "access_level does not have a valid value"}
    ask.world.instance.planner = False
    assert _add(ask, group, str(_id(ask, "u2")), 15).status == 400
    assert _add(ask, group, str(_id(ask, "u2")), 5).body["message"] == {"access_level": ["is not included in the list"]}
    past = _add(ask, group, str(_id(ask, "u2")), expires_at="2020-01-01")
    assert past.body["message"] == {"expires_at": ["cannot be a date in the past"]}
    group.locked = True
    assert _add(ask, group, str(_id(ask, "u2"))).status == 405
    assert _add(ask, group, f"{_id(ask, 'u2')},").body["status"] == "error"


def test_adding_many_changes_members_and_clears_their_expiry(ask: Caller) -> None:
    """An upsert: the level and the expiry become what was sent, and nothing sent is none; unknown ids are dropped."""
    group = _group(ask, u1=10)
    ask.world.add_member(group, ask.world.user("u2"), 30, expires_at="2030-01-01", created_by=7)
    ids = ",".join(str(_id(ask, name)) for name in ("u1", "u2", "u3"))
    answer = _add(ask, group, f"{ids},99999,somebody")
    assert (answer.status, answer.body) == (201, {"status": "success"})
    assert ask.world.levels("team") == {"u1": 30, "u2": 30, "u3": 30}
    assert group.members[_id(ask, "u2")].expires_at is None
    assert [member.created_by for member in group.members.values()] == [0, 7, 1]
    assert ask.world.effects == [
        ("member.set", "team", "u1", "30"),
        ("member.set", "team", "u2", "30"),
        ("member.add", "team", "u3", "30"),
    ]
    ask.served.forget()
    assert _add(ask, group, f"{ids},").body["status"] == "success"
    assert not ask.world.effects
    assert ask("POST", f"/groups/{group.id}/members", {"username": "u4,nobody", "access_level": 20}).status == 201
    assert ask.world.levels("team")["u4"] == 20


def test_adding_more_than_a_hundred_changes_nothing(ask: Caller) -> None:
    """201 with an error in it; a hundred are fine."""
    group = _group(ask)
    ids = [ask.world.add_user(f"many{number}").id for number in range(101)]
    refused = _add(ask, group, ",".join(map(str, ids)))
    assert refused.status == 201
    assert refused.body == {"status": "error", "message": "Too many users specified (limit is 100)"}
    assert not group.members
    assert _add(ask, group, ",".join(map(str, ids[:100]))).body == {"status": "success"}
    assert len(group.members) == 100


def test_a_level_below_the_inherited_one_is_refused(ask: Caller) -> None:
    """400 alone; among many 201 with a message for each, and the good ones are saved."""
    _group(ask, "top", u1=40, u2=40)
    sub = _group(ask, "top/sub", u2=40)
    text = "should be greater than or equal to Maintainer inherited membership from group top"
    assert _add(ask, sub, str(_id(ask, "u1"))).body == {"message": {"access_level": [text]}}
    lower = ask("PUT", f"/groups/{sub.id}/members/{_id(ask, 'u2')}", {"access_level": 30})
    assert (lower.status, lower.body) == (400, {"message": {"access_level": [text]}})
    many = _add(ask, sub, ",".join(str(_id(ask, name)) for name in ("u1", "u2", "u3")))
    assert many.status == 201
    assert many.body == {"status": "error", "message": f"u1: Access level {text} and u2: Access level {text}"}
    assert ask.world.levels("top/sub") == {"u2": 40, "u3": 30}
    project = ask.world.add_project("top/app")
    assert ask("POST", f"/projects/{project.id}/members", {"user_id": _id(ask, "u1"), "access_level": 30}).status == 400


def test_changing_one_keeps_an_expiry_that_is_not_sent(ask: Caller) -> None:
    """PUT is no upsert: 404 for who is no direct member."""
    group = _group(ask)
    ask.world.add_member(group, ask.world.user("u1"), 20, expires_at="2030-01-01")
    path = f"/groups/{group.id}/members/{_id(ask, 'u1')}"
    assert ask("PUT", path, {"access_level": 30}).body["expires_at"] == "2030-01-01"
    assert ask("PUT", path, {"access_level": 30, "expires_at": ""}).body["expires_at"] is None
    assert ask("PUT", f"/groups/{group.id}/members/{_id(ask, 'u2')}", {"access_level": 30}).status == 404
    assert ask("PUT", path, {}).body == {"error": "access_level is missing"}


def test_the_last_owner_stays(ask: Caller) -> None:
    """403, by DELETE, PUT and among many; bots and blocked owners do not count, owners of ancestors do."""
    group = _group(ask, u1=50, u2=50)
    ask.world.add_member(group, ask.world.add_user("bot", bot="project_bot"), 50)
    ask.world.user("u2").state = "blocked"
    path = f"/groups/{group.id}/members/{_id(ask, 'u1')}"
    assert ask("DELETE", f"{path}?skip_subresources=true").status == 403
    assert ask("PUT", path, {"access_level": 40}).status == 403
    many = _add(ask, group, f"{_id(ask, 'u1')},{_id(ask, 'u3')}")
    assert many.body == {"status": "error", "message": "u1: not authorized to update member"}
    assert ask.world.levels("team")["u3"] == 30
    sub = _group(ask, "team/sub", u4=50)
    assert ask("DELETE", f"/groups/{sub.id}/members/{_id(ask, 'u4')}").status == 204
    ask.world.user("u2").state = "active"
    assert ask("DELETE", path).status == 204


def test_removing_goes_into_everything_below_unless_told_otherwise(ask: Caller) -> None:
    """`skip_subresources` keeps subgroups and projects; a second removal is 404."""
    top, sub = _group(ask, "top", u1=30, u2=30), _group(ask, "top/sub", u1=30, u2=40)
    project = ask.world.add_project("top/sub/app")
    ask.world.add_member(project, ask.world.user("u1"), 30)
    assert ask("DELETE", f"/groups/{top.id}/members/{_id(ask, 'u2')}?skip_subresources=true").status == 204
    assert set(sub.members) == {_id(ask, "u1"), _id(ask, "u2")}
    assert ask("DELETE", f"/groups/{top.id}/members/{_id(ask, 'u1')}").status == 204
    assert (set(sub.members), set(project.members)) == ({_id(ask, "u2")}, set())
    assert ask("DELETE", f"/groups/{top.id}/members/{_id(ask, 'u1')}").status == 404


def test_promotions_that_wait_for_an_administrator(ask: Caller) -> None:
    """EE may answer success and do nothing yet; who has a seat already is added at once."""
    ask.world.instance.enterprise = ask.world.instance.approval = True
    group = _group(ask, u1=30, u2=10)
    other = _group(ask, "other")
    answer = _add(ask, other, ",".join(str(_id(ask, name)) for name in ("u1", "u2", "u3")))
    queued = "Request queued for administrator approval."
    assert answer.body == {"status": "success", "queued_users": {"u2": queued, "u3": queued}}
    assert ask.world.levels("other") == {"u1": 30}
    assert _add(ask, other, str(_id(ask, "u4"))).body == {"message": {"u4": queued}}
    raised = ask("PUT", f"/groups/{group.id}/members/{_id(ask, 'u2')}", {"access_level": 30})
    assert (raised.status, raised.body) == (200, {"message": {"u2": queued}})
    assert sorted(other.pending) == [_id(ask, name) for name in ("u2", "u3", "u4")]


def test_custom_roles(ask: Caller) -> None:
    """EE: the id goes with its base level; an upsert without it takes the role away."""
    ask.world.instance.enterprise = True
    ask.world.instance.custom_roles[7] = ("Security", 30)
    group, person = _group(ask), _id(ask, "u1")
    assert _add(ask, group, str(person), 20, member_role_id=7).status == 400
    assert _add(ask, group, str(person), 30, member_role_id=8).status == 400
    role = {"id": 7, "name": "Security", "base_access_level": 30}
    assert _add(ask, group, str(person), 30, member_role_id=7).body["member_role"] == role
    assert ask("PUT", f"/groups/{group.id}/members/{person}", {"access_level": 30}).body["member_role"] == role
    none = ask("PUT", f"/groups/{group.id}/members/{person}", {"access_level": 30, "member_role_id": None})
    assert none.body["member_role"] is None
    _add(ask, group, f"{person},", 30, member_role_id=7)
    _add(ask, group, f"{person},", 30)
    assert ask("GET", f"/groups/{group.id}/members/{person}").body["member_role"] is None


def test_memberships_locked_to_ldap_leave_administrators_free(ask: Caller) -> None:
    """The setting is on EE alone; with it an owner may not add, an administrator may."""
    assert ask("PUT", "/application/settings", {"lock_memberships_to_ldap": True}).status == 400
    assert "lock_memberships_to_ldap" not in ask("GET", "/application/settings").body
    ask.world.instance.enterprise = True
    group = _group(ask, u1=50)
    ask.world.add_token("u1", ask.world.user("u1"))
    body = {"user_id": _id(ask, "u2"), "access_level": 30}
    locked = ask("PUT", "/application/settings", {"lock_memberships_to_ldap": True}).body
    assert locked["lock_memberships_to_ldap"] is True
    assert ask("POST", f"/groups/{group.id}/members", body, by="u1").status == 403
    assert ask("POST", f"/groups/{group.id}/members", body).status == 201
    assert ask("GET", "/metadata").body["enterprise"] is True
    assert ask("GET", "/version").body["version"].endswith("-ee")


QUERY = """query($ids: [ID!], $after: String) { groups(ids: $ids) { nodes {
  id groupMembersCount groupMembers(relations: DIRECT, first: 100, after: $after) {
    nodes { accessLevel { integerValue } expiresAt user { id } } pageInfo { hasNextPage endCursor } } } } }"""


def _query(ask: Caller, query: str, **variables: object) -> Any:
    return ask("POST", "/api/graphql", {"query": query, "variables": variables}).body


def test_members_are_read_by_graphql_in_pages_of_a_hundred(ask: Caller) -> None:
    """Direct members of many groups at once; the next page follows a cursor; without DIRECT inherited ones come, too."""
    top, sub = _group(ask, "top", u1=30), _group(ask, "top/sub")
    people = [ask.world.add_user(f"many{number}") for number in range(150)]
    for user in people:
        ask.world.add_member(sub, user, 20)
    ids = [f"gid://gitlab/Group/{number}" for number in (top.id, sub.id, 999)]
    one, two = _query(ask, QUERY, ids=ids)["data"]["groups"]["nodes"]
    assert (one["groupMembersCount"], two["groupMembersCount"], len(two["groupMembers"]["nodes"])) == (1, 150, 100)
    assert one["groupMembers"]["nodes"] == [
        {"accessLevel": {"integerValue": 30}, "expiresAt": None, "user": {"id": f"gid://gitlab/User/{_id(ask, 'u1')}"}}
    ]
    after = two["groupMembers"]["pageInfo"]["endCursor"]
    [rest] = _query(ask, QUERY, ids=ids[1:2], after=after)["data"]["groups"]["nodes"]
    assert (len(rest["groupMembers"]["nodes"]), rest["groupMembers"]["pageInfo"]["hasNextPage"]) == (50, False)
    loose = '{ group(fullPath: "top/sub") { groupMembers(after: "%s") { nodes { user { username } } } } }' % after  # noqa: UP031 - braces
    assert len(_query(ask, loose)["data"]["group"]["groupMembers"]["nodes"]) == 51


def test_graphql_is_probed_before_it_is_used(ask: Caller) -> None:
    """Introspection tells of fields and arguments; older versions lack them, and refuse a query that asks for one."""
    probe = (
        '{ __type(name: "Query") { fields { name args { name } } } group: __type(name: "Group") { fields { name } } }'
    )
    told = _query(ask, probe)["data"]
    [groups] = [field for field in told["__type"]["fields"] if field["name"] == "groups"]
    assert {"name": "ids"} in groups["args"]
    assert {"name": "groupMembersCount"} in told["group"]["fields"]
    ask.world.instance.graphql_fields = frozenset()
    assert {"name": "groupMembersCount"} not in _query(ask, probe)["data"]["group"]["fields"]
    [problem] = _query(ask, QUERY, ids=[])["errors"]
    assert problem["extensions"]["code"] == "argumentNotAccepted"
    assert _query(ask, "{ nothing }")["errors"][0]["message"] == "Field 'nothing' doesn't exist on type 'Query'"
    assert _query(ask, "{ groups {")["errors"]
    ask.world.instance.graphql = False
    assert ask("POST", "/api/graphql", {"query": "{ currentUser { id } }"}).status == 404


def test_graphql_has_limits_of_its_own(ask: Caller) -> None:
    """A score of 250 and 10,000 characters; read_api may ask, read_user may not."""
    _group(ask)
    many = " ".join(
        f"g{number}: "
        'group(fullPath: "team") { groupMembers { nodes { user { id username } accessLevel { integerValue } } } }'
        for number in range(20)
    )
    assert "exceeds max complexity of 250" in _query(ask, f"{{ {many} }}")["errors"][0]["message"]
    assert _query(ask, "{ currentUser { id } }" + " " * 10_000)["errors"] == [{"message": "Query too large"}]
    root = ask.world.user("root")
    ask.world.add_token("reads", root, "read_api")
    ask.world.add_token("users", root, "read_user")
    body = {"query": "{ currentUser { username } metadata { version enterprise } }"}
    assert ask("POST", "/api/graphql", body, by="reads").body["data"]["currentUser"] == {"username": "root"}
    assert ask("POST", "/api/graphql", body, by="users").status == 403
