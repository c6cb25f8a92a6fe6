"""One pass over YAML: what scalars become, where everything stands, what is refused."""

from __future__ import annotations

import pytest

from reconciler.model.diagnostic import Position
from reconciler.policy.fit import MAX_SCALAR
from reconciler.policy.source import FAST, MAX_DEPTH, MAX_DUPLICATES, Data, Source, read_source

READERS = pytest.mark.parametrize("fast", [pytest.param(True, id="C"), pytest.param(False, id="Python")])


def read(text: str, *, fast: bool = FAST, budget: int = 10_000) -> Source:
    return read_source(text, "p.yaml", "folder", fast=fast, budget=budget)


def fault(source: Source) -> str:
    (problem,) = source.problems
    assert not source.readable
    assert source.data is None
    assert problem.where is not None
    return f"{problem.where.line}:{problem.where.column} {problem.code}"


@READERS
@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("Yes", "Yes"),
        ("off", "off"),
        ("True", "True"),
        ("0123", "0123"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-12-31", "2026-12-31"),
        ("+49", "+49"),
        ("1e3", "1e3"),
        (".5", ".5"),
        ("5.", "5."),
        (".inf", ".inf"),
        ("1.0e999", "1.0e999"),
        ("01.5", "01.5"),
        ("9" * 19, "9" * 19),
        ("-", ["-"]),
        ("Null", "Null"),
        ('"true"', "true"),
        ("'7'", "7"),
        ('""', ""),
        ("null", None),
        ("~", None),
        ("", None),
        ("true", True),
        ("false", False),
        ("0", 0),
        ("-12", -12),
        ("0.5", 0.5),
        ("-1.5e3", -1500.0),
    ],
)
def test_only_nothing_truth_values_and_plain_decimals_are_not_text(written: str, value: Data, *, fast: bool) -> None:
    """A common name such as no or 0123 stays the text that was written."""
    wanted: Data = [None] if written == "-" else value
    assert read(f"key: {written}\n" if written != "-" else "key:\n  -\n", fast=fast).data == {"key": wanted}


def test_a_key_is_always_the_text_that_is_written() -> None:
    """Group names such as 123, true or null need no quotes."""
    assert read("{123: a, true: b, null: c, 0.5: d}").data == {"123": "a", "true": "b", "null": "c", "0.5": "d"}


def test_the_text_of_values_that_are_not_text_is_kept() -> None:
    """Messages quote what stands in the file, not what it was turned into."""
    assert read("a: 0.50\nb: [true, x]\nc:\n").written == {("a",): "0.50", ("b", 0): "true", ("c",): ""}


@READERS
def test_every_key_and_value_has_its_place(*, fast: bool) -> None:
    """Lines and columns count from 1 and in characters, also after text that is not ASCII."""
    source = read("# é\nü: {name: x, list: [a, 'b']}\nmap:\n  key:\n    - deep\n", fast=fast)
    assert source.key_at(("ü",)) == Position("p.yaml", 2, 1)
    assert source.value_at(("ü",)) == Position("p.yaml", 2, 4)
    assert source.value_at(("ü", "list", 1)) == Position("p.yaml", 2, 24)
    assert source.key_at(("map", "key")) == Position("p.yaml", 4, 3)
    assert source.value_at(("map", "key", 0)) == Position("p.yaml", 5, 7)
    assert source.key_at(("map", "key", 0)) == Position("p.yaml", 5, 7)
    assert source.value_at(("nowhere",)) == source.key_at(("nowhere",)) == Position("p.yaml", 1, 1)


def test_a_file_without_content_is_nothing() -> None:
    """Comments alone, and no bytes at all, hold no value."""
    for text in ("", "# only a comment\n"):
        source = read(text)
        assert (source.data, source.readable, source.problems) == (None, True, ())


@READERS
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: &x 1\nb: *x\n", "1:4 YAML-ALIAS"),
        ("a: &x {b: 1}\n", "1:4 YAML-ALIAS"),
        ("a: *x\n", "1:4 YAML-ALIAS"),
        ("a:\n  <<: {b: 1}\n", "2:3 YAML-MERGE-KEY"),
        ("a: !!str 5\n", "1:4 YAML-TAG"),
        ("a: !!python/object:os.system {}\n", "1:4 YAML-TAG"),
        ("a: ! [b]\n", "1:4 YAML-TAG"),
        ("a: 1\n---\nb: 2\n", "2:1 YAML-DOCUMENTS"),
        ("? [a]\n: b\n", "1:3 YAML-COMPLEX-KEY"),
        ("{a: b}: c\n", "1:1 YAML-COMPLEX-KEY"),
        ("a: b: c\n", "1:5 YAML-SYNTAX"),
        ("a: 'x\n", "2:1 YAML-SYNTAX"),
        ("a: [b, c\nd: e\n", "2:2 YAML-SYNTAX"),
        ("a:\n\tb: 1\n", "2:1 YAML-SYNTAX"),
        ("*: x\n", "1:1 YAML-SYNTAX"),
        ("- a\nb: c\n", "2:1 YAML-SYNTAX"),
        ("%YAML 9.0\n---\na\n", "1:1 YAML-SYNTAX"),
        ("a: 1\nb: \x07\n", "2:4 FILE-CHARACTER"),
        ("a: 1\ufeff\n", "1:5 FILE-CHARACTER"),
    ],
)
def test_what_a_policy_must_not_use_is_one_error_at_its_place(text: str, place: str, *, fast: bool) -> None:
    """Nothing after it is read, so that one mistake is one message."""
    line, column, code = place.replace(" ", ":").split(":")
    found = fault(read(text, fast=fast)).replace(" ", ":").split(":")
    assert (found[0], found[2]) == (line, code)
    assert found[1] == column or code == "YAML-SYNTAX"  # the two parsers give up at slightly different columns


@READERS
@pytest.mark.parametrize("escape", [r"\ud800", r"\UFFFFFFFF", r"\UFFFFFFFFF"])
def test_an_escape_that_is_no_character_is_a_syntax_error(escape: str, *, fast: bool) -> None:
    """Lone surrogates and numbers beyond Unicode never become text."""
    assert fault(read(f'a: "{escape}"\n', fast=fast)).endswith("YAML-SYNTAX")


def test_a_key_that_is_set_twice_names_both_places_and_reading_goes_on() -> None:
    """Every duplicate is found, on every level, and the first value is kept."""
    source = read("a: {x: 1, x: {deep: [1]}}\nb: 2\na:\n  - y\n")
    assert source.data == {"a": {"x": 1}, "b": 2}
    assert [problem.line().partition(" Join")[0] for problem in source.problems] == [
        'p.yaml:1:11: error[YAML-DUPLICATE-KEY] "x" is set twice in this map: here and at line 1, column 5.',
        'p.yaml:3:1: error[YAML-DUPLICATE-KEY] "a" is set twice in this map: here and at line 1, column 1.',
    ]
    assert source.readable


def test_a_duplicate_inside_a_secret_is_not_quoted() -> None:
    """What stands below a secret's key may be the secret."""
    (problem,) = read("password: {hunter2: a, hunter2: b}\n").problems
    assert "hunter2" not in problem.line() + problem.excerpt


def test_endless_duplicates_end_the_reading() -> None:
    """A thousand duplicates are enough to say."""
    assert fault_code(read("a: 1\n" * (MAX_DUPLICATES + 5))) == "YAML-DUPLICATE-KEY"


def fault_code(source: Source) -> str:
    assert not source.readable
    return source.problems[-1].code


@READERS
def test_an_alias_bomb_is_one_error_after_a_handful_of_events(*, fast: bool) -> None:
    """Nine levels of nine aliases would be 387 million values."""
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10))
    source = read(f"a0: &a0 x\n{levels}\n", fast=fast)
    assert fault(source) == "1:5 YAML-ALIAS"
    assert source.values < 5


@READERS
@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_deep_nesting_is_refused_at_the_limit(opening: str, *, fast: bool) -> None:
    """Ten thousand levels cost no more than the limit's own."""
    source = read(opening * 10_000, fast=fast)
    assert fault_code(source) in {"YAML-TOO-DEEP", "YAML-SYNTAX"}
    assert source.values <= 2 * MAX_DEPTH + 1
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH, fast=fast).readable


def test_too_many_values_are_refused_at_the_limit() -> None:
    """The budget counts keys and values."""
    assert read("[1, 2, 3]", budget=4).readable
    assert fault(read("[1, 2, 3, 4, 5]", budget=4)) == "1:11 YAML-TOO-LARGE"


def test_a_value_that_is_too_long_is_refused_with_its_length() -> None:
    """The message names the length and the limit, and does not quote the value."""
    source = read(f"a: {'x' * (MAX_SCALAR + 1)}\n")
    assert source.problems[0].summary == "A value of 65,537 characters; the limit is 65,536."
    assert source.problems[0].excerpt == ""
    assert read(f"a: {'x' * MAX_SCALAR}\n").readable


def test_a_syntax_error_says_where_it_began_and_what_to_do() -> None:
    """The parser's words, the start of what it was reading, a hint, and the line with a mark."""
    (problem,) = read("users: [a, b\nname: x: y\n").problems
    assert problem.line().startswith("p.yaml:2:5: error[YAML-SYNTAX] The file cannot be read as YAML: ")
    assert "flow sequence that starts on line 1." in problem.line()
    assert problem.excerpt == "name: x: y\n    ^"


def test_an_unquoted_star_gets_the_advice_to_quote_it() -> None:
    """The section for all targets is written with quotes."""
    (problem,) = read("naming:\n  *: {}\n").problems
    assert 'starts with "*" must stand in quotes' in problem.line()
