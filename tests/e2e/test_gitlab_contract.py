"""Trials of a GitLab on a scratch group: where they may be made, what they need, what they say where all is as expected."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from reconciler.errors import TargetError
from reconciler.targets.gitlab.contract import TRIALS
from tests.e2e.gitlab_reading import SECRET, VARIABLE, dn
from tests.e2e.gitlab_trying import left, scratch_world, tried
from tests.examples import ROOT, environment, reconcile
from tests.fakes.gitlab_answers import answer
from tests.fakes.gitlab_faults import Fault
from tests.fakes.gitlab_server import Served, serving
from tests.fakes.gitlab_world import World

PAGE = ROOT / "docs/targets/gitlab-contract.md"


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the token."""
    monkeypatch.setenv(VARIABLE, SECRET)


@pytest.fixture
def world() -> World:
    """A GitLab with a scratch group that we own, a subgroup, and two accounts."""
    return scratch_world()


@pytest.fixture
def served(world: World) -> Iterator[Served]:
    """Serve it."""
    with serving(world) as found:
        yield found


def status(served: Served, *users: str, group: str = "scratch") -> dict[str, str]:
    """Return the status of each trial by its name."""
    return {name: str(check.status) for name, check in tried(served, *users, group=group).items()}


def test_everything_is_as_expected_and_put_back(world: World, served: Served) -> None:
    """On a GitLab as it is documented; nothing is left of what was tried, and the page names all that is."""
    before = left(world)
    seen = tried(served, "tried", "other")
    assert {name: str(check.status) for name, check in seen.items()} == {trial.name: "ok" for trial in TRIALS}
    assert left(world) == before
    assert seen["version"].what == "GitLab 18.6.0, Community Edition"
    assert seen["token"].what == "scopes api, of sync, an administrator; Admin Mode is off"
    assert seen["hundred"].what.endswith("101 is refused: Too many users specified (limit is 100)")
    assert "tell of no general limit" in seen["rates"].what
    assert re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(), re.MULTILINE) == list(seen)


def test_an_enterprise_edition_with_a_throttle_and_admin_mode_is_told_of(world: World, served: Served) -> None:
    """What differs from one instance to another is said, and is no failure."""
    world.instance.enterprise = world.instance.admin_mode = True
    world.instance.throttle = 7200
    world.tokens[SECRET].scopes = ("api", "admin_mode")
    seen = tried(served, "tried", "other")
    assert {str(check.status) for check in seen.values()} == {"ok"}
    assert seen["version"].what == "GitLab 18.6.0-ee, Enterprise Edition"
    assert seen["token"].what.startswith("scopes admin_mode, api, of sync")
    assert re.search("limit 7200, remaining 71[0-9]{2}, anew in [0-9,]+ seconds", seen["rates"].what)
    assert seen["settings"].what == "this GitLab has membership_lock, off now"


def test_without_an_account_only_what_needs_none_is_tried(served: Served) -> None:
    """The rest says what it needs; nothing is written but the removal of the last owner, which is refused."""
    seen = tried(served)
    needy = {trial.name for trial in TRIALS if trial.writes} - {"last owner"}
    assert {name for name, check in seen.items() if str(check.status) == "warning"} == needy
    assert all("--scratch-user" in seen[name].way_out for name in needy)
    assert [(entry.method, entry.status) for entry in served.writes()] == [("DELETE", 403)]


def test_without_a_subgroup_inheritance_is_not_tried(world: World, served: Served) -> None:
    """And in a group that is not ours alone to own, neither are the last owner and a second page of members."""
    world.add_group("alone")
    found = status(served, "tried", "other", group="alone")
    assert {name for name, how in found.items() if how != "ok"} == {
        "in part",
        "member pages",
        "floor",
        "subgroups",
        "last owner",
    }


def test_a_token_that_may_only_read_tries_nothing_that_writes(world: World, served: Served) -> None:
    """It is said which scope it lacks."""
    world.tokens[SECRET].scopes = ("read_api",)
    seen = tried(served, "tried", "other")
    skipped = {name for name, check in seen.items() if str(check.status) == "warning"}
    assert skipped == {trial.name for trial in TRIALS if trial.writes}
    assert seen["several"].way_out == "it writes, and the token lacks the scope api"
    assert served.writes() == []


def test_what_an_instance_does_not_have_is_not_tried(world: World, served: Served) -> None:
    """No GraphQL, no second account, nobody with an identity of our provider, a blocked one: each says so."""
    for user in world.users.values():
        user.identities.clear()
    world.instance.graphql = False
    world.user("tried").state = "blocked"
    served.fail(
        Fault("GET", "/metadata", reply=answer({"error": "404 Not Found"}, 404)),
        Fault("GET", "/personal_access_tokens/self", reply=answer({"error": "404 Not Found"}, 404), times=2),
    )
    seen = tried(served, "tried")
    skipped = {name: check.way_out for name, check in seen.items() if str(check.status) == "warning"}
    assert set(skipped) == {"version", "token", "names", "blocking", "in part", "graphql"}
    assert "no personal access token" in skipped["token"]
    assert "tried is blocked: name an account that is active" in skipped["blocking"]
    assert world.user("tried").state == "blocked"
    assert "none of the named accounts and of the first 100 has an identity of ldapmain" in skipped["names"]


def test_a_named_account_without_an_identity_leaves_others_to_look_at(world: World, served: Served) -> None:
    """Whoever is on the first page and has one is found by it; nobody is touched for that."""
    world.user("tried").identities.clear()
    world.identify(world.user("other"), "ldapmain", dn("elsewhere"))
    assert status(served, "tried")["names"] == "ok"


def test_where_promotions_wait_for_approval_nobody_is_added(world: World, served: Served) -> None:
    """It is asked once, and said whose request there is to be rejected."""
    world.instance.enterprise = world.instance.approval = True
    seen = tried(served, "tried", "other")
    assert "reject that of tried" in seen["expiry"].way_out
    assert len([entry for entry in served.writes() if entry.kind == "members.add"]) == 1


def test_what_cannot_be_put_back_is_said_and_ends_the_trials(served: Served) -> None:
    """With the account and the group: nothing else is tried where that is so."""
    served.fail(
        Fault("DELETE", "/users/.*/custom_attributes/.*", reply=answer({"message": "403 Forbidden"}, 403), times=99)
    )
    seen = tried(served, "tried")
    assert list(seen)[-2:] == ["attributes", "put back"]
    assert "after attributes: tried may still have the custom attribute reconcile_contract" in seen["put back"].what


def test_an_account_that_is_in_a_project_of_the_group_is_not_touched(world: World, served: Served) -> None:
    """Should this GitLab end more than it is asked to, that membership would be gone."""
    world.add_member(world.add_project("scratch/code"), world.user("tried"), 30)
    with pytest.raises(TargetError, match="is a member in scratch already"):
        tried(served, "tried")
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
    world.add_member(world.add_group("busy"), world.user("other"), 10)
    for path in ("many/a", "many/b"):
        world.add_group(path)
    with pytest.raises(TargetError, match=said):
        tried(served, *users, group=group)
    assert served.writes() == []


POLICY = """\
version: 1
directories: {corp: {kind: ldif, file: directory.ldif, base: "dc=example,dc=com"}}
targets:
  lab: {kind: gitlab, url: URL, token: {env: GITLAB_TOKEN}, directory: corp, delete_rate: 100000}
  roster: {kind: sql, directory: corp}
"""
ASKED = ("doctor", "--target", "lab", "--contract", "--scratch-group", "scratch", "--scratch-user", "tried")


def write_policy(folder: Path, served: Served) -> None:
    """Write a policy of this GitLab."""
    (folder / "policies").mkdir()
    (folder / "policies" / "policy.yaml").write_text(POLICY.replace("URL", served.url))
    (folder / "policies" / "directory.ldif").write_text("version: 1\n")


def test_doctor_tells_of_the_trials(served: Served, tmp_path: Path) -> None:
    """As text and as data; exit 5 where one fails, 64 where it is not said what to try, or the kind has none."""
    write_policy(tmp_path, served)
    env = {VARIABLE: SECRET}
    text = reconcile(*ASKED, "--scratch-user", "other", cwd=tmp_path, env=env).stdout
    assert "ok:       floor" in text
    assert text.endswith(f"1 target, {len(TRIALS)} checks: all is well.\n")
    served.fail(Fault("POST", r"/groups/\d+/members", reply=answer({"status": "error", "message": {"x": "No"}}, 201)))
    data: Any = json.loads(reconcile(*ASKED, "--format", "json", cwd=tmp_path, env=env, code=5).stdout)
    failed = [check for check in data["targets"][0]["checks"] if check["status"] == "failed"]
    assert [check["name"] for check in failed] == ["several"]
    assert failed[0]["way_out"].startswith("a bulk call could leave out people")
    served.fail()
    for wrong, said in (
        (("--contract", "--target", "lab"), "Trials need --contract"),
        (("--contract", "--target", "roster", "--scratch-group", "x"), "kind sql has no trials"),
    ):
        assert said in reconcile("doctor", *wrong, cwd=tmp_path, env=env, code=64).stderr


def test_a_job_that_is_cancelled_leaves_nobody_blocked(world: World, served: Served, tmp_path: Path) -> None:
    """SIGTERM, while the answer to a block is on its way: exit 130, and everything is as before."""
    before = left(world)
    write_policy(tmp_path, served)
    served.fail(Fault("POST", r"/users/\d+/block", effect=True, ending="hang"))
    process = subprocess.Popen(
        ["reconcile", *ASKED],
        cwd=tmp_path,
        env=environment(**{VARIABLE: SECRET}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    until = monotonic() + 40
    while not any(entry.kind == "users.block" for entry in served.log):
        assert monotonic() < until, "the run never came to the block"
        assert process.poll() is None, process.communicate()
        sleep(0.02)
    assert world.user("tried").state == "blocked"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=50)
    assert process.returncode == 130, f"{out}\n{err}"
    assert left(world) == before
