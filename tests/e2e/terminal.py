"""Run commands on a terminal of their own, as a person does."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from tests.examples import environment


@dataclass
class Terminal:
    """A running command and what it has shown; `stdout` may go elsewhere."""

    process: subprocess.Popen[bytes]
    master: int
    shown: str = ""

    def until(self, text: str) -> None:
        """Read until some text is on the screen."""
        while text not in self.shown and self._read():
            pass
        assert text in self.shown, self.shown

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self.master, f"{text}\n".encode())

    def end(self) -> int:
        """Read to the end and return the exit code."""
        while self._read():
            pass
        os.close(self.master)
        return self.process.wait(timeout=60)

    def _read(self) -> bool:
        try:
            found = os.read(self.master, 65536)
        except OSError:  # how Linux says that the other side is gone
            return False
        self.shown += found.decode()
        return bool(found)


class Start(Protocol):
    """Start a command on a terminal of its own."""

    def __call__(self, *arguments: str, columns: int = 80, env: Mapping[str, str] | None = None) -> Terminal:
        """Return the terminal."""


@pytest.fixture(name="start")
def on_terminal(work: Path) -> Iterator[Start]:
    """Start commands in the folder; none of them outlives the test."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str, columns: int = 80, env: Mapping[str, str] | None = None) -> Terminal:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        settings = environment(TERM="xterm-256color", **(env or {}))
        del settings["COLUMNS"]
        process = subprocess.Popen(
            ["reconcile", *arguments],
            cwd=work,
            env=settings,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        started.append(process)
        return Terminal(process, master)

    yield run
    for process in started:
        process.kill()
        process.wait(timeout=60)
