"""What is asked of an HTTP server and what it answers, as values: bounded, quoted safely; never sends anything."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal, NoReturn, TypeAlias, TypeVar, cast
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from reconciler.errors import TargetRejected, TargetUnreachable
from reconciler.model.text import shortened
from reconciler.policy.excerpt import HIDDEN
from reconciler.policy.secrets import Secret
from reconciler.targets.pace import Limit

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Query: TypeAlias = Sequence[tuple[str, str | int]]
Map: TypeAlias = Mapping[str, object]

OK = range(200, 300)
_NUMBER = re.compile("[0-9]{1,15}")
_UNIX = 1_000_000_000  # a RateLimit-Reset above this is a moment, below it a number of seconds

_T = TypeVar("_T")


class Refused(TargetRejected):
    """The server answered, and not with what was asked for.

    `doubtful`: an earlier attempt of the same request got no answer, so it may be its effect that is refused now.
    """

    def __init__(self, message: str, status: int, *, doubtful: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.doubtful = doubtful


class Unclear(TargetUnreachable):
    """A change was sent and no usable answer came: it may have been made or not. Read, then decide."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `path` starts below the base address, see `path_of`; `body` is sent as JSON, None for no body.

    `repeatable`: the caller's word that sending this twice does what sending it once does; a GET always is, and a POST
    is sent again only when it provably never arrived or the server says that it did nothing. `expects`: statuses beside
    2xx that are answers and not errors. `busy`: tells whether a 409 says that nothing was done because of a lock;
    `limited`: whether another refusal is one for the rate, as 429 always is.
    `kind`: what it is counted as, by default the method.
    """

    method: Method
    path: str
    query: Query = ()
    body: object = None
    kind: str = ""
    repeatable: bool = False
    limits: tuple[Limit, ...] = ()
    expects: frozenset[int] = frozenset()
    busy: Callable[[Answer], bool] | None = None
    limited: Callable[[Answer], bool] | None = None

    @property
    def safe(self) -> bool:
        """Whether it may be sent again, whatever became of it."""
        return self.method == "GET" or self.repeatable

    @property
    def name(self) -> str:
        """The method and the path, without the query: that may hold what nobody is to see."""
        return f"{self.method} {shortened(self.path)}"

    @property
    def address(self) -> str:
        """The path and the query, as they are sent."""
        return f"{self.path}?{urlencode(list(self.query))}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `headers` by lower-case name, `body` whole and unpacked. `where` names target and request."""

    request: Request
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    where: str = ""
    hidden: tuple[Secret, ...] = ()
    doubtful: bool = False  # an earlier attempt got no answer: this may be about its effect

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return self.status in OK

    def json(self) -> object:
        """Return the body as JSON. Raises Refused, or Unclear where a change may have been made, for anything else."""
        media = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != "application/json" and not media.endswith("+json"):
            self.fail(
                f"answered with {shortened(media, 60) or 'something without a type'} in place of JSON{self.quote()}"
            )
        try:
            return cast("object", json.loads(self.body, parse_constant=_no_number))
        except (ValueError, RecursionError):
            self.fail(f"answered with {len(self.body):,} bytes that are not JSON{self.quote()}")

    def map(self) -> Map:
        """Return the body, which must be one JSON object. Raises as `json`."""
        found = self.json()
        return found if isinstance(found, dict) else self.fail("answered with JSON that is no object")

    def maps(self) -> list[Map]:
        """Return the body, which must be a JSON array of objects. Raises as `json`."""
        found = self.json()
        if isinstance(found, list) and all(isinstance(each, dict) for each in found):
            return found
        return self.fail("answered with JSON that is no list of objects")

    def value(self, item: Map, key: str, kind: type[_T]) -> _T:
        """Return a value of an object of this answer, of exactly this type. Raises as `json`."""
        found = item.get(key)
        if type(found) is kind:  # a truth value is no number here
            return found
        return self.fail(f'answered with an object whose "{shortened(key, 60)}" is not there or of another type')

    def quote(self) -> str:
        """Return the start of the body for a message, empty where there is none."""
        text = self.shown(self.body[:4096].decode(errors="replace").strip())
        return f': "{text}"' if text else ""

    def shown(self, text: str) -> str:
        """Return a text of the server's for a message: cut, printable, without our own secrets."""
        for secret in self.hidden:
            text = text.replace(secret.reveal(), HIDDEN)
        return shortened(text)

    def fail(self, fact: str) -> NoReturn:
        """Raise what an unusable answer is: Unclear where something may have been changed, else Refused."""
        message = f"{self.where} {fact} (status {self.status})."
        if self.ok and self.request.method != "GET":
            raise Unclear(message)
        raise Refused(message, self.status, doubtful=self.doubtful)


def path_of(*segments: str | int) -> str:
    """Return a path whose segments are quoted; raises TargetRejected for one that would lead elsewhere."""
    texts = [str(segment) for segment in segments]
    for text in texts:
        if text in {"", ".", ".."}:
            raise TargetRejected(f'"{text}" cannot stand in an address.')
    return "".join(f"/{quote(text, safe='')}" for text in texts)


def below(base: str, link: str) -> tuple[str, Query] | None:
    """Return path and query of a link relative to a base address; None where it does not lead to below that address."""
    try:
        found, root = urlsplit(urljoin(f"{base}/", link)), urlsplit(base)
        same = (found.scheme, found.hostname, found.port) == (root.scheme, root.hostname, root.port)
    except ValueError:
        return None
    path = found.path.removeprefix(root.path)
    inside = found.path.startswith(f"{root.path}/") and not {".", ".."} & set(path.split("/"))
    if not same or not inside or found.username is not None:
        return None
    return path, tuple(parse_qsl(found.query, keep_blank_values=True))


def asked_wait(headers: Mapping[str, str], wall: float) -> float | None:
    """Return the seconds that a server asks to wait, None where it does not say.

    ``Retry-After`` in seconds or as a date, then ``RateLimit-Reset`` in seconds or since 1970, unless requests remain
    until then. `wall` is our clock, used where the answer does not bring the server's own.
    """
    now = _moment(headers.get("date", ""), wall)
    after = headers.get("retry-after", "").strip()
    if _NUMBER.fullmatch(after):
        return float(after)
    if (moment := _moment(after, -1)) >= 0:
        return max(0.0, moment - now)
    for name in ("ratelimit", "x-ratelimit"):
        reset, left = headers.get(f"{name}-reset", "").strip(), headers.get(f"{name}-remaining", "0").strip()
        if _NUMBER.fullmatch(reset) and left == "0":
            return max(0.0, float(reset) - (now if float(reset) > _UNIX else 0))
    return None


def _moment(text: str, otherwise: float) -> float:
    """Return an HTTP date in seconds since 1970."""
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return otherwise


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)
