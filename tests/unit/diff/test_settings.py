"""Instance-wide switches: turned on and off as the policy says, and left alone where it says nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from reconciler.diff.only import narrowed
from reconciler.model.access import State
from reconciler.model.diagnostic import Severity
from reconciler.model.plan import TargetPlan
from reconciler.model.reason import Reason, Why
from reconciler.plan.encode import encode
from reconciler.render.document import PlanData
from reconciler.render.look import Look
from reconciler.render.text import plan_text
from tests.builders import ROSTER, TARGET, World, at, key, person, plan_of, rules, snapshot

LOCK = "membership_lock"
CAN = replace(ROSTER, settings=frozenset({LOCK}))


def world(have: State, **options: object) -> World:
    """Return a world of nobody, in which only a switch can be turned."""
    target = replace(TARGET, options=options, places={LOCK: at(8)})
    return World(snapshot([person("ann")]), rules(target=target), have, capabilities=CAN)


def text(section: TargetPlan) -> str:
    """Return the section as people read it."""
    return "".join(plan_text(cast("PlanData", encode(plan_of(section))), Look()))


@pytest.mark.parametrize("on", [True, False])
def test_a_switch_is_turned_as_the_policy_says(on: bool) -> None:  # noqa: FBT001 - a parameter
    """On or off, each is a line of the plan, at the place of the policy's key."""
    section = world(State(settings={LOCK: not on}), membership_lock=on).section()
    (change,) = section.changes
    assert change.reason == Reason(Why.SETTING, at(8))
    assert not section.diagnostics
    turned = "off → on" if on else "on → off"
    assert f"  settings:\n    ~ membership_lock  {turned}  (set by the policy; policy/rules.yaml:8)\n" in text(section)
    assert "Plan: 0 to add, 1 to change, 0 to remove. 0 people affected, 0 privileged grants." in text(section)


@pytest.mark.parametrize("on", [True, False])
def test_a_switch_that_stands_right_is_left_alone(on: bool) -> None:  # noqa: FBT001 - a parameter
    """Nothing is said of it."""
    section = world(State(settings={LOCK: on}), membership_lock=on).section()
    assert (section.changes, section.diagnostics) == ((), ())


def test_an_absent_key_is_not_managed() -> None:
    """However the switch stands; nor is a key that is no switch."""
    assert world(State(settings={LOCK: True})).section().changes == ()
    assert world(State(settings={LOCK: True}), membership_lock="yes", other=True).section().changes == ()


def test_a_target_without_the_setting_is_a_warning() -> None:
    """The plan goes on, and says that the switch is not as the policy wants it."""
    section = world(State(), membership_lock=True).section()
    (finding,) = section.diagnostics
    assert (finding.severity, finding.code, finding.where) == (Severity.WARNING, "SETTING-UNSUPPORTED", at(8))
    assert finding.summary == "The target has no setting membership_lock, so it is neither turned on nor looked at."
    assert section.changes == ()


def test_a_plan_for_one_person_turns_no_switch() -> None:
    """It holds for everybody."""
    whole = world(State(), membership_lock=True)
    assert narrowed(whole.want(), whole.have, whole.diff_rules(), frozenset({key("ann")})).settings == {}
