"""What the comparison has to respect, apart from the two states; values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from reconciler.model.access import GroupKey, Role, UserKey
from reconciler.model.change import Change
from reconciler.model.diagnostic import Position
from reconciler.model.plan import Hold, Unchanged, Withheld
from reconciler.model.protection import matches_any
from reconciler.policy.model import GroupRules, Protection, UserRules


def is_demotion(have: Role, want: Role, roles: Sequence[Role]) -> bool:
    """Tell whether `want` is the lower of two roles; one that the target no longer lists counts as the highest."""
    return have not in roles or roles.index(want) < roles.index(have)


@dataclass(frozen=True, slots=True)
class DiffRules:
    """The policy's words on accounts, groups and protected names, and what the target can: its roles, lowest first, whether it
    keeps the ids of people, whether its accounts follow usernames, and the attributes without which it makes no account;
    `inherits`: a role holds in everything below; `places` are those of the target's own keys.
    """

    users: UserRules = UserRules()
    groups: GroupRules = GroupRules()
    protected: Protection = Protection()
    roles: tuple[Role, ...] = ()
    keeps_keys: bool = True
    renames_users: bool = True
    needs: frozenset[str] = frozenset()
    inherits: bool = False
    places: Mapping[str, Position] = field(default_factory=dict)

    def protects_user(self, username: str) -> bool:
        """Tell whether no change may touch this account."""
        return matches_any(username, self.protected.users)

    def protects_group(self, name: GroupKey) -> bool:
        """Tell whether no change may touch this group."""
        return matches_any(name, self.protected.groups)

    def is_demotion(self, have: Role, want: Role) -> bool:
        """Tell whether `want` is the lower role."""
        return is_demotion(have, want, self.roles)


@dataclass(frozen=True, slots=True)
class Clash:
    """A name that we want and that belongs to something else: a refusal. `adoptable`: not if the policy said `adopt`."""

    kind: Literal["user", "group"]
    name: str
    detail: str
    adoptable: bool = True


@dataclass(slots=True)
class Findings:
    """What a comparison finds, gathered by its steps."""

    changes: list[Change] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)
    taken: set[UserKey] = field(
        default_factory=set
    )  # people whose name somebody else has, and for whom nothing asks for it
    unchanged_users: int = 0
    unchanged_groups: int = 0
    unchanged_memberships: int = 0

    def hold(self, change: Change, hold: Hold, detail: str = "") -> None:
        """Note a change that is shown and not made."""
        self.withheld.append(Withheld(change, hold, detail))

    @property
    def unchanged(self) -> Unchanged:
        """Return how much was compared and found right."""
        return Unchanged(self.unchanged_users, self.unchanged_groups, self.unchanged_memberships)
