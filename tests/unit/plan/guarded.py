"""Worlds of one team for each role, for guards to look at; no test itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.model.access import Role, State
from reconciler.model.directory import Person
from reconciler.model.plan import Refusal, TargetPlan
from reconciler.policy.model import GuardLimits, OnMissing, TargetConfig
from tests.builders import (
    GROUPS,
    NO_LIMITS,
    TARGET,
    USERS,
    VIEWER,
    Roles,
    World,
    link,
    person,
    rule,
    rules,
    snapshot,
    team,
)

CROWD = [f"p{number:02}" for number in range(20)]
REMOVING = replace(
    TARGET,
    users=replace(USERS, when_missing=OnMissing.REMOVE),
    groups=replace(GROUPS, when_missing=OnMissing.REMOVE),
)


def of(
    have: State,
    *links: tuple[str, Sequence[str]],
    limits: GuardLimits = NO_LIMITS,
    people: Sequence[Person] = tuple(map(person, CROWD)),
    target: TargetConfig = TARGET,
) -> TargetPlan:
    """Return the section of a world where each role's team has these members, and `api` links all of them."""
    teams = [team(f"t-{role}", *who) for role, who in links]
    said = rules(rule("api", *(link(f"t-{role}", Role(role)) for role, _ in links)), target=target)
    return World(snapshot(people, teams), said, have, limits=limits).section()


def members(*names: str) -> Roles:
    """Return viewers of `api`."""
    return {"api": dict.fromkeys(names, VIEWER)}


def guards(section: TargetPlan) -> list[str]:
    """Return the guards that refuse, in order."""
    return [refusal.guard for refusal in section.refusals]


def only(section: TargetPlan) -> Refusal:
    """Return the one refusal."""
    (refusal,) = section.refusals
    return refusal
