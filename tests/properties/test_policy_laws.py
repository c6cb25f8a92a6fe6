"""Laws of policy loading: any text is a policy or a list of placed problems, and order never matters."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from itertools import zip_longest
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import PolicyError
from reconciler.model.diagnostic import Diagnostic, Position
from reconciler.model.text import printable
from reconciler.policy.load import LoadedPolicy, load_policy
from reconciler.policy.source import read_source
from tests.unit.policy.policies import TODAY
from tests.unit.policy.test_load import EXAMPLE

LINES = EXAMPLE.splitlines(keepends=True)
TOKENS = ["{", "}", "[", "]", ": ", "- ", ", ", "'", '"', "#", "&a ", "*a", "!t ", "\n", "\n  ", "\t", "null", "true", "0", "1.5",
          "é", "\x07", "\u2028", "${x}", "{{x}}", "---\n", "|\n", "(", ")", "*", "off", "password", "env", "\\", "%", "<<: {}"]  # fmt: skip

texts = st.lists(st.sampled_from(TOKENS) | st.text(max_size=5), max_size=30).map("".join)


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """Return the example after a few cuts, insertions and exchanges."""
    text = EXAMPLE
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 3, 20])))
        text = text[:start] + draw(st.sampled_from([*TOKENS, "", *LINES])) + text[end:]
    return text


@contextmanager
def folder(files: Mapping[str, str | bytes]) -> Iterator[str]:
    """Give a scratch folder with these files, as the working directory, so that paths are the same in all."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as path:
        for name, content in files.items():
            Path(path, name).write_bytes(content if isinstance(content, bytes) else content.encode())
        os.chdir(path)
        try:
            yield "."
        finally:
            os.chdir(before)


def outcome(files: Mapping[str, str | bytes]) -> LoadedPolicy | tuple[Diagnostic, ...]:
    """Return the policy, or all problems; anything else that is raised fails the test."""
    with folder(files) as path:
        try:
            return load_policy(path, TODAY)
        except PolicyError as error:
            return tuple(problem for problem in error.problems if isinstance(problem, Diagnostic))


def assert_placed(text: str, found: Sequence[Diagnostic]) -> None:
    """Every finding stands inside the file, and its excerpt is one line and a mark."""
    longest = [max(map(len, both)) for both in zip_longest(text.splitlines(), text.split("\n"), [""], fillvalue="")]
    for finding in found:
        assert finding.where is not None
        assert 1 <= finding.where.line <= len(longest) + 1
        width = longest[finding.where.line - 1] if finding.where.line <= len(longest) else 0
        assert 1 <= finding.where.column <= width + 1
        assert finding.excerpt.count("\n") in {0, 1}
        assert all(printable(part) == part for part in (*finding.excerpt.split("\n"), finding.line()))


@given(mutations())
@settings(max_examples=300, deadline=None)
def test_a_mutated_policy_is_a_policy_or_a_list_of_placed_problems(text: str) -> None:
    """Nothing but PolicyError is ever raised."""
    found = outcome({"p.yaml": text})
    if isinstance(found, LoadedPolicy):
        assert found.policy.digest.startswith("sha256:")
        assert_placed(text, found.warnings)
    else:
        assert found
        assert_placed(text, found)


@given(texts)
@settings(max_examples=300, deadline=None)
def test_the_two_parsers_never_read_different_values(text: str) -> None:
    """What the C parser and the Python one both understand is the same; only where nothing is written may places differ."""
    fast, pure = (read_source(text, "p.yaml", ".", fast=fast) for fast in (True, False))
    assert_placed(text, [*fast.problems, *pure.problems])
    if fast.readable and pure.readable:
        assert (fast.data, fast.written) == (pure.data, pure.written)
        places = [
            {path: mark for path, mark in source.marks.items() if source.written.get(path) != ""}
            for source in (fast, pure)
        ]
        assert places[0] == places[1]


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_policy_or_problems(content: bytes) -> None:
    """Whatever somebody saves under that name."""
    found = outcome({"p.yaml": content})
    assert isinstance(found, LoadedPolicy) or found


@given(st.text(st.characters(max_codepoint=0xFEFE, exclude_categories=["Cc", "Cs"]), max_size=30))
@settings(max_examples=300, deadline=None)
def test_text_in_quotes_arrives_as_it_was_written(text: str) -> None:
    """Keys and values alike."""
    quoted = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**6).strip()
    source = read_source(f"{{{quoted}: {quoted}}}", "p.yaml", ".")
    assert source.data == {text: text}


@given(st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_keys_and_files_does_not_matter(order: random.Random) -> None:
    """Sections in any order, in one file or several, make the same policy but for places and digest."""
    head, *sections = _sections()
    order.shuffle(sections)
    cut = order.randrange(len(sections) + 1)
    spread = outcome({"a.yaml": head + "".join(sections[:cut]), "b.yaml": head + "".join(sections[cut:])})
    whole = outcome({"p.yaml": EXAMPLE})
    assert isinstance(spread, LoadedPolicy)
    assert isinstance(whole, LoadedPolicy)
    assert _without_places(spread.policy) == _without_places(whole.policy)


def _sections() -> list[str]:
    """Return the head of the example and its sections, each with the lines that belong to it."""
    starts = [number for number, line in enumerate(LINES) if line[0].isalpha()]
    ends = [*starts[1:], len(LINES)]
    return ["".join(LINES[start:end]) for start, end in zip(starts, ends, strict=True)]


def _without_places(value: object) -> object:
    """Return a policy's values as plain data, without positions, digest, files."""
    if isinstance(value, Position):
        return None
    if is_dataclass(value):
        kept = [entry.name for entry in fields(value) if entry.name not in {"digest", "files"}]
        return {name: _without_places(getattr(value, name)) for name in kept}
    if isinstance(value, Mapping):
        return [(key, _without_places(entry)) for key, entry in value.items()]
    if isinstance(value, tuple):
        return [_without_places(entry) for entry in value]
    return value
