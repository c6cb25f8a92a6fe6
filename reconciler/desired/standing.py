"""Say how one person stands to one group: what the rules give, which of them counts, and what they nearly give; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.desired.build import Desired
from reconciler.desired.explanation import Given
from reconciler.desired.links import Source
from reconciler.model.access import Flag, GroupKey, Role, UserKey
from reconciler.model.names import login_key
from reconciler.policy.model import Grant


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rules of one group, or of one mark, say of one person, the highest role first.

    `role` is what comes out of them, None for nothing. `given` are the rules that give something; the first of them is the
    one that counts. `missed` are rules that would give more, and do not name the person. `ended` are grants that are over.
    `frozen` says why nothing is taken from anybody here, `unsure` that a grant may mean this person; empty where nothing does.
    """

    role: Role | None
    given: tuple[Given, ...] = ()
    missed: tuple[Source, ...] = ()
    ended: tuple[Grant, ...] = ()
    frozen: str = ""
    unsure: bool = False


def standing_in(group: GroupKey, want: Desired, key: UserKey, roles: Sequence[Role]) -> Standing:
    """Return how a person stands to a group that some rule names; `key` may be that of an account whose person is gone."""
    role = want.state.memberships[group].get(key)
    given, missed = want.explain.ways(group, key)
    least = -1 if role is None else roles.index(role)
    names = {login_key(want.state.users[key].username)} if key in want.state.users else set[str]()
    return Standing(
        role=role,
        given=given,
        missed=tuple(source for source in missed if roles.index(source.role) > least),
        ended=tuple(grant for (name, _), grant in sorted(want.explain.ended.get(group, {}).items()) if name in names),
        frozen=want.frozen_groups.get(group, ""),
        unsure=key in want.doubtful.get(group, ()),
    )


def standing_of(flag: Flag, want: Desired, key: UserKey) -> Standing:
    """Return how a person stands to an instance-wide mark that the policy manages."""
    given, missed = want.explain.flag_ways(flag, key)
    return Standing(Role(flag) if given else None, given, () if given else missed)
