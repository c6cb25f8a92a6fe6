"""Name templates: parsed once, filled from values."""

from __future__ import annotations

import pytest

from reconciler.model.template import TemplateSyntaxError, fields_of, fill

VALUES = {"cn": "Payments Devs", "ou": "Sales", "mail;lang-en": "a@b", "x.y": "dot"}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{cn}", "Payments Devs"),
        ("{cn|lower}", "payments devs"),
        ("app-{ou|upper}-x", "app-SALES-x"),
        ("{ou}{ou}", "SalesSales"),
        ("{mail;lang-en}/{x.y}", "a@b/dot"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_a_template_is_filled_from_values(template: str, filled: str) -> None:
    """What is not in braces stays as it is."""
    assert fill(template, VALUES.__getitem__) == filled


def test_values_are_not_read_as_templates() -> None:
    """A directory cannot smuggle a field into a name."""
    assert fill("{cn}", lambda _name: "{ou}") == "{ou}"


def test_what_the_values_raise_goes_through() -> None:
    """Only the caller knows what a missing attribute means."""
    with pytest.raises(KeyError):
        fill("{missing}", VALUES.__getitem__)


def test_the_fields_of_a_template_are_its_attributes() -> None:
    """As written, each once."""
    assert fields_of("{cn|lower}-{ou}-{cn}") == {"cn", "ou"}
    assert fields_of("none") == frozenset()


@pytest.mark.parametrize(
    ("template", "offset", "said"),
    [
        ("ab{cn", 2, '"{" without its partner'),
        ("ab}cn", 2, '"}" without its partner'),
        ("{a}}", 3, '"}" without its partner'),
        ("{{cn}}", 0, '"{" without its partner'),
        ("x{}", 1, '"{}" is not a field'),
        ("x{1a}", 1, '"{1a}" is not a field'),
        ("x{cn|}", 1, '"{cn|}" is not a field'),
        ("x{cn.__class__}", 1, '"{cn.__class__}" is not a field'),
        ("x{cn|title}", 5, 'unknown filter "title" (known: lower, upper)'),
    ],
)
def test_a_fault_is_named_with_its_place(template: str, offset: int, said: str) -> None:
    """The offset counts characters from 0."""
    with pytest.raises(TemplateSyntaxError) as caught:
        fields_of(template)
    assert str(caught.value).startswith(said)
    assert caught.value.offset == offset
