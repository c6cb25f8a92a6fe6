"""Find out who we are to a GitLab, what our token may do there, and whether it is one that we know; never writes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.errors import TargetRejected
from reconciler.model.text import shortened
from reconciler.targets.answers import Refused
from reconciler.targets.base import Right, Rights
from reconciler.targets.gitlab.api import Api
from reconciler.targets.pages import Item

OLDEST = (16, 5)
"""The first version that lists users page after page in one order, whatever happens in between."""

_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")
_READING = frozenset({"api", "read_api"})
_BEYOND = frozenset({"sudo"})
_ENTERPRISE = "-ee"  # how the version of that edition ends
_UNKNOWN, _FORBIDDEN = 401, 403


@dataclass(frozen=True, slots=True)
class Us:
    """Who we are: our account, whether GitLab lets it administer now, the token's scopes, None where it does not say, its version."""

    number: int
    username: str
    admin: bool
    scopes: frozenset[str] | None
    version: str

    @property
    def enterprise(self) -> bool:
        """Return whether this is an Enterprise Edition, with a licence or not."""
        return self.version.endswith(_ENTERPRISE)


def us(api: Api) -> Us:
    """Return who we are: three requests. Raises TargetRejected for a GitLab that is too old, or a token that cannot ask."""
    where = f"target {shortened(api.settings.name)}"
    try:
        version = api.version()
        me = api.me()
        token = api.token()
    except Refused as error:
        if error.status == _UNKNOWN:
            raise TargetRejected(
                f"{where}: GitLab does not know the token. It may have expired or been revoked, or be for another GitLab: "
                f"make one of an administrator. {error}"
            ) from error
        if error.status == _FORBIDDEN and "insufficient_scope" in str(error):
            raise TargetRejected(
                f"{where}: the token's scopes do not let it ask who it is. Make one of an administrator with the scope "
                f"api, for plans alone read_api; admin_mode, too, where Admin Mode is on. {error}"
            ) from error
        raise
    found = _VERSION.match(version)
    if not found or (int(found[1]), int(found[2])) < OLDEST:
        raise TargetRejected(
            f'{where}: this GitLab is version "{shortened(version, 40)}", and {OLDEST[0]}.{OLDEST[1]} is the oldest that '
            "can be managed. Update it."
        )
    return Us(
        number=me.value("id", int),
        username=me.value("username", str),
        admin=me.data.get("is_admin") is True,
        scopes=_scopes(token) if token else None,
        version=found.string,
    )


def check_reading(api: Api, who: Us) -> None:
    """Raise TargetRejected where we cannot see what a plan needs: identities and flags are shown to administrators alone."""
    lacks = _lacks_reading(who)
    if lacks:
        raise TargetRejected(
            f"target {shortened(api.settings.name)}: the token, of {shortened(who.username)}, lacks {'; '.join(lacks)}."
        )


def rights_of(who: Us) -> Rights:
    """Return what our token may do."""
    reads = not _lacks_reading(who)
    writes = who.admin and (who.scopes is None or "api" in who.scopes)
    beyond = sorted(_BEYOND & (who.scopes or frozenset()))
    can = {Right.READ: reads, Right.WRITE: writes, Right.ADMIN: writes and bool(beyond)}
    scopes = f"scopes {', '.join(sorted(who.scopes))}" if who.scopes is not None else "scopes that GitLab does not tell"
    lacks = [*_lacks_reading(who)]
    if who.admin and not writes:
        lacks.append("the scope api")
    return Rights(
        frozenset(right for right, granted in can.items() if granted),
        who.username,
        shortened(f"{'an administrator' if who.admin else 'no administrator'}, {scopes}, GitLab {who.version}", 500),
        tuple(lacks),
    )


def _lacks_reading(who: Us) -> list[str]:
    lacks = []
    if who.scopes is not None and not who.scopes & _READING:
        lacks.append("the scope api, for plans alone read_api")
    if not who.admin and who.scopes is not None and "admin_mode" not in who.scopes:
        lacks.append("an administrator as its owner or, where Admin Mode is on, the scope admin_mode")
    elif not who.admin:
        lacks.append("an administrator as its owner")
    return lacks


def _scopes(token: Item) -> frozenset[str]:
    return frozenset(token.answer.shown(str(scope)) for scope in token.value("scopes", list))
