"""How the page of a plan looks: enough contrast in light and dark, nothing that moves, and meaning never by colour alone."""

from __future__ import annotations

import re

import pytest

from reconciler.render.html import SCRIPTS, STYLE, part
from tests.examples import ROOT

TEXTS = [
    ("text", "back"),
    ("text", "card"),
    ("quiet", "back"),
    ("quiet", "card"),
    ("link", "back"),
    ("link", "card"),
    ("add", "back"),
    ("add", "card"),
    ("change", "back"),
    ("remove", "back"),
    ("on-remove", "remove"),
    ("privileged", "back"),
    ("privileged", "card"),
    ("bad-text", "bad-back"),
    ("warn-text", "warn-back"),
]
LINES = [("line", "back"), ("line", "card"), ("focus", "back"), ("remove", "card"), ("change", "card")]
PAGE = ROOT / "reconciler/render/page"


def _variables(scheme: str) -> dict[str, str]:
    """Return the colours of one scheme; the dark one changes what the light one says."""
    light, _, rest = part(STYLE).partition("@media screen and (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    if scheme == "dark":
        dark = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", rest))
        assert dark.keys() == found.keys()
        found = dark
    return found


def _luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_the_standard_says() -> None:
    """Black on white is 21, a colour on itself 1, and the known grey 4.54."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#123456", "#123456") == pytest.approx(1)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(scheme: str) -> None:
    """4.5 for text on what it stands on, 3 for the lines of controls, shapes and the focus."""
    colours = _variables(scheme)
    weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in (*TEXTS, *LINES)}
    assert not {pair: found for pair, found in weak.items() if found < (4.5 if pair in TEXTS else 3)}


def test_every_colour_is_tested() -> None:
    """None is used that no pair names, and none stands outside of the variables."""
    named = {name for pair in (*TEXTS, *LINES) for name in pair}
    assert set(_variables("light")) == named
    rules = part(STYLE)[part(STYLE).index("* { box-sizing") :]
    assert not re.findall(r"#[0-9a-f]{3,8}\b|\brgb|\bhsl", rules)
    assert set(re.findall(r"var\(--([\w-]+)\)", rules)) == named


def test_nothing_moves() -> None:
    """So nobody who asked for less of it gets any."""
    for name in (STYLE, *SCRIPTS):
        assert not re.search(r"transition|animation|@keyframes|smooth", part(name)), name


def test_what_matters_has_a_shape_of_its_own() -> None:
    """Each badge differs from the others by its border as well as by its colour; their words are in the page."""
    shapes = dict(re.findall(r"\.badge\.(\w+) \{ [^}]*?(border[^;]*|background[^;]*);", part(STYLE)))
    assert set(shapes) == {"add", "change", "remove", "privileged", "held"}
    assert len(set(shapes.values())) == len(shapes)


def test_the_parts_of_the_page_are_ascii_and_can_be_read() -> None:
    """Nothing is squeezed, and every file of the folder is used."""
    files = sorted(path.name for path in PAGE.iterdir())
    assert files == sorted([STYLE, "body.html", *SCRIPTS])
    for path in PAGE.iterdir():
        text = path.read_text(encoding="ascii")
        assert max(map(len, text.splitlines())) <= 160, path.name
