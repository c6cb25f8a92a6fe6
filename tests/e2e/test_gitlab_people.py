"""Accounts in a GitLab: made, changed, blocked and marked, with what we note there, and what happens between two calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.model.access import Flag, GroupKey, Scope, User, UserKey, Value
from reconciler.model.change import (
    AdoptUser,
    CreateUser,
    DisableUser,
    EnableUser,
    RemoveUser,
    SetFlag,
    UpdateUser,
    Who,
)
from reconciler.model.names import dn_text
from reconciler.targets.base import Status
from tests.e2e.gitlab_reading import PROVIDER, SECRET, VARIABLE, dn
from tests.e2e.gitlab_writing import (
    REASON,
    add,
    asked,
    ends,
    gitlab,
    key,
    new,
    run,
    small,
    stable,
    update,
    who,
)
from tests.fakes.gitlab_answers import answer
from tests.fakes.gitlab_faults import Ending, Fault
from tests.fakes.gitlab_world import World

HOME, WORK = key("home", "zoe@home"), key("work", "zoe@work")


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the target have its token."""
    monkeypatch.setenv(VARIABLE, SECRET)


def noted(world: World, name: str) -> dict[str, str]:
    """Return what we have noted with an account."""
    return world.user(name).attributes


def titles(world: World, name: str) -> list[str]:
    """Return the titles of somebody's keys."""
    return [one.title for one in world.user(name).keys.values()]


def test_an_account_is_made_with_everything_and_can_be_used_in_the_same_run() -> None:
    """A password that nobody knows, no mail to confirm, its identities, flags and keys, and a note whose it is."""
    world = small()
    made = new("zoe", kerberos="zoe@EXAMPLE.COM", ssh_keys=(HOME, WORK))
    made = replace(made, user=replace(made.user, flags={Flag.ADMIN: True, Flag.EXTERNAL: False}))
    with gitlab(world) as (served, found):
        joins = add("zoe")
        joins = replace(joins, who=Who("zoe", stable("zoe")))
        assert ends(run(found, made, joins)) == ["applied", "applied"]
        post = next(entry.body for entry in served.writes())
        assert isinstance(post, dict)
        assert (post["force_random_password"], post["skip_confirmation"]) == (True, True)
        assert "password" not in post
        assert "GET /users" not in asked(served), "nobody is asked for one by one"
        state = found.read(Scope("corp", frozenset({GroupKey("acme")})))
    user = world.user("zoe")
    assert (user.email, user.name, user.admin, user.external) == ("zoe@example.com", "Zoe", True, False)
    assert user.identities == {PROVIDER: dn("zoe"), "kerberos": "zoe@EXAMPLE.COM"}
    assert titles(world, "zoe") == ["reconcile: zoe@home", "reconcile: zoe@work"]
    assert noted(world, "zoe")["reconcile_id"] == stable("zoe")
    assert state.users[stable("zoe")].attributes["ssh_keys"] == tuple(sorted((HOME, WORK)))
    assert state.memberships[GroupKey("acme")] == {stable("zoe"): "developer"}


def test_an_account_of_somebody_disabled_is_blocked_as_ours() -> None:
    """The note is there before the block."""
    world = small()
    made = new("zoe")
    with gitlab(world) as (_, found):
        assert ends(run(found, CreateUser(replace(made.user, active=False), REASON))) == ["applied"]
        state = found.read(Scope("corp", frozenset()))
    assert [effect[0] for effect in world.effects][-2:] == ["attribute.set", "user.block"]
    assert (state.users[stable("zoe")].active, state.users[stable("zoe")].disabled_by_hand) == (False, False)


@pytest.mark.parametrize("ending", ["reset", "cut"])
def test_an_account_whose_making_got_no_answer_is_found_by_its_identity(ending: Ending) -> None:
    """It is ours: nothing is made twice, and the rest of it is made."""
    world = small()
    with gitlab(world) as (served, found):
        served.fail(Fault("POST", "/users", effect=True, ending=ending, times=9))
        assert ends(run(found, new("zoe", ssh_keys=(HOME,)))) == ["applied"]
        assert sum(entry.method == "POST" and entry.path == "/users" for entry in served.log) == 1
    assert noted(world, "zoe")["reconcile_id"] == stable("zoe")
    assert titles(world, "zoe") == ["reconcile: zoe@home"]


def test_an_account_whose_making_got_no_answer_and_that_is_not_there_failed() -> None:
    """It was never made."""
    world = small()
    with gitlab(world) as (served, found):
        served.fail(Fault("POST", "/users", ending="reset"))
        (outcome,) = run(found, new("zoe"))
    assert outcome.status is Status.FAILED
    assert outcome.message.endswith("Whether it was made is not known. It was not made when this was read again.")


def test_an_account_that_could_not_be_noted_is_made_all_the_same() -> None:
    """The outcome says what is lacking, and the account is found by its DN from then on."""
    world = small()
    with gitlab(world) as (served, found):
        served.fail(Fault("PUT", ".*/custom_attributes/.*", reply=answer({"message": "403 Forbidden"}, 403), times=9))
        (outcome,) = run(found, new("zoe"))
        assert outcome.status is Status.FAILED
        assert outcome.message.startswith("the account was made, and the next plan makes the rest of it: ")
        served.fail()
        again = found.read(Scope("corp", frozenset()))
        assert again.users[who("zoe").account].username == "zoe"
        served.forget()
        assert ends(run(found, new("zoe"))) == ["stale zoe: the account is there already, and it is ours"]
        assert served.writes() == []


def _sign_in(world: World) -> None:
    world.add_user("zoe", identities={PROVIDER: dn("zoe")})


def _somebody_else(world: World) -> None:
    world.add_user("zoe")


@pytest.mark.parametrize(
    ("meanwhile", "words"),
    [
        (_sign_in, "zoe: an account with the key 5f0c1d2e-0000-4000-8000-"),
        (_somebody_else, "zoe: an account of that name is there already"),
    ],
)
def test_whoever_takes_the_name_first_has_it(meanwhile: Callable[[World], None], words: str) -> None:
    """GitLab refuses a second one; what is there is said, and not touched."""
    world = small()
    with gitlab(world) as (served, found):
        meanwhile(world)
        (outcome,) = run(found, new("zoe"))
        assert [entry.status for entry in served.writes()] == [409]
    assert outcome.status is Status.STALE
    assert outcome.message.startswith(words)


def test_an_address_that_is_taken_is_named() -> None:
    """By GitLab: nothing of the account is there."""
    world = small()
    with gitlab(world) as (_, found):
        (outcome,) = run(found, new("zoe", email="ann@example.com"))
    assert outcome.status is Status.FAILED
    assert "Email has already been taken" in outcome.message


def test_an_update_changes_what_differs_without_mail_to_confirm() -> None:
    """One call for e-mail, name and DN; the new DN is noted with the id first, so that the account is known throughout."""
    world = small()
    moved = "uid=ann,ou=leads,dc=example,dc=com"
    have: dict[str, Value | None] = {"email": "ann@example.com", "name": "ann", "dn": dn_text(dn("ann"))}
    with gitlab(world) as (served, found):
        done = update("ann", have, {"email": "a@example.com", "name": "Ann", "dn": dn_text(moved)})
        assert ends(run(found, done, add("ann"), DisableUser(who("ann"), REASON))) == ["applied"] * 3
        assert [entry.path.rpartition("/")[2] for entry in served.writes()][:2] == [
            "reconcile_id",
            str(world.user("ann").id),
        ]
        assert ends(run(found, done))[0].startswith("stale ann: dn, email, name as the plan wants it already")
    user = world.user("ann")
    assert (user.email, user.name, user.identities) == ("a@example.com", "Ann", {PROVIDER: moved})
    assert noted(world, "ann")["reconcile_id"] == stable("ann")
    assert (user.state, world.levels("acme")) == ("blocked", {"ann": 30})


def test_addresses_move_on_along_a_chain() -> None:
    """Who gives one up goes first, whatever the names."""
    world = small()
    with gitlab(world) as (_, found):
        changes = (
            update("ann", {"email": "ann@example.com"}, {"email": "ben@example.com"}),
            update("ben", {"email": "ben@example.com"}, {"email": "new@example.com"}),
        )
        assert ends(run(found, *changes)) == ["applied", "applied"]
    assert (world.user("ann").email, world.user("ben").email) == ("ben@example.com", "new@example.com")


def test_an_update_that_ends_in_the_middle_says_what_was_made() -> None:
    """And what was not."""
    world = small()
    with gitlab(world) as (served, found):
        served.fail(Fault("PUT", "/users/[0-9]+", reply=answer({"message": {"kerberos": ["x"]}}, 400), first=2))
        done = update("ann", {"name": "ann", "kerberos": None}, {"name": "Ann", "kerberos": "ann@X"})
        (outcome,) = run(found, done)
    assert outcome.status is Status.FAILED
    assert outcome.message.startswith("name as wanted now, but not kerberos: ")


def test_what_cannot_be_changed_is_refused_before_any_call() -> None:
    """A username, which is also an address of projects, and what every account has."""
    world = small()
    with gitlab(world) as (served, found):
        assert ends(run(found, update("ann", {"username": "ann"}, {"username": "anna"}))) == [
            "failed username cannot be changed so here"
        ]
        assert ends(run(found, update("ann", {"email": "ann@example.com"}, {"email": None}))) == [
            "failed email cannot be changed so here"
        ]
        known = User(stable("ann"), "ann")
        assert ends(run(found, RemoveUser(who("ann"), known, REASON))) == [
            "failed targets of kind gitlab never do this"
        ]
        assert served.writes() == []


def test_a_kerberos_identity_comes_changes_and_goes() -> None:
    """Beside that of the directory, which stays."""
    world = small()
    with gitlab(world) as (_, found):
        for have, want in ((None, "ann@A"), ("ann@A", "ann@B"), ("ann@B", None)):
            assert ends(run(found, update("ann", {"kerberos": have}, {"kerberos": want}))) == ["applied"]
            expected = {PROVIDER: dn("ann"), **({"kerberos": want} if want else {})}
            assert world.user("ann").identities == expected


def test_a_block_is_noted_before_it_and_undone_only_where_it_is_ours() -> None:
    """The note has the day; after the unblock it is gone."""
    world = small()
    world.user("ben").state = "blocked"
    world.user("cid").state = "ldap_blocked"
    with gitlab(world) as (_, found):
        assert ends(run(found, DisableUser(who("ann"), REASON))) == ["applied"]
        assert world.user("ann").state == "blocked"
        assert len(noted(world, "ann")["reconcile_blocked"]) == len("2030-01-01")
        assert ends(run(found, EnableUser(who("ann"), REASON))) == ["applied"]
        assert (world.user("ann").state, noted(world, "ann")) == ("active", {})
        outcomes = run(found, EnableUser(who("ben"), REASON), EnableUser(who("cid"), REASON))
        assert [outcome.status for outcome in outcomes] == [Status.STALE, Status.STALE]
        assert (world.user("ben").state, world.user("cid").state) == ("blocked", "ldap_blocked")


def _ldap_block(world: World) -> None:
    world.user("ann").state = "ldap_blocked"
    world.touch(world.user("ann"))


def test_what_gitlab_itself_has_blocked_meanwhile_is_left_alone() -> None:
    """A 403; our note goes again."""
    world = small()
    with gitlab(world) as (served, found):
        served.fail(Fault("POST", ".*/block", effect=True, meanwhile=_ldap_block))
        (outcome,) = run(found, DisableUser(who("ann"), REASON))
    assert outcome.status is Status.STALE
    assert (world.user("ann").state, noted(world, "ann")) == ("ldap_blocked", {})


def test_a_block_that_got_no_answer_is_ours() -> None:
    """It is asked for again, and was made."""
    world = small()
    with gitlab(world) as (served, found):
        served.fail(Fault("POST", ".*/block", effect=True, ending="reset", times=9))
        assert ends(run(found, DisableUser(who("ann"), REASON))) == ["applied"]
    assert "reconcile_blocked" in noted(world, "ann")


def test_a_note_that_cannot_be_taken_away_does_not_hide_that_somebody_can_sign_in_again() -> None:
    """The outcome says so, and a later plan takes the note of an active account away."""
    world = small()
    with gitlab(world) as (served, found):
        run(found, DisableUser(who("ann"), REASON))
        served.fail(
            Fault("DELETE", ".*/custom_attributes/.*", reply=answer({"message": "403 Forbidden"}, 403), times=9)
        )
        (outcome,) = run(found, EnableUser(who("ann"), REASON))
        assert outcome.status is Status.APPLIED
        assert outcome.message.startswith("that we had blocked it is still noted, and the next plan takes it away: ")
        served.fail()
        mark = noted(world, "ann")["reconcile_blocked"]
        assert ends(run(found, update("ann", {"block_mark": mark}, {"block_mark": None}))) == ["applied"]
    assert noted(world, "ann") == {}


def test_our_own_account_is_never_blocked_and_stays_an_administrator() -> None:
    """Whatever a plan says: without it nothing could be undone."""
    world = small()
    world.identify(world.user("sync"), PROVIDER, dn("sync"))
    world.touch(world.user("sync"))
    with gitlab(world) as (served, found):
        demoted = SetFlag(who("sync"), Flag.ADMIN, have=True, want=False, reason=REASON)
        assert ends(run(found, DisableUser(who("sync"), REASON), demoted)) == [
            "failed this is the account of our own token, which GitLab does not let us block",
            "failed this is the account of our own token, which has to administer",
        ]
        assert served.writes() == []


def test_flags_are_set_and_one_that_this_gitlab_does_not_know_is_not_taken_for_set() -> None:
    """An auditor is only where there is an EE."""
    world = small()
    with gitlab(world) as (_, found):
        assert Flag.AUDITOR not in found.capabilities.flags
        flags = [SetFlag(who("ann"), flag, have=False, want=True, reason=REASON) for flag in sorted(Flag)]
        outcomes = dict(zip(sorted(Flag), run(found, *flags), strict=True))
        assert outcomes[Flag.AUDITOR].status is Status.FAILED
        assert (world.user("ann").admin, world.user("ann").external) == (True, True)
    world = small()
    world.instance.enterprise = True
    with gitlab(world) as (_, found):
        assert ends(run(found, *flags)) == ["applied"] * 3
        assert world.user("ann").auditor


def test_an_account_is_adopted_by_a_note_and_an_identity() -> None:
    """The two changes of one plan; memberships of the same run are given to it."""
    world = small()
    world.add_user("zoe")
    with gitlab(world) as (_, found):
        state = found.read(Scope("corp", frozenset({GroupKey("acme")})))
        person = Who("zoe", stable("zoe"))
        outcomes = run(
            found,
            AdoptUser(person, state.users[UserKey("local:zoe")], REASON),
            UpdateUser(person, {"dn": None}, {"dn": dn_text(dn("zoe"))}, REASON),
            replace(add("zoe"), who=person),
        )
        assert ends(outcomes) == ["applied"] * 3
        after = found.read(Scope("corp", frozenset({GroupKey("acme")})))
    assert after.users[stable("zoe")].managed
    assert after.memberships[GroupKey("acme")] == {stable("zoe"): "developer"}


def test_a_target_that_remembers_gives_accounts_their_ids() -> None:
    """What follows in the run is addressed by the new key."""
    world = small()
    with gitlab(world, remember=True) as (_, found):
        person = Who("ann", stable("ann"))
        gets = UpdateUser(person, {"key": who("ann").account}, {"key": stable("ann")}, REASON)
        assert ends(run(found, gets, replace(add("ann"), who=person))) == ["applied", "applied"]
        assert stable("ann") in found.read(Scope("corp", frozenset())).users
