"""Findings as other programs read them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from reconciler.errors import Problem
from reconciler.model.diagnostic import Diagnostic, Position, Severity
from reconciler.render.reports import SARIF_MOST, github, gitlab, sarif

NASTY = Diagnostic(
    Severity.WARNING, "BAD-DN", "50 % of\r\na: b, c\x1b[2K", "Why?", Position("a b,c:d/ä.yaml", 3, 7), "dn: x\n    ^"
)
ERROR = Diagnostic(Severity.ERROR, "BAD-DATE", "No day.", "", Position("p.yaml", 9, 2), "until: x\n       ^")


class Plain:
    """A problem that is no more than a line."""

    def line(self) -> str:
        """Return it."""
        return "something is wrong"


def read(problems: Sequence[Problem]) -> Any:
    """Return the only run, after the document's essential structure was checked against the specification."""
    document = json.loads(sarif(problems, {"BAD-DN": "No DN."}, "1.2.3"))
    assert document["version"] == "2.1.0"
    assert document["$schema"].endswith("sarif-2.1.0.json")
    (run,) = document["runs"]
    driver = run["tool"]["driver"]
    assert {"name", "version", "rules"} <= driver.keys()
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note", "none"}
        assert result["message"]["text"]
        assert all(isinstance(mark, str) for mark in result["partialFingerprints"].values())
        for place in result.get("locations", []):
            region = place["physicalLocation"]["region"]
            assert min(region["startLine"], region["startColumn"]) >= 1
            assert re.fullmatch(r"[\w%./-]+", place["physicalLocation"]["artifactLocation"]["uri"])
    return run


def test_sarif_names_rule_place_and_level_worst_first() -> None:
    """A rule for each code, with its page; paths are addresses."""
    run = read([NASTY, ERROR, Plain()])
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [
        ("BAD-DATE", "error"),
        ("GENERAL", "error"),
        ("BAD-DN", "warning"),
    ]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert rules["BAD-DN"]["shortDescription"]["text"] == "No DN."
    assert rules["BAD-DN"]["helpUri"] == "docs/reference/codes/BAD-DN.md"
    assert run["results"][2]["message"]["text"] == "50 % of\\x0d\\x0aa: b, c\\x1b[2K Why?"
    place = run["results"][2]["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "a%20b%2Cc%3Ad/%C3%A4.yaml"},
        "region": {"startLine": 3, "startColumn": 7},
    }


def test_a_fingerprint_stays_when_lines_move_and_tells_twins_apart() -> None:
    """It is made of the code, the file and the text of the line."""
    moved = replace(ERROR, where=Position("p.yaml", 90, 2))
    twice = [one["partialFingerprints"] for one in read([ERROR, ERROR])["results"]]
    assert [one["partialFingerprints"] for one in read([moved])["results"]] == twice[:1]
    assert twice[0] != twice[1]


def test_sarif_keeps_to_what_github_accepts() -> None:
    """The worst are kept, the rest is counted."""
    run = read([*[NASTY] * SARIF_MOST, ERROR, NASTY])
    assert len(run["results"]) == SARIF_MOST
    assert run["results"][0]["ruleId"] == "BAD-DATE"
    (notice,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notice["message"]["text"] == "2 findings more are left out."
    assert "toolExecutionNotifications" not in read([ERROR])["invocations"][0]


def test_github_annotations_escape_what_would_end_them() -> None:
    """% CR LF in texts, and : and , in properties; other control characters are shown."""
    assert "".join(github([NASTY, Plain()])).splitlines() == [
        "::error title=GENERAL::something is wrong",
        "::warning file=a b%2Cc%3Ad/ä.yaml,line=3,col=7,title=BAD-DN::50 %25 of%0D%0Aa: b, c\\x1b[2K Why?",
    ]


def test_github_is_shown_the_worst_ten_of_a_level() -> None:
    """The rest is counted in a notice, which is one of the ten of its own level."""
    notes = [replace(ERROR, severity=Severity.NOTE)] * 30
    lines = list(github([*notes, *[NASTY] * 12, *[ERROR] * 10]))
    levels = [line.split(" ")[0].strip(":") for line in lines]
    assert levels == ["error"] * 10 + ["warning"] * 10 + ["notice"] * 10
    assert lines[-1] == "::notice title=reconcile validate::23 more findings are not shown here.\n"


def test_gitlab_is_given_code_quality() -> None:
    """Fingerprints are unique, and a finding without a place has one all the same."""
    issues = json.loads(gitlab([NASTY, ERROR, ERROR, Plain(), replace(NASTY, severity=Severity.NOTE)]))
    assert [one["severity"] for one in issues] == ["critical", "critical", "critical", "minor", "info"]
    assert issues[0]["location"] == {"path": "p.yaml", "lines": {"begin": 9}}
    assert issues[2]["location"] == {"path": ".", "lines": {"begin": 1}}
    assert issues[0]["check_name"] == "BAD-DATE"
    assert len({one["fingerprint"] for one in issues}) == len(issues)
