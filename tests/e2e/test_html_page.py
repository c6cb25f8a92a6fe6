"""The page of a plan in a browser: filters, ways, pictures; no network, no complaint, and nothing from outside runs."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.render.document import PlanData
from tests.examples import ROOT, reconcile
from tests.servers.browser import Browser, Open, Page
from tests.unit.render.documents import DEVS, membership, plan, target
from tests.unit.render.pages import HOSTILE, caused_plan, crowd, hostile_plan, page, small_plan

pytestmark = pytest.mark.browser

ROWS = "[...document.querySelectorAll('#body tr')].map((row) => row.querySelector('th').textContent)"
SHOWN = "!document.getElementById('app').hidden"


def test_the_file_that_the_command_writes_opens_without_a_complaint(browser: Browser, tmp_path: Path) -> None:
    """From file://, with no word on the console, nothing that the policy forbids, and no request but for the file itself."""
    saved = ROOT / "policies/acme/plan.json"
    done = reconcile("show", str(saved), "--format", "html", cwd=tmp_path)
    (tmp_path / "plan.html").write_text(done.stdout, encoding="ascii")
    changes = json.loads(saved.read_text(encoding="utf-8"))["summary"]["add"]
    with browser.page(tmp_path / "plan.html") as found:
        found.until(SHOWN)
        assert found.value("document.getElementById('count').textContent").startswith(
            f"{changes} of {changes} changes match"
        )
        assert found.value("document.title").startswith(f"Plan: {changes} to add")
        assert len(found.value(ROWS)) == 200
        found.value("document.querySelector('#body a').click()")
        found.until("document.querySelector('#picture svg')")


def test_a_page_that_breaks_its_own_policy_is_noticed(browser: Browser, tmp_path: Path) -> None:
    """What these tests look at does speak: a forbidden script, a forbidden picture, and an error."""
    text = page(small_plan()).replace("</body>", "<script>x()</script><img src='http://192.0.2.1/a'></body>")
    (tmp_path / "bad.html").write_text(text, encoding="ascii")
    with browser.page(tmp_path / "bad.html") as found:
        said = " ".join(found.complaints())
        assert said.count("Content Security Policy") >= 2
        found.value("setTimeout(() => { throw new Error('thrown'); })")
        found.until("true")
        assert "thrown" in " ".join(found.complaints())


@pytest.mark.parametrize(
    ("control", "given", "names"),
    [
        ("person", "ALI", {"alice"}),
        ("group", "platform", {"alice", "dan", "platform/core"}),
        ("target", "roster", {"alice"}),
        ("kind", "removals", {"carol", "erin", "dan"}),
        ("kind", "privileged", {"carol", "frank", "bob"}),
        ("kind", "grave", {"carol", "erin", "dan", "frank", "bob"}),
        ("kind", "held", {"gina"}),
        ("kind", "user.disable", {"erin"}),
        ("text", "cn=platform", {"alice"}),
        ("text", "payments-leads platform", {"dan"}),
        ("text", "closes", {"alice"}),
        ("text", "protected by the policy", {"gina"}),
        ("text", "privileged Removal role: maintainer", {"carol"}),
        ("text", "would add", {"gina"}),
        ("text", "nothing like it", set()),
    ],
)
def test_each_control_filters_the_table(opened: Open, control: str, given: str, names: set[str]) -> None:
    """The rows, the count that is read out, and the address follow; the address brings the same rows back."""
    with opened(small_plan()) as found:
        assert len(found.value(ROWS)) == 10
        _set(found, control, given)
        rows = found.value(ROWS)
        assert set(rows) == names
        said = found.value("document.getElementById('count').textContent")
        assert said.startswith(f"{len(rows)} of 10 changes match")
        address = found.value("location.hash")
        found.value("document.getElementById('clear').click()")
        assert len(found.value(ROWS)) == 10
        assert found.value("location.hash") == "#view=changes"
        found.value(f"location.hash = {json.dumps(address)}")
        found.until(f"document.querySelectorAll('#body tr').length === {len(rows)}")
        assert found.value(f"document.getElementById('{control}').value") == given


def test_filters_add_up(opened: Open) -> None:
    """A row passes all of them; the order stays, the gravest first."""
    with opened(small_plan(), "#group=platform&person=a&kind=grave") as found:
        assert found.value(ROWS) == ["dan"]
    with opened(small_plan()) as found:
        assert found.value(ROWS)[:5] == ["carol", "erin", "dan", "frank", "bob"]
        marks = found.value("[...document.querySelectorAll('#body tr')].map((row) => row.cells[0].textContent)")
        assert marks[:4] == ["remove privileged removal", "remove", "remove", "change privileged grant"]
        assert marks[-1] == "held back: would add would be a privileged grant"


def test_what_brought_changes_about_can_be_filtered(opened: Open) -> None:
    """Where the plan has a base, and only there is the control."""
    with opened(caused_plan()) as found:
        _set(found, "cause", "drift")
        assert found.value(ROWS) == ["cy"]
        assert "changed by somebody else" in found.value("document.getElementById('body').textContent")
        found.value("location.hash = '#text=somebody else'")
        found.until("document.getElementById('cause').value === ''")
        assert found.value(ROWS) == ["cy"]
        choices = found.value("[...document.getElementById('cause').options].map((option) => option.textContent)")
        assert choices[1] == "Caused by this change of the policy (1)"
    with opened(small_plan()) as found:
        assert found.value("document.getElementById('cause-field').hidden")
        assert found.value("document.getElementById('cause-head').hidden")


def test_many_rows_come_in_pages(opened: Open) -> None:
    """200 each; the buttons at both ends say that they lead nowhere, and the address keeps the page."""
    with opened(crowd(0, 450)) as found:
        assert len(found.value(ROWS)) == 200
        later, earlier = (
            "document.querySelector('#paging-top .later')",
            "document.querySelector('#paging-top .earlier')",
        )
        assert found.value(f"{earlier}.getAttribute('aria-disabled')") == "true"
        found.value(f"{earlier}.click(); {later}.click(); {later}.click(); {later}.click()")
        assert len(found.value(ROWS)) == 50
        assert found.value(f"{later}.getAttribute('aria-disabled')") == "true"
        assert found.value("document.querySelector('#paging-bottom .where').textContent") == "page 3 of 3"
        assert "page=3" in found.value("location.hash")
        assert "Rows 401 to 450" in found.value("document.getElementById('count').textContent")
        _set(found, "group", "project-7")
        assert found.value("document.getElementById('paging-top').hidden")


@pytest.mark.parametrize(
    "fragment",
    ["#page=99", "#page=-3", "#page=x", "#view=moon", "#kind=moon&page=2", "#kind=constructor", "#%00%ff=&&="],
)
def test_an_address_that_makes_no_sense_does_no_harm(opened: Open, fragment: str) -> None:
    """The nearest that makes sense is shown; no kind is one that every object of the script has."""
    few = {"#page=99": 50, "#kind=moon&page=2": 0, "#kind=constructor": 0}
    with opened(crowd(0, 250), fragment) as found:
        found.until(SHOWN)
        assert len(found.value(ROWS)) == few.get(fragment, 200)


def test_nobody_is_called_what_somebody_else_is_called(opened: Open) -> None:
    """A user name cannot be chosen so that its bearer stands in for another: the link from each row leads to that row."""
    names = [("bob", "k1"), ("bob", "k2"), ("bob (corp: k1)", "k3"), ("__proto__", "k4"), ("Bob", "k5")]
    changes = [membership(f"group-{key}", name, None, "developer", DEVS) for name, key in names]
    for change, (name, key) in zip(changes, names, strict=True):
        change["user"] = {"username": name, "key": key}
    hidden = [membership(name, "zoe", None, "developer", DEVS) for name in ("a\u200b", "a\\u200b", "constructor")]
    with opened(plan(target(*changes, *hidden))) as found:
        groups = found.value("[...document.querySelectorAll('#body tr')].map((row) => row.cells[2].textContent)")
        for cell in ("th", "td.place"):
            links = found.value(f"[...document.querySelectorAll('#body {cell} a')].map((one) => one.hash)")
            assert len(links) == len(groups) == 8
            for link, group in zip(links, groups, strict=True):
                found.value("location.hash = '#view=why'")
                found.until("document.getElementById('answer').hidden")
                found.value(f"location.hash = {json.dumps(link)}")
                found.until("!document.getElementById('answer').hidden")
                ends = [way[-1] for way in _ways(found)]
                assert f"add role: developer, in {group} (gitlab)" in ends
                assert len(ends) == (3 if link.endswith("who=zoe") else 1)


def test_a_person_has_everything_with_the_whole_way(opened: Open) -> None:
    """From the person's own group up to the rule's, the rule's place, and the role, in every target; the picture agrees."""
    with opened(small_plan(), "#view=why&who=alice") as found:
        assert _ways(found) == [
            [
                "alice",
                "in cn=payments-all",
                "in cn=payments-devs",
                "rule policies/acme/gitlab.yaml:13",
                "add role: developer, in payments/backend (gitlab)",
            ],
            [
                "alice",
                "in cn=platform",
                "in cn=engineering",
                "in cn=all",
                "rule policies/acme/gitlab.yaml:20",
                "add role: reporter, in platform/core (gitlab)",
            ],
            [
                "alice",
                'grant until 2027-01-31: "closes the books"',
                "rule policies/acme/gitlab.yaml:31",
                "add role: editor, in books (roster)",
            ],
        ]
        assert found.value("document.querySelectorAll('#picture .target').length") == 3
        assert _pictured(found) == sorted(_told(way) for way in _ways(found))
        assert found.value("document.getElementById('answer-title').textContent") == "alice"


def test_ways_that_begin_alike_are_drawn_as_one(opened: Open) -> None:
    """Groups and rules in common stand once in the picture."""
    changes = [membership(f"group-{n}", "alice", None, "developer", DEVS) for n in range(3)]
    with opened(plan(target(*changes)), "#view=why&who=alice") as found:
        assert found.value("[...document.querySelectorAll('#picture .node')].length") == 1 + 2 + 1 + 3
        assert _pictured(found) == sorted(_told(way) for way in _ways(found))


def test_what_is_taken_shows_no_way_that_is_none(opened: Open) -> None:
    """Somebody who has left a group is not drawn inside of it; the line is broken."""
    with opened(small_plan(), "#view=why&who=carol") as found:
        assert _ways(found)[0][1] == "no longer in cn=payments-leads"
        assert found.value("document.querySelectorAll('#picture .node.group').length") == 0
        assert found.value("document.querySelectorAll('#picture .edge.gone').length") == 2


def test_a_target_group_has_everybody_of_it(opened: Open) -> None:
    """With their ways, and without a picture, which is for one person."""
    with opened(small_plan(), "#view=why") as found:
        assert "people fit" in found.value("document.getElementById('found').textContent")
        _set(found, "where", "platform")
        assert found.value("[...document.querySelectorAll('#matches a')].map((one) => one.textContent)") == [
            "gitlab: platform/core"
        ]
        found.value("document.querySelector('#matches a').click()")
        found.until("!document.getElementById('answer').hidden")
        assert {way[0] for way in _ways(found)} == {"dan", "alice", "platform/core"}
        assert found.value("document.getElementById('figure').hidden")
        assert found.value("document.activeElement.id") == "answer-title"


def test_50_000_changes_open_and_are_filtered(opened: Open) -> None:
    """In one go, without a complaint."""
    with opened(crowd(5_000, 45_000), "#text=person-01234") as found:
        found.until(SHOWN)
        assert set(found.value(ROWS)) == {"person-01234"}
        found.value("location.hash = '#view=why&where=gitlab%3A%20dept-7%2Fproject-7'")
        found.until("!document.getElementById('answer').hidden")
        assert found.value("document.querySelectorAll('#ways > li').length") == 50


@pytest.mark.parametrize("fragment", ["#view=changes", "#view=why"])
def test_hostile_names_are_shown_and_never_run(opened: Open, fragment: str) -> None:
    """As text, with escapes for what hides; no element comes of them, and no dialog."""
    with opened(hostile_plan(), fragment) as found:
        found.until(SHOWN)
        assert found.value("document.querySelectorAll('img, [onerror]').length") == 0
        if fragment == "#view=why":
            found.value("document.querySelector('#matches a').click()")
            found.until("document.querySelector('#picture svg')")
        text = found.value("document.body.textContent")
        assert r"\u202e\x1b[2J\x00" in text
        assert "\u202e" not in text
        assert HOSTILE[: HOSTILE.index("\u202e")] in found.value("document.getElementById('app').textContent")
        assert found.seen("Page.javascriptDialogOpening") == []


def test_without_scripts_the_grave_changes_are_there(opened: Open) -> None:
    """A table of removals and privileged grants, with refusals above, and no control that does nothing."""
    with opened(small_plan(), scripts=False) as found:
        named = found.controls()
        assert ("heading", "Removals and privileged grants") in named
        assert {name for role, name in named if role in {"cell", "gridcell"}} >= {
            "carol",
            "erin",
            "dan",
            "frank",
            "bob",
        }
        assert ("heading", "Refused in gitlab by max_removals") in named
        assert not [role for role, _ in named if role in {"searchbox", "button", "combobox"}]


def test_a_picture_of_the_page_is_not_blank(opened: Open, tmp_path: Path) -> None:
    """Of the size of the window, with text and shapes, and dark where the reader's system is."""
    darkness = {}
    for scheme in ("light", "dark"):
        with opened(small_plan(), "#view=why&who=alice", size=(480, 360), scheme=scheme) as found:
            found.value("document.getElementById('picture').scrollIntoView()")
            width, height, pixels = _decoded(found.screenshot(tmp_path / f"{scheme}.png"))
            assert (width, height) == (480, 360)
            assert len({pixels[at : at + 3] for at in range(0, len(pixels), 3)}) > 20
            darkness[scheme] = bytes(pixels[:3])
            assert (
                found.value("getComputedStyle(document.body).backgroundColor")
                == f"rgb({', '.join(map(str, pixels[:3]))})"
            )
    assert min(darkness["light"]) > 200
    assert max(darkness["dark"]) < 50


@pytest.mark.parametrize("document", [small_plan(), hostile_plan(), caused_plan()], ids=["small", "hostile", "caused"])
@pytest.mark.parametrize("fragment", ["#view=changes", "#view=why&who=alice", "#view=why&where=gitlab: platform/core"])
def test_a_narrow_window_does_not_scroll_sideways(opened: Open, document: PlanData, fragment: str) -> None:
    """At 320 pixels only the table and the picture do, each in its own frame, which the keyboard reaches."""
    with opened(document, fragment, size=(320, 640)) as found:
        found.until(SHOWN)
        assert found.value("document.documentElement.scrollWidth") <= 320
        wide = "[...document.querySelectorAll('.scroll')].filter((frame) => frame.scrollWidth > frame.clientWidth)"
        assert found.value(f"{wide}.every((frame) => frame.tabIndex === 0 && frame.getAttribute('aria-label'))")


def test_on_paper_there_is_what_was_looked_at(opened: Open) -> None:
    """The rows, in black on white whatever the screen's scheme, and no control that paper cannot use."""
    with opened(small_plan(), "#kind=removals", scheme="dark") as found:
        found.send(
            "Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}]
        )
        found.until("matchMedia('print').matches")
        assert found.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        visible = "(one) => one.getClientRects().length > 0"
        assert not found.value(f"[...document.querySelectorAll('form, nav, button')].some({visible})")
        assert found.value(f"[...document.querySelectorAll('#body tr')].filter({visible}).length") == 3
        assert found.send("Page.printToPDF")["data"]


def _set(found: Page, control: str, given: str) -> None:
    """Change a control as its user would: the value, then the event."""
    found.value(
        f"(() => {{ const one = document.getElementById('{control}'); one.value = {json.dumps(given)};"
        " one.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )


def _ways(found: Page) -> list[list[str]]:
    """Return the steps of each change in the list."""
    ways: list[list[str]] = found.value(
        "[...document.querySelectorAll('#ways > li')]"
        ".map((way) => [...way.querySelectorAll('.steps li')].map((step) => step.textContent))"
    )
    return ways


def _told(way: list[str]) -> tuple[str, ...]:
    """Return a way of the list without the words that only a list needs, its last step in full."""
    *steps, end = way
    verb, _, rest = end.partition(" role: ")
    role, _, place = rest.partition(", in ")
    bare = [step.removeprefix("in ").removeprefix("rule ") for step in steps]
    return (*bare, f"{place.rpartition(' (')[0]}: {verb}, {role}")


def _pictured(found: Page) -> list[tuple[str, ...]]:
    """Return every way of the picture, read from its lines: each ends at a target group and is followed back to the person."""
    nodes = found.value(
        "[...document.querySelectorAll('#picture .node')].map((node) => { const box = node.querySelector('rect');"
        " const at = (name) => Number(box.getAttribute(name));"
        " return { text: node.querySelector('title').textContent, target: node.classList.contains('target'),"
        " from: `${at('x') - 1},${at('y') - 1 + 22}`, to: `${at('x') - 1 + 176},${at('y') - 1 + 22}` }; })"
    )
    edges = found.value("[...document.querySelectorAll('#picture .edge')].map((edge) => edge.getAttribute('d'))")
    before = {}
    by_end = {node["to"]: node for node in nodes}
    for drawn in edges:
        before[drawn.split(" ")[-1]] = by_end[drawn.split(" ")[0].removeprefix("M")]
    return sorted(tuple(_followed(node, before)) for node in nodes if node["target"])


def _followed(node: dict[str, Any], before: dict[str, dict[str, Any]]) -> Iterator[str]:
    if node["from"] in before:
        yield from _followed(before[node["from"]], before)
    yield node["text"]


def _decoded(data: bytes) -> tuple[int, int, bytes]:
    """Return width, height and the RGB pixels of a PNG of eight bits without interlacing, by the filters of RFC 2083."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = dict[bytes, bytes](), 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind = data[at + 4 : at + 8]
        chunks[kind] = chunks.get(kind, b"") + data[at + 8 : at + 8 + length]
        at += length + 12
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, interlaced) == (8, 0)
    size = {2: 3, 6: 4}[colour]
    raw, above = zlib.decompress(chunks[b"IDAT"]), bytearray(width * size)
    pixels = bytearray()
    for row in range(height):
        start = row * (width * size + 1)
        above = _unfiltered(raw[start], raw[start + 1 : start + 1 + width * size], above, size)
        pixels += bytes(value for index, value in enumerate(above) if index % size < 3)
    return width, height, bytes(pixels)


def _unfiltered(kind: int, line: bytes, above: bytearray, size: int) -> bytearray:
    out = bytearray(line)
    for index, value in enumerate(line):
        left = out[index - size] if index >= size else 0
        corner = above[index - size] if index >= size else 0
        up = above[index]
        guess = left + up - corner
        nearest = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
        out[index] = (value + (0, left, up, (left + up) // 2, nearest)[kind]) % 256
    return out
