"""When the pages of a search prove a complete answer, and when they do not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from reconciler.directory import pages
from reconciler.directory.pages import Page, code_text, complete_pages, located
from reconciler.errors import ReadIncomplete


def _page(*names: str, cookie: bytes | None = b"") -> Page:
    return Page([(name.encode(), {}) for name in names], 0, "", cookie)


def _read(answers: Iterable[Page]) -> list[str]:
    waiting = iter(answers)
    asked: list[bytes] = []

    def fetch(cookie: bytes) -> Page:
        asked.append(cookie)
        return next(waiting)

    found = [name.decode() for page in complete_pages(fetch, "people") for name, _ in page]
    assert asked[0] == b""
    assert next(waiting, None) is None
    return found


def _refusal(*answers: Page) -> str:
    with pytest.raises(ReadIncomplete) as caught:
        _read(answers)
    return str(caught.value)


def test_pages_end_with_an_empty_cookie() -> None:
    """Also where the last page is empty."""
    assert _read([_page("a", "b", cookie=b"1"), _page("c", cookie=b"2"), _page()]) == ["a", "b", "c"]


def test_an_empty_answer_is_an_answer() -> None:
    """Nobody there, and proven so."""
    assert not _read([_page()])


def test_a_cookie_may_be_repeated_while_pages_bring_something_new() -> None:
    """Some servers use one cookie for a whole search."""
    assert _read([_page("a", cookie=b"0"), _page("b", cookie=b"0"), _page("c")]) == ["a", "b", "c"]


def test_the_same_cookie_with_the_same_page_is_a_circle() -> None:
    """It would never end."""
    same = _page("a", cookie=b"0")
    assert "page 2 brings nothing new, but the server promises more" in _refusal(same, same)


def test_the_same_cookie_with_an_empty_page_is_a_circle() -> None:
    """An empty page is legal only where the cookie moves on."""
    assert "page 2 brings nothing new" in _refusal(_page("a", cookie=b"0"), _page(cookie=b"0"))


def test_a_longer_circle_is_seen_too() -> None:
    """Cookies and pages that take turns."""
    one, two = _page("a", cookie=b"1"), _page("b", cookie=b"2")
    assert "page 3 brings nothing new" in _refusal(one, two, one)


def test_empty_pages_end_after_a_while() -> None:
    """However many cookies the server invents."""
    answers = [_page(cookie=b"%d" % n) for n in range(pages.MAX_EMPTY_PAGES + 1)]
    assert "brings nothing new" in _refusal(*answers)


def test_there_is_a_largest_number_of_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that invents entries is left, too."""
    monkeypatch.setattr(pages, "MAX_PAGES", 3)
    assert "no end after 3 pages" in _refusal(*(_page(f"{n}", cookie=b"%d" % n) for n in range(3)))


def test_a_code_names_itself_and_the_way_out() -> None:
    """With the server's own words, made safe."""
    message = _refusal(replace(_page("a", cookie=b"1"), code=3, message="too\x07slow"))
    assert message == (
        r'people: page 1 ended with timeLimitExceeded (3), the server says "too\x07slow", so entries may be missing; '
        "raise the server's time limit for this account"
    )
    assert code_text(80) == "other (80)"
    assert code_text(4711, "x") == 'result code (4711), the server says "x"'


def test_a_page_without_paging_control_or_with_references_proves_nothing() -> None:
    """Both are silent in many clients."""
    assert "without an answer to the paging control" in _refusal(_page("a", cookie=None))
    assert "refers to ldap://b/" in _refusal(replace(_page("a"), references=("ldap://b/",)))


def test_a_place_is_put_before_a_message() -> None:
    """And the cause is kept."""
    with pytest.raises(ReadIncomplete, match=r"^here: lost$") as caught, located("here"):
        raise ReadIncomplete("lost")
    assert isinstance(caught.value.__cause__, ReadIncomplete)
