"""Find the rules that explain what is live in one target, so that a plan by them has nothing to do; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.adoption.catalogue import Catalogue
from reconciler.adoption.draft import Draft, GroupDraft, Held
from reconciler.adoption.explain import explain
from reconciler.adoption.holders import Holders, holders_of, people_behind
from reconciler.adoption.known import resolve_known
from reconciler.adoption.marks import marked, proposals
from reconciler.desired.build import Desired, Rules
from reconciler.desired.links import Directory
from reconciler.desired.naming import name_problem
from reconciler.model.access import Capabilities, Flag, GroupKey, Role, State
from reconciler.model.bits import bits_of
from reconciler.model.known_link import KnownLink
from reconciler.model.protection import matches_any
from reconciler.policy.fit import is_fit
from reconciler.policy.model import Protection


@dataclass(frozen=True, slots=True)
class Ground:
    """What rules are looked for in: the policy's words, what they ask for already, the directory, what the target can hold.

    `known` are the links that the target itself keeps, by group. `ignore_absent`: people without an account in the target
    do not speak against a directory group that they are in.
    """

    rules: Rules
    protected: Protection
    want: Desired
    directory: Directory
    capabilities: Capabilities
    known: Mapping[GroupKey, Sequence[KnownLink]]
    ignore_absent: bool = False


def adopt(have: State, ground: Ground) -> Draft:
    """Return rules by which everybody of the directory keeps what they hold, and nobody is guessed into anything.

    What the target itself links is taken as it is; else links name directory groups whose people all hold at least the
    link's role. What no link explains is `held`. A group that cannot be ruled without changing it is left out.
    """
    return _Adoption(have, ground).draft()


class _Adoption:
    """One target: first who is whose, then group by group."""

    def __init__(self, have: State, ground: Ground) -> None:
        self._have, self._ground = have, ground
        self._people = people_behind(have.users, ground.want.roll)
        self._roles = ground.capabilities.roles
        reasons = {group: self._why_not(group) for group in sorted({*have.memberships, *ground.known})}
        self._left_out = {str(group): why for group, why in reasons.items() if why}
        self._holders = {group: holders_of(have, group, self._people) for group, why in reasons.items() if not why}
        self._ignored = bits_of(self._absent()) if ground.ignore_absent else 0
        self._catalogue = self._catalogued()

    def draft(self) -> Draft:
        groups = [self._group(name, holders) for name, holders in self._holders.items()]
        return Draft(
            target=self._ground.rules.target.name,
            groups=tuple(group for group in groups if group.links or group.held),
            left_out=self._left_out,
            proposals=proposals(self._have.users, self._people, self._catalogue, self._ground.rules.target),
        )

    def _why_not(self, group: GroupKey) -> str:
        """Return why a group is left as it is, as the end of a sentence; empty where it can be ruled."""
        return next(self._obstacles(group), "")

    def _obstacles(self, group: GroupKey) -> Iterator[str]:
        ground = self._ground
        limits = (ground.capabilities.group_names, ground.rules.naming.groups.limits)
        if group in ground.want.state.groups:
            yield "is named by a rule of the policy already"
        if matches_any(group, ground.protected.groups):
            yield "is protected by the policy"
        if group not in self._have.groups:
            yield "is linked by the target, and is not among its groups"
        elif not self._have.groups[group].managed:
            yield "is not ours"
        if not is_fit(group):
            yield "has a name that no policy can hold"
        if problem := name_problem(group, limits):
            yield f"has a name that the policy does not allow: it {problem}"
        if strange := sorted({*self._have.memberships.get(group, {}).values()} - {*self._roles}):
            yield f"holds roles that the policy does not know: {', '.join(strange)}"

    def _absent(self) -> frozenset[int]:
        """Return the people who have no account of ours, and whose name nobody else's has."""
        roll = self._ground.want.roll
        taken = {*self._people.values()}
        for account in self._have.users.values():
            taken |= {roll.index_of[person.key] for person in roll.behind(account)}
            taken.update(roll.named(account.username))
        return frozenset(range(len(roll.people))) - taken

    def _catalogued(self) -> Catalogue:
        """Return the directory groups that could be a part of a group or of those who carry a mark."""
        sets = [holders.ours.keys() | holders.by_hand.keys() for holders in self._holders.values()]
        sets += [
            {self._people[user.key] for user in marked(self._have.users, flag) if user.key in self._people}
            for flag in Flag
        ]
        counted: Counter[int] = Counter()
        for people in sets:
            counted.update(people)
        by_person = [counted[index] for index in range(len(self._ground.want.roll.people))]
        return Catalogue(self._ground.directory, by_person, max(map(len, sets)), self._ignored)

    def _group(self, name: GroupKey, holders: Holders) -> GroupDraft:
        """Return the rules of one group: its own links where the target keeps any that can be said, guesses where not."""
        known = resolve_known(self._ground.known.get(name, ()), self._ground.directory, self._roles)
        found = known if known.links else explain(name, holders, self._catalogue, self._roles, self._ignored)
        held, notes = self._held(holders, found.given)
        if holders.strangers:
            notes.append(_strangers(holders.strangers))
        return GroupDraft(
            name=name,
            links=found.links,
            held=held,
            rows=len(holders.ours),
            notes=(*known.notes, *notes),
        )

    def _held(self, holders: Holders, given: Mapping[int, Role]) -> tuple[tuple[Held, ...], list[str]]:
        """Return what no link explains, by user, and a note on everybody whom no grant can name."""
        roll, rank = self._ground.want.roll, self._ground.capabilities.rank
        held, notes = [], []
        for person, role in holders.ours.items():
            if person in given and rank(given[person]) >= rank(role):
                continue
            name = roll.name_of(person)
            if is_fit(name) and list(roll.named(name)) == [person]:
                held.append(Held(name, role))
            else:
                notes.append(
                    f"{roll.people[person].dn} holds {role}, and no grant can name them: the username is not theirs alone."
                )
        return tuple(sorted(held, key=lambda one: (one.user, one.role))), sorted(notes)


def _strangers(count: int) -> str:
    rows = "1 membership is" if count == 1 else f"{count} memberships are"
    return f"{rows} of accounts behind which nobody of the directory stands, or not certainly one."
