"""Why somebody should have, or no longer have, a role: asked only for what changes, so that unchanged things cost nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.desired.links import Directory, Source, label_of
from reconciler.model.access import Flag, GroupKey, Role, UserKey
from reconciler.model.diagnostic import Position
from reconciler.model.names import login_key
from reconciler.model.reason import Reason, Why
from reconciler.policy.model import Grant


@dataclass(frozen=True, slots=True)
class Given:
    """One rule that gives a role to somebody, and how they come to it."""

    role: Role
    reason: Reason


@dataclass(slots=True)
class Explanation:
    """Answers with a Reason; holds the resolved rules of one target, ranked, and caches the group asked last."""

    directory: Directory
    sources: Mapping[GroupKey, Sequence[Source]]
    flags: Mapping[Flag, Sequence[Source]]
    ended: Mapping[GroupKey, Mapping[tuple[str, str], Grant]]
    index_of: Mapping[UserKey, int]
    rules_at: Mapping[GroupKey, Position]
    users_at: Position | None = None
    _seats_of: GroupKey | None = field(init=False, default=None)
    _seats: Mapping[int, Source] = field(init=False, default_factory=dict)
    _ways: dict[int, Mapping[int, tuple[int, ...]]] = field(init=False, default_factory=dict)
    _reasons: dict[tuple[int, tuple[int, ...]], Reason] = field(init=False, default_factory=dict)
    _flagged: dict[Flag, Mapping[int, Source]] = field(init=False, default_factory=dict)
    _accounts: Mapping[int, Source] | None = field(init=False, default=None)

    def gained(self, group: GroupKey, user: UserKey) -> Reason:
        """Return why the person should have the role that they should have in this group."""
        index = self.index_of[user]
        return self._reason(self._seats_in(group)[index], index)

    def ways(self, group: GroupKey, user: UserKey) -> tuple[tuple[Given, ...], tuple[Source, ...]]:
        """Return every rule of a group that gives the person a role, highest first, and every one that does not."""
        return self._split(self.sources[group], user)

    def flag_ways(self, flag: Flag, user: UserKey) -> tuple[tuple[Given, ...], tuple[Source, ...]]:
        """Return the rules that give the person the flag, and those that do not."""
        return self._split(self.flags[flag], user)

    def _split(self, sources: Sequence[Source], user: UserKey) -> tuple[tuple[Given, ...], tuple[Source, ...]]:
        index = self.index_of.get(user, -1)
        ordered = sources[::-1]  # ranked: each overrules those before it
        given = [source for source in ordered if index in source.people]
        return (
            tuple(Given(source.role, self._reason(source, index)) for source in given),
            tuple(source for source in ordered if index not in source.people),
        )

    def lost(self, group: GroupKey, user: UserKey, username: str, role: Role) -> Reason:
        """Return why the person should no longer have `role`, or any other, in this group."""
        index = self.index_of.get(user)
        if index is not None and index in self._seats_in(group):
            still = self._reason(self._seats[index], index)
            return Reason(Why.DISABLED, still.rule, still.path, still.detail)
        return self._without(group, user, username, role)

    def demoted(self, group: GroupKey, user: UserKey, username: str, role: Role) -> Reason:
        """Return why the person should no longer have `role`, and what gives the lower one."""
        lost, kept = self._without(group, user, username, role), self.gained(group, user)
        still = f"still {' via '.join(kept.path) or kept.detail}"
        return replace(lost, detail=f"{lost.detail}; {still}" if lost.detail else still)

    def _without(self, group: GroupKey, user: UserKey, username: str, role: Role) -> Reason:
        sources = [source for source in self.sources[group][::-1] if source.why is not Why.GRANT]
        giving = [source for source in sources if source.role == role]
        rule = next((source.rule for source in (giving or sources)), None)
        if user not in self.index_of:
            return Reason(Why.LEFT_DIRECTORY, rule)
        grant = self.ended.get(group, {}).get((login_key(username), role))
        if grant is not None:
            return Reason(Why.GRANT_ENDED, grant.where, detail=f"on {grant.until}")
        return Reason(
            Why.LEFT_GROUP, rule, (" or ".join(dict.fromkeys(source.label for source in giving)),) if giving else ()
        )

    def account(self, user: UserKey) -> Reason:
        """Return why the person should have an account: the first group by name, else a flag, else the scope."""
        if self._accounts is None:
            self._accounts = self._first_seats()
        index = self.index_of[user]
        if index in self._accounts:
            return self._reason(self._accounts[index], index)
        for flag in sorted(self.flags):
            if index in self._flag_seats(flag):
                return self.flagged(flag, user)
        return Reason(Why.SCOPE, self.users_at)

    def carries(self, flag: Flag, user: UserKey) -> bool:
        """Tell whether the person should carry the flag, whatever becomes of the account."""
        return self.index_of.get(user) in self._flag_seats(flag)

    def flagged(self, flag: Flag, user: UserKey) -> Reason:
        """Return why the person should carry the flag."""
        index = self.index_of[user]
        return self._reason(self._flag_seats(flag)[index], index)

    def unflagged(self, flag: Flag, user: UserKey) -> Reason:
        """Return why the person should no longer carry the flag."""
        sources = self.flags[flag]
        why = Why.LEFT_GROUP if user in self.index_of else Why.LEFT_DIRECTORY
        return Reason(why, sources[0].rule, (" or ".join(source.label for source in sources),))

    def group(self, group: GroupKey) -> Reason:
        """Return why a group should be there: the rule that names it, or the directory group that it mirrors."""
        if group in self.rules_at:
            return Reason(Why.NAMED_BY_RULE, self.rules_at[group])
        source = next(reversed(self.sources[group]), None)
        return Reason(Why.GROUP_IMPORT, source.rule, (source.label,)) if source else Reason(Why.GROUP_IMPORT)

    def dn_of(self, user: UserKey) -> str:
        """Return the DN of the person's entry: how a person is called who cannot have a username."""
        return self.directory.snapshot.people[self.index_of[user]].dn

    def _seats_in(self, group: GroupKey) -> Mapping[int, Source]:
        if self._seats_of != group:
            self._seats_of, self._seats = group, seats(self.sources[group])
            self._ways.clear()
        return self._seats

    def _flag_seats(self, flag: Flag) -> Mapping[int, Source]:
        if flag not in self._flagged:
            self._flagged[flag] = seats(self.flags[flag])
        return self._flagged[flag]

    def _first_seats(self) -> Mapping[int, Source]:
        found: dict[int, Source] = {}
        for group in sorted(self.sources):
            for person, source in seats(self.sources[group]).items():
                found.setdefault(person, source)
        return found

    def _reason(self, source: Source, person: int) -> Reason:
        """Return the reason; people who come the same way share one object."""
        way = self._way(source, person)
        known = self._reasons.get((id(source), way))
        if known is None:
            groups = self.directory.snapshot.groups
            path = tuple(label_of(groups[index]) for index in way)
            known = Reason(source.why, source.rule, path, "" if path else source.label)
            self._reasons[id(source), way] = known
        return known

    def _way(self, source: Source, person: int) -> tuple[int, ...]:
        if source.group is None:
            return ()
        if not self.directory.snapshot.groups[source.group].groups:
            return (source.group,)
        if source.group not in self._ways:
            self._ways[source.group] = self.directory.closure.ways(source.group)
        return self._ways[source.group][person]


def seats(sources: Sequence[Source]) -> dict[int, Source]:
    """Return for each person the rule that counts, of rules ranked so that each overrules those before it."""
    chosen: dict[int, Source] = {}
    for source in sources:
        chosen.update(dict.fromkeys(source.people, source))
    return chosen


def ranked(sources: Sequence[Source], roles: Sequence[Role]) -> tuple[Source, ...]:
    """Return the rules so that each overrules those before it: the highest role wins, of equal ones the first written."""
    return tuple(sorted(sources, key=lambda source: roles.index(source.role), reverse=True)[::-1])
