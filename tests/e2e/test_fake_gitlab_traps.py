"""The fake GitLab keeps each of GitLab's rules that a client can trip over."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from tests.e2e.gitlab_caller import NOON, Answer, Caller
from tests.fakes.gitlab_faults import Fault, html, resource_lock, retry_later
from tests.fakes.gitlab_seed import Company, dump, fill, load
from tests.fakes.gitlab_server import serving
from tests.fakes.gitlab_world import Instance, World


@pytest.fixture
def ask() -> Iterator[Caller]:
    """Return a fresh GitLab to ask."""
    with serving(World(Instance())) as served:
        yield Caller(served)


def _next(answer: Answer) -> str:
    links = [link for link in answer.headers.get("link", "").split(", ") if 'rel="next"' in link]
    return links[0].partition(">")[0][1:].partition("/api/v4")[2] if links else ""


def _usernames(answer: Answer) -> list[str]:
    return [row["username"] for row in answer.body]


KEY = "ssh-ed25519 " + base64.b64encode(b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20" + b"k" * 32).decode()


def test_a_keyset_is_followed_by_link_up_to_an_empty_page_without_one(ask: Caller) -> None:
    """Every account once, in ascending order; people added meanwhile move nothing."""
    path, seen, pages = "/users?per_page=4&order_by=id&sort=asc&pagination=keyset", [], 0
    while path:
        answer = ask("GET", path)
        seen += _usernames(answer)
        path, pages = _next(answer), pages + 1
    assert seen == ["root", *(f"u{number}" for number in range(1, 11))]
    assert pages == 4
    assert answer.text == "[]"
    ask.world.instance.keyset_tail = False
    assert not _next(ask("GET", "/users?per_page=11&order_by=id&sort=asc&pagination=keyset"))
    first = ask("GET", "/users?per_page=6&pagination=keyset&order_by=username&sort=desc")
    assert _usernames(first)[0] == "u9"
    assert _usernames(ask("GET", _next(first)))[-1] == "root"


def test_numbered_pages_are_capped_in_size_and_depth(ask: Caller) -> None:
    """More than 100 a page is 100, silently; more than the cap in all is a 405; totals go above 10,000."""
    for number in range(120):
        ask.world.add_user(f"more{number}")
    page = ask("GET", "/users?per_page=999")
    assert len(page.body) == 100
    assert page.headers["x-total"] == "131"
    assert page.headers["x-next-page"] == "2"
    assert len(ask("GET", _next(page)).body) == 31
    refused = ask("GET", "/users?per_page=100&page=501")
    assert refused.status == 405
    assert refused.body["error"].startswith("Offset pagination has a maximum allowed offset of 50000")
    ask.world.instance.offset_cap = 0
    for number in range(10_000):
        ask.world.add_user(f"many{number}")
    headers = ask("GET", "/users").headers
    assert "x-total" not in headers
    assert 'rel="last"' not in headers["link"]


def test_filters_of_users(ask: Caller) -> None:
    """By username, identity in any spelling, text, attribute, kind."""
    world = ask.world
    world.add_user("ghost", bot="ghost")
    world.add_user("group_1_bot", bot="project_bot")
    world.user("u2").state = "ldap_blocked"
    world.user("u3").external = True
    world.user("u3").attributes["reconcile_id"] = "x"
    found = {
        "username=U7": ["u7"],
        "provider=ldapmain&extern_uid=UID%3Du8%2C%20ou%3DPeople%2Cdc%3Dexample%2Cdc%3Dcom": ["u8"],
        "search=u10@example.com": ["u10"],
        "custom_attributes[reconcile_id]=x": ["u3"],
        "external=true": ["u3"],
        "admins=true": ["root"],
        "blocked=true": ["u2"],
        "search=bot&without_project_bots=true": [],
        "search=ghost&exclude_internal=true": [],
    }
    assert ask("GET", "/users?provider=ldapmain").status == 400
    assert {query: _usernames(ask("GET", f"/users?{query}")) for query in found} == found


def test_what_only_an_administrator_is_shown(ask: Caller) -> None:
    """Identities, addresses and flags; custom attributes only when asked for; filters by identity are refused."""
    ask.world.add_token("u1", ask.world.user("u1"))
    ask.world.user("u2").attributes["reconcile_id"] = "x"
    [seen] = ask("GET", "/users?username=u2").body
    assert seen["identities"] == [
        {"provider": "ldapmain", "extern_uid": "uid=u2,ou=people,dc=example,dc=com", "saml_provider_id": None}
    ]
    assert (seen["email"], seen["is_admin"], seen["external"]) == ("u2@example.com", False, False)
    assert "custom_attributes" not in seen
    [told] = ask("GET", "/users?username=u2&with_custom_attributes=true").body
    assert told["custom_attributes"] == [{"key": "reconcile_id", "value": "x"}]
    [hidden] = ask("GET", "/users?username=u2&with_custom_attributes=true", by="u1").body
    assert not {"identities", "email", "is_admin", "custom_attributes"} & set(hidden)
    assert ask("GET", "/users?provider=ldapmain&extern_uid=x", by="u1").status == 403
    assert ask("PUT", f"/users/{ask.ids[2]}", {"name": "x"}, by="u1").status == 403


def test_tokens_scopes_and_admin_mode(ask: Caller) -> None:
    """401 for a token that is none, 403 with insufficient_scope, and no administrator's rights without admin_mode."""
    root = ask.world.user("root")
    ask.world.add_token("reads", root, "read_api")
    ask.world.add_token("users", root, "read_user")
    ask.world.add_token("old", root).expired = True
    assert ask("GET", "/users", by="no").body == {"message": "401 Unauthorized"}
    assert ask("GET", "/users", by="old").body["error"] == "invalid_token"
    assert ask("GET", "/groups", by="reads").status == 200
    denied = ask("POST", "/groups", {"name": "x", "path": "x"}, by="reads")
    assert (denied.status, denied.body["error"]) == (403, "insufficient_scope")
    assert ask("GET", "/users", by="users").status == 200
    assert ask("GET", "/groups", by="users").status == 403
    assert ask("GET", "/personal_access_tokens/self", by="users").body["scopes"] == ["read_user"]
    ask.world.instance.admin_mode = True
    assert "is_admin" not in ask("GET", "/user").body
    assert ask("GET", "/application/settings").status == 403
    ask.world.add_token("mode", root, "api", "admin_mode")
    assert ask("GET", "/user", by="mode").body["is_admin"] is True
    root.state = "blocked"
    assert ask("GET", "/user", by="mode").status == 403


def test_creating_an_account(ask: Caller) -> None:
    """What has to be there, what may be taken, what comes as a pair; DNs are spelled anew."""
    new = {"email": "New@Example.com", "name": "New", "username": "new", "force_random_password": True}
    assert ask("POST", "/users", {"email": "x@y"}).body == {"error": "name is missing, username is missing"}
    without = {name: value for name, value in new.items() if name != "force_random_password"}
    assert "at least one parameter must be provided" in ask("POST", "/users", without).body["error"]
    pair = ask("POST", "/users", {**new, "provider": "ldapmain"})
    assert pair.body == {"error": "provider, extern_uid provide all or none of parameters"}
    made = ask("POST", "/users", {**new, "provider": "ldapmain", "extern_uid": "CN=Möller\\2C Jo , OU=P,dc=x"})
    assert made.status == 201
    assert made.body["identities"][0]["extern_uid"] == "cn=möller\\, jo,ou=p,dc=x"
    assert (made.body["email"], made.body["confirmed_at"]) == ("new@example.com", None)
    assert ask("POST", "/users", {**new, "username": "other"}).body == {"message": "Email has already been taken"}
    other = {**new, "email": "other@example.com"}
    assert ask("POST", "/users", other).body == {"message": "Username has already been taken"}
    assert ask("POST", "/users", {**other, "username": "-no"}).body["message"].keys() == {"username"}
    ask.world.add_group("team")
    assert ask("POST", "/users", {**other, "username": "Team"}).status == 400
    taken = {**other, "username": "two", "provider": "ldapmain", "extern_uid": "cn=möller\\, JO,ou=p,dc=x"}
    assert ask("POST", "/users", taken).body["message"] == {"identities.extern_uid": ["has already been taken"]}


def test_changing_an_account(ask: Caller) -> None:
    """An address waits for a click unless told otherwise; an identity is added or rewritten; 409 as on creation."""
    path = f"/users/{ask.ids[1]}"
    assert ask("PUT", path, {"email": "one@example.com"}).body["email"] == "u1@example.com"
    assert (
        ask("PUT", path, {"email": "one@example.com", "skip_reconfirmation": True}).body["email"] == "one@example.com"
    )
    assert ask("PUT", path, {"email": "u2@example.com"}).status == 409
    assert ask("PUT", path, {"username": "U2"}).status == 409
    ask("PUT", path, {"provider": "ldapmain", "extern_uid": "UID=moved,DC=x"})
    ask("PUT", path, {"provider": "kerberos", "extern_uid": "U1@EXAMPLE.COM"})
    assert ask.world.user("u1").identities == {"ldapmain": "uid=moved,dc=x", "kerberos": "U1@EXAMPLE.COM"}
    assert ask("DELETE", f"{path}/identities/kerberos").status == 204
    assert ask("DELETE", f"{path}/identities/kerberos").status == 404
    assert ask("PUT", "/users/999", {"name": "x"}).body == {"message": "404 User Not Found"}
    assert ask("PUT", path, {"auditor": True, "external": True}).body["external"] is True
    assert not ask.world.user("u1").auditor
    ask.world.instance.enterprise = True
    assert ask("PUT", path, {"auditor": True}).body["is_auditor"] is True


@pytest.mark.parametrize(
    ("state", "verb", "status", "after"),
    [
        ("active", "block", 201, "blocked"),
        ("blocked", "block", 201, "blocked"),
        ("deactivated", "block", 201, "blocked"),
        ("ldap_blocked", "block", 403, "ldap_blocked"),
        ("banned", "block", 201, "banned"),
        ("blocked", "unblock", 201, "active"),
        ("ldap_blocked", "unblock", 403, "ldap_blocked"),
        ("deactivated", "unblock", 403, "deactivated"),
        ("blocked_pending_approval", "unblock", 201, "active"),
        ("blocked", "activate", 403, "blocked"),
        ("deactivated", "activate", 201, "active"),
        ("blocked", "deactivate", 403, "blocked"),
    ],
)
def test_the_ways_between_states(ask: Caller, state: str, verb: str, status: int, after: str) -> None:
    """LDAP's own block cannot be changed; a deactivated account is activated, not unblocked."""
    ask.world.user("u1").state = state
    assert ask("POST", f"/users/{ask.ids[1]}/{verb}").status == status
    assert ask.world.user("u1").state == after


def test_nobody_blocks_themselves(ask: Caller) -> None:
    """The token's own user is refused; who was active lately is not deactivated."""
    answer = ask("POST", f"/users/{ask.ids[0]}/block")
    assert answer.body == {"message": "403 Forbidden - The API initiating user cannot be blocked by the API"}
    ask.world.user("u1").last_activity_on = "2026-11-19"
    assert ask("POST", f"/users/{ask.ids[1]}/deactivate").status == 403


def test_custom_attributes(ask: Caller) -> None:
    """Set, read, deleted; never empty."""
    path = f"/users/{ask.ids[1]}/custom_attributes"
    assert ask("PUT", f"{path}/reconcile_id", {"value": "a b"}).body == {"key": "reconcile_id", "value": "a b"}
    assert ask("PUT", f"{path}/reconcile_id", {"value": ""}).status == 400
    assert ask("GET", path).body == [{"key": "reconcile_id", "value": "a b"}]
    assert ask("DELETE", f"{path}/reconcile_id").status == 204
    assert ask("DELETE", f"{path}/reconcile_id").status == 404
    assert ask("GET", f"{path}/reconcile_id").status == 404


def test_ssh_keys_are_checked_and_belong_to_one_person_in_the_instance(ask: Caller) -> None:
    """No key is 400, another's key is 400, and what is read back has another comment."""
    path = f"/users/{ask.ids[1]}/keys"
    made = ask("POST", path, {"title": "reconcile: 1", "key": KEY + " my own comment"})
    assert (made.status, made.body["key"]) == (201, f"{KEY} u1 (gitlab.example.com)")
    again = ask("POST", f"/users/{ask.ids[2]}/keys", {"title": "t", "key": KEY})
    assert (again.status, again.body) == (400, {"message": {"fingerprint_sha256": ["has already been taken"]}})
    for text in ("nonsense", "ssh-ed25519 AAAA", "ssh-rsa " + KEY.split()[1]):
        assert "key" in ask("POST", path, {"title": "t", "key": text}).body["message"]
    dsa = "ssh-dss " + base64.b64encode(b"\x00\x00\x00\x07ssh-dss" + b"x" * 40).decode()
    assert "forbidden" in ask("POST", path, {"title": "t", "key": dsa}).text
    assert [row["title"] for row in ask("GET", path).body] == ["reconcile: 1"]
    assert ask("DELETE", f"{path}/{made.body['id']}").status == 204
    assert ask("POST", f"/users/{ask.ids[2]}/keys", {"title": "t", "key": KEY}).status == 201


def test_requests_of_one_user_are_throttled_with_headers_and_plain_text(ask: Caller) -> None:
    """Every answer tells what is left; then `Retry later` until the window ends."""
    ask.world.instance.throttle, ask.world.instance.throttle_period = 2, 3600
    assert ask("GET", "/version").headers["ratelimit-remaining"] == "1"
    ask("GET", "/version")
    ask.time += 600
    late = ask("GET", "/version")
    assert (late.status, late.text, late.headers["content-type"]) == (429, "Retry later\n", "text/plain")
    assert late.headers["retry-after"] == str(3600 - (int(NOON) + 600) % 3600)
    ask.time += int(late.headers["retry-after"])
    assert ask("GET", "/version").status == 200


def test_an_endpoints_own_limit_has_no_headers_and_a_fixed_minute(ask: Caller) -> None:
    """The 61st removal within a minute is refused for that group alone; others go on, and so does the next minute."""
    one, two = ask.world.add_group("one"), ask.world.add_group("two")
    for _ in range(60):
        assert ask("DELETE", f"/groups/{one.id}/members/999").status == 404
    refused = ask("DELETE", f"/groups/{one.id}/members/999")
    assert refused.status == 429
    assert not {"retry-after", "ratelimit-reset"} & set(refused.headers)
    assert "requested too many times" in refused.body["message"]["error"]
    assert ask("DELETE", f"/groups/{two.id}/members/999").status == 404
    ask.time += 60
    assert ask("DELETE", f"/groups/{one.id}/members/999").status == 404
    ask.world.instance.limits["groups.list"] = 1
    assert [ask("GET", "/groups").status for _ in range(2)] == [200, 429]


def test_faults_before_and_after_the_effect(ask: Caller) -> None:
    """The n-th request that matches fails, with or without having done what was asked; the log and the effects say so."""
    path = f"/users/{ask.ids[1]}"
    ask.served.fail(
        Fault("PUT", r"/users/\d+", reply=html(502), first=1),
        Fault("POST", r"/users/\d+/block", effect=True, ending="reset"),
        Fault("GET", "/version", reply=resource_lock()),
        Fault("GET", "/user", reply=retry_later(3)),
    )
    down = ask("PUT", path, {"name": "x"})
    assert (down.status, down.text[:15]) == (502, "<!DOCTYPE html>")
    assert ask("PUT", path, {"name": "x"}).status == 200
    with pytest.raises(urllib3.exceptions.ProtocolError):
        ask("POST", f"{path}/block")
    assert ask("GET", "/version").status == 409
    assert ask("GET", "/user").headers["retry-after"] == "3"
    assert ask.world.effects == [("user.update", "u1", "name"), ("user.block", "u1")]
    assert [(entry.kind, entry.status, entry.fault) for entry in ask.served.writes()] == [
        ("fault", 502, True),
        ("users.update", 200, False),
        ("users.block", 0, True),
    ]


def test_a_long_query_is_refused_and_a_long_body_is_not(ask: Caller) -> None:
    """Lists of ids belong into the body."""
    ids = ",".join(["123456"] * 3000)
    assert ask("GET", f"/users?user_ids={ids}").status == 414
    group = ask.world.add_group("one")
    body = {"user_id": ids, "access_level": 30}
    assert ask("POST", f"/groups/{group.id}/members", body).status == 201


def test_what_was_dumped_is_loaded_again(ask: Caller) -> None:
    """A company has people, bots, nested groups of all sizes; it goes to a file and back."""
    world = World()
    fill(world, Company(users=200, groups=40, mean=15))
    assert 300 < sum(len(group.members) for group in world.groups.values()) < 900
    assert any(group.parent for group in world.groups.values())
    again = World()
    load(again, json.loads(json.dumps(dump(world))))
    assert dump(again) == dump(world)


def test_answers_that_end_early_come_late_or_find_something_else(ask: Caller) -> None:
    """A body that is cut, an answer that is delayed, and somebody who was faster."""
    ask.served.fail(
        Fault("GET", "/version", effect=True, ending="cut"),
        Fault("GET", "/metadata", delay=0.05),
        Fault("GET", r"/users/\d+", first=2, meanwhile=lambda world: setattr(world.user("u1"), "state", "blocked")),
    )
    with pytest.raises(urllib3.exceptions.ProtocolError):
        ask("GET", "/version")
    started = time.monotonic()
    assert ask("GET", "/metadata").status == 200
    assert time.monotonic() - started >= 0.05
    path = f"/users/{ask.ids[1]}"
    assert [ask("GET", path).body["state"] for _ in range(2)] == ["active", "blocked"]


def test_many_connections_at_once_lose_no_request(ask: Caller) -> None:
    """Eight at a time: each write is done once, each is counted, and connections are kept."""
    group = ask.world.add_group("one")
    people = [ask.world.add_user(f"many{number}").id for number in range(80)]

    def add(person: int) -> int:
        return ask("POST", f"/groups/{group.id}/members", {"user_id": person, "access_level": 30}).status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(add, people)) == {201}
    assert ask.served.counts["members.add"] == len(ask.served.writes()) == len(ask.world.effects) == 80
    assert len(group.members) == 80
