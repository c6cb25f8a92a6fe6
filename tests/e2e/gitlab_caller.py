"""A client of the fake GitLab that hides nothing of what comes back; knows nothing of the target."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from tests.fakes.gitlab_server import Served

NOON = 1_795_176_000.0  # 2026-11-20T12:00:00Z


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        """Return the body as a value."""
        return json.loads(self.text)


class Caller:
    """A GitLab with `root` and ten people, u1 to u10, and a client that asks as one of them."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.world = served.world
        self.pool = urllib3.PoolManager(retries=False, maxsize=8)
        self.time = NOON
        self.world.clock = lambda: self.time
        root = self.world.add_user("root", admin=True)
        self.world.add_token("root", root)
        self.ids = [root.id]
        for number in range(1, 11):
            identities = {"ldapmain": f"uid=u{number},ou=people,dc=example,dc=com"}
            self.ids.append(self.world.add_user(f"u{number}", identities=identities).id)

    def __call__(self, method: str, path: str, body: object = None, by: str = "root") -> Answer:
        """Ask once."""
        url = self.served.url + (path if path.startswith("/api") else f"/api/v4{path}")
        sent = {"json": body} if body is not None else {}
        reply = self.pool.request(method, url, headers={"PRIVATE-TOKEN": by}, **sent)  # type: ignore[arg-type]  # a body or none
        return Answer(reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.data.decode())
