"""Read the policy keys of a `teams` target; never connects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from reconciler.errors import TargetError
from reconciler.model.access import Capabilities, Flag, NameLimits, Role
from reconciler.model.text import shortened
from reconciler.policy.model import Tls
from reconciler.targets.base import Options
from reconciler.targets.http import Login, Patience, Site, login_of
from reconciler.targets.pace import Rate

REMOVAL = "removal"
_KEYS = frozenset({"url", "token", "tls", "parallel", "timeout", "attempts", "pause", "longest_wait", "removals"})
_NAMES = NameLimits(pattern=r"[^\x00-\x1f\x7f/]{1,100}", max_length=100)
_CAN = Capabilities(
    roles=(Role("reader"), Role("writer"), Role("owner")),
    owner_role=Role("owner"),
    privileged_roles=frozenset({Role("owner")}),
    user_names=_NAMES,
    group_names=_NAMES,
    attributes=frozenset({"email", "name", "ssh_keys"}),
    flags=frozenset({Flag.ADMIN, Flag.EXTERNAL}),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the target is made from; the secret is looked up when it is needed."""

    options: Options
    site: Site
    patience: Patience
    capabilities: Capabilities = _CAN

    def login(self) -> Login:
        """Return the header with the token. Raises TargetError where there is none."""
        return login_of(self.options.name, self.options.options.get("token"), "Authorization", "Bearer ")


def settings(options: Options) -> Settings:
    """Return what the keys mean. Raises TargetError that names the key which is not usable."""
    if unknown := sorted(set(options.options) - _KEYS):
        _refuse(options, unknown[0], f"is no key of kind teams (known: {', '.join(sorted(_KEYS))})")
    url, tls = options.options.get("url"), options.options.get("tls", Tls())
    if not isinstance(url, str):
        _refuse(options, "url", "is missing: write https://HOST/api/v1")
    if not isinstance(tls, Tls):
        _refuse(options, "tls", "must be a map such as {ca_file: FILE}")
    if options.roles:
        _refuse(options, "roles", "has no use here: the app has roles of its own")
    known = Patience()
    return Settings(
        options=options,
        site=Site(
            target=options.name,
            url=url,
            ca_file=tls.ca_file,
            parallel=int(_number(options, "parallel", 4)),
            rates={REMOVAL: Rate(int(_number(options, "removals", 60)), 60)},
        ),
        patience=Patience(
            receive=_number(options, "timeout", known.receive),
            whole=_number(options, "timeout", known.whole) * 2,
            attempts=int(_number(options, "attempts", known.attempts)),
            first=_number(options, "pause", known.first),
            asked=_number(options, "longest_wait", known.asked),
            blind=min(known.blind, _number(options, "longest_wait", known.blind)),
        ),
    )


def _number(options: Options, key: str, default: float) -> float:
    value = options.options.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        _refuse(options, key, "must be a number above 0")
    return float(value)


def _refuse(options: Options, key: str, fact: str) -> NoReturn:
    raise TargetError(f"target {shortened(options.name)}: {shortened(key)} {fact}.")
