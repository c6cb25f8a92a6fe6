"""What holds of the causes of every plan beside every other one over the same live state."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings

from reconciler.apply.left import left_by
from reconciler.model.change import object_of
from reconciler.model.plan import Base, Cause
from reconciler.plan.cause import NOTHING_LEFT, causes_of
from reconciler.plan.decode import decode
from reconciler.plan.encode import change_data, encode, parts_of, to_text
from tests.builders import World, plan_of
from tests.properties.worlds import worlds

few = settings(max_examples=60, deadline=None)
BASE = Base("policies", f"sha256:{0:064}")


@few
@given(worlds())
def test_no_change_of_the_policy_causes_nothing(world: World) -> None:
    """Base and head alike: every change was pending, and none is prevented."""
    changes = world.section().changes
    found = causes_of(changes, changes, NOTHING_LEFT)
    assert Cause.POLICY not in found.causes
    assert found.prevented == ()


@few
@given(worlds())
def test_beside_nothing_the_policy_causes_everything(world: World) -> None:
    """A base that plans nothing leaves nothing to be pending."""
    changes = world.section().changes
    assert set(causes_of((), changes, NOTHING_LEFT).causes) <= {Cause.POLICY}


@few
@given(worlds(), worlds())
def test_causes_part_the_changes_and_lose_none_of_the_base(world: World, other: World) -> None:
    """One cause each; what is not the policy's is in the base's plan as it is; what is in that plan alone is prevented."""
    head, base = world.section(), replace(world, said=other.said).section()
    found = causes_of(base.changes, head.changes, NOTHING_LEFT)
    assert len(found.causes) == len(head.changes)
    pending = [(object_of(change), parts_of(change)[3]) for change in base.changes]
    for change, cause in zip(head.changes, found.causes, strict=True):
        same = (object_of(change), parts_of(change)[3]) in pending
        assert same is (cause is not Cause.POLICY)
    prevented = {object_of(change) for change in found.prevented}
    assert prevented == {name for name, _ in pending} - {object_of(change) for change in head.changes}


@few
@given(worlds())
def test_a_plan_keeps_its_causes_through_its_file(world: World) -> None:
    """As JSON and back; they are counted in the summary, and sum up to the changes."""
    section = world.section()
    done = [{**change_data(change, "roster"), "status": "applied"} for change in section.changes[::2]]
    left = left_by([{"targets": [{"name": "roster", "changes": done}]}]).get("roster", NOTHING_LEFT)
    causes = causes_of(section.changes[1:], section.changes, left).causes
    plan = replace(plan_of(replace(section, causes=causes)), base=BASE)
    text = to_text(encode(plan))
    again, document = decode(text)
    assert again.targets[0].causes == causes
    assert again.base == BASE
    assert sum(document["summary"]["causes"].values()) == len(section.changes)
