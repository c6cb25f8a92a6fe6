"""python-gitlab, which knows GitLab and not us, works with the fake GitLab as with any other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import gitlab
import pytest
import urllib3
from gitlab.exceptions import (
    GitlabAuthenticationError,
    GitlabCreateError,
    GitlabDeleteError,
    GitlabGetError,
    GitlabHttpError,
)

from tests.examples import ROOT
from tests.fakes.gitlab_faults import Fault, html, retry_later
from tests.fakes.gitlab_seed import Company, fill
from tests.fakes.gitlab_server import Served, serving
from tests.fakes.gitlab_world import World

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Return a GitLab of 250 people and 25 groups; each test uses people and groups of its own."""
    world = World()
    fill(world, Company(users=250, groups=25))
    world.add_token("root", world.user("root"))
    with serving(world) as running:
        yield running


@pytest.fixture
def client(served: Served) -> Iterator[gitlab.Gitlab]:
    """Return python-gitlab with the administrator's token, and no faults."""
    served.fail()
    with gitlab.Gitlab(served.url, private_token="root") as client:
        client.auth()
        yield client


def test_the_client_signs_in_and_learns_where_it_is(client: gitlab.Gitlab, served: Served) -> None:
    """Version, own account, own token; a token that is none is refused."""
    assert client.user is not None
    assert (client.user.username, client.user.is_admin) == ("root", True)
    assert client.version() == ("18.6.0", "5d2e1f0c9a7")
    assert client.personal_access_tokens.get("self").scopes == ["api"]
    assert client.settings.get().members_delete_limit == 60
    with gitlab.Gitlab(served.url, private_token="none") as stranger, pytest.raises(GitlabAuthenticationError):
        stranger.auth()


def test_users_are_listed_in_numbered_pages_and_by_keyset(client: gitlab.Gitlab, served: Served) -> None:
    """Both ways return each account once, and so do three pages at a time."""
    everyone = set(served.world.users)
    numbered = [user.id for user in client.users.list(iterator=True, per_page=100)]
    keyset = [
        user.id
        for user in client.users.list(iterator=True, per_page=100, pagination="keyset", order_by="id", sort="asc")
    ]
    assert keyset == sorted(numbered) == sorted(everyone)
    pages = client.users.list(iterator=True, per_page=50)
    assert (pages.total, pages.total_pages, pages.next_page) == (len(everyone), -(-len(everyone) // 50), 2)
    [user] = client.users.list(
        extern_uid="uid=user00007,ou=people,dc=example,dc=com", provider="ldapmain", get_all=False
    )
    assert (user.username, user.identities[0]["provider"]) == ("user00007", "ldapmain")
    people = client.users.list(get_all=True, without_project_bots=True, per_page=100)
    assert not [user for user in people if user.bot]


def test_an_account_is_created_changed_blocked_and_let_in_again(client: gitlab.Gitlab) -> None:
    """With its identity, and conflicts where something is taken."""
    data = {
        "email": "jo@example.com",
        "username": "jo",
        "name": "Jo",
        "force_random_password": True,
        "skip_confirmation": True,
        "provider": "ldapmain",
        "extern_uid": "uid=jo,ou=people,dc=example,dc=com",
    }
    user = client.users.create(data)
    with pytest.raises(GitlabCreateError, match="Email has already been taken") as taken:
        client.users.create(data)
    assert taken.value.response_code == 409
    user.name, user.external = "Jo Doe", True
    user.save()
    assert user.block() is True
    assert client.users.get(user.id).state == "blocked"
    assert client.users.list(blocked=True, get_all=False)[0].name == "Jo Doe"
    assert user.unblock() is True
    user.deactivate()
    assert client.users.get(user.id).state == "deactivated"
    user.activate()
    user.identityproviders.delete("ldapmain")
    assert client.users.get(user.id).identities == []


def test_keys_and_custom_attributes(client: gitlab.Gitlab, served: Served) -> None:
    """Added, read, listed with the users, deleted."""
    user = client.users.get(served.world.user("user00001").id)
    key = user.keys.create({"title": "reconcile: 1", "key": KEY})
    assert [one.title for one in user.keys.list(get_all=True)] == ["reconcile: 1"]
    with pytest.raises(GitlabCreateError, match="has already been taken"):
        user.keys.create({"title": "again", "key": KEY})
    key.delete()
    assert user.keys.list(get_all=True) == []
    user.customattributes.set("reconcile_id", "42")
    assert user.customattributes.get("reconcile_id").value == "42"
    [found] = client.users.list(custom_attributes={"reconcile_id": "42"}, with_custom_attributes=True, get_all=True)
    assert found.attributes["custom_attributes"] == [{"key": "reconcile_id", "value": "42"}]
    user.customattributes.delete("reconcile_id")
    with pytest.raises(GitlabGetError):
        user.customattributes.get("reconcile_id")


def test_groups_and_members(client: gitlab.Gitlab, served: Served) -> None:
    """A group is created inside another; members are added alone and together, changed, listed and removed."""
    top = client.groups.create({"name": "Made", "path": "made"})
    sub = client.groups.create({"name": "Sub", "path": "sub", "parent_id": top.id})
    assert client.groups.get("made/sub").id == sub.id
    assert {group.full_path for group in client.groups.list(get_all=True, all_available=True)} >= {"made", "made/sub"}
    one, two, three = (served.world.user(f"user0010{number}") for number in range(3))
    member = sub.members.create({"user_id": one.id, "access_level": 30, "expires_at": "2031-01-01"})
    with pytest.raises(GitlabCreateError, match="Member already exists"):
        sub.members.create({"user_id": one.id, "access_level": 30})
    client.http_post(f"/groups/{sub.id}/members", post_data={"user_id": f"{two.id},{three.id}", "access_level": 20})
    member.access_level = 40
    member.save()
    assert {row.username: row.access_level for row in sub.members.list(get_all=True)} == {
        one.username: 40,
        two.username: 20,
        three.username: 20,
    }
    assert "root" in {row.username for row in sub.members_all.list(get_all=True)}
    assert [row.id for row in sub.members.list(user_ids=[two.id], get_all=True)] == [two.id]
    sub.members.delete(two.id)
    with pytest.raises(GitlabDeleteError) as last:
        top.members.delete(client.user.id if client.user else 0)
    assert last.value.response_code == 403
    project = client.projects.create({"name": "app", "namespace_id": sub.id})
    project.members.create({"user_id": two.id, "access_level": 30})
    assert [row.username for row in client.projects.get("made/sub/app").members.list(get_all=True)] == [two.username]


def test_the_client_waits_and_asks_again_where_gitlab_says_so(client: gitlab.Gitlab, served: Served) -> None:
    """A throttle is waited for; a server that is down is asked again only where the client is told to, else it is an error."""
    served.fail(Fault("GET", "/version", reply=retry_later(0)), Fault("GET", "/metadata", reply=html(502), times=2))
    assert client.version()[0] == "18.6.0"
    with pytest.raises(GitlabHttpError) as down:
        client.http_get("/metadata")
    assert down.value.response_code == 502
    client.retry_transient_errors = True
    answer = client.http_get("/metadata")
    assert isinstance(answer, dict)
    assert answer["enterprise"] is False
    assert served.faults.met == [2, 3]


def test_it_runs_as_its_own_process_below_a_relative_path() -> None:
    """It prints its address, answers the client, counts, and ends with its input."""
    command = [sys.executable, "-m", "tests.fakes.gitlab", "--users", "30", "--groups", "3", "--prefix", "/code"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with gitlab.Gitlab(url, private_token="glpat-root") as client:
            assert len(client.users.list(get_all=True, per_page=100)) == 36
        counted = urllib3.request("GET", f"{url}/-/fake").json()
        assert counted["counts"] == {"users.list": 1}
        assert len(urllib3.request("GET", f"{url}/-/fake/state").json()["groups"]) == 3
        assert urllib3.request("DELETE", f"{url}/-/fake").json()["counts"] == {}
        assert process.communicate("", timeout=10)
    assert process.returncode == 0
