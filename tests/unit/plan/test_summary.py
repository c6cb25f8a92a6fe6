"""The counts of a plan's last line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.access import Flag
from reconciler.model.change import AddMembership, ChangeRole, CreateUser, SetFlag, Who
from reconciler.model.plan import Hold, Refusal, TargetPlan, Withheld
from reconciler.plan.summary import is_privileged_grant, only_adds, summary_of, verb_of
from tests.builders import OWNER, VIEWER, key, plan_of, user
from tests.unit.model.changes import ANN, API, EVERY, WHY

OWNERS = frozenset({"owner"})


@pytest.mark.parametrize("name", EVERY)
def test_every_change_adds_changes_or_removes(name: str) -> None:
    """As the sign before its line says."""
    adds = {"user.create", "group.create", "membership.add"}
    removes = {"user.disable", "user.remove", "group.remove", "membership.remove"}
    assert verb_of(EVERY[name]) == ("add" if name in adds else "remove" if name in removes else "change")


def test_a_privileged_grant_gives_a_privileged_role_or_a_mark_that_opens_everything() -> None:
    """Not one that is there already, and not the mark of an external."""
    assert is_privileged_grant(AddMembership(ANN, API, OWNER, WHY), OWNERS)
    assert not is_privileged_grant(AddMembership(ANN, API, VIEWER, WHY), OWNERS)
    assert is_privileged_grant(ChangeRole(ANN, API, VIEWER, OWNER, WHY), OWNERS)
    assert not is_privileged_grant(ChangeRole(ANN, API, OWNER, OWNER, WHY), OWNERS)
    assert is_privileged_grant(CreateUser(user("ann", flags=[Flag.ADMIN]), WHY), OWNERS)
    assert not is_privileged_grant(CreateUser(user("ann", flags=[Flag.EXTERNAL]), WHY), OWNERS)
    assert is_privileged_grant(SetFlag(ANN, Flag.ADMIN, have=False, want=True, reason=WHY), OWNERS)
    assert is_privileged_grant(SetFlag(ANN, Flag.AUDITOR, have=False, want=True, reason=WHY), OWNERS)
    assert not is_privileged_grant(SetFlag(ANN, Flag.ADMIN, have=True, want=False, reason=WHY), OWNERS)
    assert not is_privileged_grant(SetFlag(ANN, Flag.EXTERNAL, have=False, want=True, reason=WHY), OWNERS)
    assert not is_privileged_grant(EVERY["group.create"], OWNERS)


def test_people_are_counted_once_per_directory() -> None:
    """In two targets of one directory they are the same people, in two directories they are others."""
    bob = AddMembership(Who("bob", key("bob")), API, VIEWER, WHY)
    section = TargetPlan(
        "a", "sql", "", "corp", (EVERY["user.create"], EVERY["membership.add"], bob), privileged=OWNERS
    )
    refusal = Refusal("max_removals", "Removes.", 1, 0, 1, None, (), "")
    other = replace(section, name="b", withheld=(Withheld(bob, Hold.NO_ACCOUNT),), refusals=(refusal,))
    foreign = replace(
        section, name="c", directory="partners", changes=(EVERY["membership.remove"], EVERY["group.adopt"])
    )
    assert summary_of(plan_of(section, other, foreign)) == {
        "add": 6,
        "change": 1,
        "remove": 1,
        "people": 3,
        "privileged_grants": 4,
        "withheld": 1,
        "refused": 1,
    }


def test_only_a_plan_that_adds_rests_on_nobodys_absence() -> None:
    """Any other change does, made or held back, and so does a refusal; an addition held back says nothing of absence."""
    section = TargetPlan("a", "sql", "", "corp", (EVERY["user.create"], EVERY["membership.add"]))
    refusal = Refusal("max_removals", "Removes.", 1, 0, 1, None, (), "")
    assert only_adds(plan_of(section))
    assert only_adds(plan_of())
    assert not only_adds(plan_of(section, replace(section, changes=(EVERY["membership.change"],))))
    assert not only_adds(plan_of(replace(section, changes=(*section.changes, EVERY["user.disable"]))))
    assert not only_adds(plan_of(replace(section, refusals=(refusal,))))


@pytest.mark.parametrize("name", EVERY)
def test_of_what_is_held_back_all_but_additions_rest_on_absence(name: str) -> None:
    """A removal that is only shown says that somebody is gone, too."""
    section = TargetPlan("a", "sql", "", "corp", (EVERY["user.create"],))
    held = replace(section, withheld=(Withheld(EVERY[name], Hold.BY_HAND),))
    assert only_adds(plan_of(held)) == (verb_of(EVERY[name]) == "add")
