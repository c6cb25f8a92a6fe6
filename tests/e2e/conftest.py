"""Real servers for end-to-end tests; a missing program skips the test by that reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import slapd as slapd_server
from tests.servers.absent import absent
from tests.servers.directories import SMALL
from tests.servers.rosters import postgres, roster  # noqa: F401 - fixtures

StartSlapd = Callable[..., slapd_server.Slapd]


@pytest.fixture(scope="module")
def start_slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartSlapd]:
    """Start OpenLDAP with some LDIF text and options; every server of a module ends with it."""
    if slapd_server.program() is None:
        absent(slapd_server.MISSING)
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
        absent(slapd_server.MISSING)
    folder = tmp_path_factory.mktemp("slapd-small")
    server = slapd_server.start(folder, _written(folder / "content.ldif", SMALL))
    yield server
    server.stop()


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
