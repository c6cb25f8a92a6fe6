"""Trials of a GitLab on a scratch group: what is found where it behaves as expected, where it does not, and what is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import TargetError
from reconciler.targets.base import Scratch
from reconciler.targets.gitlab.contract import ATTRIBUTE, trials
from tests.e2e.gitlab_reading import SECRET, VARIABLE, api, person, world_of
from tests.examples import reconcile
from tests.fakes.gitlab_answers import answer
from tests.fakes.gitlab_faults import Fault
from tests.fakes.gitlab_server import Served, serving
from tests.fakes.gitlab_world import World

NAMES = (
    "pages", "identities", "settings", "attributes", "several", "expiry", "twice", "removal", "floor", "subgroups",
    "last owner",
)  # fmt: skip


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the token."""
    monkeypatch.setenv(VARIABLE, SECRET)


@pytest.fixture
def world() -> World:
    """A GitLab with a scratch group that we own, a subgroup, and two accounts."""
    found = world_of()
    found.instance.limits.clear()  # of removals: there are two dozen in one go
    us = next(user for user in found.users.values() if user.username == "sync")
    group = found.add_group("scratch")
    found.add_group("scratch/below")
    found.add_member(group, us, 50)
    person(found, "tried")
    person(found, "other")
    return found


@pytest.fixture
def served(world: World) -> Iterator[Served]:
    """Serve it."""
    with serving(world) as found:
        yield found


def left(world: World) -> object:
    """Return what trials could have left behind."""
    members = {
        (group.full_path, number): (member.level, member.expires_at)
        for group in world.groups.values()
        for number, member in group.members.items()
    }
    return members, {user.username: dict(user.attributes) for user in world.users.values()}


def found(served: Served, *users: str, group: str = "scratch") -> dict[str, str]:
    """Return the status of each trial by its name."""
    with api(served, delete_rate=100_000) as calls:
        return {check.name: str(check.status) for check in trials(calls, Scratch(group, users))}


def test_everything_is_as_expected_and_put_back(world: World, served: Served) -> None:
    """On a GitLab as it is documented; nothing is left of what was tried."""
    before = left(world)
    assert found(served, "tried") == dict.fromkeys(NAMES, "ok")
    assert left(world) == before


def test_without_an_account_only_what_needs_none_is_tried(world: World, served: Served) -> None:
    """The rest says what it needs; nothing is written but the removal of the last owner, which is refused."""
    needs = {"attributes", "several", "expiry", "twice", "removal", "floor", "subgroups"}
    assert found(served) == {name: "warning" if name in needs else "ok" for name in NAMES}
    assert [(entry.method, entry.status) for entry in served.writes()] == [("DELETE", 403)]


def test_without_a_subgroup_inheritance_is_not_tried(world: World, served: Served) -> None:
    """And in a group that is not ours alone to own, nor is the last owner."""
    world.add_group("alone")
    status = found(served, "tried", group="alone")
    assert {name for name, how in status.items() if how != "ok"} == {"floor", "subgroups", "last owner"}


def _ends(world: World) -> None:
    for group in world.groups.values():
        for member in group.members.values():
            member.expires_at = None


def _leaves(world: World) -> None:
    below = next(group for group in world.groups.values() if group.full_path == "scratch/below")
    below.members.clear()


def _loses_its_owner(world: World) -> None:
    next(group for group in world.groups.values() if group.full_path == "scratch").members.clear()


MEMBERS = r"/groups/\d+/members"
FAULTS = {
    "pages": Fault("GET", "/users", reply=answer([]), first=2),
    "identities": Fault("GET", "/users", reply=answer([]), first=4),
    "attributes": Fault("PUT", "/users/.*/custom_attributes/.*", reply=answer({"key": ATTRIBUTE, "value": "tried"})),
    "several": Fault("POST", MEMBERS, reply=answer({"status": "error", "message": {"x": "Invalid"}}, 201)),
    "expiry": Fault("GET", MEMBERS, meanwhile=_ends, first=4),
    "twice": Fault("POST", MEMBERS, reply=answer({"status": "success"}, 201), first=5),
    "removal": Fault("DELETE", rf"{MEMBERS}/\d+", reply=answer({"message": "404 Not found"}, 404), first=15),
    "floor": Fault("POST", MEMBERS, reply=answer({"status": "success"}, 201), first=8),
    "subgroups": Fault("DELETE", rf"{MEMBERS}/\d+", meanwhile=_leaves, first=21),
    "last owner": Fault("DELETE", rf"{MEMBERS}/\d+", reply=answer({}, 200), meanwhile=_loses_its_owner, first=24),
}
"""Another behaviour for each trial that can fail; `settings` only tells what is there."""


@pytest.mark.parametrize("name", FAULTS)
def test_what_behaves_otherwise_fails_alone(world: World, served: Served, name: str) -> None:
    """Each trial notices what it is there for, and puts back what it did all the same."""
    before = left(world)
    served.fail(FAULTS[name])
    status = found(served, "tried")
    assert {one for one, how in status.items() if how == "failed"} == {name}
    assert left(world) == before


def test_what_cannot_be_put_back_is_said_and_ends_the_trials(world: World, served: Served) -> None:
    """With the account and the group: nothing else is tried where that is so."""
    served.fail(
        Fault("DELETE", "/users/.*/custom_attributes/.*", reply=answer({"message": "403 Forbidden"}, 403), times=99)
    )
    with api(served, delete_rate=100_000) as calls:
        seen = list(trials(calls, Scratch("scratch", ("tried",))))
    assert [check.name for check in seen] == ["pages", "put back"]
    assert "after pages: tried may still have the custom attribute reconcile_contract" in seen[-1].what


def test_an_account_that_is_in_a_project_of_the_group_is_not_touched(world: World, served: Served) -> None:
    """Should this GitLab end more than it is asked to, that membership would be gone."""
    tried = next(user for user in world.users.values() if user.username == "tried")
    world.add_member(world.add_project("scratch/code"), tried, 30)
    with pytest.raises(TargetError, match="is a member in scratch already"):
        found(served, "tried")
    assert served.writes() == []


@pytest.mark.parametrize(
    ("group", "users", "said"),
    [
        ("nowhere", (), 'there is no group "nowhere"'),
        ("busy", (), "is in use, by other"),
        ("scratch", ("nobody",), 'there is no account "nobody"'),
        ("scratch", ("sync",), "the account of our own token"),
        ("many", (), "has 2 groups in it"),
    ],
)
def test_what_is_in_use_is_not_touched(
    world: World, served: Served, group: str, users: tuple[str, ...], said: str
) -> None:
    """Nothing is written before it is clear that nobody else is there."""
    other = next(user for user in world.users.values() if user.username == "other")
    world.add_member(world.add_group("busy"), other, 10)
    for path in ("many/a", "many/b"):
        world.add_group(path)
    with pytest.raises(TargetError, match=said):
        found(served, *users, group=group)
    assert served.writes() == []


POLICY = """\
version: 1
directories: {corp: {kind: ldif, file: directory.ldif, base: "dc=example,dc=com"}}
targets:
  lab: {kind: gitlab, url: URL, token: {env: GITLAB_TOKEN}, directory: corp, delete_rate: 100000}
  roster: {kind: sql, directory: corp}
"""


def test_doctor_tells_of_the_trials(world: World, served: Served, tmp_path: Path) -> None:
    """As text and as data; exit 5 where one fails, 64 where it is not said what to try, or the kind has none."""
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "policy.yaml").write_text(POLICY.replace("URL", served.url))
    (folder / "directory.ldif").write_text("version: 1\n")
    env = {VARIABLE: SECRET}
    asked = ("doctor", "--target", "lab", "--contract", "--scratch-group", "scratch", "--scratch-user", "tried")
    text = reconcile(*asked, cwd=tmp_path, env=env).stdout
    assert "ok:       floor" in text
    assert text.endswith("1 target, 11 checks: all is well.\n")
    served.fail(FAULTS["several"])
    data: Any = json.loads(reconcile(*asked, "--format", "json", cwd=tmp_path, env=env, code=5).stdout)
    failed = [check for check in data["targets"][0]["checks"] if check["status"] == "failed"]
    assert [check["name"] for check in failed] == ["several"]
    assert failed[0]["way_out"].startswith("a bulk call could leave out people")
    served.fail()
    for wrong, said in (
        (("--contract", "--target", "lab"), "Trials need --contract"),
        (("--contract", "--target", "roster", "--scratch-group", "x"), "kind sql has no trials"),
    ):
        assert said in reconcile("doctor", *wrong, cwd=tmp_path, env=env, code=64).stderr
