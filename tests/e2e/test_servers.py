"""The servers of the tests end with the tests, whatever ends those, and one that has to be there is never passed over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.examples import ROOT
from tests.servers import enclosure
from tests.servers.absent import REQUIRED, absent
from tests.servers.enclosure import Program

enclosed = pytest.mark.skipif(bool(enclosure.missing()), reason=f"a server of its own: {enclosure.missing()}")
_STARTER = """\
import os, signal, sys
from pathlib import Path
from tests.servers import enclosure
program = enclosure.Program(("sh", "-c", f"setsid sleep {sys.argv[1]} & sleep {sys.argv[1]}"), Path(sys.argv[2]))
running = enclosure.start(program)
print("started", flush=True)
signal.pause()
"""


def _alive(word: str) -> bool:
    """Tell whether any process has this argument; those that ended and were not asked about have none any more."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in file.read_bytes().split(b"\0"):
                return True
        except OSError:  # gone meanwhile
            continue
    return False


def _comes(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


@enclosed
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda by: by.name)
def test_nothing_outlives_whoever_started_it(tmp_path: Path, by: signal.Signals) -> None:
    """Neither the server nor what it put into the background, even where nobody could stop them."""
    seconds = f"86{by:03}.{os.getpid()}"
    starter = subprocess.Popen(
        [sys.executable, "-c", _STARTER, seconds, tmp_path / "log"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with starter:
        assert starter.stdout
        assert starter.stdout.readline() == b"started\n"
        assert _comes(lambda: _alive(seconds))
        starter.send_signal(by)
        starter.wait(10)
    assert _comes(lambda: not _alive(seconds))


@enclosed
def test_a_fixed_port_inside_is_a_free_one_outside(tmp_path: Path) -> None:
    """Two servers on one port do not meet, and each is reached."""
    running = []
    try:
        for name in ("one", "two"):
            folder = tmp_path / name
            folder.mkdir()
            (folder / "name").write_text(name, encoding="utf-8")
            command = (sys.executable, "-m", "http.server", "389", "--directory", folder)
            running.append(enclosure.start(Program(command, folder / "log"), (389,)))
        for name, server in zip(("one", "two"), running, strict=True):
            with urllib.request.urlopen(f"http://127.0.0.1:{server.ports[389]}/name", timeout=10) as answer:
                assert answer.read().decode() == name
    finally:
        for server in running:
            server.stop()


@enclosed
def test_a_server_that_does_not_start_is_told_in_its_own_words(tmp_path: Path) -> None:
    """At once, and not after a wait for a port that nobody will open."""
    with pytest.raises(RuntimeError, match="sh did not start: out of order"):
        enclosure.start(Program(("sh", "-c", "echo out of order; exit 3"), tmp_path / "log"), (389,))
    with pytest.raises(RuntimeError, match="sh failed: out of order"):
        enclosure.run(Program(("sh", "-c", "echo out of order; exit 3"), tmp_path / "other"))


def test_a_server_that_is_required_and_absent_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not is a skip; the names are those of the markers."""
    monkeypatch.setenv(REQUIRED, "slapd samba")
    with pytest.raises(pytest.fail.Exception, match="no controller, and RECONCILE_REQUIRE_SERVERS names samba"):
        absent("samba", "no controller")
    with pytest.raises(pytest.skip.Exception, match="no 389"):
        absent("ds389", "no 389")
