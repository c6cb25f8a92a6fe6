"""Read the policy keys of a `sql` target as values; never connects and never resolves a secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from reconciler.database.places import Place, UnusablePlace, place_of_url
from reconciler.errors import TargetError
from reconciler.model.access import Capabilities, Flag, NameLimits, Role
from reconciler.model.text import shortened
from reconciler.targets.base import Options

_KEYS = frozenset({"url", "password", "privileged_roles"})
_DEFAULT_ROLE = Role("member")
_OWNER = Role("owner")
# 1 to 255 characters, none of them a control or line-breaking one or half of a pair, no space at either end
_NAMES = NameLimits(
    pattern=r"(?!\s)[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,255}(?<!\s)",
    max_length=255,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a `sql` target is made from; `address` is for people and holds no secret."""

    name: str
    directory: str
    address: str
    place: Place
    capabilities: Capabilities


def settings(options: Options) -> Settings:
    """Return the settings that the policy's keys mean; raises TargetError that names the key which is not usable."""
    unknown = sorted(set(options.options) - _KEYS)
    if unknown:
        _refuse(options, unknown[0], f"is no key of kind sql (known: {', '.join(sorted(_KEYS))})")
    url = options.options.get("url")
    if not isinstance(url, str) or not url:
        _refuse(options, "url", "is missing: write sqlite:///FILE or postgresql://USER@HOST/DATABASE")
    try:
        place = place_of_url(url, options.options.get("password"), options.folder)
    except UnusablePlace as error:
        _refuse(options, error.key, error.fact)
    address = url.partition("?")[0]
    return Settings(options.name, options.directory, shortened(address), place, _capabilities(options))


def _capabilities(options: Options) -> Capabilities:
    roles = tuple(Role(role) for role in options.roles) or (_DEFAULT_ROLE,)
    owner = _OWNER if _OWNER in roles else None
    return Capabilities(
        roles=roles,
        owner_role=owner,
        privileged_roles=_privileged(options, roles, owner),
        user_names=_NAMES,
        group_names=_NAMES,
        attributes=frozenset({"email", "name", "ssh_keys"}),
        flags=frozenset({Flag.ADMIN, Flag.EXTERNAL}),
        marks_memberships=True,
    )


def _privileged(options: Options, roles: tuple[Role, ...], owner: Role | None) -> frozenset[Role]:
    listed = options.options.get("privileged_roles")
    if listed is None:
        highest = roles[1:][-1:]
        return frozenset((*highest, owner) if owner else highest)
    if not isinstance(listed, list | tuple):
        _refuse(options, "privileged_roles", "is not a list of role names")
    for role in listed:
        if role not in roles:
            _refuse(
                options, "privileged_roles", f'names "{shortened(str(role))}", which is no role ({", ".join(roles)})'
            )
    return frozenset(Role(role) for role in listed)


def _refuse(options: Options, key: str, fact: str) -> NoReturn:
    raise TargetError(f"target {shortened(options.name)}: {shortened(key)} {fact}")
