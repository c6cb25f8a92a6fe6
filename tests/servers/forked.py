"""A process that has everything loaded, and forks one for each run: a killed one is a real process that starts in no time.

``python -m tests.servers.forked POLICY`` reads one line of JSON per run: `program` (``reconcile``, or ``killed`` as in
`killed_apply`), `arguments`, `cwd`, `output` (a file). It answers each with a line: the exit code, negative for a signal.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from signal import SIGKILL
from traceback import print_exc
from typing import IO

from reconciler.cli.main import COMMANDS
from reconciler.cli.main import run as reconcile
from reconciler.policy.load import load_policy
from reconciler.targets.registry import create, options_of
from tests.examples import ROOT, environment
from tests.servers.killed_apply import TODAY
from tests.servers.killed_apply import main as killed

PROGRAMS = {"reconcile": reconcile, "killed": killed}
CRASHED = 70  # as sysexits.h says it


@dataclass(frozen=True, slots=True)
class Ready:
    """The process that forks; one run at a time."""

    process: subprocess.Popen[str]
    output: Path

    def run(self, program: str, *arguments: str, cwd: Path) -> tuple[int, str]:
        """Run to the end, or to death; return the exit code, negative for a signal, and what was said."""
        asked = {"program": program, "arguments": arguments, "cwd": str(cwd), "output": str(self.output)}
        told, answers = _pipes(self.process)
        told.write(json.dumps(asked) + "\n")
        told.flush()
        answer = answers.readline()
        assert answer, "the process that forks has ended"
        return int(answer), self.output.read_text(encoding="utf-8")


@contextmanager
def ready(policy: Path, env: Mapping[str, str], output: Path) -> Iterator[Ready]:
    """Give a process that has loaded what this policy takes, with this environment; what is left of it ends with the block."""
    path = os.pathsep.join([str(ROOT), env.get("PYTHONPATH", "")])
    seen = {name: value for name, value in environment(**env).items() if not name.startswith("COVERAGE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.forked", str(policy)],
        cwd=ROOT,
        env={**seen, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        yield Ready(process, output)
    finally:
        os.killpg(process.pid, SIGKILL)
        process.communicate()


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def main(arguments: Sequence[str]) -> None:
    """Load, and fork until there is nothing more to read."""
    (folder,) = arguments
    for name in COMMANDS:
        import_module(f"reconciler.cli.{name}{'_' * iskeyword(name)}")
    for config in load_policy(folder, TODAY).policy.targets.values():
        create(config.kind, options_of(config)).close()
    for line in sys.stdin:
        assert threading.active_count() == 1
        child = os.fork()
        if child == 0:
            os._exit(_child(**json.loads(line)))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _child(program: str, arguments: Sequence[str], cwd: str, output: str) -> int:
    """Run one command line; nothing of what it says or leaves unsaid goes back the way the order came."""
    said, nothing = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), os.open(os.devnull, os.O_RDONLY)
    for place, target in ((0, nothing), (1, said), (2, said)):
        os.dup2(target, place)
    os.chdir(cwd)
    try:
        return PROGRAMS[program](arguments)
    except Exception:  # noqa: BLE001 - it is said, and the code tells of it
        print_exc()
        return CRASHED
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
