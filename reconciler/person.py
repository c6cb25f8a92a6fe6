"""Plan for some people alone: ask directories and targets only for what concerns them; plans for nobody else.

Whoever is not in the directory any more is looked for in the targets, by the account that carries our mark.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date

from reconciler.desired.build import Desired, Rules, desire, rules_for
from reconciler.desired.links import Directory
from reconciler.diff.only import accounts_of, groups_of
from reconciler.directory.person import Consulted, PersonSource, person_source, place_of
from reconciler.directory.sources import Reading, chosen
from reconciler.errors import TargetError, UsageError
from reconciler.model.access import STABLE_ID_MISSING, GroupKey, Scope, State, User, UserKey
from reconciler.model.directory import Person, Snapshot
from reconciler.model.filter import Present, attributes_of
from reconciler.model.names import caseless, dn_key, login_key
from reconciler.model.plan import Only, TargetPlan
from reconciler.model.text import shortened
from reconciler.policy.model import GroupRule, Policy, TargetConfig
from reconciler.sections import Facing, comparison_rules
from reconciler.targets.registry import opened


@dataclass(frozen=True, slots=True)
class Request:
    """Who is asked for (by login, e-mail address, stable id or DN), and what the plan is to be made from.

    `build` makes a section of two states. `snapshots` are files that stand in for directories.
    """

    policy: Policy
    targets: Sequence[TargetConfig]
    names: tuple[str, ...]
    snapshots: tuple[str, ...]
    today: date
    how: Reading
    build: Callable[[Facing], TargetPlan]


@dataclass(frozen=True, slots=True)
class Answer:
    """The sections of the targets whose directories know these people, the snapshots behind them, and who they are."""

    snapshots: tuple[Snapshot, ...]
    sections: tuple[TargetPlan, ...]
    only: tuple[Only, ...]


def plan_people(request: Request) -> Answer:
    """Return what should change for these people; writes nothing.

    Raises UsageError for a name that nobody has, or that is not one person's; DirectoryError for a read that is not proven
    complete; TargetError where nobody has the name and a target that may know it does not answer.
    """
    with ExitStack() as stack:
        sources = {
            config.name: stack.enter_context(person_source(config, needs, request.how.now, request.how.observer))
            for config, needs in chosen(request.policy, request.targets, request.snapshots)
        }
        return _People(request, sources).answer()


@dataclass(frozen=True, slots=True)
class Found:
    """One person as one directory or, where the entry is gone, one account knows it."""

    directory: str
    key: UserKey
    dn: str = ""
    disabled: bool = False

    def __str__(self) -> str:
        return f'"{shortened(self.dn)}"' if self.dn else f"the account {shortened(self.key)} (its entry is gone)"


@dataclass(slots=True)
class _People:
    request: Request
    sources: Mapping[str, PersonSource]
    _troubles: list[TargetError] = field(init=False, default_factory=list)

    def answer(self) -> Answer:
        found = {name: self._one(name) for name in dict.fromkeys(self.request.names)}
        directories = sorted({one.directory for one in found.values()})
        for name in directories:
            mine = [one for one in found.values() if one.directory == name]
            if not all(one.dn for one in mine):
                self.sources[name].check_somebody()
            self.sources[name].follow([one.key for one in mine if one.dn], self._templates(name))
        targets = [target for target in self.request.targets if target.directory in directories]
        sections = tuple(self._section(target, found) for target in targets)
        snapshots = tuple(self.sources[name].snapshot() for name in directories)
        return Answer(snapshots, sections, tuple(Only(name, one.key, one.dn) for name, one in sorted(found.items())))

    def _one(self, name: str) -> Found:
        """Return whom a name means; one person or an error. Who has left one directory may have a namesake in another."""
        found = [
            found_in(directory, person) for directory, source in self.sources.items() for person in source.find(name)
        ]
        found += self._by_account(name, self.sources.keys() - {one.directory for one in found})
        if not found:
            raise self._unknown(name)
        return the_one(name, found)

    def _by_account(self, name: str, directories: Collection[str]) -> Iterable[Found]:
        """Return the people of directories behind live accounts of that name; one whose entry is gone stands for its person."""
        found: dict[Found, None] = {}
        for directory in sorted(directories):
            source = self.sources[directory]
            accounts = [
                one
                for target in self.request.targets
                if target.directory == directory
                for one in self._accounts(target, name)
            ]
            if accounts:
                for key, people in source.behind(accounts).items():
                    persons = [found_in(directory, person) for person in people]
                    found |= dict.fromkeys(persons or [Found(directory, key)])
        return found

    def _accounts(self, target: TargetConfig, name: str) -> list[User]:
        scope = Scope(target.directory, frozenset(), users=keys_of(name), names=frozenset({name}))
        try:
            with opened(target) as app:
                have = app.read(scope)
        except TargetError as error:
            self._troubles.append(error)
            return []
        return [user for user in have.users.values() if user.managed and is_called(user, name)]

    def _unknown(self, name: str) -> UsageError | TargetError:
        if self._troubles:
            return TargetError(
                f'"{shortened(name)}" is nobody in the directory, and not every target could be asked: {self._troubles[0]}'
            )
        directories, targets = ", ".join(self.sources), ", ".join(target.name for target in self.request.targets)
        return UsageError(
            f'Nobody is called "{shortened(name)}" in the directory ({shortened(directories)}), and no target '
            f"({shortened(targets)}) has an account of ours of that name. A login, an e-mail address, a stable id or a DN is wanted."
        )

    def _templates(self, directory: str) -> frozenset[str]:
        mine = [target for target in self.request.targets if target.directory == directory]
        return frozenset(target.users.username or "{username}" for target in mine)

    def _section(self, target: TargetConfig, found: Mapping[str, Found]) -> TargetPlan:
        """Return one target's section; an unreachable target yields a section that holds only its error."""
        section = TargetPlan(target.name, target.kind, "", target.directory, on_refusal=target.on_refusal)
        mine = {name: one for name, one in found.items() if one.directory == target.directory}
        only = frozenset(one.key for one in mine.values())
        rules, source = rules_for(self.request.policy, target.name), self.sources[target.directory]
        try:
            with opened(target) as app:
                section, can = replace(section, address=app.address), app.capabilities
                want = desire(rules, Directory(source.snapshot()), can, self.request.today)
                have = app.read(_scope(want, mine, only))
        except TargetError as error:
            return replace(section, error=str(error))
        source.behind(_in_the_way(have, want, only))
        accounts = accounts_of(have, want, comparison_rules(self.request.policy, target, can), only)
        rules = _about(rules, have, want, accounts, only)
        source.consult(_consulted(rules, have, want, accounts))
        want = desire(rules, Directory(source.snapshot()), can, self.request.today)
        return self.request.build(Facing(target, section, have, want, can, only))


def found_in(directory: str, person: Person) -> Found:
    """Return somebody who is in a directory."""
    return Found(directory, person.key, person.dn, person.disabled)


def the_one(name: str, found: Sequence[Found]) -> Found:
    """Return whom a name means, of at least one; raises UsageError where it may be several."""
    if len(found) > 1:
        named = " and ".join(sorted(f"{one} of {one.directory}" for one in found))
        raise UsageError(
            f'"{shortened(name)}" may be {named}. Say which by the stable id or the DN, or choose a --target.'
        )
    return found[0]


def keys_of(name: str) -> frozenset[UserKey]:
    """Return the keys that an account may have by which somebody is asked for: a stable id, or a DN where there is none."""
    place = place_of(name)
    return frozenset({UserKey(caseless(name)), *({UserKey(f"{STABLE_ID_MISSING}{place}")} if place else ())})


def is_called(user: User, name: str) -> bool:
    """Tell whether a live account is the one that is asked for: by its key, its username or its e-mail address."""
    words = {login_key(user.username), login_key(str(user.attributes.get("email", "")))}
    return user.key in keys_of(name) or login_key(name) in words


def _scope(want: Desired, mine: Mapping[str, Found], only: frozenset[UserKey]) -> Scope:
    """Return what to read of a target: accounts of these people and of their names, and the groups they should be in."""
    entered = {key for key, people in want.state.memberships.items() if not only.isdisjoint(people)}
    places = {UserKey(f"{STABLE_ID_MISSING}{dn_key(one.dn)}") for one in mine.values() if one.dn}
    usernames = {want.state.users[key].username for key in only & want.state.users.keys()}
    return Scope(
        directory=want.explain.directory.snapshot.directory,
        groups=frozenset(entered),
        users=only | places,
        names=frozenset({*usernames, *mine}),
        sources=frozenset(want.state.groups[key].source for key in entered) - {""},
    )


def _in_the_way(have: State, want: Desired, only: frozenset[UserKey]) -> list[User]:
    """Return accounts of ours that have a wanted name and another key: whether their people are there decides."""
    wanted = {login_key(want.state.users[key].username) for key in only & want.state.users.keys()}
    return [
        user
        for user in have.users.values()
        if user.managed and user.key not in only and login_key(user.username) in wanted
    ]


def _about(rules: Rules, have: State, want: Desired, accounts: frozenset[UserKey], only: frozenset[UserKey]) -> Rules:
    """Return the rules that name these people, disabled ones too, and of groups in which these accounts have anything."""
    places = {want.roll.index_of[key] for key in only & want.roll.index_of.keys()}
    named = {
        key
        for key, sources in want.explain.sources.items()
        if not all(places.isdisjoint(source.people) for source in sources)
    }
    named |= groups_of(have, accounts)
    return replace(rules, groups={name: rule for name, rule in rules.groups.items() if GroupKey(name) in named})


def _consulted(rules: Rules, have: State, want: Desired, accounts: frozenset[UserKey]) -> Consulted:
    """Return what else decides: before anything is taken away, the directory groups behind it are read whole.

    So are those behind instance-wide marks, which nobody is given where one of them is not known to the end.
    """
    losing = {
        group
        for group, people in have.memberships.items()
        if any(people[key] != want.state.memberships.get(group, {}).get(key) for key in accounts & people.keys())
    }
    target = rules.target
    marking = (target.admin_group, *target.external_groups, target.auditor_group)
    flags = [named.cn for named in marking if named is not None]
    lost = [rule for name, rule in rules.groups.items() if name in losing]
    kept = [rule for name, rule in rules.groups.items() if name not in losing]
    directory = want.explain.directory
    asked = {
        name
        for rule in rules.groups.values()
        for link in rule.links
        if link.filter
        for name in attributes_of(link.filter)
    }
    return Consulted(
        cns=_cns(kept),
        dns=_dns(kept),
        whole_cns=_cns(lost).union(flags),
        whole_dns=_dns(lost),
        whole_ids=frozenset(have.groups[group].source for group in losing if group in have.groups) - {""},
        attributes=frozenset(name for name in asked if not directory.people_matching(Present(name))),
    )


def _cns(rules: Iterable[GroupRule]) -> frozenset[str]:
    return frozenset(link.cn for rule in rules for link in rule.links) - {""}


def _dns(rules: Iterable[GroupRule]) -> frozenset[str]:
    return frozenset(link.dn for rule in rules for link in rule.links) - {""}
