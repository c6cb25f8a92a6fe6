"""Render what one target should look like from a snapshot and the policy's rules: the whole stage, top to bottom; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain

from reconciler.desired.explanation import Explanation, ranked
from reconciler.desired.flags import Flags, no_admins, no_externals, resolve_flags, unknown_mark
from reconciler.desired.grants import ended, resolve_grants
from reconciler.desired.imports import resolve_imports
from reconciler.desired.links import Directory, Source, resolve_link, sentence, template_findings
from reconciler.desired.naming import name_problem
from reconciler.desired.people import OUR_WORDS, Naming, account, usernames, words_of
from reconciler.desired.removals import impossible_removals
from reconciler.desired.roll import Roll
from reconciler.model.access import Capabilities, Flag, Group, GroupKey, Role, State, User, UserKey
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.policy.model import (
    DirectoryConfig,
    GroupImport,
    GroupRule,
    OnMissing,
    OnMissingGroup,
    Policy,
    TargetConfig,
)
from reconciler.policy.model import Naming as NamingRules


@dataclass(frozen=True, slots=True)
class Rules:
    """What the policy says about one target and the directory that it reads."""

    target: TargetConfig
    directory: DirectoryConfig
    groups: Mapping[str, GroupRule]
    imports: Sequence[GroupImport]
    naming: NamingRules


@dataclass(frozen=True, slots=True)
class Desired:
    """What should be, and what the snapshot is silent about.

    `state` holds the accounts of everybody in scope, the groups that rules name, and who should be in them.
    `roll` are all people of the directory: who is not on it is missing. `disabled` are those whose entry is disabled.
    `frozen_users` and `frozen_groups` say why nothing may be concluded about them: skipped is not absent. `doubtful` are,
    by group, people whom a grant may mean. `only_given` are flags that nobody loses in this run. `imports`: some rule
    imports groups. `missing_groups` are, by target group, the directory groups without which the policy wants no plan,
    and `no_admins` says why the admin group names nobody who could log in; empty where somebody is there, or where nobody
    can tell. `settings` are the instance-wide switches that the policy says anything of.
    `only`: where it is set, the state and the findings are about these people alone; `others` are, by group, people
    who should be in it, too, and have no account that is surely theirs.
    """

    state: State
    roll: Roll
    disabled: frozenset[UserKey]
    frozen_users: Mapping[UserKey, str]
    frozen_groups: Mapping[GroupKey, str]
    doubtful: Mapping[GroupKey, frozenset[UserKey]]
    flags: frozenset[Flag]
    only_given: frozenset[Flag]
    imports: bool
    directory_groups: frozenset[str]
    explain: Explanation
    diagnostics: tuple[Diagnostic, ...]
    missing_groups: Mapping[GroupKey, tuple[str, ...]] = field(default_factory=dict)
    no_admins: str = ""
    no_externals: str = ""
    settings: Mapping[str, bool] = field(default_factory=dict)
    only: frozenset[UserKey] | None = None
    others: Mapping[GroupKey, frozenset[UserKey]] = field(default_factory=dict)

    def concerns(self, key: UserKey) -> bool:
        """Tell whether a rule names the person, even if the account cannot have a name."""
        return key in self.state.users or key in self.frozen_users


def without_marks(want: Desired, kept: frozenset[Flag]) -> Desired:
    """Return what should be without the marks that the target turned out not to have, each an error at the rule that wants it."""
    lost = want.flags - kept
    if not lost:
        return want
    users = {
        key: replace(user, flags={flag: on for flag, on in user.flags.items() if flag in kept})
        for key, user in want.state.users.items()
    }
    findings = [unknown_mark(flag, want.explain.flags[flag][0].rule) for flag in sorted(lost)]
    return replace(
        want,
        state=replace(want.state, users=users),
        flags=want.flags & kept,
        diagnostics=(*want.diagnostics, *findings),
    )


def rules_for(policy: Policy, name: str) -> Rules:
    """Return the rules of one target; raises KeyError for a target that the policy does not have."""
    target = policy.targets[name]
    return Rules(
        target,
        policy.directories[target.directory],
        policy.groups.get(name, {}),
        policy.imports.get(name, ()),
        policy.naming.get(name, NamingRules()),
    )


def desire(rules: Rules, directory: Directory, capabilities: Capabilities, today: date) -> Desired:
    """Return what the target should look like on `today` (UTC)."""
    return _Rendering(rules, directory, capabilities, today).desired()


def switches(options: Mapping[str, object], known: frozenset[str]) -> Mapping[str, bool]:
    """Return the instance-wide switches among the policy keys of a target, of those `known`; one that is absent is not managed."""
    return {name: value for name in sorted(known) if isinstance(value := options.get(name), bool)}


class _Rendering:
    """One target's rendering: every step adds to what is known, and to the findings."""

    def __init__(self, rules: Rules, directory: Directory, capabilities: Capabilities, today: date) -> None:
        self._rules, self._directory, self._capabilities, self._today = rules, directory, capabilities, today
        self._people = directory.snapshot.people
        self._keys = [person.key for person in self._people]
        self._disabled = frozenset(person.key for person in self._people if person.disabled)
        self._findings: list[Diagnostic] = []
        self._naming = Naming(
            directory=rules.directory,
            rules=rules.target.users,
            naming=rules.naming.users,
            hard=capabilities.user_names,
            dialect=directory.snapshot.dialect,
        )
        self._roll = Roll(self._people, self._naming, directory.snapshot.schema)

    def desired(self) -> Desired:
        groups, sources = self._groups()
        flags = resolve_flags(self._rules.target, self._directory, self._capabilities.flags)
        self._findings += [*flags.diagnostics, *impossible_removals(self._rules.target, self._capabilities)]
        users, frozen = self._users(self._linked(sources, flags), flags)
        memberships = {key: self._members(group_sources) for key, group_sources in sources.items()}
        return Desired(
            state=State(users, groups, memberships),
            roll=self._roll,
            disabled=self._disabled,
            frozen_users=frozen,
            frozen_groups=self._frozen(sources),
            doubtful=self._doubtful(sources),
            flags=frozenset(flags.sources),
            only_given=flags.only_given,
            imports=bool(self._rules.imports),
            directory_groups=self._directory.group_keys,
            explain=Explanation(
                directory=self._directory,
                sources=sources,
                flags=flags.sources,
                ended={GroupKey(name): ended(rule, self._today) for name, rule in self._rules.groups.items()},
                index_of=self._roll.index_of,
                rules_at={GroupKey(name): rule.where for name, rule in self._rules.groups.items()},
                users_at=self._rules.target.users.where,
            ),
            diagnostics=tuple(self._findings),
            missing_groups=self._missing(sources),
            settings=switches(self._rules.target.options, self._capabilities.settings),
            no_admins=no_admins(self._rules.target.admin_group, flags, self._directory),
            no_externals=no_externals(self._rules.target, flags, self._directory),
        )

    def _groups(self) -> tuple[dict[GroupKey, Group], dict[GroupKey, tuple[Source, ...]]]:
        """Return the groups that rules name, sorted, each with its rules ranked."""
        found: dict[GroupKey, list[Source]] = {}
        imported: dict[GroupKey, str] = {}
        for name, rule in self._rules.groups.items():
            self._check_literal_name(rule)
            found[GroupKey(name)] = [*self._links(rule), *self._grants(rule)]
        mirrored, findings = resolve_imports(
            self._rules.imports, self._directory, self._rules.naming.groups, self._capabilities.group_names
        )
        self._findings += findings
        for item in mirrored:
            found.setdefault(item.key, []).extend(item.sources)
            imported[item.key] = item.source_key
            for source in item.sources:
                self._report_gap(item.key, source)
        can = self._capabilities
        sources = imported if can.keeps_keys and can.keeps_sources else {}
        groups = {key: Group(key, sources.get(key, "")) for key in sorted(found)}
        return groups, {key: ranked(self._known_roles(found[key]), self._capabilities.roles) for key in groups}

    def _links(self, rule: GroupRule) -> list[Source]:
        sources = []
        for link in rule.links:
            source, findings = resolve_link(link, self._directory)
            self._findings += findings
            if source is not None:
                sources.append(source)
                self._report_gap(rule.name, source)
        return sources

    def _grants(self, rule: GroupRule) -> tuple[Source, ...]:
        sources, findings = resolve_grants(rule, self._today, self._roll)
        self._findings += findings
        return sources

    def _known_roles(self, sources: Sequence[Source]) -> Sequence[Source]:
        for source in sources:
            if source.role not in self._capabilities.roles:
                roles = ", ".join(self._capabilities.roles)
                self._error(
                    "ROLE-UNKNOWN", f'"{source.role}" is no role of this target.', f"Its roles are {roles}.", source
                )
        return [source for source in sources if source.role in self._capabilities.roles]

    def _error(self, code: str, summary: str, detail: str, source: Source) -> None:
        self._findings.append(Diagnostic(Severity.ERROR, code, summary, detail, source.rule))

    def _check_literal_name(self, rule: GroupRule) -> None:
        problem = name_problem(rule.name, (self._capabilities.group_names, self._rules.naming.groups.limits))
        if problem:
            summary = f'The group name "{rule.name}" {problem}.'
            detail = "Names written in the policy are taken as they are: write one that the target can hold."
            self._findings.append(
                Diagnostic(Severity.ERROR, "GROUP-NAME", summary, detail, rule.where, subject=rule.name)
            )

    def _report_gap(self, group: str, source: Source) -> None:
        if not source.gap:
            return
        choice = self._rules.target.on_missing_group
        if choice is OnMissingGroup.EMPTY and source.missing:
            detail = "It counts as empty, as on_missing_group says."
        else:
            detail = (
                f'Removals and demotions in "{group}" are held back. To end this access, take the rule out and leave the '
                "group named, with an empty list where it was the only one."
            )
        code = "LINK-MISSING-GROUP" if source.missing else "LINK-UNREADABLE-GROUP"
        summary = sentence(source.gap)
        self._findings.append(Diagnostic(Severity.WARNING, code, summary, detail, source.rule, subject=source.label))

    def _frozen(self, sources: Mapping[GroupKey, Sequence[Source]]) -> dict[GroupKey, str]:
        """Return the groups whose removals and demotions are held back, with the reason."""
        empty = self._rules.target.on_missing_group is OnMissingGroup.EMPTY
        frozen = {}
        for key, group_sources in sources.items():
            gaps = [source.gap for source in group_sources if source.gap and not (empty and source.missing)]
            if gaps:
                frozen[key] = gaps[-1]
        return frozen

    def _missing(self, sources: Mapping[GroupKey, Sequence[Source]]) -> dict[GroupKey, tuple[str, ...]]:
        """Return the directory groups that are missing or unreadable, where the policy wants no plan without them."""
        if self._rules.target.on_missing_group is not OnMissingGroup.ERROR:
            return {}
        found = {
            key: tuple(sorted({source.label for source in group_sources if source.gap}))
            for key, group_sources in sources.items()
        }
        return {key: labels for key, labels in found.items() if labels}

    def _doubtful(self, sources: Mapping[GroupKey, Sequence[Source]]) -> dict[GroupKey, frozenset[UserKey]]:
        found = {
            key: frozenset(self._keys[index] for source in group_sources for index in source.maybe)
            for key, group_sources in sources.items()
        }
        return {key: people for key, people in found.items() if people}

    def _linked(self, sources: Mapping[GroupKey, Sequence[Source]], flags: Flags) -> Sequence[int]:
        """Return the indexes of everybody in scope, ascending."""
        if self._rules.target.users.scope == "all":
            return range(len(self._people))
        linked: set[int] = set()
        for source in chain.from_iterable(sources.values()):
            linked.update(source.people)
        for flag in flags.sources:
            linked |= flags.holders(flag)
        return sorted(linked)

    def _users(self, linked: Sequence[int], flags: Flags) -> tuple[dict[UserKey, User], dict[UserKey, str]]:
        schema, rules = self._directory.snapshot.schema, self._rules.target.users
        for template in rules.templates:
            self._findings += template_findings(template, self._directory, rules.where, OUR_WORDS)
        if rules.kerberos and "kerberos" not in self._capabilities.attributes:
            summary = "This target cannot keep a Kerberos identity."
            way_out = "Remove users.kerberos."
            self._findings.append(Diagnostic(Severity.ERROR, "ATTRIBUTE-UNKNOWN", summary, way_out, rules.where))
        named = usernames(self._people, linked, self._naming, schema)
        self._findings += named.diagnostics
        holders = {flag: flags.holders(flag) for flag in flags.sources}
        words = words_of(self._naming, schema, self._capabilities)
        users = {}
        for index in linked:
            if index in named.names:
                person = self._people[index]
                held = {flag: index in people for flag, people in holders.items()}
                users[person.key] = account(person, named.names[index], words, held)
        return users, {self._keys[index]: why for index, why in named.frozen.items()}

    def _members(self, sources: Sequence[Source]) -> dict[UserKey, Role]:
        """Return who should be in a group; people who are disabled stay, unless the policy removes their accounts."""
        keys, members = self._keys, dict[UserKey, Role]()
        for source in sources:  # ranked: each overrules those before it
            role = source.role
            for index in source.people:
                members[keys[index]] = role
        if self._rules.target.users.when_disabled is OnMissing.REMOVE:
            return {key: role for key, role in members.items() if key not in self._disabled}
        return members
