"""Whatever goes wrong on the line while changes are read, the result is right or an error, and so is that of the next run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.directory.read import read_directory
from reconciler.errors import DirectoryError
from reconciler.model.directory import Snapshot
from reconciler.policy.model import Incremental
from tests.e2e.increments import ALICE, PEOPLE, Increments, group, increments, person, removed, until
from tests.fakes.ldap_proxy import CODES, CORRUPTIONS, ENDINGS, Fault, Proxy, proxy
from tests.servers.directories import NEEDS, READ_AT, ldap_config
from tests.servers.ldif_tools import replaced
from tests.servers.slapd import Options, Slapd

pytestmark = pytest.mark.slapd
FAULTS = {**ENDINGS, **CORRUPTIONS, **CODES}
LONG, SHORT = 30, 1  # seconds: a read that may fail does not wait long for what does not come
FIRST = 8  # before it come root DSE, schema and base entry, as in every read, and who we are


class Line:
    """A directory behind a line that fails on request, with a cache from before some changes."""

    def __init__(self, through: Proxy, folder: Path, change: Callable[[], None]) -> None:
        """Read once, change the directory, and count the messages of a read by changes."""
        self.through = through
        self.cache, self.before = folder / "line", folder / "before"
        self.config = ldap_config(through.url, incremental=Incremental(str(self.cache), 1000))
        self.read()
        change()
        self.right = read_directory(replace(self.config, incremental=None), NEEDS, READ_AT)
        shutil.copytree(self.cache, self.before)
        assert self.same(self.read())
        self.messages = len(through.messages)

    def read(self, patience: int = LONG) -> Snapshot:
        """Read, and wait for each answer so many seconds."""
        return read_directory(replace(self.config, receive_timeout=patience), NEEDS, READ_AT)

    def same(self, found: Snapshot) -> bool:
        """Tell whether a snapshot is right."""
        return (found.people, found.groups) == (self.right.people, self.right.groups)

    @contextmanager
    def failing(self, fault: Fault, at: int) -> Iterator[None]:
        """Let one message go wrong, with the cache as it was before the changes."""
        shutil.rmtree(self.cache)
        shutil.copytree(self.before, self.cache)
        self.through.fault, self.through.at = fault, at
        yield
        self.through.at = 0


@pytest.fixture(scope="module")
def line(start_slapd: Callable[..., Slapd], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """People who come, change and leave, while the line is good."""
    folder = tmp_path_factory.mktemp("line")
    directory = increments(start_slapd, folder, Options(syncprov="syncprov-sessionlog 1000"))
    changes = (removed(ALICE), person("bob"), replaced(f"uid=rd+cn=R\\2BD \\231002,{PEOPLE}", "title", "x"))
    more = group("ops", [f"uid=bob,{PEOPLE}"])
    with proxy(directory.server.url) as through:
        yield Line(through, folder, lambda: _changed(directory, *changes, more))


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_any_message_leads_to_no_wrong_snapshot(line: Line, name: str) -> None:
    """Of the read itself, and of the one after it, which uses what the first one kept."""
    assert line.messages > FIRST + 5
    for at in range(FIRST, line.messages + 1):
        with line.failing(FAULTS[name], at), suppress(DirectoryError):
            assert line.same(line.read(SHORT)), at
        assert line.same(line.read()), at


def _changed(directory: Increments, *records: str) -> None:
    directory.change(*records)
    until(lambda: not directory.holding(ALICE))  # the server takes her out by itself
