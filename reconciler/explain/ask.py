"""Read what a question is about: directories whole, targets only where it concerns them; says nothing about it yet.

Directories are read whole, so that what is said of a rule that does not name somebody is true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches

from reconciler.desired.build import Desired, desire, rules_for
from reconciler.desired.links import Directory
from reconciler.diff.rules import DiffRules
from reconciler.directory.person import WholeFile
from reconciler.directory.sources import Reading, read_directories
from reconciler.errors import TargetError, UsageError
from reconciler.model.access import STABLE_ID_MISSING, Capabilities, GroupKey, Scope, State, UserKey
from reconciler.model.names import dn_key
from reconciler.model.past import NOTHING, Past
from reconciler.model.plan import TargetPlan
from reconciler.model.text import shortened
from reconciler.person import Found, found_in, is_called, keys_of, the_one
from reconciler.policy.model import Policy, TargetConfig
from reconciler.sections import Facing, comparison_rules, section_of
from reconciler.targets.registry import opened


@dataclass(frozen=True, slots=True)
class Question:
    """What to look at: as for a plan. `live`: targets are asked what is there; else only what should be is said."""

    policy: Policy
    targets: Sequence[TargetConfig]
    snapshots: tuple[str, ...]
    today: date
    how: Reading
    past: Past = NOTHING
    live: bool = True


@dataclass(frozen=True, slots=True)
class Sides:
    """Found target: what should be there and what is, where somebody asked and it answered."""

    target: TargetConfig
    section: TargetPlan
    want: Desired | None = None
    can: Capabilities = Capabilities(())
    have: State | None = None
    rules: DiffRules = DiffRules()

    @property
    def knows(self) -> frozenset[str]:
        """Return the groups that rules name or that were seen."""
        named = self.want.state.groups.keys() if self.want else set[GroupKey]()
        return frozenset(named | (self.have.groups.keys() if self.have else set[GroupKey]()))


@dataclass(slots=True)
class Asking:
    """Found question with the directories that it is about, read whole."""

    question: Question
    directories: Mapping[str, Directory] = field(init=False)

    def __post_init__(self) -> None:
        asked = self.question
        snapshots = read_directories(asked.policy, asked.targets, asked.snapshots, replace(asked.how, whole=True))
        self.directories = {name: Directory(snapshot) for name, snapshot in snapshots.items()}

    def sides(
        self, target: TargetConfig, scope: Callable[[Desired], Scope | None], only: frozenset[UserKey] | None = None
    ) -> Sides:
        """Return both sides of a target; one that does not answer has its error, and what should be there all the same."""
        section = TargetPlan(target.name, target.kind, "", target.directory)
        want, can = None, Capabilities(())
        try:
            with opened(target) as app:
                section, can = replace(section, address=app.address), app.capabilities
                rules = rules_for(self.question.policy, target.name)
                want = desire(rules, self.directories[target.directory], can, self.question.today)
                part = scope(want) if self.question.live else None
                have = None if part is None else app.read(part)
        except TargetError as error:
            return Sides(target, replace(section, error=str(error)), want, can)
        if have is not None:
            facing = Facing(target, section, have, want, can, only)
            section = section_of(self.question.policy, self.question.today, self.question.past, facing)
        return Sides(target, section, want, can, have, comparison_rules(self.question.policy, target, can))


def person(asking: Asking, name: str) -> Found:
    """Return whom a name means: somebody of a directory, else an account of ours whose entry is gone."""
    found = [
        found_in(directory, person)
        for directory, seen in sorted(asking.directories.items())
        for person in WholeFile(asking.question.policy.directories[directory], seen.snapshot).find(name)
    ]
    if not found and asking.question.live:
        found = _left(asking, name)
    if not found:
        where = ", ".join(sorted(asking.directories)) or "no directory"
        asked = "and no target has an account of ours of that name" if asking.question.live else "no target was asked"
        raise UsageError(
            f'Nobody is called "{shortened(name)}" in the directory ({shortened(where)}), {asked}. '
            "A login, an e-mail address, a stable id or a DN is wanted."
        )
    return the_one(name, found)


def _left(asking: Asking, name: str) -> list[Found]:
    """Return the accounts of ours of that name; their people are in no directory. Raises the error of a silent target."""
    found: dict[UserKey, Found] = {}
    for target in asking.question.targets:
        with opened(target) as app:
            have = app.read(Scope(target.directory, frozenset(), users=keys_of(name), names=frozenset({name})))
        config, snapshot = asking.question.policy.directories[target.directory], asking.directories[target.directory]
        mine = [user for user in have.users.values() if user.managed and is_called(user, name)]
        for key, people in WholeFile(config, snapshot.snapshot).behind(mine).items():
            persons = [found_in(target.directory, one) for one in people]
            found |= {one.key: one for one in persons or [Found(target.directory, key)]}
    return list(found.values())


def scope_of(want: Desired, one: Found, name: str, group: str) -> Scope:
    """Return what to read of a target: this person's accounts, and the groups in question."""
    entered = {key for key, people in want.state.memberships.items() if one.key in people}
    places = {UserKey(f"{STABLE_ID_MISSING}{dn_key(one.dn)}")} if one.dn else set[UserKey]()
    usernames = {want.state.users[one.key].username} if one.key in want.state.users else set[str]()
    return Scope(
        directory=one.directory,
        groups=frozenset(entered | ({GroupKey(group)} if group else set())),
        users=frozenset({one.key, *places}),
        names=frozenset({name, *usernames}),
    )


def with_group(sides: Sequence[Sides], group: str) -> list[Sides]:
    """Return the targets that know the group, or could not be asked; raises UsageError where it is nowhere."""
    found = [side for side in sides if group in side.knows or (side.section.error and side.want is None)]
    if not found:
        known = sorted({name for side in sides for name in side.knows})
        close = get_close_matches(group, known, 1)
        hint = f'Did you mean "{shortened(close[0])}"?' if close else f"Known: {shortened(', '.join(known) or 'none')}."
        raise UsageError(f'No rule names a group "{shortened(group)}", and no target shows it. {hint}')
    return found
