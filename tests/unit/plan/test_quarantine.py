"""Changes that a target keeps refusing, and what rests on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from reconciler.model.access import Flag, Group, GroupKey, Role, State, User, UserKey
from reconciler.model.change import (
    AddMembership,
    AdoptUser,
    Change,
    ChangeRole,
    CreateUser,
    EnableUser,
    RemoveMembership,
    RemoveUser,
    SetFlag,
    UpdateUser,
    Who,
    object_of,
)
from reconciler.model.past import Past, Trouble
from reconciler.model.plan import Hold
from reconciler.plan.quarantine import Quarantine, keep_quarantined
from tests.builders import (
    EDITOR,
    GROUPS,
    NO_LIMITS,
    OWNER,
    ROSTER,
    TARGET,
    TODAY,
    USERS,
    VIEWER,
    World,
    imported,
    key,
    link,
    live,
    person,
    rule,
    rules,
    snapshot,
    stranger,
    team,
    user,
)
from tests.unit.diff.found import words
from tests.unit.model.changes import ANN, EVERY, WHY

API = GroupKey("api")
NOBODY = State()
WAITS = Trouble(4, "2026-11-16", "no licence is left", "2026-11-21")
SEEN = snapshot([person("ann"), person("bob")], [team("devs", "ann", "bob")])
DEVS = rules(rule("api", link("devs", EDITOR)))


def lines(world: World, troubles: Mapping[str, Trouble]) -> tuple[list[str], list[str]]:
    """Return what a plan does and what it holds back in quarantine, in words."""
    section = replace(world, limits=NO_LIMITS, past=Past(troubles={"roster": troubles})).section()
    held = [f"{words(one.change)}: {one.detail}" for one in section.withheld if one.hold is Hold.QUARANTINED]
    return [words(change) for change in section.changes], held


def kept(changes: Sequence[Change], *names: str, have: State = NOBODY) -> tuple[State, list[Change], list[Change]]:
    """Return what is made of changes while these objects are in quarantine, in their order."""
    found = keep_quarantined(have, changes, Quarantine(dict.fromkeys(names, WAITS), TODAY, ROSTER.roles))
    return found[0], list(found[1]), [one.change for one in found[2]]


def test_a_change_in_quarantine_waits_with_what_rests_on_it() -> None:
    """The plan says why, with the target's own words, and when it is tried again."""
    assert lines(World(SEEN, DEVS, live({"api": {}})), {"user.create id-bob": WAITS}) == (
        ["user.create ann", "membership.add api ann editor"],
        [
            "user.create bob: failed in 4 runs on end since 2026-11-16: no licence is left; it is tried again on 2026-11-21",
            "membership.add api bob editor: it rests on bob, which is held back",
        ],
    )


@pytest.mark.parametrize("retry_on", ["", "2026-11-20", "2026-11-01"])
def test_what_is_due_again_is_tried_and_said(retry_on: str) -> None:
    """Also what has failed only once or twice, which has no such day yet."""
    world = World(SEEN, DEVS, live({"api": {"ann": EDITOR}}))
    trouble = Trouble(1, "2026-11-19", "try again later", retry_on)
    section = replace(
        world, limits=NO_LIMITS, past=Past(troubles={"roster": {"user.create id-bob": trouble}})
    ).section()
    assert [words(change) for change in section.changes] == ["user.create bob", "membership.add api bob editor"]
    (note,) = section.diagnostics
    assert (str(note.severity), note.code, note.subject) == ("note", "TRIED-AGAIN", "bob")
    assert note.summary == "bob failed in 1 run since 2026-11-19: try again later."


def test_troubles_of_another_target_are_not_ours() -> None:
    """Each target refuses by itself."""
    section = World(SEEN, DEVS, past=Past(troubles={"gitlab": {"user.create id-bob": WAITS}})).section()
    assert not section.withheld
    assert not section.diagnostics


TAKING: Sequence[Change] = (
    EVERY["membership.remove"],
    EVERY["user.disable"],
    EVERY["user.remove"],
    ChangeRole(ANN, API, OWNER, VIEWER, WHY),
    SetFlag(ANN, Flag.ADMIN, have=True, want=False, reason=WHY),
    SetFlag(ANN, Flag.EXTERNAL, have=False, want=True, reason=WHY),
)
GIVING: Sequence[Change] = (
    *(EVERY[name] for name in EVERY if name not in {"membership.remove", "user.disable", "user.remove", "user.flag"}),
    ChangeRole(ANN, API, VIEWER, OWNER, WHY),
    SetFlag(ANN, Flag.ADMIN, have=False, want=True, reason=WHY),
    SetFlag(ANN, Flag.EXTERNAL, have=True, want=False, reason=WHY),
)


@pytest.mark.parametrize("change", TAKING, ids=words)
def test_what_takes_access_away_is_tried_in_every_run(change: Change) -> None:
    """However often it has failed."""
    quarantine = Quarantine(_named(change), TODAY, ROSTER.roles)
    assert not quarantine.keeps(change)
    assert quarantine.notes([change])


@pytest.mark.parametrize("change", GIVING, ids=words)
def test_everything_else_waits(change: Change) -> None:
    """Every other type of change."""
    assert Quarantine(_named(change), TODAY, ROSTER.roles).keeps(change)


def _named(change: Change) -> Mapping[str, Trouble]:
    return {object_of(change): WAITS}


def test_a_group_that_is_not_made_has_no_members() -> None:
    """Accounts are made all the same."""
    assert lines(World(SEEN, DEVS), {"group.create api": WAITS}) == (
        ["user.create ann", "user.create bob"],
        [
            "group.create api: failed in 4 runs on end since 2026-11-16: no licence is left; it is tried again on 2026-11-21",
            "membership.add api ann editor: it rests on api, which is held back",
            "membership.add api bob editor: it rests on api, which is held back",
        ],
    )


def test_nothing_is_done_to_an_account_that_is_not_taken_over() -> None:
    """As long as its adoption waits it is somebody else's."""
    target = replace(TARGET, users=replace(USERS, adopt=True))
    have = live({"api": {}}, stranger("ann"), user("bob"))
    done, held = lines(World(SEEN, replace(DEVS, target=target), have), {"user.adopt id-ann": WAITS})
    assert done == ["membership.add api bob editor"]
    assert [line.partition(":")[0] for line in held] == ["user.adopt ann", "membership.add api ann editor"]


def test_a_name_that_is_not_given_up_is_not_given_to_another() -> None:
    """Nor to a third who waits for the second's; in whichever order they stand."""
    ann, bob, cy = (Who(name, key(name)) for name in ("ann", "bob", "cy"))
    first = UpdateUser(ann, {"username": "ann"}, {"username": "anne"}, WHY)
    second = UpdateUser(bob, {"username": "bob"}, {"username": "Ann"}, WHY)
    third = UpdateUser(cy, {"username": "cy"}, {"username": "bob"}, WHY)
    new = CreateUser(user("cy", key="id-new"), WHY)
    other = UpdateUser(ann, {"email": "a"}, {"email": "b"}, WHY)
    _, done, held = kept([third, second, first, new, other], "user.update id-ann")
    assert (done, held) == ([], [first, other, second, third, new])
    assert kept([third, second, new], "user.update id-zoe")[1:] == ([third, second, new], [])
    assert kept([other, new], "user.update id-ann")[1:] == ([new], [other])


def test_a_group_that_keeps_its_old_name_is_changed_under_it() -> None:
    """Members come and go where they are; guards count under that name, too."""
    seen = snapshot([person("ann")], [team("app-new", "ann")])
    target = replace(TARGET, groups=GROUPS)
    have = live(
        {"app-old": {"ann": OWNER, "eve": VIEWER, "fay": VIEWER}}, groups=[Group(GroupKey("app-old"), "group-app-new")]
    )
    world = World(seen, rules(imports=[imported("(cn=app-*)", access=VIEWER)], target=target), have)
    done, held = lines(world, {"group.rename app-old": WAITS})
    assert done == [
        "membership.change app-old ann owner viewer",
        "membership.remove app-old eve viewer",
        "membership.remove app-old fay viewer",
        "user.disable eve",
        "user.disable fay",
    ]
    assert [line.partition(":")[0] for line in held] == ["group.rename app-old app-new"]
    guarded = replace(world, past=Past(troubles={"roster": {"group.rename app-old": WAITS}})).section()
    per_group = [one for one in guarded.refusals if one.guard == "max_removals_per_group"]
    assert [(one.group, one.count, one.total) for one in per_group] == [("app-old", 2, 3)]


def test_an_account_that_keeps_its_old_key_is_changed_under_it() -> None:
    """The target finds it by what it holds; what is taken from it is taken."""
    old = UserKey("dn:uid=ann,dc=acme")
    account = user("ann")
    changes: list[Change] = [
        UpdateUser(ANN, {"key": old}, {"key": ANN.key}, WHY),
        AddMembership(ANN, API, EDITOR, WHY),
        RemoveMembership(ANN, GroupKey("web"), VIEWER, WHY),
        RemoveUser(ANN, account, WHY),
        CreateUser(user("bob"), WHY),
    ]
    have, done, held = kept(changes, "user.update id-ann", have=live({"web": {"ann": VIEWER}}))
    then = Who("ann", old)
    assert held == changes[:1]
    assert done == [
        AddMembership(then, API, EDITOR, WHY),
        RemoveMembership(then, GroupKey("web"), VIEWER, WHY),
        RemoveUser(then, replace(account, key=old), WHY),
        CreateUser(user("bob"), WHY),
    ]
    assert list(have.users) == [old]
    assert have.memberships == {GroupKey("web"): {old: VIEWER}}


def test_other_accounts_keep_their_keys() -> None:
    """Only the one that waits is spoken of by its old key."""
    waiting = UpdateUser(ANN, {"key": "dn:x"}, {"key": ANN.key}, WHY)
    other = EnableUser(Who("bob", key("bob")), WHY)
    assert kept([waiting, other], "user.update id-ann")[1] == [other]


def test_adopting_an_account_is_one_object_with_its_owner() -> None:
    """What a strange account was called before does not matter."""
    found: User = stranger("ann")
    change = AdoptUser(ANN, found, WHY)
    demotion = ChangeRole(ANN, API, Role("former"), VIEWER, WHY)
    assert kept([change, demotion, EVERY["user.disable"]], "user.adopt id-ann")[1] == []
