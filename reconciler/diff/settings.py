"""Compare instance-wide switches of a target; one of which the policy says nothing is not managed."""

from __future__ import annotations

from reconciler.desired.build import Desired
from reconciler.diff.rules import DiffRules, Findings
from reconciler.model.access import State
from reconciler.model.change import SetSetting
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.reason import Reason, Why


def diff_settings(have: State, want: Desired, rules: DiffRules, findings: Findings) -> None:
    """Note what has to change so that every switch stands as the policy says, be that on or off."""
    for name, wanted in want.settings.items():
        held = have.settings.get(name)
        if held is not None and held != wanted:
            reason = Reason(Why.SETTING, rules.places.get(name))
            findings.changes.append(SetSetting(name, have=held, want=wanted, reason=reason))


def unsupported(have: State, want: Desired, rules: DiffRules) -> tuple[Diagnostic, ...]:
    """Return a warning for each switch that the policy sets and the target does not have."""
    return tuple(
        Diagnostic(
            Severity.WARNING,
            "SETTING-UNSUPPORTED",
            f"The target has no setting {name}, so it is neither turned {'on' if wanted else 'off'} nor looked at.",
            "Take it out of the policy, or use an edition of the target that has it.",
            rules.places.get(name),
            subject=name,
        )
        for name, wanted in want.settings.items()
        if name not in have.settings
    )
