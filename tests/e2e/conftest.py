"""Real servers for end-to-end tests; a missing program skips the test by that reason."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from reconciler.render.document import PlanData
from reconciler.render.html import plan_html
from tests.e2e.gitlab_lab import lab  # noqa: F401 - a fixture
from tests.e2e.terminal import on_terminal  # noqa: F401 - a fixture
from tests.servers import active_directory, directory_389
from tests.servers import browser as browser_program
from tests.servers import ds389 as ds389_server
from tests.servers import samba as samba_server
from tests.servers import slapd as slapd_server
from tests.servers.absent import absent
from tests.servers.directories import SMALL
from tests.servers.rosters import postgres, roster  # noqa: F401 - fixtures

StartSlapd = Callable[..., slapd_server.Slapd]
StartSamba = Callable[..., samba_server.Samba]
StartDs389 = Callable[..., ds389_server.Ds389]


@pytest.fixture(scope="module")
def start_slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartSlapd]:
    """Start OpenLDAP with some LDIF text and options; every server of a module ends with it."""
    if slapd_server.program() is None:
        absent("slapd", slapd_server.MISSING)
    running: list[slapd_server.Slapd] = []

    def start(ldif: str = "", options: slapd_server.Options | None = None) -> slapd_server.Slapd:
        folder = tmp_path_factory.mktemp("slapd")
        source = _written(folder / "content.ldif", ldif) if ldif else None
        running.append(slapd_server.start(folder, source, options))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slapd_server.Slapd]:
    """One server with the small directory, for all tests that only read."""
    if slapd_server.program() is None:
        absent("slapd", slapd_server.MISSING)
    folder = tmp_path_factory.mktemp("slapd-small")
    server = slapd_server.start(folder, _written(folder / "content.ldif", SMALL))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def start_samba() -> Iterator[StartSamba]:
    """Start a domain controller without content but the reader's account; every one of a module ends with it."""
    with ExitStack() as stack:
        yield lambda options=None: stack.enter_context(_samba(options))


@pytest.fixture(scope="session")
def samba() -> Iterator[samba_server.Samba]:
    """One domain controller with people and groups of every kind, for all tests that only read."""
    with _samba() as server:
        active_directory.fill(server)
        yield server


@contextmanager
def _samba(options: samba_server.Options | None = None) -> Iterator[samba_server.Samba]:
    if reason := samba_server.missing():
        absent("samba", reason)
    with _short_folder() as folder:
        server = samba_server.start(folder, options)
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="module")
def start_ds389() -> Iterator[StartDs389]:
    """Start a 389 without content but two accounts; every one of a module ends with it."""
    with ExitStack() as stack:
        yield lambda options=None: stack.enter_context(_ds389(options))


@pytest.fixture(scope="session")
def ds389() -> Iterator[ds389_server.Ds389]:
    """One 389 with people and groups of every kind, for all tests that only read."""
    with _ds389() as server:
        directory_389.fill(server)
        yield server


@contextmanager
def _ds389(options: ds389_server.Options | None = None) -> Iterator[ds389_server.Ds389]:
    if reason := ds389_server.missing():
        absent("ds389", reason)
    with _short_folder() as folder:
        server = ds389_server.start(folder, options)
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[browser_program.Browser]:
    """One headless browser for all tests of a module; each opens a window of its own."""
    with browser_program.running() as running:
        yield running


@pytest.fixture
def opened(browser: browser_program.Browser, tmp_path: Path) -> browser_program.Open:
    """Write a plan's page to a file and open it; when it is left, it has had no complaint and asked for nothing else."""

    @contextmanager
    def start(document: PlanData, fragment: str = "", **options: object) -> Iterator[browser_program.Page]:
        path = tmp_path / "plan.html"
        path.write_text("".join(plan_html(document)), encoding="ascii")
        with browser.page(path, fragment, **options) as page:
            yield page
            assert page.complaints() == []

    return start


@contextmanager
def _short_folder() -> Iterator[Path]:
    """Give a folder whose name leaves room for the names of sockets, and which is not kept: servers are large."""
    folder = Path(tempfile.mkdtemp(prefix="server-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
