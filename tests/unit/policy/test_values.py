"""Filters, templates, patterns, dates, paths: each fault at its own column."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from reconciler.model.filter import Equal
from reconciler.policy.findings import Findings
from reconciler.policy.model import SecretRef
from reconciler.policy.node import Node
from reconciler.policy.source import read_source
from reconciler.policy.values import date_of, filter_of, path_of, pattern_of, secret_of, template_of, within
from tests.unit.policy.policies import brief


def value(written: str, folder: str = "folder") -> Node:
    """Return the value of the key ``x``."""
    source = read_source(f"x: {written}\n", "p.yaml", folder)
    assert source.problems == ()
    return Node(source, (), source.data).child("x")


def only(findings: Findings) -> str:
    (problem,) = findings.problems
    return f"{brief(problem)} {problem.summary}"


@pytest.mark.parametrize(
    ("written", "offset", "column"),
    [
        ("abcdef", 2, 6),
        ("'abc'", 2, 7),
        ("'a''b'", 2, 8),
        ('"abc"', 2, 7),
        (r'"a\x41\u00e9\U0001F600b"', 4, 26),
        (r'"\"a"', 1, 7),
        ('"abc"', 3, 8),
        ("abc\n  def", 5, 4),
        ("'abc\n  def'", 6, 4),
        ("|\n  abc", 2, 4),
    ],
)
def test_a_character_of_a_text_is_found_in_the_file(written: str, offset: int, column: int) -> None:
    """Quotes and escapes are counted; in a text of several lines its start is the place."""
    assert within(value(written), offset).column == column


def test_a_filter_is_parsed_and_a_fault_is_placed_inside_it() -> None:
    """The message is the parser's, and an example follows."""
    findings = Findings()
    assert filter_of(value('"(cn=a)"'), findings) == Equal("cn", "a")
    assert findings.problems == []
    assert filter_of(value('"(&(cn=a)(b))"'), findings) is None
    assert only(findings).startswith("1:14 BAD-FILTER This is not an RFC 4515 filter: ")


def test_a_template_is_checked_and_a_fault_is_placed_inside_it() -> None:
    """The text itself is kept: it is filled in elsewhere."""
    findings = Findings()
    assert template_of(value('"{cn|lower}-x"'), findings) == "{cn|lower}-x"
    assert template_of(value('"a-{cn|title}"'), findings) == ""
    assert (
        only(findings) == '1:11 BAD-TEMPLATE This is not a name template: unknown filter "title" (known: lower, upper).'
    )


def test_a_pattern_is_compiled_and_a_fault_is_placed_inside_it() -> None:
    """The dialect is Python's."""
    findings = Findings()
    assert pattern_of(value("^[a-z]+$"), findings) == "^[a-z]+$"
    assert pattern_of(value("'ab(c'"), findings) == ""
    assert only(findings).startswith(
        "1:7 BAD-PATTERN This is not a regular expression: missing ), unterminated subpattern."
    )


def test_a_pattern_that_is_too_large_for_the_engine_is_an_error_too() -> None:
    """The engine has limits of its own."""
    findings = Findings()
    assert pattern_of(value("'a{99999999999999999999}'"), findings) == ""
    assert "it is too large" in only(findings)


def test_a_pattern_that_a_later_python_reads_otherwise_is_an_error() -> None:
    """What it means must not depend on where it runs."""
    findings = Findings()
    assert pattern_of(value("'[[a]'"), findings) == ""
    assert "Possible nested set at position 1" in only(findings)


@pytest.mark.parametrize("read", [filter_of, template_of, pattern_of])
@pytest.mark.parametrize("written", ['"({{x"', '"(${x"', ""])
def test_templating_and_absent_texts_are_left_to_others(read: Callable[[Node, Findings], object], written: str) -> None:
    """One mistake is one message: lint refuses templating."""
    findings = Findings()
    read(value(written), findings)
    assert findings.problems == []


@pytest.mark.parametrize(("written", "day"), [("2026-12-31", date(2026, 12, 31)), ("'2028-02-29'", date(2028, 2, 29))])
def test_a_date_is_written_year_first(written: str, day: date) -> None:
    """With or without quotes."""
    assert date_of(value(written), Findings()) == day


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("2026-02-30", '"2026-02-30" is a day that does not exist.'),
        ("0000-01-01", '"0000-01-01" is a day that does not exist.'),
        ("31.12.2026", '"31.12.2026" is not a date. Write it like 2026-12-31.'),
        ("20261231x", '"20261231x" is not a date.'),
        ("2026-W01-1", '"2026-W01-1" is not a date.'),
        ("soon", '"soon" is not a date.'),
    ],
)
def test_anything_else_is_no_date(written: str, said: str) -> None:
    """A day that no calendar has is told apart from another way of writing."""
    findings = Findings()
    assert date_of(value(written), findings) is None
    assert only(findings).startswith(f"1:4 BAD-DATE {said}")


def test_a_path_starts_at_the_file_that_says_it() -> None:
    """Unless it is absolute; an absent one is empty."""
    assert path_of(value("ca.pem", "policies/acme")) == "policies/acme/ca.pem"
    assert path_of(value("../ca.pem", "policies/acme")) == "policies/ca.pem"
    assert path_of(value("ca.pem", ".")) == "ca.pem"
    assert path_of(value("/etc/ca.pem")) == "/etc/ca.pem"
    assert path_of(value("")) == ""


def test_a_secret_is_a_reference_with_its_place() -> None:
    """Nothing is looked up."""
    env, file = secret_of(value("{env: NAME}")), secret_of(value("{file: name}"))
    assert isinstance(env, SecretRef)
    assert (env.kind, env.name, str(env.where)) == ("env", "NAME", "p.yaml:1")
    assert isinstance(file, SecretRef)
    assert (file.kind, file.name) == ("file", "folder/name")
    assert secret_of(value("{}")) is None
