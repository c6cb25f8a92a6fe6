"""The measuring of stages: what is booked where; the figures themselves are the machine's."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import pytest

from benchmarks.stages import Stages, peak_mb


def _work(seconds: float) -> None:
    end = process_time() + seconds
    while process_time() < end:
        pass


def test_an_inner_stage_is_not_counted_in_the_outer_one() -> None:
    """The work of the inner block is booked once, under its own name; order is that of the first start."""
    stages = Stages()
    with stages.stage("outer"), stages.stage("inner"):
        _work(0.05)
    outer, inner = stages.done
    assert (outer.name, inner.name) == ("outer", "inner")
    assert outer.cpu < 0.05 <= inner.cpu <= inner.wall + 0.01


def test_a_stage_that_runs_twice_adds_up() -> None:
    """Two targets are desired in one run: one line, both times."""
    stages = Stages()
    for _ in range(2):
        with stages.stage("desired"):
            _work(0.02)
    (stage,) = stages.done
    assert stage.cpu >= 0.04


def test_time_between_stages_is_nobodys() -> None:
    """What happens outside of every stage is not booked."""
    stages = Stages()
    with stages.stage("one"):
        pass
    _work(0.05)
    with stages.stage("two"):
        pass
    assert sum(stage.cpu for stage in stages.done) < 0.05


def test_a_watched_function_is_a_stage_and_returns_what_it_returns() -> None:
    """Arguments, results and errors pass; a failure still ends the stage."""
    stages = Stages()
    divide = stages.watched("divide", divmod)
    assert divide(7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        divide(1, 0)
    with stages.stage("after"):
        pass
    assert [stage.name for stage in stages.done] == ["divide", "after"]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the high-water mark cannot be reset here")
def test_memory_of_one_stage_is_not_that_of_the_stage_before() -> None:
    """64 MB that were given back do not show in the next stage."""
    stages = Stages()
    with stages.stage("large"):
        block = bytearray(b"x" * (64 << 20))
        del block
    with stages.stage("small"):
        pass
    large, small = stages.done
    assert large.peak_mb >= small.peak_mb + 32
    assert peak_mb() > 1
