"""The plan as a JSON document."""

from __future__ import annotations

import json
from dataclasses import replace

from reconciler.model.diagnostic import Diagnostic, Position, Severity
from reconciler.model.plan import Hold, Plan, Refusal, TargetPlan, Unchanged, Withheld
from reconciler.plan.encode import digest, encode, to_text
from tests.builders import plan_of
from tests.unit.model.changes import API, EVERY

FINDING = Diagnostic(Severity.WARNING, "ODD", "It is odd: é.", "Look.", Position("a.yaml", 3, 9), subject="cn=devs")
SECTION = TargetPlan(
    name="roster",
    kind="sql",
    address="sqlite:///roster.db",
    directory="corp",
    changes=tuple(EVERY.values()),
    refusals=(Refusal("max_removals_per_group", "Removes 2 of 3.", 2, 1, 3, API, ("api: ann",), "- {}"),),
    withheld=tuple(Withheld(change, hold, "because") for hold, change in zip(Hold, EVERY.values(), strict=False)),
    diagnostics=(FINDING, replace(FINDING, where=None)),
    unchanged=Unchanged(1, 2, 3),
    privileged=frozenset({"owner", "admin"}),
    guards_off=("max_removals",),
)


def whole() -> Plan:
    """Return a plan that holds something of everything."""
    return replace(plan_of(SECTION, replace(SECTION, name="other", changes=(), error="no answer")), notes=(FINDING,))


def test_the_id_is_the_digest_of_everything_else() -> None:
    """So it cannot disagree with the content."""
    document = encode(whole())
    assert document["id"] == digest(document)
    assert digest({**document, "today": "2026-11-21"}) != document["id"]
    assert digest({**document, "id": "other"}) == document["id"]


def test_the_text_is_the_document_with_one_line_per_change() -> None:
    """Only ASCII, so no terminal and no editor can be misled."""
    text = to_text(encode(whole()))
    assert text.isascii()
    assert json.loads(text) == encode(whole())
    lines = [line for line in text.splitlines() if line.startswith('        {"type": ')]
    assert len(lines) == len(EVERY)


def test_a_plan_without_targets_and_notes_has_empty_lists() -> None:
    """Still valid JSON."""
    document = json.loads(to_text(encode(plan_of())))
    assert (document["targets"], document["notes"]) == ([], [])


def test_the_text_is_that_of_what_was_read_back() -> None:
    """The same bytes, so a digest of the file is one of the plan."""
    text = to_text(encode(whole()))
    assert to_text(json.loads(text)) == text


def test_a_section_says_what_a_view_needs() -> None:
    """Sorted where it has no order of its own."""
    (section, failed) = encode(whole())["targets"]
    assert section["privileged_roles"] == ["admin", "owner"]
    assert section["counts"] == dict.fromkeys(sorted(EVERY), 1)
    assert section["unchanged"] == {"users": 1, "groups": 2, "memberships": 3}
    assert (failed["error"], failed["changes"]) == ("no answer", [])


def test_a_change_says_what_why_and_on_which_condition() -> None:
    """All of them have the same keys."""
    (section, _) = encode(whole())["targets"]
    by_type = {change["type"]: change for change in section["changes"]}
    assert by_type["membership.change"] == {
        "type": "membership.change",
        "target": "roster",
        "user": {"username": "ann", "key": "id-ann"},
        "group": "api",
        "have": "viewer",
        "want": "editor",
        "reason": {
            "why": "group_link",
            "rule": {"path": "policy/rules.yaml", "line": 10, "column": 9},
            "path": ["cn=all", "cn=devs"],
            "detail": "",
        },
        "precondition": {"role": "viewer"},
    }
    assert {frozenset(change) - {"flag", "setting"} for change in section["changes"]} == {
        frozenset(by_type["membership.change"])
    }
