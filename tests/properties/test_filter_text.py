"""Laws of filter texts: every filter has one text that means it, and no text can do worse than be refused."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.filter import Filter, FilterSyntaxError, attributes_of, parse_filter, to_text
from tests.properties import filters

NAMES = st.from_regex(r"([A-Za-z][A-Za-z0-9-]{0,4}|[0-9]+(\.[0-9]+){1,3})(;[A-Za-z0-9-]{1,4}){0,2}", fullmatch=True)
RULES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,4}|[0-9]+(\.[0-9]+){1,3}", fullmatch=True).filter(
    lambda name: name != "dn"
)
# what bytes decode to, so also what is no UTF-8
VALUES = st.binary(max_size=6).map(lambda raw: raw.decode(errors="surrogateescape")) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=6
)


@given(filters.nested(filters.item(NAMES, VALUES, RULES)))
@settings(deadline=None)
def test_reading_the_text_of_a_filter_gives_the_filter(searched: Filter) -> None:
    """Whatever names and values hold, nothing is lost or gained."""
    text = to_text(searched)
    assert parse_filter(text) == searched
    assert to_text(parse_filter(text)) == text
    assert attributes_of(parse_filter(text)) == attributes_of(searched)


@given(st.text(st.sampled_from("()&|!=*~<>: \\25cn;-.\0é\n"), max_size=30) | st.text(max_size=30))
@settings(deadline=None)
def test_any_text_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    """No other exception escapes, and the offset is never outside the text."""
    parsed = _read(text)
    if isinstance(parsed, int):
        assert 0 <= parsed <= len(text)
    else:
        assert parse_filter(to_text(parsed)) == parsed


def _read(text: str) -> Filter | int:
    """Return the filter, or the place where it is refused."""
    try:
        return parse_filter(text)
    except FilterSyntaxError as refused:
        return refused.offset
