"""What goes wrong with requests, on purpose; knows nothing of what they ask for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from tests.fakes.gitlab_answers import Reply, answer
from tests.fakes.gitlab_world import World

Ending = Literal["answer", "reset", "hang", "cut"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with the requests that match: those from number `first` on, at most `times` of them.

    `path` is a regular expression for the whole path after ``/api/v4``, as it was sent. `effect`: whether the app does what
    was asked before it goes wrong. `reply` is answered in place of the app's own answer. `ending`: ``reset`` closes without
    an answer, ``hang`` never answers, ``cut`` promises more bytes than it sends. `delay`: seconds before the answer.
    `meanwhile` happens in the world before the request.
    """

    method: str
    path: str
    effect: bool = False
    reply: Reply | None = None
    ending: Ending = "answer"
    first: int = 1
    times: int = 1
    delay: float = 0.0
    meanwhile: Callable[[World], None] = lambda _world: None

    @property
    def works(self) -> bool:
        """Whether the app does what is asked: where told so, or where nothing goes wrong but the time it takes."""
        return self.effect or (self.reply is None and self.ending == "answer")


class Faults:
    """Those that are on now."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.faults: list[Fault] = []
        self.met: list[int] = []

    def set(self, *faults: Fault) -> None:
        """From now on these, and no others."""
        with self.lock:
            self.faults, self.met = list(faults), [0] * len(faults)

    def of(self, method: str, path: str) -> Fault | None:
        """Return what goes wrong with this request, and count it."""
        if not self.faults:
            return None
        with self.lock:
            for number, fault in enumerate(self.faults):
                if fault.method in {method, "*"} and re.fullmatch(fault.path, path):
                    self.met[number] += 1
                    if fault.first <= self.met[number] < fault.first + fault.times:
                        return fault
        return None


def html(status: int = 502) -> Reply:
    """Return what stands before GitLab and answers while it is down."""
    body = f"<!DOCTYPE html><html><head><title>GitLab is not responding ({status})</title></head><body></body></html>"
    return Reply(status, body.encode(), {}, "text/html; charset=utf-8")


def resource_lock() -> Reply:
    """Return the conflict that means: somebody else is at it, ask again."""
    return answer({"message": "409 Conflict: Resource lock"}, 409)


def too_often() -> Reply:
    """Return the 429 of an application limit, which has no headers."""
    return answer({"message": {"error": "This endpoint has been requested too many times. Try again later."}}, 429)


def retry_later(seconds: int = 1) -> Reply:
    """Return the 429 of the throttle: plain text, and a header that says how long."""
    return Reply(429, b"Retry later\n", {"Retry-After": str(seconds), "RateLimit-Remaining": "0"}, "text/plain")
