"""Judge what a server or a read shows, as checks that say what is good, what is odd, and the way out; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from reconciler.directory.canary import check_canary
from reconciler.directory.encryption import Encryption
from reconciler.directory.observer import Way
from reconciler.errors import ReadIncomplete
from reconciler.model.check import Check, Status
from reconciler.model.directory import Dialect, Readability, Snapshot
from reconciler.model.text import shortened
from reconciler.policy.model import DirectoryConfig

SYNC = "1.3.6.1.4.1.4203.1.9.1.1"
DIRSYNC = "1.2.840.113556.1.4.841"
_CONTROLS = {
    "1.2.840.113556.1.4.319": "paged results (RFC 2696)",
    SYNC: "content synchronization (RFC 4533)",
    DIRSYNC: "DirSync",
}
_DIALECTS: Mapping[Dialect, str] = {
    "openldap": "read like OpenLDAP",
    "389ds": "read like 389 Directory Server",
    "active_directory": "read like Active Directory",
}
_SOON = 21  # days: what is renewed by a machine has been renewed by then
_NAMED = 5


def encryption_check(way: Way, found: Encryption | None, moment: datetime) -> Check:
    """Return how the connection is protected; `moment` (UTC) is now."""
    if found is None and way.address.local:
        return Check("encryption", Status.OK, "a socket of this machine needs none")
    if found is None:
        seen = "the password and what is read" if way.method == "simple" else "what is read"
        what = f"none: {seen} can be seen and altered on the way"
        return Check("encryption", Status.WARNING, what, "use ldaps://, or tls.start_tls: true")
    days = (found.ends - moment).days
    trust = f"{way.ca_file} as tls.ca_file says" if way.ca_file else "the system's authorities"
    start = " by StartTLS" if way.address.tls == "starttls" else ""
    what = (
        f"{found.version}{start}, {found.cipher}; certificate of {shortened(found.subject)} "
        f"from {shortened(found.issuer)}, {days} day{'' if days == 1 else 's'} left (until {found.ends:%Y-%m-%d}); "
        f"its authority is verified against {shortened(trust)}, and the host name is verified"
    )
    if days < _SOON:
        return Check("encryption", Status.WARNING, what, "renew the certificate: once it has ended, nothing is read")
    return Check("encryption", Status.OK, what)


def login_check(way: Way, said: str | None) -> Check:
    """Return how we are logged in; `said` is who the server says that we are, nothing where it does not say."""
    how = {
        "": "anonymous, because the policy has no bind",
        "simple": f'"{shortened(way.dn)}" with a password',
        "external": "SASL EXTERNAL, the account that runs this process",
    }.get(way.method, f"SASL {way.method.upper()}")
    if said is None:
        return Check("login", Status.OK, f"{how}; the server does not say who that is there (RFC 4532)")
    if way.method and not said:
        way_out = "map the account to an entry (authz-regexp in OpenLDAP), or bind with a DN and a password"
        return Check("login", Status.WARNING, f"{how}, but the server takes us for anonymous", way_out)
    return Check("login", Status.OK, f"{how}; the server calls us {shortened(said) or 'anonymous'}")


def server_check(root: Mapping[str, Sequence[bytes]], dialect: Dialect) -> Check:
    """Return what the root DSE says of the server; a server that shows none of it may still be read."""
    vendor = " ".join(_texts(root, "vendorname") + _texts(root, "vendorversion")) or "it names no vendor"
    contexts = _texts(root, "namingcontexts")
    holds = f"holds {_listed(contexts)}" if contexts else "names no naming contexts"
    return Check("server", Status.OK, f"{_DIALECTS[dialect]}; {shortened(vendor)}; {holds}")


def control_checks(root: Mapping[str, Sequence[bytes]]) -> Iterator[Check]:
    """Give which of the controls that matter are offered, and the SASL mechanisms."""
    offered = _texts(root, "supportedcontrol")
    there = [name for oid, name in _CONTROLS.items() if oid in offered]
    if not offered:
        way_out = "let this account read the root DSE"
        yield Check("controls", Status.WARNING, "the server shows no list of its controls", way_out)
    else:
        yield Check("controls", Status.OK, f"of those that matter it offers {_listed(there, len(there)) or 'none'}")
    mechanisms = _texts(root, "supportedsaslmechanisms")
    yield Check("sasl", Status.OK, _listed(mechanisms, len(mechanisms)) or "the server names no mechanism")


def not_incremental(root: Mapping[str, Sequence[bytes]], dialect: Dialect) -> Check | None:
    """Return why only changes cannot be read, as far as the list of controls tells; nothing where it offers that."""
    wanted = DIRSYNC if dialect == "active_directory" else SYNC
    if wanted in _texts(root, "supportedcontrol"):
        return None
    way_out = {
        "openldap": "load the syncprov overlay on this database, or take incremental out of the policy",
        "389ds": "take incremental out of the policy",
        "active_directory": "name a domain controller, or take incremental out of the policy",
    }[dialect]
    return Check("incremental", Status.WARNING, f"the server does not offer {_CONTROLS[wanted]}", way_out)


def snapshot_checks(config: DirectoryConfig, snapshot: Snapshot) -> Iterator[Check]:
    """Give what a complete read holds: counts, what could not be seen of groups, members that name nobody, oddities."""
    people, groups = len(snapshot.people), len(snapshot.groups)
    counts = f"complete: {people:,} people and {groups:,} groups"
    if people and groups:
        yield Check("read", Status.OK, counts)
    else:
        way_out = "do base and the filters select them, and may this account see them?"
        yield Check("read", Status.WARNING, counts, way_out)
    yield _unreadable(snapshot)
    yield _dangling(snapshot)
    yield from (Check("oddity", Status.WARNING, shortened(warning, 1000)) for warning in snapshot.warnings)
    yield canary_check(config, snapshot)


def canary_check(config: DirectoryConfig, snapshot: Snapshot) -> Check:
    """Return whether everything is seen that the policy calls a canary."""
    canary = config.canary
    try:
        check_canary(config, snapshot)
    except ReadIncomplete as error:
        fact = str(error).removeprefix(f'{config.where}: directory "{config.name}": ')
        return Check("canary", Status.FAILED, shortened(fact, 1000))
    if not (canary.people or canary.groups or canary.min_people or canary.min_groups):
        return Check("canary", Status.OK, "the policy names none")
    return Check("canary", Status.OK, "everything is seen that the policy names")


def _unreadable(snapshot: Snapshot) -> Check:
    hidden = [group.dn for group in snapshot.groups if group.readability is not Readability.READ]
    if not hidden:
        return Check("groups", Status.OK, "the members of every group can be read")
    what = f"{len(hidden):,} whose members cannot be read: {_listed(hidden)}"
    return Check(
        "groups", Status.WARNING, what, "let this account read their members; until then nobody is removed by them"
    )


def _dangling(snapshot: Snapshot) -> Check:
    loose = [(value, group.dn) for group in snapshot.groups for value in group.dangling]
    if not loose:
        return Check("members", Status.OK, "every member names somebody who was read")
    named = _listed([f"{value} in {dn}" for value, dn in loose])
    what = f"{len(loose):,} that name nobody who was read: {named}"
    way_out = "take them out of the groups; where they exist, they lie outside the bases and filters of the policy"
    return Check("members", Status.WARNING, what, way_out)


def _texts(root: Mapping[str, Sequence[bytes]], name: str) -> list[str]:
    return [value.decode("utf-8", "replace") for value in root.get(name, ())]


def _listed(values: Sequence[str], limit: int = _NAMED) -> str:
    more = f" and {len(values) - limit:,} more" if len(values) > limit else ""
    return ", ".join(map(shortened, values[:limit])) + more
