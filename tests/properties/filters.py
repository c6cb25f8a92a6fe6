"""Filters for property tests: any shape that the parser can give."""

from __future__ import annotations

from hypothesis import strategies as st

from reconciler.model.filter import (
    And,
    Approx,
    AtLeast,
    AtMost,
    Equal,
    Extensible,
    Filter,
    Item,
    Not,
    Or,
    Present,
    Substring,
)


def nested(items: st.SearchStrategy[Item]) -> st.SearchStrategy[Filter]:
    """Return filters made of these items."""
    leaves: st.SearchStrategy[Filter] = items.map(lambda item: item)
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3).map(lambda parts: And(tuple(parts)))
            | st.lists(inner, max_size=3).map(lambda parts: Or(tuple(parts)))
            | inner.map(Not)
        ),
        max_leaves=8,
    )


def item(
    attributes: st.SearchStrategy[str], values: st.SearchStrategy[str], rules: st.SearchStrategy[str]
) -> st.SearchStrategy[Item]:
    """Return items of every kind over these names, values and (not empty) rules."""
    pieces = values.filter(bool)
    return st.one_of(
        st.builds(Equal, attributes, values),
        st.builds(Approx, attributes, values),
        st.builds(AtLeast, attributes, values),
        st.builds(AtMost, attributes, values),
        st.builds(Present, attributes),
        _substrings(attributes, values, pieces),
        st.builds(Extensible, attributes, st.just("") | rules, st.booleans(), values),
        st.builds(Extensible, st.just(""), rules, st.booleans(), values),
    )


def _substrings(
    attributes: st.SearchStrategy[str], ends: st.SearchStrategy[str], pieces: st.SearchStrategy[str]
) -> st.SearchStrategy[Substring]:
    middle = st.lists(pieces, max_size=2).map(tuple)
    made = st.builds(Substring, attributes, st.just("") | ends, middle, st.just("") | ends)
    return made.filter(lambda found: bool(found.initial or found.middle or found.final))
