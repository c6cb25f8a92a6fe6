"""Measuring a process from outside: its figures are its own, its failure is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.processes import Failed, measured

ROOT = Path(__file__).parents[3]
_SPEND = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
_FILL = "bytearray(b'x' * (100 << 20))"
_MEASURE = """\
import sys
from pathlib import Path
from benchmarks.processes import measured
print(*(measured([sys.executable, "-c", code], Path(sys.argv[1]), "p").peak_mb for code in sys.argv[2:]))
"""


def test_cpu_is_that_of_the_process(tmp_path: Path) -> None:
    """Half a second of work show, and a process that does nothing takes less than that."""
    idle = measured([sys.executable, "-c", ""], tmp_path, "idle")
    busy = measured([sys.executable, "-c", _SPEND], tmp_path, "busy")
    assert busy.cpu >= 0.5 <= busy.wall
    assert busy.cpu > idle.cpu


def test_memory_is_that_of_the_process(tmp_path: Path) -> None:
    """Measured by a small process, 100 MB show in one child and not in the next."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, tmp_path, _FILL, ""], check=True, capture_output=True, text=True, cwd=ROOT
    )
    full, idle = map(float, done.stdout.split())
    assert full >= 100 > idle


def test_output_goes_to_files(tmp_path: Path) -> None:
    """Both streams are kept under the name that was given."""
    measured([sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr)"], tmp_path, "said")
    assert (tmp_path / "said.out").read_text() == "out\n"
    assert (tmp_path / "said.err").read_text() == "err\n"


def test_another_exit_code_is_a_failure_with_what_was_said(tmp_path: Path) -> None:
    """A refused plan would be measured as a fast one."""
    command = [sys.executable, "-c", "import sys; print('no way', file=sys.stderr); sys.exit(6)"]
    with pytest.raises(Failed, match=r"(?s)exit code 6:.*no way"):
        measured(command, tmp_path, "refused")
    assert measured(command, tmp_path, "refused", expect=(0, 6)).code == 6
