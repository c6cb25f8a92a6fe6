"""Exceptions outside the directory, each with an end; a grant is one more link, and never outlives its last day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from reconciler.desired.links import Source
from reconciler.desired.roll import Roll
from reconciler.model.access import Role
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.names import login_key
from reconciler.model.reason import Why
from reconciler.policy.model import Grant, GroupRule


def resolve_grants(rule: GroupRule, today: date, roll: Roll) -> tuple[tuple[Source, ...], tuple[Diagnostic, ...]]:
    """Return what the grants of one target group give on `today` (UTC, `until` is the last day they hold).

    A grant names its person by username. Where several have it, or nobody has it but some have none at all, the grant gives
    nothing, and takes nothing from those whom it may mean: what it gave before is not lost because another entry is bad.
    """
    sources: list[Source] = []
    findings: list[Diagnostic] = []
    for grant in rule.grants:
        if grant.until < today:
            findings.append(_finding(grant, "GRANT-ENDED", f"ended on {grant.until}", "It has no effect; delete it."))
            continue
        found = roll.named(grant.user)
        sure = found if len(found) == 1 else ()
        maybe = () if sure else found or roll.nameless
        sources.append(Source(Role(grant.access), Why.GRANT, grant.where, sure, label_of(grant), maybe=maybe))
        if len(found) > 1:
            listed = " and ".join(sorted(roll.people[index].dn for index in found))
            findings.append(
                _finding(grant, "GRANT-AMBIGUOUS", f"may mean {listed}", "It gives nothing and takes nothing.")
            )
        elif not found:
            findings.append(_finding(grant, "GRANT-UNKNOWN-USER", "names nobody in the directory", "It has no effect."))
    return tuple(sources), tuple(findings)


def ended(rule: GroupRule, today: date) -> Mapping[tuple[str, str], Grant]:
    """Return the grants that are over, by the person's login key and role."""
    return {(login_key(grant.user), grant.access): grant for grant in rule.grants if grant.until < today}


def label_of(grant: Grant) -> str:
    """Return how plans name a grant."""
    return f'until {grant.until}: "{grant.reason}"'


def _finding(grant: Grant, code: str, fact: str, way_out: str) -> Diagnostic:
    summary = f"The grant of {grant.access} to {grant.user} {fact}."
    return Diagnostic(Severity.WARNING, code, summary, way_out, grant.where, subject=grant.user)
