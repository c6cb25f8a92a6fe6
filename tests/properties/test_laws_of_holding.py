"""What holds of preconditions in every world: before a plan all can be made, after it all are made, and so at any point."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.model.plan import TargetPlan
from reconciler.plan.holds import Holding, holdings
from reconciler.policy.model import GuardLimits
from reconciler.testing.oracle import after
from tests.builders import NO_LIMITS, World
from tests.properties.worlds import worlds

few = settings(max_examples=150, deadline=None)


@few
@given(worlds(), st.integers(0, 100))
def test_what_is_made_is_done_and_the_rest_can_be_made(world: World, percent: int) -> None:
    """Wherever a run is cut, the changes before the cut are found done, and those after it can be made."""
    section = _sound(world)
    cut = len(section.changes) * percent // 100
    at_cut = after(world.have, section.changes[:cut], world.capabilities)
    found = [one.holding for one in holdings(at_cut, section.changes)]
    assert found == [Holding.DONE] * cut + [Holding.PENDING] * (len(section.changes) - cut)


@few
@given(worlds())
def test_a_plan_can_be_made_before_it_and_is_done_after_it(world: World) -> None:
    """All of it is pending on the state that it was made from, and done on the one that it leads to."""
    section = _sound(world)
    end = after(world.have, section.changes, world.capabilities)
    assert {one.holding for one in holdings(world.have, section.changes)} <= {Holding.PENDING}
    assert {one.holding for one in holdings(end, section.changes)} <= {Holding.DONE}


@few
@given(worlds(), worlds())
def test_a_state_is_never_changed_by_looking_at_it(world: World, other: World) -> None:
    """Also where the changes are those of another world; every change is found to be something, and says why it is not pending."""
    before = repr(other.have)
    changes = _sound(world).changes
    found = holdings(other.have, changes)
    assert repr(other.have) == before
    assert len(found) == len(changes)
    assert all(bool(one.words) != (one.holding is Holding.PENDING) for one in found)


def _sound(world: World) -> TargetPlan:
    limits = NO_LIMITS if world.limits == GuardLimits() else world.limits
    section = replace(world, limits=limits).section()
    assume(not section.refusals)
    return section
