"""What a policy can know about each kind of target without asking it: its fixed roles; the targets themselves hold the rest."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.policy.model import TargetConfig

BUILT_IN = ("sql", "gitlab", "bitwarden", "defguard", "dcos", "baton", "ldap")
"""The kinds that the policy language knows by itself; installed packages bring others."""

MEMBER = ("member",)

ROLES: Mapping[str, tuple[str, ...]] = {
    # GitLab's access levels 5 to 50, doc/api/group_members.md; custom roles are not among them
    "gitlab": ("minimal", "guest", "planner", "reporter", "developer", "maintainer", "owner"),
    "bitwarden": MEMBER,
    "defguard": MEMBER,
    "dcos": MEMBER,
    "ldap": MEMBER,
}
"""Roles of kinds that bring their own, lowest first; a kind that is not here has those that the policy gives it, if any."""


def roles_of(target: TargetConfig | None) -> tuple[str, ...]:
    """Return the roles a target has, lowest first; none where only the target itself knows."""
    return ROLES.get(target.kind, target.roles) if target else ()
