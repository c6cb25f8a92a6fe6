"""What one target's rules are judged with; holds values, judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from reconciler.desired.build import Rules
from reconciler.model.access import Capabilities
from reconciler.policy.model import GuardLimits, Protection, Waiver


@dataclass(frozen=True, slots=True)
class Subject:
    """Everything that the policy says about one target, what the target can hold, and the day (UTC).

    `capabilities` are None where nothing that is installed knows them; `waivers` are those of this target.
    """

    rules: Rules
    capabilities: Capabilities | None
    today: date
    protection: Protection = Protection()
    limits: GuardLimits = GuardLimits()
    waivers: Sequence[Waiver] = ()
