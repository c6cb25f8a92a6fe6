"""Tell whether a saved plan still stands on a later day and for the targets as they are now; pure, never asks a target."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date

from reconciler.model.diagnostic import Position
from reconciler.model.plan import Plan, TargetPlan
from reconciler.model.text import shortened
from reconciler.policy.model import GroupRule, Policy, Waiver

_End = tuple[Position, date, str]  # of a grant or waiver: where it stands, its last day, what it is


def outdated(plan: Plan, policy: Policy, today: date) -> str:
    """Return why a plan that was judged on its own day must not be applied `today`; empty where it may.

    It must not when a grant or a waiver of one of its targets was valid then and is over now (its last day counts as
    valid), nor when its day is still to come: then it was judged by what is not so yet.
    """
    try:
        judged = date.fromisoformat(plan.today)
    except ValueError:
        return f'The plan was judged as of "{shortened(plan.today, 40)}", which is no day.'
    if judged > today:
        return f"The plan was judged as of {judged}, a day after today, {today}."
    names = {section.name for section in plan.targets}
    ends = [*_grants(policy.groups, names), *_waivers(policy.waivers, names)]
    return _said(sorted(end for end in ends if judged <= end[1] < today))


def _said(over: Sequence[_End]) -> str:
    if not over:
        return ""
    where, until, what = over[0]
    more = f", and {len(over) - 1:,} more like it" if len(over) > 1 else ""
    return f"{shortened(str(where))}: {what}, on which this plan may rest, has ended on {until}{more}."


def displaced(sections: Sequence[TargetPlan], now: Mapping[str, TargetPlan]) -> str:
    """Return in what a plan's sections are not about the targets of `now`, by name; empty where they are about them."""
    for have in sections:
        want = now.get(have.name)
        name = shortened(have.name)
        if want is None:
            return f'The plan has a target "{name}", which the policy does not have.'
        for fact, planned, present in _facts(have, want):
            if planned != present:
                is_now, was = shortened(present), shortened(planned)
                return f'The {fact} of target "{name}" is "{is_now}", and the plan was made for "{was}".'
    return ""


def _facts(have: TargetPlan, want: TargetPlan) -> tuple[tuple[str, str, str], ...]:
    return (
        ("kind", have.kind, want.kind),
        ("directory", have.directory, want.directory),
        ("address", have.address, want.address),
    )


def _grants(groups: Mapping[str, Mapping[str, GroupRule]], targets: Collection[str]) -> Iterator[_End]:
    for target in targets:
        for group, rule in groups.get(target, {}).items():
            for grant in rule.grants:
                what = f'the grant of {shortened(grant.access)} to "{shortened(grant.user)}" in {shortened(group)}'
                yield grant.where, grant.until, f"{what} of {shortened(target)}"


def _waivers(waivers: Iterable[Waiver], targets: Collection[str]) -> Iterator[_End]:
    for waiver in waivers:
        if waiver.target in targets:
            yield waiver.where, waiver.until, f"the waiver of {shortened(waiver.guard)} for {shortened(waiver.target)}"
