"""What became of the policy's own tests, as other programs read it."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

from reconciler.desired.expectations import Verdict
from reconciler.model.diagnostic import Position
from reconciler.policy.model import Expectation
from reconciler.render.tested import cases_json, junit

HELD = Verdict(Expectation("ann", "roster", Position("p & q.yaml", 3, 5), {"api": "editor"}))
FAILED = Verdict(
    Expectation('b"o<b>', "roster", Position("p.yaml", 4, 5), lacks=("a\x1b[2K", "\ufffe")), ("found <x>\x00", "and\ny")
)


def test_junit_is_valid_xml_whatever_names_hold() -> None:
    """Control characters are shown; what XML forbids is not in it."""
    text = junit([HELD, FAILED], "a \x07 suite")
    assert not set(text) & {"\x00", "\x1b", "\x07", "\ufffe"}
    root = ET.fromstring(text)  # noqa: S314 - our own output
    assert root.attrib == {"tests": "2", "failures": "1", "errors": "0", "skipped": "0"}
    (suite,) = root
    assert suite.get("name") == "a \\x07 suite"
    held, failed = suite
    assert held.attrib == {"classname": "roster", "name": "ann has editor in api", "file": "p & q.yaml", "line": "3"}
    assert failed.get("name") == 'b"o<b> lacks a\\x1b[2K, lacks \ufffd'
    (failure,) = failed
    assert failure.get("message") == "found <x>\\x00"
    assert failure.text is not None
    assert failure.text.splitlines()[0] == 'p.yaml:4:5: error[EXPECT] b"o<b> in roster: found <x>\\x00.'


def test_json_holds_every_test_with_its_place() -> None:
    """Those that hold have no failures."""
    found = json.loads(cases_json([HELD, FAILED]))
    assert (found["tests"], found["failed"]) == (2, 1)
    assert [case["failures"] for case in found["cases"]] == [[], ["found <x>\\x00", "and\\x0ay"]]
    assert (found["cases"][0]["path"], found["cases"][0]["line"], found["cases"][0]["target"]) == (
        "p & q.yaml",
        3,
        "roster",
    )
