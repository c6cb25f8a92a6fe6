"""The page of a plan with the keyboard alone, and as a screen reader is told of it."""

from __future__ import annotations

import pytest

from reconciler.render.document import PlanData
from tests.servers.browser import Data, Open, Page
from tests.unit.render.pages import caused_plan, crowd, small_plan

pytestmark = pytest.mark.browser

FOCUSABLE = "a[href], button, input, select, summary, [tabindex='0']"
VISIBLE = (
    f'[...document.querySelectorAll("{FOCUSABLE}")].filter((one) => one.getClientRects().length'
    " && !(one.closest('details:not([open])') && one.tagName !== 'SUMMARY'))"
)
CONTROLS = {
    "link",
    "button",
    "searchbox",
    "textbox",
    "combobox",
    "region",
    "table",
    "image",
    "navigation",
    "search",
    "group",
}
NAMED = {*CONTROLS, "columnheader", "heading"}


@pytest.mark.parametrize(
    ("document", "fragment"),
    [
        (small_plan(), ""),
        (small_plan(), "#view=why"),
        (small_plan(), "#view=why&who=alice"),
        (caused_plan(), ""),
        (crowd(0, 203), "#page=2"),
    ],
    ids=["changes", "names", "ways", "causes", "pages"],
)
def test_the_tab_key_reaches_everything_and_shows_where_it_is(opened: Open, document: PlanData, fragment: str) -> None:
    """In the order of the page, once each, with an outline, and nothing holds it fast."""
    with opened(document, fragment) as page:
        page.until("!document.getElementById('app').hidden")
        count = page.value(f"window.all = {VISIBLE}; window.all.length")
        assert count > 8
        walked = []
        for _ in range(count):
            page.press("Tab")
            walked.append(page.value("window.all.indexOf(document.activeElement)"))
            assert page.value("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2
            assert page.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        assert walked == list(range(count))
        page.press("Tab", shift=True)
        assert page.value("window.all.indexOf(document.activeElement)") == count - 2


def test_the_first_key_leads_past_everything(opened: Open) -> None:
    """The link is seen once it has the focus; the address keeps the filter."""
    with opened(small_plan(), "#kind=removals") as page:
        skip = "document.querySelector('.skip').getBoundingClientRect()"
        assert page.value(f"{skip}.right") < 0
        page.press("Tab")
        assert page.value(f"{skip}.left") >= 0
        page.press("Enter")
        assert page.value("document.activeElement.id") == "main"
        assert "kind=removals" in page.value("location.hash")


def test_filters_are_used_from_the_keyboard(opened: Open) -> None:
    """Typing, choosing and clearing, each followed by its rows."""
    with opened(small_plan()) as page:
        _tab_to(page, "person")
        page.type("alice")
        page.until("document.querySelectorAll('#body tr').length === 3")
        _tab_to(page, "target")
        page.press("ArrowDown")
        page.until("document.getElementById('target').value === 'gitlab'")
        page.until("document.querySelectorAll('#body tr').length === 2")
        _tab_to(page, "text")
        page.type("engineering")
        page.until("document.querySelectorAll('#body tr').length === 1")
        page.press("Enter")  # a form that is sent would lose the page
        _tab_to(page, "clear")
        page.press("Enter")
        page.until("document.querySelectorAll('#body tr').length === 10")
        assert page.value("document.activeElement.id") == "clear"


def test_pages_are_turned_from_the_keyboard(opened: Open) -> None:
    """The button keeps the focus, at the last page too."""
    with opened(crowd(0, 250)) as page:
        _tab_to(page, "", ".later")
        page.press("Space")
        page.until("document.querySelectorAll('#body tr').length === 50")
        page.press("Space")
        assert page.value("document.activeElement.className") == "later"
        assert page.value("document.querySelectorAll('#body tr').length") == 50


def test_a_way_is_found_from_the_keyboard(opened: Open) -> None:
    """From the table to the person, from the person to another, and back as browsers go back."""
    with opened(small_plan()) as page:
        _tab_to(page, "to-why")
        page.press("Enter")
        page.until("document.activeElement.id === 'why-title'")
        _tab_to(page, "who")
        page.type("ali")
        page.until("document.querySelectorAll('#matches a').length === 1")
        _tab_to(page, "", "#matches a")
        page.press("Enter")
        page.until("document.activeElement.id === 'answer-title'")
        assert page.value("document.getElementById('who').value") == "alice"
        assert page.value("document.querySelectorAll('#ways > li').length") == 3
        page.value("history.back()")
        page.until("document.getElementById('answer').hidden && document.getElementById('who').value === 'ali'")
        _tab_to(page, "to-changes")
        page.press("Enter")
        page.until("document.activeElement.id === 'changes-title'")


@pytest.mark.parametrize("fragment", ["", "#view=why", "#view=why&who=alice", "#view=why&where=gitlab: platform/core"])
def test_everything_has_a_name(opened: Open, fragment: str) -> None:
    """Each control, region, table, heading and picture in the accessibility tree."""
    with opened(small_plan(), fragment) as page:
        page.until("!document.getElementById('app').hidden")
        found = page.controls()
        assert not [role for role, name in found if role in NAMED and not name.strip()]
        assert {"searchbox", "navigation", "link", "table", "main", "banner"} <= {role for role, _ in found}
        assert ("heading", "Refused in gitlab by max_removals") in found


def test_the_table_says_what_its_cells_are(opened: Open) -> None:
    """A caption, a head for each column, and each row is called by whom it is about."""
    with opened(small_plan()) as page:
        found = page.controls()
        assert ("table", "Changes, the gravest first") in found
        heads = [name for role, name in found if role == "columnheader"]
        assert heads[-6:] == ["Change", "Who or what", "Target group", "Target", "Detail", "Why"]
        assert {name for role, name in found if role == "rowheader"} >= {"carol", "frank", "alice"}
        names = {name for role, name in found if role in {"searchbox", "combobox"}}
        assert names == {"Person", "Target group", "Target", "Kind of change", "Text anywhere"}


def test_the_picture_says_that_the_list_says_the_same(opened: Open) -> None:
    """It is one image with a name; its texts are read in the list, step by step."""
    with opened(small_plan(), "#view=why&who=alice") as page:
        found = page.controls()
        (name,) = [name for role, name in found if role == "image"]
        assert name == "Picture of 3 ways from alice to target groups; the list above says the same."
        texts = [name for role, name in found if role == "StaticText"]
        assert "cn=payments-devs" in texts


def test_the_number_of_matching_rows_is_read_out(opened: Open) -> None:
    """A status that is live and polite, whose text changes with the filter."""
    with opened(small_plan(), "#kind=removals") as page:
        status = _status(page)
        assert {one["name"]: one["value"]["value"] for one in status["properties"]}["live"] == "polite"
        text = page.value("document.getElementById('count').textContent")
        assert text == "3 of 10 changes match."
        assert page.value("document.documentElement.lang") == "en"


def _status(page: Page) -> Data:
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    (found,) = [node for node in nodes if not node["ignored"] and node["role"]["value"] == "status"]
    return dict(found)


def _tab_to(page: Page, name: str, selector: str = "") -> None:
    """Press Tab until the control has the focus; it must not take more steps than there are controls."""
    wanted = f"document.activeElement.matches({(selector or f'#{name}')!r})"
    for _ in range(page.value(f"{VISIBLE}.length") + 1):
        page.press("Tab")
        if page.value(wanted):
            return
    raise AssertionError(f"Tab does not reach {selector or name}")
