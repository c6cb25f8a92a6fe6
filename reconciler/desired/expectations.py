"""Check the policy's own tests against the rendered states; pure, and no target is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.desired.build import Desired
from reconciler.desired.links import resolve_link
from reconciler.model.access import Capabilities, GroupKey, Role, UserKey
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.filter import to_text
from reconciler.model.paths import found_above, path_key
from reconciler.model.protection import matches_any
from reconciler.policy.model import Expectation, GroupLink

NAMED = 20
"""How many people one failure names."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one test: nothing in `failures` where it holds, else each fact that is otherwise."""

    expectation: Expectation
    failures: tuple[str, ...] = ()

    def problems(self) -> Iterator[Diagnostic]:
        """Yield one error per fact, at the place of the test."""
        expectation = self.expectation
        subject = f"{expectation.user or ', '.join(expectation.groups)} in {expectation.target}"
        for fact in self.failures:
            yield Diagnostic(Severity.ERROR, "EXPECT", f"{subject}: {fact}.", "", expectation.where)


def verdict(expectation: Expectation, desired: Desired, can: Capabilities) -> Verdict:
    """Return whether a test holds in the desired state of its target.

    Of a person, `has` must match the role exactly; `lacks` means no role. A name that is nobody's fails, and so does a group
    that no rule names and none imports, or a pattern that matches none: what is not there would lack everything for ever.
    Of groups, each is judged by itself. Where the target inherits roles, one that is held in a group above counts.
    """
    judged = _in_groups if expectation.groups else _of_person
    return Verdict(expectation, tuple(judged(expectation, _Holding(desired, can))))


def title(expectation: Expectation) -> str:
    """Return what a test wants, in a line."""
    if not expectation.groups:
        wants = [f"has {role} in {group}" for group, role in sorted(expectation.has.items())]
        wants += [f"lacks {group}" for group in expectation.lacks]
        return f"{expectation.user} {', '.join(wants)}"
    role, outside = expectation.role or "a role", expectation.nobody_outside
    limits = [("at least", expectation.at_least), ("at most", expectation.at_most)]
    wants = [f"{word} {number} with {role}" for word, number in limits if number is not None]
    wants += [f"nobody outside {_label(outside)} has {role}"] if outside else []
    return f"{', '.join(expectation.groups)}: {', '.join(wants)}"


class _Holding:
    """Who holds which role in a group, with what they hold above it where the target inherits."""

    def __init__(self, desired: Desired, can: Capabilities) -> None:
        self.desired, self._can = desired, can
        ruled = desired.state.memberships if can.inherits else {}
        self._known = {path_key(group): group for group in ruled}

    def members(self, group: GroupKey) -> dict[UserKey, Role]:
        memberships = self.desired.state.memberships
        found: dict[UserKey, Role] = {}
        for place in (group, *self._above(group)):
            for key, role in memberships.get(place, {}).items():
                if key not in found or self.reaches(role, found[key]):
                    found[key] = role
        return found

    def of(self, key: UserKey, group: GroupKey) -> tuple[str, str]:
        """Return somebody's role in a group, empty for none, and with words about the group above that it comes from."""
        memberships = self.desired.state.memberships
        found, said = "", "no role"
        for place in (group, *self._above(group)):
            role = memberships.get(place, {}).get(key)
            if role and not (found and self.reaches(Role(found), role)):
                found, said = role, role if place == group else f"{role} from {place}"
        return found, said

    def reaches(self, role: Role, least: str) -> bool:
        """Tell whether a role is `least` or a higher one; every role reaches an empty one."""
        roles = self._can.roles
        return not least or roles.index(role) >= roles.index(Role(least))

    def _above(self, group: GroupKey) -> Sequence[GroupKey]:
        """Return the groups above one that rules name, nearest first; none where the target does not inherit."""
        return found_above(group, self._known)[::-1]

    def named(self, keys: Sequence[UserKey]) -> str:
        """Return people as a list in a sentence, cut; by username, or by DN where somebody has none."""
        roll, users = self.desired.roll, self.desired.state.users
        names = sorted(users[key].username if key in users else roll.people[roll.index_of[key]].dn for key in keys)
        more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        return f"{', '.join(names[:NAMED])}{more}"


def _in_groups(expectation: Expectation, holding: _Holding) -> Iterator[str]:
    groups = [key for key in sorted(holding.desired.state.groups) if matches_any(key, expectation.groups)]
    for pattern in expectation.groups:
        if not any(matches_any(key, (pattern,)) for key in groups):
            yield f"{pattern} matches no group that a rule of this target names"
    for key in groups:
        members = holding.members(key)
        holders = [one for one, role in members.items() if expectation.role in {"", role}]
        yield from _counted(expectation, key, holders, holding)
    if expectation.nobody_outside is not None:
        yield from _outside(expectation, expectation.nobody_outside, groups, holding)


def _counted(expectation: Expectation, group: GroupKey, holders: Sequence[UserKey], holding: _Holding) -> Iterator[str]:
    count, role = len(holders), expectation.role or "a role"
    people = "1 person has" if count == 1 else f"{count:,} people have"
    names = f": {holding.named(holders)}" if holders else ""
    if expectation.at_least is not None and count < expectation.at_least:
        yield f"expected at least {expectation.at_least} with {role} in {group}, {people} it{names}"
    if expectation.at_most is not None and count > expectation.at_most:
        yield f"expected at most {expectation.at_most} with {role} in {group}, {people} it{names}"


def _outside(
    expectation: Expectation, selector: GroupLink, groups: Sequence[GroupKey], holding: _Holding
) -> Iterator[str]:
    desired, label = holding.desired, _label(selector)
    source, findings = resolve_link(selector, desired.explain.directory)
    if source is None or source.gap:
        yield source.gap if source else findings[0].summary.rstrip(".")
        return
    inside = frozenset(source.people)
    for key in groups:
        outside = [
            one
            for one, role in holding.members(key).items()
            if holding.reaches(role, expectation.role) and desired.roll.index_of[one] not in inside
        ]
        if outside:
            least = f"{expectation.role} or more" if expectation.role else "a role"
            yield f"expected nobody outside {label} with {least} in {key}, found {holding.named(outside)}"


def _label(selector: GroupLink) -> str:
    if selector.filter is not None:
        return to_text(selector.filter)
    return f"cn={selector.cn}" if selector.cn else selector.dn


def _of_person(expectation: Expectation, holding: _Holding) -> Iterator[str]:
    desired = holding.desired
    people = desired.roll.named(expectation.user)
    if len(people) != 1:
        yield f"{len(people)} people have this name" if people else "nobody in the directory has this name"
        return
    key = desired.roll.people[people[0]].key
    unknown = {group for group in (*expectation.has, *expectation.lacks) if GroupKey(group) not in desired.state.groups}
    for group in sorted(unknown):
        yield f"{group} is no group that a rule of this target names"
    for group, role in sorted(expectation.has.items()):
        found, said = holding.of(key, GroupKey(group))
        if group not in unknown and found != role:
            yield f"expected {role} in {group}, found {said}"
    for group in expectation.lacks:
        found, said = holding.of(key, GroupKey(group))
        if group not in unknown and found:
            yield f"expected no role in {group}, found {said}"
