"""A link of a group as the target itself keeps it; resolves nothing."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.access import Role


@dataclass(frozen=True, slots=True)
class KnownLink:
    """Whoever is in that directory group, or matches that filter (RFC 4515), gets this role. Exactly one of three is set."""

    role: Role
    cn: str = ""
    dn: str = ""
    filter: str = ""
