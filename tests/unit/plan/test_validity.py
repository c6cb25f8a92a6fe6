"""Whether a saved plan still stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from reconciler.model.plan import TargetPlan
from reconciler.plan.validity import displaced, outdated
from reconciler.policy.model import Grant, GroupRule, Policy, Waiver
from tests.builders import TODAY, at, plan_of

DAY = timedelta(days=1)
ROSTER = TargetPlan("roster", "sql", "sqlite:///roster.db", "corp")
PLAN = plan_of(ROSTER)


def grant(until: date, line: int = 40) -> Grant:
    return Grant("ann", "owner", until, "on call", at(line))


def waiver(until: date, target: str = "roster") -> Waiver:
    return Waiver("max_removals", target, until, "#482", "team dissolved", at(70))


def policy(grants: Sequence[Grant] = (), waivers: Sequence[Waiver] = (), target: str = "roster") -> Policy:
    groups = {target: {"api": GroupRule("api", at(30), grants=tuple(grants))}}
    return Policy("policy", "sha256:1", (), {}, {}, groups=groups, waivers=tuple(waivers))


def test_a_plan_without_grants_and_waivers_does_not_age() -> None:
    """What else has changed is seen by other checks."""
    assert outdated(PLAN, Policy("policy", "sha256:1", (), {}, {}), TODAY + 365 * DAY) == ""


@pytest.mark.parametrize(
    ("until", "days", "over"),
    [(0, 0, False), (0, 1, True), (1, 1, False), (1, 2, True), (5, 400, True), (-1, 0, False), (-1, 9, False)],
)
def test_a_plan_ends_with_the_first_of_its_grants_and_waivers(until: int, days: int, *, over: bool) -> None:
    """The last day counts as valid; what was over when the plan was made is not in it."""
    last, today = TODAY + until * DAY, TODAY + days * DAY
    assert bool(outdated(PLAN, policy([grant(last)]), today)) is over
    assert bool(outdated(PLAN, policy(waivers=[waiver(last)]), today)) is over


def test_the_message_names_what_has_ended_and_its_place() -> None:
    """The first by its place, and how many more."""
    assert outdated(PLAN, policy([grant(TODAY)]), TODAY + DAY) == (
        'policy/rules.yaml:40: the grant of owner to "ann" in api of roster, on which this plan may rest, '
        "has ended on 2026-11-20."
    )
    assert outdated(PLAN, policy(waivers=[waiver(TODAY)]), TODAY + DAY) == (
        "policy/rules.yaml:70: the waiver of max_removals for roster, on which this plan may rest, "
        "has ended on 2026-11-20."
    )
    many = policy([grant(TODAY, 41), grant(TODAY, 39), grant(TODAY + 9 * DAY, 2)], [waiver(TODAY)])
    said = outdated(PLAN, many, TODAY + DAY)
    assert said.startswith("policy/rules.yaml:39: ")
    assert said.endswith(" has ended on 2026-11-20, and 2 more like it.")


def test_grants_and_waivers_of_other_targets_do_not_count() -> None:
    """A plan for one target says nothing about the others."""
    assert outdated(PLAN, policy([grant(TODAY)], [waiver(TODAY, "other")], "other"), TODAY + DAY) == ""


def test_a_plan_of_a_day_to_come_does_not_stand_yet() -> None:
    """It holds what is not so yet."""
    early = outdated(PLAN, policy(), TODAY - DAY)
    assert early == "The plan was judged as of 2026-11-20, a day after today, 2026-11-19."


def test_a_day_that_is_none_is_said_and_harmless() -> None:
    """A file made by others can hold anything."""
    said = outdated(replace(PLAN, today="\x1b[2J"), policy(), TODAY)
    assert said == r'The plan was judged as of "\x1b[2J", which is no day.'


def test_sections_about_the_targets_of_the_policy_stand() -> None:
    """More targets in the policy than in the plan do no harm."""
    assert displaced([ROSTER], {"roster": ROSTER, "other": replace(ROSTER, name="other")}) == ""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (replace(ROSTER, kind="gitlab"), 'The kind of target "roster" is "gitlab", and the plan was made for "sql".'),
        (
            replace(ROSTER, directory="ad"),
            'The directory of target "roster" is "ad", and the plan was made for "corp".',
        ),
        (
            replace(ROSTER, address="sqlite:///\x07"),
            r'The address of target "roster" is "sqlite:///\x07", and the plan was made for "sqlite:///roster.db".',
        ),
    ],
)
def test_a_section_about_something_else_is_named_with_what_differs(changed: TargetPlan, said: str) -> None:
    """The thing, what it is, what was planned."""
    assert displaced([ROSTER], {"roster": changed}) == said


def test_a_target_that_the_policy_does_not_have_is_named() -> None:
    """Whatever it is called."""
    said = displaced([ROSTER, replace(ROSTER, name="x\ny")], {"roster": ROSTER})
    assert said == r'The plan has a target "x\x0ay", which the policy does not have.'
