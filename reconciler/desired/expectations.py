"""Check the policy's own tests against the rendered states; pure, and no target is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.desired.build import Desired
from reconciler.model.access import GroupKey, UserKey
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.policy.model import Expectation


def unmet(expectations: Sequence[Expectation], wanted: Mapping[str, Desired]) -> tuple[Diagnostic, ...]:
    """Return one finding per expectation that does not hold, in the order of the policy.

    `wanted` holds the desired state of every target that is named. `has` must match the role exactly; `lacks` means no role.
    A name that is nobody's fails, and so does a group that no rule names and none imports: `lacks` would hold for ever.
    """
    return tuple(
        Diagnostic(
            Severity.ERROR, "EXPECT", f"{expectation.user} in {expectation.target}: {fact}.", "", expectation.where
        )
        for expectation in expectations
        for fact in _failures(expectation, wanted[expectation.target])
    )


def _failures(expectation: Expectation, desired: Desired) -> Iterator[str]:
    people = desired.roll.named(expectation.user)
    if len(people) != 1:
        yield f"{len(people)} people have this name" if people else "nobody in the directory has this name"
        return
    key = desired.roll.people[people[0]].key
    unknown = {group for group in (*expectation.has, *expectation.lacks) if GroupKey(group) not in desired.state.groups}
    for group in sorted(unknown):
        yield f"{group} is no group that a rule of this target names"
    for group, role in sorted(expectation.has.items()):
        if group in unknown:
            continue
        found = _role(desired, group, key)
        if found != role:
            yield f"expected {role} in {group}, found {found or 'no role'}"
    for group in expectation.lacks:
        found = _role(desired, group, key)
        if found:
            yield f"expected no role in {group}, found {found}"


def _role(desired: Desired, group: str, key: UserKey) -> str:
    return desired.state.memberships.get(GroupKey(group), {}).get(key, "")
