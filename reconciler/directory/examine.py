"""Find out whether a run could read a directory, and from which of its servers; never writes, never stops at the first fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

from reconciler.directory.client import Client, Rejected
from reconciler.directory.health import snapshot_checks
from reconciler.directory.observer import Observer, Question, way_of
from reconciler.directory.probe import connection_checks, server_checks
from reconciler.directory.servers import Address
from reconciler.directory.session import Entrance, entrance
from reconciler.directory.sources import Reading, read_for_snapshot
from reconciler.errors import DirectoryError, DirectoryUnreachable, PolicyError
from reconciler.model.check import Check, Status
from reconciler.model.text import shortened
from reconciler.policy.model import Canary, DirectoryConfig, Policy
from reconciler.policy.needs import needs_of

_LIMIT = 2000  # characters of one message
_NOT_TRIED = "not tried: the password was refused before, and each try counts towards locking the account"


@dataclass(frozen=True, slots=True)
class ServerReport:
    """One server. `lets_in`: the bind succeeded; `code` is the exit code that a read from here ends with.

    `questions` are the searches of its read, without `further` ones that follow from what they found: a second look at
    single entries, the rest of a long list of members.
    """

    url: str
    checks: tuple[Check, ...]
    questions: tuple[Question, ...] = ()
    further: int = 0
    lets_in: bool = False
    code: int = 0


@dataclass(frozen=True, slots=True)
class DirectoryReport:
    """One directory: what concerns all of it, and each of its servers; `code` as a run that reads it would end."""

    name: str
    kind: str
    checks: tuple[Check, ...]
    servers: tuple[ServerReport, ...] = ()
    code: int = 0


@dataclass(slots=True)
class _Fault:
    """What ended a series of checks, as an exit code."""

    code: int = 0


@dataclass(slots=True)
class _Recorder:
    """Keeps the questions that every read puts, counts those that follow from the answers, and passes everything on."""

    next: Observer
    questions: list[Question] = field(default_factory=list)
    further: int = 0
    _reading: bool = False

    def searching(self, question: Question) -> None:
        self._reading = self._reading or bool(question.search.kind)
        if question.search.kind or not self._reading:
            self.questions.append(question)
        else:
            self.further += 1
        self.next.searching(question)

    def found(self, entries: int) -> None:
        self.next.found(entries)

    def finished(self) -> None:
        self.next.finished()


def examine(policy: Policy, name: str, how: Reading) -> DirectoryReport:
    """Return what can be said of one directory; every server that it names is asked."""
    config = policy.directories[name]
    if config.kind != "ldap":
        fault = _Fault()
        checks = tuple(_guarded(_read(policy, config, how), config, fault))
        return DirectoryReport(name, config.kind, checks, code=fault.code or _code_of(checks))
    try:
        door = entrance(config)
    except (DirectoryError, PolicyError) as error:
        return DirectoryReport(name, config.kind, tuple(_faults(error, config)), code=error.exit_code)
    servers = tuple(_servers(door, policy, how))
    verdict, code = _verdict(servers)
    return DirectoryReport(name, config.kind, (verdict,), servers, code)


def _servers(door: Entrance, policy: Policy, how: Reading) -> Iterator[ServerReport]:
    rejected = False
    for server in door.servers:
        if rejected:
            yield ServerReport(server.url, (Check("login", Status.WARNING, _NOT_TRIED),), code=DirectoryError.exit_code)
            continue
        try:
            client = door.open(server)
        except DirectoryUnreachable as error:
            rejected = isinstance(error, Rejected)
            yield _shut(server, error)
        else:
            yield _opened(door, server, client, (policy, how))


def _shut(server: Address, error: DirectoryUnreachable) -> ServerReport:
    what = shortened(str(error).removeprefix(f"{server.url}: ").removeprefix(f"{server.url} "), _LIMIT)
    reached = "certificate" in what or "does not accept" in what  # such messages say the way out themselves
    way_out = "" if reached else "is the address right, does a server listen there, and does a firewall let us through?"
    check = Check("connection", Status.FAILED, what, way_out)
    if isinstance(error, Rejected):
        check = Check("login", Status.FAILED, what, "correct bind.dn, or what bind.password names")
    return ServerReport(server.url, (check,), code=error.exit_code)


def _opened(door: Entrance, server: Address, client: Client, about: tuple[Policy, Reading]) -> ServerReport:
    policy, how = about
    config, fault = door.config, _Fault()
    way = way_of(server, door.login, config.tls.ca_file)
    recorder = _Recorder(how.observer)
    with closing(client):
        checks = [*_guarded(connection_checks(client, way, how.now), config, fault)]
        if not fault.code:
            needs = needs_of(policy, config, policy.targets.values())
            checks += _guarded(server_checks(client, config, needs), config, fault)
    if not fault.code:
        alone = replace(config, servers=(server.url,))
        checks += _guarded(_read(policy, alone, replace(how, observer=recorder)), config, fault)
    code = fault.code or _code_of(tuple(check for check in checks if check.name == "canary"))
    return ServerReport(server.url, tuple(checks), tuple(recorder.questions), recorder.further, lets_in=True, code=code)


def _read(policy: Policy, config: DirectoryConfig, how: Reading) -> Iterator[Check]:
    """Read all of it, page by page, and keep nothing; the canary is judged afterwards, so that the counts can be told."""
    blind = replace(policy, directories={config.name: replace(config, canary=Canary(), incremental=None)})
    snapshot, _ = read_for_snapshot(blind, config.name, how)
    yield from snapshot_checks(config, snapshot)


def _guarded(checks: Iterator[Check], config: DirectoryConfig, fault: _Fault) -> Iterator[Check]:
    """Give the checks; what ends them early is the last one, and is kept in `fault`."""
    try:
        yield from checks
    except (DirectoryError, PolicyError) as error:
        fault.code = error.exit_code
        yield from _faults(error, config)


def _faults(error: DirectoryError | PolicyError, config: DirectoryConfig) -> Iterator[Check]:
    if isinstance(error, PolicyError):
        yield from (Check("policy", Status.FAILED, shortened(problem.line(), _LIMIT)) for problem in error.problems)
        return
    what = str(error).removeprefix(f'{config.where}: directory "{config.name}": ')
    yield Check("read", Status.FAILED, shortened(what, _LIMIT))


def _code_of(checks: tuple[Check, ...]) -> int:
    return DirectoryError.exit_code if any(check.status is Status.FAILED for check in checks) else 0


def _verdict(servers: tuple[ServerReport, ...]) -> tuple[Check, int]:
    """Return what a run would make of these servers: it reads from the first that lets it in, and from no other."""
    place = next((place for place, server in enumerate(servers) if server.lets_in), None)
    if place is None:
        return Check("run", Status.FAILED, "a run cannot read this directory: no server lets it in"), _worst(servers)
    chosen = servers[place]
    others = [server.url for server in servers if not server.code]
    if chosen.code:
        what = f"a run cannot read this directory: {chosen.url} lets it in, and the read fails"
        return Check("run", Status.FAILED, what, f"name {others[0]} first" if others else ""), chosen.code
    if place:
        before = ", ".join(server.url for server in servers[:place])
        what = f"a run reads from {chosen.url}, because {before} does not let it in"
        return Check("run", Status.WARNING, what), 0
    broken = [server.url for server in servers if server.code]
    if broken:
        what = f"a run reads from {chosen.url}; were that one away, {', '.join(broken)} could not stand in"
        return Check("run", Status.WARNING, what), 0
    return Check("run", Status.OK, f"a run reads from {chosen.url}"), 0


def _worst(servers: tuple[ServerReport, ...]) -> int:
    return max((server.code for server in servers), default=DirectoryError.exit_code)
