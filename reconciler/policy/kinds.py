"""What a policy can know about each kind of target without asking it: its fixed roles; the targets themselves hold the rest."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from reconciler.policy.model import TargetConfig

BUILT_IN = ("sql", "gitlab", "bitwarden", "defguard", "dcos", "baton", "ldap")
"""The kinds that the policy language knows by itself; installed packages bring others."""

MEMBER = ("member",)

ROLES: Mapping[str, tuple[str, ...]] = {
    # GitLab's access levels 5 to 50, doc/api/group_members.md; custom roles are those that the policy names
    "gitlab": ("minimal", "guest", "planner", "reporter", "developer", "maintainer", "owner"),
    "bitwarden": MEMBER,
    "defguard": MEMBER,
    "dcos": MEMBER,
    "ldap": MEMBER,
}
"""Roles of kinds that bring their own, lowest first; a kind that is not here has those that the policy gives it, if any."""


def roles_of(target: TargetConfig | None) -> tuple[str, ...]:
    """Return the roles a target has, lowest first; none where only the target itself knows.

    A custom role stands right above its base; of several with one base, the later one in the policy ranks higher.
    """
    if target is None:
        return ()
    above = _above(target.options.get("custom_roles"))
    return tuple(chain.from_iterable((role, *above.get(role, ())) for role in ROLES.get(target.kind, target.roles)))


def _above(custom: object) -> Mapping[str, list[str]]:
    """Return custom roles by their base; what the schema has refused is left out."""
    found: dict[str, list[str]] = {}
    roles = custom if isinstance(custom, dict) else {}
    for name, role in [(name, role) for name, role in roles.items() if isinstance(role, dict)]:
        found.setdefault(str(role.get("base")), []).append(str(name))
    return found
