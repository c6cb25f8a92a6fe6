"""Who has what in one target: one shape for the live state and for the desired one; never compares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType, TypeAlias

from reconciler.model.diagnostic import Diagnostic

UserKey = NewType("UserKey", str)
"""The stable id of a person: entryUUID or objectGUID in canonical text; ``dn:<canonical DN>`` where there is none.
A live account that holds no such id has a key of the target's own making, prefixed ``local:``."""

GroupKey = NewType("GroupKey", str)
"""The full name of a target group (its path, where the target nests groups), exactly as the target compares it."""

Role = NewType("Role", str)

Value: TypeAlias = str | bool | tuple[str, ...]
"""An attribute's value after normalising: text, a flag, or a sorted tuple of texts. Never a number."""

STABLE_ID_MISSING = "dn:"
LOCAL = "local:"


def is_stable(key: UserKey) -> bool:
    """Tell whether a key is an id that stays with a person through renames and moves."""
    return not key.startswith((STABLE_ID_MISSING, LOCAL))


class Flag(StrEnum):
    """Instance-wide marks that some targets give to users."""

    ADMIN = "admin"
    EXTERNAL = "external"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class User:
    """One account.

    `attributes` holds what the target can keep of ``email``, ``name``, ``ssh_keys``, ``dn``, ``kerberos``; in a desired user
    those that the directory gives, in a live one those that the target holds. There ``block_mark`` is what it remembers of
    a block of ours that somebody has lifted by hand.
    `flags` holds only the flags that are managed (desired) or kept (live): an absent flag is no opinion.
    `managed`: the account carries our mark for this directory. `disabled_by_hand`: inactive, and not by us.
    `account` is the key by which the target knows the account, where that is another one and stays (see `Capabilities.keeps_keys`).
    """

    key: UserKey
    username: str
    attributes: Mapping[str, Value] = field(default_factory=dict)
    active: bool = True
    flags: Mapping[Flag, bool] = field(default_factory=dict)
    managed: bool = True
    disabled_by_hand: bool = False
    account: UserKey = UserKey("")


@dataclass(frozen=True, slots=True)
class Group:
    """One target group; `source` is the stable id of the directory group that an import mirrors, else empty."""

    key: GroupKey
    source: str = ""
    managed: bool = True


Memberships: TypeAlias = Mapping[GroupKey, Mapping[UserKey, Role]]


@dataclass(frozen=True, slots=True)
class Totals:
    """How much of ours a target holds in all: active accounts, accounts with the admin mark, groups, memberships.

    A target that cannot count memberships gives those that it has read: limits in percent are stricter then.
    """

    accounts: int
    admins: int
    groups: int
    memberships: int


@dataclass(frozen=True, slots=True)
class State:
    """Everything of one target that a plan looks at.

    `memberships` are those that are ours to change; `by_hand` those that are not: the membership carries somebody else's
    mark, or none where a target marks single ones, or else its account does. They count as present and are never changed.
    `own` is the account whose credential we use, None where the target has no such notion: it must not lose its access.
    `totals` are set where the state is a part of what the target holds (`Scope.users`); limits in percent are of them.
    `above` are the roles that accounts of ours hold in groups that no rule names and that lie above groups in scope: what is
    held there holds below, too, where a target inherits. `settings` are instance-wide switches, those that the target has.
    `notes` say what was found and cannot be managed. `made_by` says who made memberships, where the target tells it and it
    was not us: the name as printed.
    """

    users: Mapping[UserKey, User] = field(default_factory=dict)
    groups: Mapping[GroupKey, Group] = field(default_factory=dict)
    memberships: Memberships = field(default_factory=dict)
    by_hand: Memberships = field(default_factory=dict)
    own: UserKey | None = None
    totals: Totals | None = None
    above: Memberships = field(default_factory=dict)
    settings: Mapping[str, bool] = field(default_factory=dict)
    notes: tuple[Diagnostic, ...] = ()
    made_by: Mapping[GroupKey, Mapping[UserKey, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NameLimits:
    """What a name must look like: a regular expression for the whole name, a length in characters, words not to be used."""

    pattern: str = ""
    max_length: int = 0  # 0: no limit
    reserved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one target can hold and do; guards and naming read it, nothing else asks a target's name.

    `roles` are ordered, lowest first. `owner_role` is the one whose last holder must stay, `privileged_roles` those whose
    grants are counted. `attributes` and `flags` are what the target can keep of a user.
    `marks_memberships`: single memberships carry our mark; else those of our accounts are ours, whoever made them.
    `keeps_keys`: an account can hold the person's stable id; else accounts are found by what it does hold (the DN), and that
    its key is another one is no change. `keeps_sources`: a group can hold what it mirrors, so that it can be renamed with it;
    only where keys are kept, too. `renames_users`: a username follows the directory; else it is only given to new
    accounts. `inherits`: groups nest by ``/``, and a role holds in everything below. `lower_case` are attributes that the
    target keeps in lower case, `needs` those without which it makes no account. `settings` are instance-wide switches
    that a policy may set.
    """

    roles: tuple[Role, ...]
    owner_role: Role | None = None
    privileged_roles: frozenset[Role] = frozenset()
    user_names: NameLimits = NameLimits()
    group_names: NameLimits = NameLimits()
    attributes: frozenset[str] = frozenset()
    flags: frozenset[Flag] = frozenset()
    creates_users: bool = True
    removes_users: bool = True
    creates_groups: bool = True
    removes_groups: bool = True
    marks_memberships: bool = False
    keeps_keys: bool = True
    keeps_sources: bool = True
    renames_users: bool = True
    inherits: bool = False
    lower_case: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    settings: frozenset[str] = frozenset()

    def rank(self, role: Role) -> int:
        """Return the place of a role, lowest 0; raises ValueError for a role that the target does not have."""
        return self.roles.index(role)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a live read has to cover at least: the directory whose mark we look for, and the groups that rules name.

    `all_managed_groups`: imports exist, or accounts may be removed, so groups that carry our mark are wanted too.
    `everything`: every group in which an account of ours holds a role is wanted, whether or not a rule names it.
    What more a target returns is compared with nothing, but what hangs on an account that goes is seen.
    `users`: where it is set, a part is enough, None means everybody. The part is: these accounts, those whose username or
    e-mail address is among `names` (compared without case), all their memberships; the groups that `groups` or, by their
    source, `sources` name, and those in which these accounts hold anything; all memberships in these groups, with their
    accounts. A state that is a part has its totals; a target that cannot count returns everything.
    """

    directory: str
    groups: frozenset[GroupKey]
    all_managed_groups: bool = False
    users: frozenset[UserKey] | None = None
    names: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    everything: bool = False
