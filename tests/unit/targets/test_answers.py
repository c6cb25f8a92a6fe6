"""Requests and answers as values: what is quoted, what is hidden, what counts as JSON, how long a server asks to wait."""

from __future__ import annotations

import pytest

from reconciler.errors import TargetRejected
from reconciler.policy.secrets import Secret
from reconciler.targets.answers import Answer, Method, Refused, Request, Unclear, asked_wait, below, path_of
from tests.fakes.time import NOON

JSON = "application/json; charset=utf-8"


def answer(body: bytes, media: str = JSON, method: Method = "GET", status: int = 200) -> Answer:
    """Return an answer to a request for users."""
    where = "target chat: GET /users at https://chat.example.com"
    return Answer(Request(method, "/users"), status, {"content-type": media}, body, where, (Secret("t0p-secret"),))


@pytest.mark.parametrize(
    ("body", "media", "fact"),
    [
        (b'[{"id": 1}, {"i', JSON, 'answered with 15 bytes that are not JSON: "[{"id": 1}, {"i" (status 200).'),
        (b"", JSON, "answered with 0 bytes that are not JSON (status 200)."),
        (b"[NaN]", JSON, 'answered with 5 bytes that are not JSON: "[NaN]" (status 200).'),
        (b"\xff\xfe", JSON, "answered with 2 bytes that are not JSON"),
        (b"[" * 100_000, JSON, "answered with 100,000 bytes that are not JSON"),
        (b"1" * 5000, JSON, "answered with 5,000 bytes that are not JSON"),
        (b"<html>sign in</html>", "text/html", 'answered with text/html in place of JSON: "<html>sign in</html>"'),
        (b"[]", "", "answered with something without a type in place of JSON"),
    ],
)
def test_what_is_not_json_is_refused_and_quoted(body: bytes, media: str, fact: str) -> None:
    """The message names target, method, path and status."""
    with pytest.raises(Refused) as caught:
        answer(body, media).json()
    assert str(caught.value).startswith(f"target chat: GET /users at https://chat.example.com {fact}")
    assert len(str(caught.value)) < 450


def test_json_of_any_kind_is_json() -> None:
    """Its type may have a suffix."""
    assert answer(b'{"a": [1, null]}', "application/problem+JSON").json() == {"a": [1, None]}


def test_a_change_whose_answer_makes_no_sense_is_unclear() -> None:
    """The server said that it did something, and not what."""
    with pytest.raises(Unclear):
        answer(b'{"added": [1', method="POST", status=201).json()
    with pytest.raises(Refused):
        answer(b'{"added": [1', method="POST", status=409).json()


def test_shapes_are_checked() -> None:
    """An object, a list of objects, a value of a type: nothing else gets through."""
    assert answer(b'{"a": 1}').map() == {"a": 1}
    assert answer(b'[{"a": 1}]').maps() == [{"a": 1}]
    one = answer(b"{}")
    assert one.value({"id": 7}, "id", int) == 7
    for wrong in (lambda: answer(b"[]").map(), lambda: answer(b"{}").maps(), lambda: answer(b"[1]").maps()):
        with pytest.raises(Refused, match="answered with JSON that is no"):
            wrong()
    for item in ({}, {"id": "7"}, {"id": True}):
        with pytest.raises(Refused, match='object whose "id" is not there or of another type'):
            one.value(item, "id", int)


def test_a_quote_is_short_printable_and_without_our_secret() -> None:
    """Whatever a server sends back, and however long it is."""
    quote = answer(b"\x1b[2J" + b"t0p-secret " + b"x" * 10_000).quote()
    assert quote.startswith(r': "\x1b[2J••• xxx')
    assert len(quote) < 280
    assert answer(b" ").quote() == ""


def test_an_answer_prints_neither_headers_nor_body() -> None:
    """Nor what the request was authorized with."""
    shown = repr(answer(b"confidential"))
    assert "confidential" not in shown
    assert "content-type" not in shown
    assert "t0p-secret" not in shown


def test_a_request_is_named_without_its_query() -> None:
    """That may hold what nobody is to see."""
    request = Request("GET", "/users\n", (("private_token", "abc"), ("page", 2)))
    assert request.name == r"GET /users\x0a"
    assert request.address == "/users\n?private_token=abc&page=2"


def test_a_path_keeps_to_its_segments() -> None:
    """A name with a slash is one segment, and none leads up."""
    assert path_of("groups", "a/b?c#d é", 7) == "/groups/a%2Fb%3Fc%23d%20%C3%A9/7"
    for wrong in ("", ".", ".."):
        with pytest.raises(TargetRejected, match="cannot stand in an address"):
            path_of("groups", wrong)


@pytest.mark.parametrize(
    ("link", "place"),
    [
        ("https://h/api/users?page=2&a=", ("/users", (("page", "2"), ("a", "")))),
        ("https://H:443/api/users", None),  # the port is not as written: stricter than needed, never laxer
        ("/api/users?x=1&x=2", ("/users", (("x", "1"), ("x", "2")))),
        ("users?page=2", ("/users", (("page", "2"),))),
        ("http://h/api/users", None),
        ("https://evil/api/users", None),
        ("https://h.evil/api/users", None),
        ("https://u@h/api/users", None),
        ("//evil/api/users", None),
        ("/apiary/users", None),
        ("/other", None),
        ("https://h:x/api/users", None),
    ],
)
def test_a_link_leads_below_the_base_address_or_nowhere(link: str, place: object) -> None:
    """No credential follows it anywhere else."""
    assert below("https://h/api", link) == place


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 0 "}, 0),
        ({"retry-after": "Fri, 20 Nov 2026 12:01:30 GMT"}, 90),
        ({"retry-after": "Fri, 20 Nov 2026 12:01:30 GMT", "date": "Fri, 20 Nov 2026 12:01:00 GMT"}, 30),
        ({"retry-after": "Fri, 20 Nov 2020 12:00:00 GMT"}, 0),
        ({"retry-after": "Fri, 20 Nov 2026 12:01:30 -0000"}, 90),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "٣"}, None),
        ({"ratelimit-reset": "12"}, 12),
        ({"ratelimit-reset": str(int(NOON) + 45)}, 45),
        ({"x-ratelimit-reset": str(int(NOON) - 45)}, 0),
        ({"x-ratelimit-reset": "12", "x-ratelimit-remaining": "0"}, 12),
        ({"x-ratelimit-reset": "12", "x-ratelimit-remaining": "41"}, None),  # it is another limit that refused us
        ({"ratelimit-reset": "12", "ratelimit-remaining": "1", "x-ratelimit-reset": "9"}, 9),
        ({"retry-after": "3", "ratelimit-reset": "99"}, 3),
        ({"retry-after": "", "ratelimit-reset": "nan"}, None),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    """In seconds, as a date by the server's own clock, or as the moment at which a limit is over."""
    assert asked_wait(headers, NOON) == seconds
