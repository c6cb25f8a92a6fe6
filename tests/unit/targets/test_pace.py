"""How fast requests go: one gate for all, a burst and then a rate, and a stop for everybody when a server asks for one."""

from __future__ import annotations

from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.targets.pace import Pace, Rate, Stopped
from tests.fakes.time import StandingClock

GROUP = ("delete", "42")
OTHER = ("delete", "43")


def test_without_a_rate_nothing_waits() -> None:
    """A limit that nobody has given a rate is none."""
    clock = StandingClock()
    pace = Pace({}, Event(), clock.timing())
    for _ in range(100):
        pace.wait([GROUP])
    assert clock.waits == []


def test_a_burst_goes_at_once_and_then_one_by_one() -> None:
    """Three at once of ten in five seconds."""
    clock = StandingClock()
    pace = Pace({"": Rate(10, 5, burst=3)}, Event(), clock.timing())
    moments = []
    for _ in range(6):
        pace.wait()
        moments.append(round(clock.now, 6))
    assert moments == [0, 0, 0, 0.5, 1.0, 1.5]


def test_a_pause_gives_the_burst_back_and_no_more() -> None:
    """Time that was not used is not saved up beyond it."""
    clock = StandingClock()
    pace = Pace({"": Rate(1, 1, burst=2)}, Event(), clock.timing())
    pace.wait()
    clock.now = 1000
    for _ in range(3):
        pace.wait()
    assert clock.now == 1001


def test_each_owner_of_a_limit_has_its_own_count() -> None:
    """Sixty a minute in one group say nothing about another; what holds for everything holds, too."""
    clock = StandingClock()
    pace = Pace({"delete": Rate(60, 60)}, Event(), clock.timing())
    pace.wait([GROUP])
    pace.wait([OTHER])
    assert clock.now == 0
    pace.wait([GROUP])
    assert clock.now == 1
    pace.wait([OTHER])
    assert clock.now == 1


@given(st.lists(st.sampled_from(["a", "b"]), max_size=40), st.integers(1, 4), st.integers(1, 5))
def test_no_stretch_holds_more_than_count_and_burst(owners: list[str], count: int, burst: int) -> None:
    """Whatever the order of owners: in any second at most as many as the rate and its burst allow."""
    clock = StandingClock()
    pace = Pace({"x": Rate(count, 1, burst)}, Event(), clock.timing())
    gone: dict[str, list[float]] = {"a": [], "b": []}
    for owner in owners:
        pace.wait([("x", owner)])
        gone[owner].append(clock.now)
    for moments in gone.values():
        assert all(sum(start <= moment < start + 0.999 for moment in moments) <= count + burst - 1 for start in moments)


def test_a_hold_stops_everybody() -> None:
    """Also those who are under no limit."""
    clock = StandingClock()
    pace = Pace({}, Event(), clock.timing())
    pace.hold(30)
    pace.hold(10)
    pace.wait([GROUP])
    assert clock.waits == [30]


def test_a_hold_of_a_limit_stops_only_its_owner() -> None:
    """The refusal of one group is no reason to leave the others alone."""
    clock = StandingClock()
    pace = Pace({}, Event(), clock.timing())
    pace.hold(60, [GROUP])
    pace.wait([OTHER])
    pace.wait()
    assert clock.waits == []
    pace.wait([GROUP])
    assert clock.waits == [60]


def test_who_waits_when_the_run_is_stopped_does_not_go() -> None:
    """At once, not after the wait."""
    clock = StandingClock(stops_after=0)
    stop = Event()
    pace = Pace({}, stop, clock.timing())
    pace.hold(3600)
    with pytest.raises(Stopped):
        pace.wait()
    with pytest.raises(Stopped):
        pace.wait([OTHER])
    assert (clock.now, clock.waits) == (0, [3600])


def test_workers_share_one_rate() -> None:
    """Eight threads take no less time than one would."""
    stop = Event()
    clock = StandingClock()
    pace = Pace({"": Rate(1000, 1)}, stop, clock.timing())

    def work() -> None:
        for _ in range(25):
            pace.wait()

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now >= 0.199
