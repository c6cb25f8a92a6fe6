"""Read the policy keys of a `gitlab` target as values; never connects and never resolves a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from reconciler.errors import TargetError
from reconciler.model.access import Capabilities, Flag, NameLimits, Role
from reconciler.model.text import shortened
from reconciler.policy.kinds import ROLES
from reconciler.policy.model import SecretRef, Tls
from reconciler.targets.base import Options
from reconciler.targets.http import Login, Patience, Site, login_of
from reconciler.targets.pace import Rate

MEMBERSHIP_LOCK = "membership_lock"
"""The instance-wide switch that a policy may set, by the name that plans have for it."""
DELETE_MEMBER = "delete_member"
"""What GitLab limits for each group by itself: members that are removed."""
OWNER = Role("owner")
LEVELS: Mapping[Role, int] = dict(zip(map(Role, ROLES["gitlab"]), (5, 10, 15, 20, 30, 40, 50), strict=True))
"""Access levels of the roles that every GitLab has, doc/api/group_members.md."""

_API = "/api/v4"
_KEYS = frozenset(
    {
        *(
            "url",
            "token",
            "tls",
            "provider",
            MEMBERSHIP_LOCK,
            "remember",
            "group_visibility",
            "custom_roles",
            "graphql",
        ),
        *("parallel", "connect_timeout", "receive_timeout", "delete_rate"),
    }
)
_VISIBILITIES = ("private", "internal", "public")
_PROVIDER = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_MOST_PARALLEL, _LONGEST, _FASTEST = 64, 3600, 100_000
# lib/gitlab/path_regex.rb: NAMESPACE_FORMAT_REGEX, and what it keeps from the first segment of an address
_SEGMENT = r"(?:[A-Za-z0-9_.][A-Za-z0-9_.-]{0,253}[A-Za-z0-9_-]|[A-Za-z0-9_])(?<!\.git)(?<!\.atom)"
_RESERVED = (
    *("-", ".well-known", "404.html", "422.html", "500.html", "502.html", "503.html", "admin", "api", "assets"),
    *("apple-touch-icon.png", "dashboard", "deploy.html", "explore", "favicon.ico", "favicon.png", "files", "groups"),
    *("health_check", "help", "import", "jwt", "login", "oauth", "profile", "projects", "public", "robots.txt", "s"),
    *("search", "sitemap", "sitemap.xml", "sitemap.xml.gz", "slash-command-logo.png", "snippets", "unsubscribes"),
    *("uploads", "users", "v2"),
)
_USER_NAMES = NameLimits(pattern=_SEGMENT, max_length=255, reserved=_RESERVED)
_GROUP_NAMES = NameLimits(pattern=rf"{_SEGMENT}(?:/{_SEGMENT}){{0,20}}", reserved=_RESERVED)


class Access(NamedTuple):
    """What GitLab has for a role: a level, and the number of a custom role, 0 where it is none."""

    level: int
    custom: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a `gitlab` target is made from; the secret is looked up when it is needed.

    `url` is the address in the policy, that of `site` the one of the API below it. `roles` gives what GitLab has for each
    role of `capabilities`, `role_names` the way back. `lock` is None where the policy says nothing of it. `capabilities` hold what any GitLab may have: a read finds out which.
    """

    name: str
    directory: str
    url: str
    token: object
    site: Site
    patience: Patience
    provider: str
    remember: bool
    lock: bool | None
    visibility: str
    graphql: bool
    capabilities: Capabilities
    roles: Mapping[Role, Access]
    role_names: Mapping[Access, Role]

    def login(self) -> Login:
        """Return the header with the token. Raises TargetError where there is none."""
        return login_of(self.name, self.token, "PRIVATE-TOKEN")


def settings(options: Options) -> Settings:
    """Return the settings that the policy's keys mean; raises TargetError that names the key which is not usable."""
    if unknown := sorted(set(options.options) - _KEYS):
        _refuse(options, unknown[0], f"is no key of kind gitlab (known: {', '.join(sorted(_KEYS))})")
    token = options.options.get("token")
    if not isinstance(token, SecretRef):
        _refuse(options, "token", "is missing: write {env: NAME}, the name of the variable that holds an access token")
    url, roles, remember = _url(options), _roles(options), _switch(options, "remember")
    lock = _switch(options, MEMBERSHIP_LOCK)
    return Settings(
        name=options.name,
        directory=options.directory,
        url=url,
        token=token,
        site=_site(options, url),
        patience=_patience(options),
        provider=_provider(options),
        remember=remember,
        lock=lock if MEMBERSHIP_LOCK in options.options else None,
        visibility=_visibility(options),
        graphql=_switch(options, "graphql"),
        capabilities=_capabilities(tuple(roles), remember=remember),
        roles=roles,
        role_names={access: role for role, access in roles.items()},
    )


def _url(options: Options) -> str:
    url = options.options.get("url")
    if not isinstance(url, str) or not url:
        _refuse(options, "url", "is missing: write https://HOST, with the path where GitLab has one")
    return url.rstrip("/").removesuffix(_API).rstrip("/")


def _site(options: Options, url: str) -> Site:
    tls = options.options.get("tls", Tls())
    if not isinstance(tls, Tls):
        _refuse(options, "tls", "must be a map such as {ca_file: FILE}")
    deletes = _number(options, "delete_rate", 60, _FASTEST)
    return Site(
        target=options.name,
        url=f"{url}/api",  # below it are the two ways to ask, v4 and graphql
        ca_file=tls.ca_file,
        plaintext=tls.allow_plaintext,
        parallel=_number(options, "parallel", 8, _MOST_PARALLEL),
        rates={DELETE_MEMBER: Rate(deletes, 60)},
    )


def _patience(options: Options) -> Patience:
    usual = Patience()
    receive = _number(options, "receive_timeout", int(usual.receive), _LONGEST)
    return Patience(
        connect=_number(options, "connect_timeout", int(usual.connect), _LONGEST),
        receive=receive,
        whole=max(usual.whole, receive),
    )


def _provider(options: Options) -> str:
    provider = options.options.get("provider", "ldapmain")
    if not isinstance(provider, str) or not _PROVIDER.fullmatch(provider):
        _refuse(options, "provider", "must be the name of an LDAP server in GitLab's configuration, such as ldapmain")
    return provider


def _visibility(options: Options) -> str:
    visibility = options.options.get("group_visibility", _VISIBILITIES[0])
    if not isinstance(visibility, str) or visibility not in _VISIBILITIES:
        _refuse(options, "group_visibility", f"must be one of {', '.join(_VISIBILITIES)}")
    return visibility


def _roles(options: Options) -> dict[Role, Access]:
    """Return all roles, lowest first: a custom one stands right above the one that it is based on."""
    above: dict[Role, dict[Role, Access]] = {}
    numbers: set[int] = set()
    custom = options.options.get("custom_roles", {})
    if not isinstance(custom, Mapping):
        _refuse(options, "custom_roles", "must be a map such as {auditing: {id: 12, base: reporter}}")
    for name, said in custom.items():
        role, key = Role(str(name)), f"custom_roles: {shortened(str(name), 60)}"
        number, base = (said.get("id"), said.get("base")) if isinstance(said, Mapping) else (None, None)
        if type(number) is not int or number < 1 or number in numbers:
            _refuse(options, key, "needs an id of its own, the number that GitLab shows for the role")
        if not isinstance(base, str) or base not in LEVELS or base == OWNER:
            _refuse(options, key, f"needs a base, one of {', '.join(list(LEVELS)[:-1])}")
        if role in LEVELS:
            _refuse(options, key, "has the name of a role that GitLab has already")
        numbers.add(number)
        above.setdefault(Role(base), {})[role] = Access(LEVELS[Role(base)], number)
    return {
        role: access
        for base, level in LEVELS.items()
        for role, access in {base: Access(level), **above.get(base, {})}.items()
    }


def _capabilities(roles: tuple[Role, ...], *, remember: bool) -> Capabilities:
    return Capabilities(
        roles=roles,
        owner_role=OWNER,
        privileged_roles=frozenset({OWNER}),
        user_names=_USER_NAMES,
        group_names=_GROUP_NAMES,
        attributes=frozenset({"email", "name", "ssh_keys", "dn", "kerberos"}),
        flags=frozenset(Flag),
        removes_users=False,
        removes_groups=False,
        keeps_keys=remember,
        keeps_sources=False,
        renames_users=False,
        inherits=True,
        lower_case=frozenset({"email"}),
        needs=frozenset({"email", "name"}),
        settings=frozenset({MEMBERSHIP_LOCK}),
    )


def _switch(options: Options, key: str) -> bool:
    value = options.options.get(key, False)
    if not isinstance(value, bool):
        _refuse(options, key, "must be true or false")
    return value


def _number(options: Options, key: str, default: int, most: int) -> int:
    value = options.options.get(key, default)
    if type(value) is not int or not 1 <= value <= most:
        _refuse(options, key, f"must be a whole number from 1 to {most:,}")
    return value


def _refuse(options: Options, key: str, fact: str) -> NoReturn:
    raise TargetError(f"target {shortened(options.name)}: {shortened(key)} {fact}.")
