"""The page of a plan as it is written: complete in itself, the same every time, and nothing from outside is more than text."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from time import process_time
from typing import Any

import pytest

from reconciler.render.document import PlanData
from reconciler.render.html import SCRIPTS, content_policy, part
from reconciler.render.html_parts import MOST_FINDINGS, MOST_GRAVE
from reconciler.render.rows import SIGNS
from tests.examples import EXAMPLES, ROOT
from tests.unit.render.documents import (
    DEVS,
    LEFT_LEADS,
    finding,
    flag_change,
    membership,
    plan,
    reason,
    refusal,
    target,
    user_change,
)
from tests.unit.render.pages import (
    BACKEND,
    DEEP,
    HOSTILE,
    caused_plan,
    crowd,
    data_of,
    hostile_plan,
    page,
    small_plan,
)

PLANS = {"small": small_plan, "caused": caused_plan, "hostile": hostile_plan, "empty": plan}


class _Reader(HTMLParser):
    """Reads a page the way a browser does: which elements there are, what is script, what is text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.raw: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"script", "style"}:
            self.raw.setdefault(self.open[-1], []).append(data)
        else:
            self.texts.append(data)


@pytest.mark.parametrize("make", PLANS.values(), ids=PLANS)
def test_every_plan_is_one_well_formed_page_of_ascii(make: Any) -> None:
    """Every element that is opened is closed, and no byte needs an encoding."""
    text = page(make())
    assert text.isascii()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", text)
    assert _Reader(text).open == []


@pytest.mark.parametrize("make", PLANS.values(), ids=PLANS)
def test_the_same_plan_yields_the_same_bytes(make: Any) -> None:
    """Made twice, from documents that are equal and not the same."""
    assert page(make()) == page(json.loads(json.dumps(make())))


@pytest.mark.parametrize("make", PLANS.values(), ids=PLANS)
def test_the_page_allows_what_is_inlined_and_nothing_else(make: Any) -> None:
    """One style and one script, whose digests stand in the policy, which stands before both; no other way to load or to run."""
    text = page(make())
    read = _Reader(text)
    (style,) = read.raw["style"]
    data, script = read.raw["script"]
    (policy,) = [found["content"] for tag, found in read.elements if found.get("http-equiv")]
    assert policy == content_policy(style, script)
    for inlined in (style, script):
        assert f"'sha256-{b64encode(sha256(inlined.encode()).digest()).decode()}'" in policy
    assert json.loads(data)
    assert text.index("Content-Security-Policy") < text.index("<style")
    tags = [tag for tag, _ in read.elements]
    assert (tags.count("script"), tags.count("style")) == (2, 1)
    assert not {"img", "link", "iframe", "object", "embed", "base"} & set(tags)
    names = {name for _, found in read.elements for name in found}
    assert not [name for name in names if name.startswith("on") or name in {"style", "src", "srcset", "action"}]


def test_the_policy_starts_from_nothing() -> None:
    """No source is allowed but the two digests, and strings cannot become markup."""
    policy = content_policy("a", "b")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy


def test_the_script_never_turns_a_text_into_markup() -> None:
    """None of the ways that a browser has for it, and no style of an element."""
    script = "".join(map(part, SCRIPTS))
    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "Function(",
        "DOMParser",
        ".style",
    ):
        assert way not in script
    assert not re.search(
        r"fetch|XMLHttpRequest|WebSocket|sendBeacon|import\(|https?://(?!www\.w3\.org/2000/svg)", script
    )


def test_text_from_outside_stays_text() -> None:
    """No element of its own, no character that hides or reorders, in the markup and in the data."""
    text = page(hostile_plan())
    assert "<img" not in text
    assert "onerror=alert(1)>" not in text
    read = _Reader(text)
    assert not [found for _, found in read.elements if "onerror" in found]
    seen = "".join(read.texts) + "".join(data_of(text)["strings"])
    assert r"\u202e\x1b[2J\x00\u2028\u200b\ud800" in seen
    assert not re.search("[\u202e\x1b\x00\u2028\u200b\ud800]", seen)
    assert "\U0001f600\u00e9" in seen


def test_the_data_holds_no_character_of_markup() -> None:
    """A `<` in it is written as an escape, and so are `>` and `&`."""
    (raw,) = re.findall(r'id="data">(.*?)</script>', page(hostile_plan()), re.DOTALL)
    assert not set("<>&") & set(raw)
    assert "\\u003c/script\\u003e" in raw


def test_the_gravest_come_first_and_what_is_held_back_last() -> None:
    """Privileged access taken, removals, privileged access given, the rest."""
    data = data_of(page(small_plan()))
    names = [data["strings"][name] for name in data["rows"]["name"]]
    assert names[:5] == ["carol", "erin", "dan", "frank", "bob"]
    assert set(names[5:9]) == {"alice", "platform/core"}
    assert names[9] == "gina"
    assert data["rows"]["mark"] == [2, 0, 0, 1, 1, 0, 0, 0, 0, 1]
    assert [hold != -1 for hold in data["rows"]["hold"]] == [False] * 9 + [True]


def test_a_reason_holds_the_whole_way() -> None:
    """Words, the rule's place, the directory groups from the rule's down, and what the words add."""
    data = data_of(page(plan(target(membership(BACKEND, "alice", None, "developer", DEEP)))))
    saying, place, way, more = data["reasons"][0]
    strings = data["strings"]
    assert strings[saying] == "cn=all via cn=engineering via cn=platform"
    assert strings[place] == "policies/acme/gitlab.yaml:20"
    assert [strings[name] for name in way] == ["cn=all", "cn=engineering", "cn=platform"]
    assert more == -1


def test_a_group_that_somebody_has_left_is_no_way_to_a_role() -> None:
    """It is told in words, so that no picture shows somebody in it."""
    data = data_of(page(plan(target(membership(BACKEND, "carol", "owner", None, LEFT_LEADS)))))
    saying, _, way, _ = data["reasons"][0]
    assert (data["strings"][saying], way) == ("no longer in cn=payments-leads", [])


def test_a_person_is_one_in_all_targets_and_two_of_one_name_are_told_apart() -> None:
    """By the key in the directory: user names may differ from target to target, and be the same for two people."""
    same = membership(BACKEND, "a.smith", None, "developer", DEVS)
    same["user"] = {"username": "a.smith", "key": "key-alice"}
    other = membership("books", "alice", None, "editor", DEVS)
    other["user"] = {"username": "bob", "key": "key-other"}
    mine = [membership("books", "alice", None, "editor", DEVS), membership("books", "bob", None, "editor", DEVS)]
    data = data_of(page(plan(target(same), target(*mine, other, name="roster"))))
    labels = {data["strings"][label] for label in data["people"]}
    assert labels == {"a.smith / alice", "bob (corp: key-bob)", "bob (corp: key-other)"}


def test_an_account_that_a_target_has_made_is_nobody_elsewhere() -> None:
    """Its key is the target's own: `root` here and `root` there are two, and a person of the directory is a third."""
    changes = [membership("books", "root", "editor", None, LEFT_LEADS) for _ in range(3)]
    for change, key in zip(changes, ("local:root", "local:root", "key-root"), strict=True):
        change["user"] = {"username": "root", "key": key}
    data = data_of(page(plan(target(changes[0], changes[2]), target(changes[1], name="roster"))))
    labels = {data["strings"][label] for label in data["people"]}
    assert labels == {"root (gitlab: local:root)", "root (roster: local:root)", "root (corp: key-root)"}


def test_texts_stand_once() -> None:
    """Thousands of changes of the same groups, rules and people add numbers only."""
    data = data_of(page(crowd(0, 30_000, people=10)))
    assert len(data["strings"]) == len(set(data["strings"])) < 6_000
    assert len(data["rows"]["name"]) == 30_000
    assert len(data["people"]) == 10


def test_a_large_plan_is_written_fast_and_is_no_heavier_than_it_must_be() -> None:
    """50,000 changes: some seconds of our own processor time at most on a slow machine, and below 5 MB."""
    document = crowd(5_000, 45_000)
    before = process_time()
    text = page(document)
    assert process_time() - before < 10
    assert len(text) < 5_000_000


def test_causes_are_offered_where_the_plan_has_a_base() -> None:
    """Each with its words and its count above."""
    text = page(caused_plan())
    data = data_of(text)
    assert [key for key, _ in data["causes"]] == ["policy", "directory", "drift"]
    assert data["rows"]["cause"] == [0, 1, 2]
    assert "<dt>Caused by this change of the policy</dt><dd>1 change</dd>" in text
    assert "Beside policies/acme at 0123456789ab" in text
    assert data_of(page(small_plan()))["causes"] == []


def test_a_cause_of_a_later_version_is_left_out() -> None:
    """The change is shown all the same."""
    document = caused_plan()
    document["targets"][0]["changes"][0]["cause"] = "moon"
    assert data_of(page(document))["rows"]["cause"] == [-1, 1, 2]


def test_refusals_and_warnings_stand_on_top_of_the_changes() -> None:
    """With the way out; notes are folded."""
    text = page(small_plan())
    places = [
        text.index(mark)
        for mark in (
            "This plan cannot be applied",
            "Refused in gitlab by max_removals",
            "- guard: max_removals",
            "1 warning",
            "<main",
        )
    ]
    assert places == sorted(places)
    assert "(correct the cause, or add the waiver shown below)" in text
    assert "payments/backend and 411 more" in text
    assert re.search(
        r"<details aria-label=\"1 note\">\n<summary>1 note</summary>\n<ul>\n<li>note\[USER-DISABLED\]", text
    )


def test_a_finding_says_which_target_it_is_about() -> None:
    """Those of all targets stand in one list; one of the plan itself is about none."""
    document = small_plan()
    document["notes"] = [finding("warning", "GRANT-ENDS", "Soon.")]
    text = page(document)
    assert "<li>warning[GRANT-ENDS] Soon.</li>" in text
    assert "warning[LINK-EMPTY] Empty. (gitlab)</li>" in text
    assert "<li>note[USER-DISABLED] Nobody. (gitlab)</li>" in text


def test_how_a_directory_was_read_is_said_whole() -> None:
    """By its changes only, where it was; the text says the same."""
    document = small_plan()
    document["directories"][0]["confirmed_at"] = "2026-11-19T03:00:00Z"
    assert "read completely at 2026-11-20 04:00 UTC by its changes since 2026-11-19 03:00 UTC, 61 people" in page(
        document
    )


def test_a_target_that_is_refused_alone_does_not_stop_the_others() -> None:
    """The page says which one."""
    document = small_plan()
    document["applyable"] = True
    assert "Nothing will be applied to gitlab, which a guard refused; the rest can be applied." in page(document)


def test_a_plan_without_changes_says_so() -> None:
    """As the heading and as the window's title."""
    text = page(plan(target()))
    assert "<h1>No changes.</h1>" in text
    assert "<title>No changes.</title>" in text
    assert "This plan can be applied." in text


def test_a_plan_that_could_not_be_made_is_not_one_without_changes() -> None:
    """Nothing may be compared, or a guard has refused: the heading is that of the text."""
    refused, unread = target(), target()
    refused["refusals"], unread["error"] = [refusal(412, [], "- guard: x")], "no route"
    silent = plan(refused)
    silent["applyable"] = True
    for document in (plan(refused), plan(unread), silent):
        assert "<h1>Plan: 1 to add, 1 to change, 1 to remove. " in page(document)


def test_without_a_script_everything_grave_is_named() -> None:
    """Removals and privileged grants with their reasons; the others are counted."""
    (table,) = re.findall(r"<noscript>(.*?)</noscript>", page(small_plan()), re.DOTALL)
    rows = re.findall(r'<tr><th scope="row">([^<]*)</th><td>([^<]*)</td>', table)
    assert rows == [
        ("remove, privileged removal", "carol"),
        ("remove", "erin"),
        ("remove", "dan"),
        ("add, privileged grant", "frank") if SIGNS["user.flag"] == "+" else ("change, privileged grant", "frank"),
        ("change, privileged grant", "bob"),
    ]
    assert "no longer in cn=payments-leads; policies/acme/gitlab.yaml:14" in table
    assert "<p>4 other changes and 1 change that is held back are not listed here.</p>" in table


def test_what_is_left_out_is_counted() -> None:
    """Grave changes and findings beyond what a page shows at once."""
    document = crowd(MOST_GRAVE + 7, 1)
    document["notes"] = [finding("warning", "CODE", f"w{n}") for n in range(MOST_FINDINGS + 3)]
    text = page(document)
    assert "<p>7 more grave changes: <code>reconcile show PLAN</code> has them all.</p>" in text
    assert "<p>3 more findings: <code>reconcile show PLAN</code> has them all.</p>" in text


def test_what_cannot_be_read_is_said_of_its_target() -> None:
    """With guards that are off, and no count of what was compared."""
    section = target(unchanged=(1, 2, 3))
    section["error"], section["guards_off"] = "no route", ["max_removals"]
    document = plan(section)
    document["only"] = [{"name": "alice", "key": "k", "dn": "uid=alice"}]
    text = page(document)
    assert "<td></td><td>could not be read: no route; guards switched off: max_removals</td>" in text
    assert "<dt>Only</dt><dd>alice: uid=alice. Nobody else&#x27;s access is looked at or changed.</dd>" in text
    document["only"][0]["dn"] = ""
    assert "<dd>alice: gone from the directory, known by the account k. Nobody" in page(document)
    assert "3 memberships, 1 user, 2 groups" in page(plan(target(unchanged=(1, 2, 3))))


def test_every_type_of_change_has_words() -> None:
    """And those of a later version are shown by their name."""
    switch = user_change("", "", DEVS, have=True, want=False)
    switch["type"], switch["user"], switch["setting"] = "setting.set", None, "sign_up"
    changes = [flag_change("frank", "admin", DEVS, want=False), user_change("moon", "zoe", reason("scope")), switch]
    data = data_of(page(plan(target(*changes))))
    kinds = {kind: words for kind, words, _ in data["kinds"]}
    assert kinds == {"user.flag": "change a mark", "user.moon": "user.moon", "setting.set": "change a setting"}
    assert set(data["order"]) == set(SIGNS)
    assert "sign_up" in data["strings"]
    assert "on \u2192 off" in data["strings"]


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_examples_become_pages(folder: Any) -> None:
    """Every change of the saved plan is in the page's data, those that are held back as well."""
    document: PlanData = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    data = data_of(page(document))
    shown = sum(len(found["changes"]) + len(found["withheld"]) for found in document["targets"])
    assert len(data["rows"]["kind"]) == shown


def test_hostile_text_has_what_it_is_for() -> None:
    """Markup, quotes, a direction override, a control, a separator, nothing visible, half a pair."""
    assert {"<", '"', "'", "&", "\u202e", "\x1b", "\x00", "\u2028", "\u200b", "\ud800"} <= set(HOSTILE)


def test_the_documentation_names_every_word_of_the_address() -> None:
    """Those that the script reads, and no other; and the kinds that stand for several."""
    table = (ROOT / "docs/html.md").read_text(encoding="utf-8").partition("| Word |")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("|")]
    named = [name for row in rows for name in re.findall(r"`([a-z]+)`", row[1])]
    (keys,) = re.findall(r"const KEYS = \[(.*?)\];", part("changes.js"))
    assert sorted(named) == sorted(re.findall('"([a-z]+)"', keys))
    sets = re.findall(r'^  \["(\w+)", \[', part("changes.js").partition("const KIND_SETS")[2], re.MULTILINE)
    (kinds,) = [row[2] for row in rows if "`kind`" in row[1]]
    assert re.findall(r"`([a-z]+)`", kinds) == sets == ["grave", "removals", "privileged", "held"]


def test_the_documentation_has_the_limits_of_the_program() -> None:
    """How much is listed, found, drawn and put on a page."""
    text = (ROOT / "docs/html.md").read_text(encoding="utf-8")
    (drawn,) = re.findall(r"const DRAWN = (\d+);", part("why.js"))
    (rows,) = re.findall(r"const PAGE = (\d+);", part("data.js"))
    assert f"At most {MOST_GRAVE:,} grave changes" in text
    assert f"{MOST_FINDINGS} findings of a kind, and {drawn} changes in one picture" in text
    assert f"It has {rows} rows a page." in text
