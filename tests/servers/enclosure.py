"""Run a program in a network and a process space of its own, so that fixed ports are free and nothing of it outlives us.

Works for root, and for anybody where the kernel lets users make namespaces; never touches the machine's own network.
"""

from __future__ import annotations

import functools
import os
import select
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

_INNER = Path(__file__).with_name("enclosed.py")
_LOOPBACK = "127.0.0.1"
_PATIENCE = 100  # seconds; the slowest is an installation of 389, about ten on an idle machine
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))


@dataclass(frozen=True, slots=True)
class Program:
    """What to run; its output is added to `log`. Who is not root can be root inside, though without other groups."""

    command: tuple[str | Path, ...]
    log: Path
    as_root: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A running program. `ports` leads from each port of its own network to the one of 127.0.0.1 that stands for it."""

    process: subprocess.Popen[bytes]
    ports: Mapping[int, int]

    def stop(self) -> None:
        """End the program and everything that it started, at once; may be called twice."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@functools.cache
def missing() -> str:
    """Return why nothing can be enclosed on this machine; empty where it can."""
    if not shutil.which("unshare", path=PATH):
        return "the program unshare, to give it a network of its own, is not installed"
    tried = subprocess.run(_unshare("true"), capture_output=True, check=False)
    if not tried.returncode:
        return ""
    return f"it needs a network of its own, which is not allowed here ({tried.stderr.decode(errors='replace').strip()})"


def start(program: Program, ports: tuple[int, ...] = ()) -> Enclosure:
    """Start a server and return when it accepts connections on all ports.

    Raises RuntimeError with the end of the log where the server ends or does not answer.
    """
    with ExitStack() as stack:
        doors = {port: stack.enter_context(socket.create_server((_LOOPBACK, 0), backlog=64)) for port in ports}
        enclosure = Enclosure(
            subprocess.Popen(
                _unshare(
                    *(sys.executable, "-I", "-S", _INNER),
                    *(f"{port}={door.fileno()}" for port, door in doors.items()),
                    *("--", *program.command),
                    as_root=program.as_root,
                ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stack.enter_context(program.log.open("ab")),
                pass_fds=[door.fileno() for door in doors.values()],
                env={**os.environ, "PATH": PATH, **program.environment},
                start_new_session=True,  # an interrupt from the keyboard is for pytest, which then stops its servers
            ),
            {port: door.getsockname()[1] for port, door in doors.items()},
        )
    try:
        _await_ready(enclosure.process, program)
    except BaseException:
        enclosure.stop()
        raise
    return enclosure


def run(program: Program) -> None:
    """Run a program to its end; raises RuntimeError with the end of the log if it fails."""
    enclosure = start(program)
    try:
        if enclosure.process.wait(_PATIENCE):
            raise RuntimeError(f"{program.command[0]} failed: {_end_of(program.log)}")
    finally:
        enclosure.stop()


def _unshare(*command: str | Path, as_root: bool = False) -> list[str | Path]:
    account = ["--map-root-user"] if as_root else ["--map-current-user", "--keep-caps"]
    spaces = ["--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return ["unshare", *spaces, *(account if os.geteuid() else ()), *command]


def _await_ready(process: subprocess.Popen[bytes], program: Program) -> None:
    assert process.stdout
    readable, _, _ = select.select([process.stdout], [], [], _PATIENCE)
    if not readable or process.stdout.readline() != b"ready\n":
        raise RuntimeError(f"{program.command[0]} did not start: {_end_of(program.log)}")


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-3000:]
