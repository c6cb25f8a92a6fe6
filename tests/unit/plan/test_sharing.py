"""JSON whose objects repeat is read as what it says, with one object for many; nothing else may be told apart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.plan.sharing import shared_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from([0.0, 1.0, -1.5])
    | st.sampled_from(["", "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcdefg"), inner, max_size=6),
    max_leaves=25,
)


def typed(data: object) -> object:
    """Return data so that 1, 1.0 and true differ, and the order of names counts."""
    if isinstance(data, dict):
        return [(name, typed(value)) for name, value in data.items()]
    return [typed(each) for each in data] if isinstance(data, list) else (type(data), data)


@given(st.lists(VALUES, max_size=8))
def test_it_reads_what_json_reads(data: list[object]) -> None:
    """With every type and in every order, however often something repeats."""
    text = json.dumps([*data, *data])
    assert typed(shared_json(text)) == typed(json.loads(text))


def test_what_is_the_same_is_one_object() -> None:
    """People, reasons with their places and paths, and texts of rows; what differs by a type alone is not the same."""
    rule = {"path": "policy.yaml", "line": 1, "column": 2}
    reason = {"why": "group_link", "rule": rule, "path": ["cn=a"], "detail": ""}
    row = {"type": "add", "group": "acme/app", "user": {"key": "1", "username": "ann"}, "reason": reason, "have": None}
    first, second = json.loads(json.dumps([row, row])), shared_json(json.dumps([row, row]))
    assert second == first
    assert isinstance(second, list)
    one, other = second
    for name in ("user", "reason", "group"):
        assert one[name] is other[name]
        assert first[0][name] is not first[1][name]
    assert one is not other
    marks = shared_json('[{"have": 1}, {"have": true}, {"have": 1.0}, {"have": [1]}, {"have": ["1"]}, {"have": "1"}]')
    assert typed(marks) == typed([{"have": each} for each in (1, True, 1.0, [1], ["1"], "1")])


@pytest.mark.parametrize("more", ["", ', "b": 1, "c": 1, "d": 1, "e": 1'])
def test_of_a_name_that_comes_twice_the_last_value_counts(more: str) -> None:
    """As json has it, whatever the first was: a digest, and whoever else reads the file, must see the same document."""
    for first, last in (('"x"', "5"), ("5", '"x"'), ('"x"', "null"), ('"x"', '["y"]')):
        text = f'[{{"a": {first}, "a": {last}{more}}}]'
        assert typed(shared_json(text)) == typed(json.loads(text))


@pytest.mark.parametrize("text", ['{"a": ', '{"a": 1}}', "[" * 100_000])
def test_what_is_no_json_is_refused(text: str) -> None:
    """As by json itself."""
    with pytest.raises((ValueError, RecursionError)):
        shared_json(text)
