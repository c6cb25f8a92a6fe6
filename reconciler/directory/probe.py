"""Ask one server everything that a read will depend on, and say what it answers; never writes, never reads people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.directory import dirsync_control, sync_control
from reconciler.directory.changes import NotOffered
from reconciler.directory.client import WHO_AM_I, Client
from reconciler.directory.controls import Controls, Listener
from reconciler.directory.ground import ANY, ROOT_DSE, Ground, RootDse, base_entry, survey
from reconciler.directory.health import (
    control_checks,
    encryption_check,
    login_check,
    not_incremental,
    server_check,
)
from reconciler.directory.incremental import source_of, unsuited
from reconciler.directory.observer import Way
from reconciler.directory.pages import Page, RawEntry, code_text
from reconciler.directory.reduction import moment_of
from reconciler.directory.servers import Search
from reconciler.model.check import Check, Status
from reconciler.model.directory import Needs
from reconciler.model.text import shortened
from reconciler.policy.model import DirectoryConfig

_NOTHING = ("1.1",)  # RFC 4511 4.5.1.8: the entry alone, no attribute
_NOBODY = "(cn=reconcile-doctor-looks-for-nobody)"
_WHOLE = "every run reads everything"
_NOT_SO = "change that, or take incremental out of the policy"
_NO_SUCH_OBJECT = 32
_INSUFFICIENT_RIGHTS = 50


def connection_checks(client: Client, way: Way, now: str) -> Iterator[Check]:
    """Give how the connection is protected and who we are on it; `now` in ISO 8601 UTC."""
    yield Check("connection", Status.OK, "reached")
    yield encryption_check(way, client.encryption(), moment_of(now))
    offered = _root(client).get("supportedextension", ())
    yield login_check(way, client.who_am_i() if WHO_AM_I.encode() in offered else None)


def server_checks(client: Client, config: DirectoryConfig, needs: Needs) -> Iterator[Check]:
    """Give what the server is and whether it can be read as the policy says; raises like `survey`."""
    ground = survey(client, config, needs)
    yield server_check(ground.root, ground.dialect)
    yield from control_checks(ground.root)
    yield _schema_check(ground)
    bases = tuple(_base_checks(client, config, ground))
    yield from bases
    if any(check.status is Status.FAILED for check in bases):  # the rest would only fail again
        return
    yield _paging_check(client, ground)
    if config.incremental is not None:
        yield _incremental_check(client, ground, needs)


def _root(client: Client) -> RootDse:
    return base_entry(client, Search("the root DSE", "", ANY, (*ROOT_DSE, "supportedExtension")))


def _schema_check(ground: Ground) -> Check:
    if not ground.schema.from_server:
        way_out = "let this account read the subschema entry, so that misspelt names in the policy are found"
        return Check("schema", Status.WARNING, "; ".join(ground.warnings), way_out)
    types = {known.name for known in ground.schema.attribute_types.values()}
    classes = {known.name for known in ground.schema.object_classes.values()}
    what = f"readable, {len(types):,} attribute types and {len(classes):,} object classes; it has all that the directory's filters and attributes name"
    return Check("schema", Status.OK, what)


def _base_checks(client: Client, config: DirectoryConfig, ground: Ground) -> Iterator[Check]:
    for name, bases in (("base", config.bases), ("group base", config.group_bases)):
        for base in bases:
            answer = client.entry(Search(f'{ground.where}: the base "{base}"', base, ANY, _NOTHING))
            yield _base_check(name, base, answer, ground)


def _base_check(name: str, base: str, answer: Page, ground: Ground) -> Check:
    shown = f'"{shortened(base)}"' if base else "the whole server"
    if answer.code:
        contexts = [value.decode("utf-8", "replace") for value in ground.root.get("namingcontexts", ())]
        hint = f"this server holds {shortened(', '.join(contexts))}; " if contexts else ""
        seen = "does not exist, or this account may not see it" if answer.code == _NO_SUCH_OBJECT else "cannot be read"
        what = f"{shown} {seen}: {code_text(answer.code, answer.message)}"
        return Check(
            name, Status.FAILED, what, f"{hint}correct it in the policy or give this account the right to read it"
        )
    if answer.references:
        what = f"{shown} is on another server: {shortened(answer.references[0])}"
        return Check(name, Status.FAILED, what, "name the server that holds it")
    if not answer.entries:
        return Check(name, Status.WARNING, f"{shown} is there, but its own entry is hidden from this account")
    return Check(name, Status.OK, f"{shown} is there and visible")


def _paging_check(client: Client, ground: Ground) -> Check:
    """Take two pages of one entry each; that the cookie of the first leads to the second is what every read rests on."""
    search = replace(ground.people[0], attributes=_NOTHING)
    first = client.page(search, 1, b"")
    problem = _paging_problem(first)
    if not problem and not first.cookie:
        return Check("paging", Status.OK, "answered; there are not enough people for a second page")
    second = first if problem else client.page(search, 1, first.cookie or b"")
    problem = problem or _paging_problem(second)
    if problem:
        return Check("paging", Status.FAILED, problem, "without paged results (RFC 2696) no read is proven complete")
    if {dn for dn, _ in first.entries} & {dn for dn, _ in second.entries}:
        return Check("paging", Status.FAILED, "the second page repeats the first: its cookie is not followed")
    return Check("paging", Status.OK, "two pages came, the second by the cookie of the first")


def _paging_problem(page: Page) -> str:
    if page.code:
        return f"a page ended with {code_text(page.code, page.message)}"
    return "the server does not answer the paging control" if page.cookie is None else ""


def _incremental_check(client: Client, ground: Ground, needs: Needs) -> Check:
    """Ask what a run asks first, and make one real request: a server lists what it could do, not what this account may."""
    if reason := unsuited(client, ground, needs):
        return Check("incremental", Status.WARNING, f"{_WHOLE}: {reason}", _NOT_SO)
    missing = not_incremental(ground.root, ground.dialect)
    if missing is not None:
        return missing
    try:
        source_of(client, ground).identity()
    except NotOffered as error:
        return Check("incremental", Status.WARNING, f"{_WHOLE}: {error}", _NOT_SO)
    if ground.dialect == "active_directory":
        context = ground.root.get("defaultnamingcontext", (b"",))[0].decode("utf-8", "replace")
        answer = client.hear(Search("DirSync", context, _NOBODY, _NOTHING), dirsync_control.request(b""), _Unheard())
        return _incremental_verdict("DirSync", answer, "the right DS-Replication-Get-Changes on the domain")
    search = Search("content synchronization", ground.config.bases[0], ANY, _NOTHING, scope="base")
    answer = client.hear(search, sync_control.request(b""), _Unheard())
    return _incremental_verdict("content synchronization (RFC 4533)", answer, "the syncprov overlay on this database")


class _Unheard(Listener):
    """Lets everything pass: only how an answer ends is of interest."""

    def entry(self, entry: RawEntry, controls: Controls) -> None:
        """Let an entry pass."""

    def intermediate(self, name: str, value: bytes) -> None:
        """Let an intermediate response pass."""


def _incremental_verdict(name: str, answer: Page, needed: str) -> Check:
    if not answer.code:
        return Check("incremental", Status.OK, f"{name} is answered")
    refused = "this account may not use it" if answer.code == _INSUFFICIENT_RIGHTS else "it is refused here"
    what = f"{name}: {refused}: {code_text(answer.code, answer.message)}"
    return Check("incremental", Status.WARNING, what, f"it needs {needed}; else take incremental out of the policy")
