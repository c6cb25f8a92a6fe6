"""What somebody gave by hand in the target and no rule gives: it goes, and the plan says who gave it."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from reconciler.model.access import GroupKey, State
from reconciler.model.reason import Why
from reconciler.plan.encode import encode
from reconciler.render.document import PlanData, ReasonData
from reconciler.render.look import Look
from reconciler.render.text import plan_text
from reconciler.render.words import cause
from tests.builders import (
    NO_LIMITS,
    OWNER,
    VIEWER,
    World,
    key,
    link,
    live,
    person,
    plan_of,
    rule,
    rules,
    snapshot,
    team,
)

API = GroupKey("api")
SEEN = snapshot([person("ann"), person("bob")], [team("devs", "ann"), team("leads")])
RULES = rules(rule(API, link("devs"), link("leads", OWNER)))


def world(have: State, *makers: tuple[str, str]) -> World:
    """Return a world of one developer; `makers` gave their roles to people by hand."""
    made_by = {API: {key(name): maker for name, maker in makers}}
    return World(SEEN, RULES, replace(have, made_by=made_by), limits=NO_LIMITS)


def test_a_membership_made_by_hand_goes_and_says_who_made_it() -> None:
    """In words that do not claim that the person was ever in the group; it counts as one removal."""
    section = world(live({API: {"ann": VIEWER, "bob": VIEWER}}), ("ann", "root"), ("bob", "root")).section()
    text = "".join(plan_text(cast("PlanData", encode(plan_of(section))), Look()))
    assert "    - bob  viewer  (added by hand by root; not in cn=devs; policy/rules.yaml:10)\n" in text
    assert "Plan: 0 to add, 0 to change, 1 to remove. 1 person affected, 0 privileged grants." in text
    assert section.unchanged.memberships == 1


def test_nobody_is_named_where_the_target_does_not_tell() -> None:
    """Then it is as if a rule had given it."""
    (change,) = world(live({API: {"ann": VIEWER, "bob": VIEWER}}), ("ann", "root")).section().changes
    assert (change.reason.why, change.reason.detail) == (Why.LEFT_GROUP, "")


def test_whoever_is_gone_from_the_directory_has_left_it() -> None:
    """That is the cause, whoever gave the role."""
    section = world(live({API: {"ann": VIEWER, "xan": OWNER}}), ("xan", "root")).section()
    reason = next(change.reason for change in section.changes if change.reason.detail)
    assert (reason.why, reason.detail) == (Why.LEFT_DIRECTORY, "added by hand by root")


@pytest.mark.parametrize(
    ("path", "detail", "words"),
    [
        (["cn=devs"], "added by hand by root", "added by hand by root; not in cn=devs"),
        (["(uid=a)"], "added by hand by root", "added by hand by root; does not match (uid=a)"),
        ([], "", "added by hand; no rule gives it"),
    ],
)
def test_drift_in_words(path: list[str], detail: str, words: str) -> None:
    """Who, and what gives the role there."""
    assert cause(ReasonData(why="by_hand", rule=None, path=path, detail=detail)) == words
