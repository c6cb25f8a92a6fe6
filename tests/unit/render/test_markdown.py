"""The plan as Markdown: never too long, what is grave is named, and nothing from outside is more than text."""

from __future__ import annotations

import json
import re

import pytest

from reconciler.render.document import PlanData
from reconciler.render.markdown import COMMENT, LEAST, code, fenced, plan_markdown
from reconciler.render.widget import plan_widget
from tests.unit.render.documents import DEVS, LEADS, LEFT_LEADS, finding, held, membership, plan, refusal, target

GROUP = "payments/backend"
EVIL = "x`````|<img src=x>@everyone\x1b[2J</details>"


def big(removals: int, additions: int) -> PlanData:
    """Return a plan of that many changes over a hundred groups."""
    document = plan(
        target(
            *(
                membership(f"{GROUP}-{n % 100}", f"gone-{n:05}", "maintainer", None, LEFT_LEADS)
                for n in range(removals)
            ),
            *(membership(f"{GROUP}-{n % 100}", f"new-{n:05}", None, "developer", DEVS) for n in range(additions)),
        )
    )
    document["summary"] |= {"add": additions, "change": 0, "remove": removals}
    return document


def test_what_is_grave_is_named_and_the_rest_is_rolled_up() -> None:
    """Removals first, with their reasons; additions by cause; all of them in folded details."""
    text = plan_markdown(big(3, 200), marker="gitlab prod")
    head, _, details = text.partition("<details>")
    assert head.startswith("<!-- reconcile:gitlab-prod -->\n\n### Plan: 200 to add, 0 to change, 3 to remove.")
    assert all(f"gone-{n:05}" in head for n in range(3))
    assert "new-00007" not in head
    assert "+  payments/backend-7  2 people  developer" in head
    assert all(f"new-{n:05}" in details for n in range(200))
    assert details.rstrip().endswith("</details>")


def test_nothing_to_change_says_so() -> None:
    """No sections, no details."""
    text = plan_markdown(plan(target(unchanged=(1, 2, 3))))
    assert "### No changes.\n" in text
    assert "3 memberships, 1 user and 2 groups unchanged." in text
    assert "<details>" not in text


def test_a_plan_that_could_not_be_made_is_not_one_without_changes() -> None:
    """Nothing may be compared, or a guard has refused: the heading is the last line of the text."""
    refused, unread = target(), target()
    refused["refusals"], unread["error"] = [refusal(412, [], "- guard: x")], "no route"
    for section in (refused, unread):
        assert "### Plan: 1 to add, 1 to change, 1 to remove. " in plan_markdown(plan(section))


@pytest.mark.parametrize("most", [LEAST, 3_000, 9_000, COMMENT, 900_000])
@pytest.mark.parametrize(("removals", "additions"), [(0, 9_000), (4_000, 0), (1_000, 3_000), (40, 400)])
def test_it_is_never_longer_than_allowed(removals: int, additions: int, most: int) -> None:
    """At any size; fences and folds are closed wherever it was cut, and what is missing is said."""
    text = plan_markdown(big(removals, additions), most)
    assert len(text.encode()) <= most
    assert text.count("```") % 2 == 0
    assert text.count("<details>") == text.count("</details>")
    named = len(set(re.findall("(?:gone|new)-[0-9]{5}", text)))
    if named < removals + additions:
        assert re.search("found no room here|This is not all of it|more lines like these", text)


def test_a_thousand_removals_are_all_named_in_a_comment() -> None:
    """Without their reasons where that is what it takes."""
    text = plan_markdown(big(2_500, 9_000))
    assert len(set(re.findall("gone-[0-9]{5}", text))) == 2_500


def test_text_from_outside_stays_text() -> None:
    """No mention, no HTML, no control character, no way out of a fence or a code span, wherever it stands."""
    section = target(
        membership(EVIL, EVIL, "owner", None, LEFT_LEADS),
        membership(EVIL, f"{EVIL}2", None, "developer", DEVS),
        name=EVIL,
    )
    section["error"], section["guards_off"] = EVIL, [EVIL]
    section["refusals"] = [{**refusal(3, [EVIL], f"- {{reason: {EVIL}}}"), "summary": EVIL, "guard": EVIL}]
    section["diagnostics"] = [finding("warning", "CODE", EVIL)]
    section["withheld"] = [held("protected", membership(GROUP, "z", None, "developer", DEVS), EVIL)]
    document = plan(section)
    document["policy"] = {"root": EVIL, "digest": "", "git_commit": EVIL}
    document["only"] = [{"name": EVIL, "key": EVIL, "dn": EVIL}]
    text = plan_markdown(document)
    assert "\x1b" not in text
    outside = re.sub(r"(?ms)^(?:> )?(`{3,})\w*\n.*?^(?:> )?\1$", "", text)
    outside = re.sub(r"(`+)(?!`)(?:.*?[^`])??\1(?!`)", "", outside)
    for mark in ("@everyone", "<img", "x`"):
        assert mark not in outside


@pytest.mark.parametrize("text", ["a", "`", "``", "a`b", " a ", "", "`a", "a``` `b"])
def test_code_spans_hold_any_text(text: str) -> None:
    """The fence is longer than any run of backticks in it."""
    found = code(text)
    ticks = re.match("`+", found)
    assert ticks is not None
    inner = found[len(ticks[0]) : -len(ticks[0])]
    assert ticks[0] not in inner
    assert inner.strip(" ") == text.strip(" ")


def test_a_fence_is_longer_than_what_stands_in_it() -> None:
    """Three backticks at least."""
    assert fenced(["+ a"]) == "```diff\n+ a\n```"
    assert fenced(["+ ````"]).startswith("`````diff\n")


def test_causes_are_counted_and_kept_apart() -> None:
    """What this change brings comes first, what was pending is told from it."""
    mine, pending = (
        membership(GROUP, "ann", None, "developer", DEVS),
        membership(GROUP, "bob", None, "developer", LEADS),
    )
    mine["cause"], pending["cause"] = "policy", "drift"
    document = plan(target(pending, mine))
    document["summary"]["causes"] = {"policy": 1, "directory": 0, "drift": 1}
    document["base"] = {"root": "policies", "digest": "sha256:0", "git_commit": "0123456789abcdef"}
    text = plan_markdown(document)
    assert "Beside `policies` at `0123456789ab`, whose connections it uses.\n" in text
    assert "- **Caused by this change of the policy**: 1 change\n" in text
    assert "- **Pending: the directory changed since the last apply**: 0 changes\n" in text
    assert text.index("policy** (1 change)") < text.index("somebody else** (1 change)")


def test_so_little_room_is_an_error() -> None:
    """A limit below the least holds no plan."""
    with pytest.raises(ValueError, match="too few"):
        plan_markdown(plan(target()), LEAST - 1)


def test_the_widget_has_three_numbers() -> None:
    """As GitLab draws them."""
    assert json.loads(plan_widget(big(2, 5))) == {"create": 5, "update": 0, "delete": 2}
