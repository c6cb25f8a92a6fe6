"""Read how plans are to be applied; applies nothing."""

from __future__ import annotations

from datetime import timedelta

from reconciler.policy.merge import Sections
from reconciler.policy.model import ApplyRules

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def apply_rules(sections: Sections) -> ApplyRules:
    """Return what the policy says about applying, the defaults filled in."""
    said = {names[0]: node.data for names, node in sections.units["apply"].items()}
    default = ApplyRules()
    age, errors = said.get("max_age"), said.get("max_errors")
    return ApplyRules(
        max_age=_duration(age) if isinstance(age, str) else default.max_age,
        max_errors=int(errors) if isinstance(errors, int | float) else default.max_errors,
    )


def _duration(text: str) -> timedelta:
    """Return a time as the schema lets it be written: a number and the letter of its unit."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
