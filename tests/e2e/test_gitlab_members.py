"""Memberships in a GitLab: given, changed and taken in few calls, and every trap of its API on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from reconciler.errors import TargetError
from reconciler.model.access import STABLE_ID_MISSING, GroupKey, Scope, UserKey
from reconciler.model.change import AddMembership, DisableUser, Who
from reconciler.model.names import dn_key
from reconciler.targets.base import Batch, Status
from reconciler.targets.gitlab.target import GitlabTarget
from tests.e2e.gitlab_reading import SECRET, VARIABLE, dn, person, world_of
from tests.e2e.gitlab_writing import (
    DEVELOPER,
    GUEST,
    MAINTAINER,
    OWNER,
    REASON,
    add,
    asked,
    change,
    ends,
    gitlab,
    remove,
    run,
    small,
    target,
    who,
)
from tests.fakes.gitlab_answers import Reply, answer
from tests.fakes.gitlab_faults import Fault, resource_lock, retry_later, too_often
from tests.fakes.gitlab_server import serving
from tests.fakes.gitlab_world import World

MEMBERS = "/groups/[0-9]+/members"
ONE = f"{MEMBERS}/[0-9]+"


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the target have its token."""
    monkeypatch.setenv(VARIABLE, SECRET)


def test_many_are_added_a_hundred_a_call_with_the_numbers_in_the_body() -> None:
    """Three requests for a hundred: who is there, the call, who is there now; none of them for a single person."""
    world = world_of()
    names = [f"user{number:03}" for number in range(230)]
    for name in names:
        person(world, name)
    world.add_group("acme")
    with gitlab(world) as (served, found):
        outcomes = run(found, *(add(name) for name in names))
        assert {outcome.status for outcome in outcomes} == {Status.APPLIED}
        assert world.levels("acme") == dict.fromkeys(names, 30)
        calls = [entry for entry in served.log if entry.method == "POST"]
        assert [len(str(entry.body["user_id"]).split(",")) for entry in calls if isinstance(entry.body, dict)] == [
            100,
            100,
            30,
        ]
        assert all(not entry.query for entry in calls)
        assert len(served.log) == 9


def test_roles_change_a_call_for_each_expiry_and_keep_it() -> None:
    """What is not sent along with a role is taken away by GitLab, so it is."""
    world = small(ann=30, ben=30, cid=30, dan=30)
    group = world.source("acme")
    for name, expires in (("ann", "2030-01-01"), ("ben", "2030-01-01"), ("cid", "2031-01-01")):
        group.members[world.user(name).id].expires_at = expires
    with gitlab(world) as (_, found):
        outcomes = run(found, *(change(name, DEVELOPER, MAINTAINER) for name in ("ann", "ben", "cid", "dan")))
    assert ends(outcomes) == ["applied"] * 4
    held = {member.user.username: (member.level, member.expires_at) for member in group.members.values()}
    assert held == {
        "ann": (40, "2030-01-01"),
        "ben": (40, "2030-01-01"),
        "cid": (40, "2031-01-01"),
        "dan": (40, None),
    }


def test_who_was_added_meanwhile_is_not_touched() -> None:
    """Neither the role nor the expiry that somebody has given by hand since the plan."""
    world = small()
    with gitlab(world) as (served, found):
        world.add_member(world.source("acme"), world.user("ann"), 40, expires_at="2030-01-01")
        outcomes = run(found, add("ann"), add("ben"))
        assert ends(outcomes) == ["stale ann in acme: the role is maintainer, the plan expected none", "applied"]
        assert [entry.body for entry in served.writes()] == [
            {"user_id": str(world.user("ben").id), "access_level": 30, "expires_at": None}
        ]
    member = world.source("acme").members[world.user("ann").id]
    assert (member.level, member.expires_at) == (40, "2030-01-01")


def test_of_many_each_is_told_what_became_of_it() -> None:
    """GitLab answers 201 with one sentence about all; who is below a higher role is refused, the others are in."""
    world = small()
    lower = world.add_group("acme/app")
    world.add_member(world.source("acme"), world.user("ben"), 40)
    with gitlab(world) as (_, found):
        outcomes = run(found, *(add(name, "acme/app") for name in ("ann", "ben", "cid")))
    assert [outcome.status for outcome in outcomes] == [Status.APPLIED, Status.FAILED, Status.APPLIED]
    assert outcomes[1].message == (
        "GitLab says: Access level should be greater than or equal to Maintainer inherited membership from group acme. "
        "A group above gives ben more, and nobody can have less below. It was not made when this was read again."
    )
    assert set(lower.members) == {world.user("ann").id, world.user("cid").id}


def test_a_single_one_below_a_higher_role_is_told_the_same() -> None:
    """There the answer is a 400."""
    world = small(ann=40)
    world.add_member(world.add_group("acme/app"), world.user("ann"), 40)
    with gitlab(world) as (_, found):
        outcomes = run(found, change("ann", MAINTAINER, DEVELOPER, "acme/app"))
    assert outcomes[0].status is Status.FAILED
    assert "A group above gives ann more, and nobody can have less below." in outcomes[0].message


def test_an_account_that_went_is_found_though_nobody_tells() -> None:
    """GitLab leaves out numbers that it does not know, and calls that a success."""
    world = small()
    with gitlab(world) as (_, found):
        del world.users[world.user("ben").id]
        outcomes = run(found, add("ann"), add("ben"))
    assert ends(outcomes) == [
        "applied",
        "failed GitLab does not say what became of it. It was not made when this was read again.",
    ]


def test_what_waits_for_approval_is_not_applied() -> None:
    """Neither one of many, nor a single one that is added or changed; GitLab calls all of them a success."""
    world = small(cid=30, dan=10)
    world.instance.enterprise = world.instance.approval = True
    world.add_member(world.add_group("other"), world.user("ann"), 30)
    waits = "skipped it waits for an administrator's approval in GitLab and is not in force yet"
    with gitlab(world) as (_, found):
        assert ends(run(found, add("ann"), add("ben"))) == ["applied", waits]
        assert ends(run(found, add("ben"))) == [waits]
        assert ends(run(found, change("dan", GUEST, DEVELOPER))) == [waits]
    assert world.levels("acme") == {"ann": 30, "cid": 30, "dan": 10}


def test_a_removal_ends_only_that_membership() -> None:
    """Not those in subgroups and projects, which GitLab would end, too."""
    world = small(ann=30)
    for below in (world.add_group("acme/app"), world.add_project("acme/site")):
        world.add_member(below, world.user("ann"), 40)
    with gitlab(world) as (served, found):
        assert ends(run(found, remove("ann"))) == ["applied"]
        assert [dict(entry.query) for entry in served.writes()] == [
            {"skip_subresources": "true", "unassign_issuables": "false"}
        ]
    assert [world.levels(path) for path in ("acme", "acme/app", "acme/site")] == [{}, {"ann": 40}, {"ann": 40}]


def test_projects_have_members_as_groups_have() -> None:
    """Added, changed and removed."""
    world = small()
    project = world.add_project("acme/site")
    world.add_member(project, world.user("cid"), 30)
    world.add_member(project, world.user("dan"), 30)
    with gitlab(world) as (_, found):
        changes = (
            add("ann", "acme/site"),
            change("cid", DEVELOPER, MAINTAINER, "acme/site"),
            remove("dan", "acme/site"),
        )
        assert ends(run(found, *changes)) == ["applied"] * 3
    assert world.levels("acme/site") == {"ann": 30, "cid": 40}


def _gone(world: World) -> None:
    world.source("acme").members.pop(world.user("ann").id, None)


def test_a_membership_that_has_ended_by_itself_is_ended() -> None:
    """A 404 where we would remove: it is looked for once more, and is not there."""
    world = small(ann=30)
    with gitlab(world) as (served, found):
        served.fail(Fault("DELETE", ONE, effect=True, meanwhile=_gone))
        assert ends(run(found, remove("ann"))) == ["applied"]


def test_a_404_for_what_is_there_is_no_success() -> None:
    """GitLab also says that of what our token may not touch."""
    world = small(ann=30)
    with gitlab(world) as (served, found):
        served.fail(Fault("DELETE", ONE, reply=answer({"message": "404 Not found"}, 404)))
        assert ends(run(found, remove("ann"))) == [
            "failed GitLab answered that there is no such membership. It was not made when this was read again."
        ]


def test_the_last_owner_stays_and_everything_else_goes_on() -> None:
    """A 403 that says nothing more is put in words."""
    world = small(ann=50, ben=30)
    with gitlab(world) as (_, found):
        outcomes = run(found, remove("ann", have=OWNER), remove("ben"))
    assert [outcome.status for outcome in outcomes] == [Status.FAILED, Status.APPLIED]
    assert "GitLab keeps the last owner of a group: give it another one first." in outcomes[0].message
    assert world.levels("acme") == {"ann": 50}


def test_locked_memberships_are_said_to_be_that() -> None:
    """By a 405 for one, by a sentence about the group for many."""
    world = small()
    world.source("acme").locked = True
    with gitlab(world) as (_, found):
        (single,) = run(found, add("ann"))
        many = run(found, add("ann"), add("ben"))
    assert single.status is Status.FAILED
    assert "The memberships of this group are locked: see its settings in GitLab." in single.message
    words = "GitLab says: The group's memberships are locked. It was not made when this was read again."
    assert ends(many) == [f"failed {words}"] * 2


def _join(world: World) -> None:
    world.add_member(world.source("acme"), world.user("ann"), 20)


def test_who_joins_between_our_look_and_our_call_stays_as_they_are() -> None:
    """A 409 for a single one: the role that is there now is named."""
    world = small()
    with gitlab(world) as (served, found):
        served.fail(Fault("POST", MEMBERS, effect=True, meanwhile=_join))
        assert ends(run(found, add("ann"))) == ["stale ann in acme: the role is reporter, the plan expected none"]


@pytest.mark.parametrize("reply", [resource_lock, retry_later])
def test_a_call_that_comes_at_a_bad_time_is_made_again(reply: Callable[[], Reply]) -> None:
    """A 409 that is a lock, and a 429 that says how long to wait."""
    world = small(ann=30)
    with gitlab(world) as (served, found):
        served.fail(Fault("DELETE", ONE, reply=reply()), Fault("POST", MEMBERS, reply=reply()))
        assert ends(run(found, remove("ann"), add("ben"))) == ["applied"] * 2
        assert [entry.status for entry in served.writes() if entry.method == "DELETE"][-1] == 204


def test_removals_keep_the_limit_of_each_group_and_end_with_the_run() -> None:
    """One of each group goes at once; who waits for the rate does not when the run is stopped."""
    world = small(ann=30, ben=30)
    other = world.add_group("other")
    world.add_member(other, world.user("ann"), 30)
    with gitlab(world, delete_rate=1) as (_, found):
        stop = Event()
        found.stop_on(stop)
        batches = list(found.batches([remove("ann"), remove("ben"), remove("ann", "other")]))
        assert [str(getattr(batch.changes[0], "group", "")) for batch in batches] == ["acme", "other", "acme"]
        assert ends([*found.apply(batches[0]), *found.apply(batches[1])]) == ["applied"] * 2
        with _waiting(found, batches[2], stop):
            assert ends(run(found, add("cid"))) == ["applied"]
    assert world.levels("acme") == {"ben": 30, "cid": 30}


def test_a_limit_that_says_nothing_of_itself_holds_up_only_what_is_under_it() -> None:
    """GitLab's own limits answer 429 without a time: removals of that group wait for a minute, all else goes on."""
    world = small(ann=30)
    with gitlab(world) as (served, found):
        stop = Event()
        found.stop_on(stop)
        served.fail(Fault("DELETE", ONE, reply=too_often(), times=99))
        with _waiting(found, next(iter(found.batches([remove("ann")]))), stop):
            assert ends(run(found, add("cid"))) == ["applied"]
    assert world.levels("acme") == {"ann": 30, "cid": 30}


@contextmanager
def _waiting(found: GitlabTarget, batch: Batch, stop: Event) -> Iterator[None]:
    """Apply a batch that has to wait until the end of the block, where the run is stopped."""
    raised: list[TargetError] = []

    def apply() -> None:
        with pytest.raises(TargetError, match="the run was asked to stop") as caught:
            found.apply(batch)
        raised.append(caught.value)

    waiting = Thread(target=apply)
    waiting.start()
    waiting.join(0.2)
    yield
    assert waiting.is_alive()
    stop.set()
    waiting.join(10)
    assert len(raised) == 1


def test_a_token_that_may_not_write_ends_the_run() -> None:
    """That is not about one object."""
    world = small()
    world.tokens[SECRET].scopes = ("read_api",)
    with gitlab(world) as (_, found), pytest.raises(TargetError, match="insufficient_scope"):
        run(found, add("ann"))


def test_nobody_of_ours_is_confused_with_somebody_who_is_not() -> None:
    """An account without our identity, in the group or not, is never added, changed or removed."""
    world = small()
    world.add_user("local")
    bob = Who("local", UserKey("local:local"))
    unknown = Who("zoe", UserKey("id-zoe"), UserKey(STABLE_ID_MISSING + dn_key(dn("zoe"))))
    with gitlab(world) as (served, found):
        outcomes = run(found, *(AddMembership(one, GroupKey("acme"), DEVELOPER, REASON) for one in (bob, unknown)))
        assert {outcome.status for outcome in outcomes} == {Status.STALE}
        assert served.writes() == []
        missing = run(found, add("ann", "no/such"))
        assert ends(missing) == ["stale ann in no/such: there is no group no/such"]


def test_an_apply_without_a_read_reads_first() -> None:
    """As a run does that goes on where another one ended."""
    world = small()
    with serving(world) as served, target(served) as found:
        assert ends(run(found, add("ann"))) == ["applied"]
        assert any(line == "GET /users" for line in asked(served))


def test_a_group_that_went_makes_its_own_changes_stale_and_no_others() -> None:
    """It was there when everything was read."""
    world = small(ann=30)
    world.add_group("other")
    with gitlab(world) as (_, found):
        found.read(Scope("corp", frozenset({GroupKey("acme"), GroupKey("other")})))
        gone = world.paths.pop("acme")
        del world.groups[gone.id]
        outcomes = run(found, add("ben"), add("ben", "other"), remove("ann"))
    assert ends(outcomes) == [
        "stale ben in acme: there is no group acme",
        "applied",
        "stale ann in acme: there is no membership any more",
    ]


def test_an_account_that_went_makes_its_own_changes_stale() -> None:
    """A removal of what it held is what the plan wants."""
    world = small()
    with gitlab(world) as (_, found):
        del world.users[world.user("ann").id]
        assert ends(run(found, DisableUser(who("ann"), REASON)))[0].startswith(
            "stale ann: there is no account with the key "
        )
        assert ends(run(found, add("ann")))[0].startswith("stale ann in acme: there is no account with the key ")


def test_what_cannot_be_asked_after_a_lost_answer_is_unknown() -> None:
    """Not failed and not applied: it is asked for when the run goes on."""
    world = small()
    refused = answer({"message": "401 Unauthorized"}, 401)
    with gitlab(world) as (served, found):
        served.fail(
            Fault("POST", MEMBERS, effect=True, reply=answer("<html>"), times=9),
            Fault("GET", MEMBERS, reply=refused, first=2, times=9),
        )
        (outcome,) = run(found, add("ann"))
    assert outcome.status is Status.UNKNOWN
    assert "Reading it again failed, too: " in outcome.message


def test_of_several_calls_of_one_batch_each_stands_for_itself() -> None:
    """Where the expiry differs: what the second one did not make is told, and the first one is made."""
    world = small(ann=30, ben=30, cid=30)
    group = world.source("acme")
    group.members[world.user("cid").id].expires_at = "2031-01-01"
    with gitlab(world) as (served, found):
        served.fail(Fault("PUT", ONE, reply=answer({"message": "403 Forbidden"}, 403)))
        outcomes = run(found, *(change(name, DEVELOPER, MAINTAINER) for name in ("ann", "ben", "cid")))
    assert [outcome.status for outcome in outcomes] == [Status.APPLIED, Status.APPLIED, Status.FAILED]
    assert "status 403" in outcomes[2].message
