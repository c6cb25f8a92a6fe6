"""Compare what is with what should be, aspect by aspect; touch nothing."""

from __future__ import annotations

from collections.abc import Collection

from reconciler.desired.build import Desired
from reconciler.diff.align import align_groups, align_users
from reconciler.diff.cascade import keep_what_hangs_together
from reconciler.diff.groups import diff_groups
from reconciler.diff.members import diff_members
from reconciler.diff.only import concerned, keep_theirs
from reconciler.diff.rules import DiffRules, Findings
from reconciler.diff.settings import diff_settings
from reconciler.diff.users import diff_users
from reconciler.model.access import State


def compare(have: State, want: Desired, rules: DiffRules, not_made: Collection[str] = ()) -> tuple[State, Findings]:
    """Return everything that differs, and the live state under the keys that the findings use.

    Where `want` is about some people only, what is found is about them, and no group is renamed or removed. `not_made` names
    changes of memberships that will be held back (`object_of`): what holds below follows from what they leave as it is.
    """
    findings = Findings()
    have = align_users(have, want, rules, findings)
    if want.only is None:
        have = align_groups(have, want, rules, findings)
    compared = concerned(have, want)
    diff_users(compared, want, rules, findings)
    diff_groups(compared, want, rules, findings)
    diff_members(compared, want, rules, findings, not_made)
    diff_settings(have, want, rules, findings)
    keep_theirs(compared, want, findings)
    keep_what_hangs_together(compared, findings)
    return have, findings
