"""The schema of plan documents describes exactly what the encoder writes: all of it, and nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from jsonschema import Draft202012Validator

from reconciler.model.access import Flag, Group, GroupKey
from reconciler.model.change import AdoptGroup, Change, CreateUser, SetFlag, UpdateUser
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import Base, Cause, Hold, Only, Plan, Refusal, TargetPlan, Unchanged, Withheld
from reconciler.model.reason import Reason, Why
from reconciler.plan.encode import Document, encode, to_text
from reconciler.policy.schemas import read_schema
from tests.builders import OWNER, at, plan_of, user
from tests.examples import EXAMPLES
from tests.unit.model.changes import ANN, EVERY, WHY

SCHEMA = read_schema("plan")
VALID = Draft202012Validator(SCHEMA)
MAPS = {"attributes", "flags", "counts", "have", "want", "precondition"}  # hold what there is, by name

Place: TypeAlias = tuple[str | int, ...]

HELD = tuple(Withheld(EVERY["membership.add"], hold, "because" if hold is Hold.BY_HAND else "") for hold in Hold)
FINDINGS = tuple(Diagnostic(severity, "USER-NAME", "Says so.", "", at(3), "", "ann") for severity in Severity)
REFUSALS = (
    Refusal("max_removals", "Removes 2 of 3 memberships.", 2, 1, 3, None, ("api: ann", "api: bob"), "- {guard: …}"),
    Refusal("empty_group", "Leaves api without a member.", 1, 0, 1, GroupKey("api"), (), "# No waiver lifts this."),
)
FULL = TargetPlan(
    name="roster",
    kind="sql",
    address="sqlite:///roster.db",
    directory="corp",
    changes=tuple(EVERY.values()),
    refusals=REFUSALS,
    withheld=HELD,
    diagnostics=FINDINGS,
    unchanged=Unchanged(1, 2, 3),
    privileged=frozenset({OWNER}),
    guards_off=("min_owners",),
    on_refusal="continue",
    changes_id=f"sha256:{0:064}",
    causes=tuple([*Cause] * len(EVERY))[: len(EVERY)],
)
UNREADABLE = TargetPlan("chat", "sql", "sqlite:///chat.db", "corp", error="no such host")


def everything() -> Plan:
    """Return a plan with one of each thing that a plan can hold."""
    return replace(
        plan_of(FULL, UNREADABLE),
        git_commit="0123abcd",
        notes=(Diagnostic(Severity.NOTE, "A", "So."),),
        base=Base("policies", f"sha256:{0:064}", "4567cdef"),
    )


def problems(document: object) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALID.iter_errors(document)]


def as_read(document: Document) -> Document:
    """Return the document as whoever reads the file gets it."""
    read = json.loads(to_text(document))
    assert isinstance(read, dict)
    return read


def test_the_plan_schema_is_a_schema_of_its_draft() -> None:
    """With the id, the title and the description that the other schemas have, too."""
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["$id"] == "urn:reconciler:schema:plan:1"
    assert SCHEMA["title"]
    assert SCHEMA["description"]


def test_a_plan_with_one_of_everything_is_valid() -> None:
    """Every type of change, every hold, refusals, findings, a target that could not be read."""
    assert problems(as_read(encode(everything()))) == []


def test_a_plan_for_some_people_is_valid() -> None:
    """With one who is there and one who is gone; a list of nobody is no plan's."""
    only = (Only("ann", "id-ann", "uid=ann,dc=acme"), Only("xan", "id-xan"))
    document = as_read(encode(replace(everything(), only=only)))
    assert problems(document) == []
    assert problems({**document, "only": []})
    assert problems({**document, "only": [{"name": "ann"}]})


def test_an_empty_plan_is_valid() -> None:
    """No target, nothing to say."""
    assert problems(as_read(encode(replace(plan_of(), directories=())))) == []


@pytest.mark.parametrize("name", EVERY)
def test_a_change_is_valid_by_itself(name: str) -> None:
    """Each type of change, alone in a plan."""
    target = TargetPlan("roster", "sql", "", "corp", changes=(EVERY[name],))
    assert problems(as_read(encode(plan_of(target)))) == []


@pytest.mark.parametrize(
    "change",
    [
        UpdateUser(ANN, {"key": "dn:uid=ann,dc=acme"}, {"key": "id-ann"}, WHY),
        UpdateUser(ANN, {"ssh_keys": None}, {"ssh_keys": ("k1",)}, WHY),
        UpdateUser(ANN, {"ssh_keys": ("k1",)}, {"ssh_keys": ()}, WHY),
        SetFlag(ANN, Flag.EXTERNAL, have=True, want=False, reason=Reason(Why.LEFT_DIRECTORY)),
        AdoptGroup(Group(GroupKey("app"), "group-app"), WHY),
        CreateUser(user("ann", active=False), WHY),
    ],
    ids=repr,
)
def test_the_rarer_shapes_of_a_change_are_valid(change: Change) -> None:
    """Keys that become stable, lists that come and go, marks that are taken, a reason without a rule."""
    assert problems(as_read(encode(plan_of(replace(FULL, changes=(change,), causes=()))))) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda folder: folder.name)
def test_the_plans_of_the_examples_are_valid(example: Path) -> None:
    """As they are kept beside the policies."""
    assert problems(json.loads((example / "plan.json").read_text(encoding="utf-8"))) == []


def test_the_schema_knows_every_word_of_the_closed_sets() -> None:
    """Causes, holds, marks, types and severities: all that the program has, and no others."""
    definitions: Any = SCHEMA["$defs"]
    assert set(definitions["reason"]["properties"]["why"]["enum"]) == set(Why)
    assert set(definitions["withheld"]["properties"]["hold"]["enum"]) == set(Hold)
    assert set(definitions["finding"]["properties"]["severity"]["enum"]) == set(Severity)
    assert set(definitions["flag"]["enum"]) == set(Flag)
    assert set(definitions["cause"]["enum"]) == set(Cause)
    properties: Any = SCHEMA["properties"]
    assert set(properties["summary"]["properties"]["causes"]["properties"]) == set(Cause)
    assert {f"#/$defs/change.{name}" for name in EVERY} == {one["$ref"] for one in definitions["change"]["oneOf"]}


@pytest.mark.parametrize("name", EVERY)
def test_a_change_holds_no_more_and_no_less_and_nothing_else(name: str) -> None:
    """In no place of any type of change."""
    document = as_read(encode(plan_of(TargetPlan("roster", "sql", "", "corp", changes=(EVERY[name],)))))
    assert _too_lenient(document, ("targets", 0, "changes", 0)) == []


def test_the_rest_of_a_plan_holds_no_more_and_no_less_and_nothing_else() -> None:
    """In no place outside its changes."""
    target = replace(FULL, changes=(), causes=(), withheld=(Withheld(EVERY["group.create"], Hold.NO_GROUP),))
    document = as_read(encode(replace(plan_of(target), notes=FINDINGS)))
    assert _too_lenient(document, ()) == []


def _too_lenient(document: Document, inside: Place) -> list[str]:
    """Return the places where the schema lets pass what the encoder never writes.

    That is a key that nobody knows, a fraction, or a missing key where the object is no map by name.
    """
    assert VALID.is_valid(document)
    found = []
    for place, value in _places(document):
        if place[: len(inside)] != inside:
            continue
        if isinstance(value, dict) and VALID.is_valid(_with(document, (*place, "surprise"), "x")):
            found.append(f"a key in {place}")
        if place and VALID.is_valid(_with(document, place, 1.5)):
            found.append(f"a fraction at {place}")
        if place and isinstance(place[-1], str) and not MAPS & set(place) and VALID.is_valid(_without(document, place)):
            found.append(f"nothing at {place}")
    return found


def _places(data: Any, place: Place = ()) -> Iterator[tuple[Place, object]]:
    """Yield everything in a document with the way to it."""
    yield place, data
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _places(value, (*place, key))


def _with(document: Document, place: Place, value: object) -> Document:
    changed = copy.deepcopy(document)
    _parent(changed, place)[place[-1]] = value
    return changed


def _without(document: Document, place: Place) -> Document:
    changed = copy.deepcopy(document)
    del _parent(changed, place)[place[-1]]
    return changed


def _parent(document: Document, place: Place) -> Any:
    parent: Any = document
    for key in place[:-1]:
        parent = parent[key]
    return parent
