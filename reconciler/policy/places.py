"""Find targets that would undo each other's work, because they write to one place and claim the same marks; pure."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping

from reconciler.model.text import shortened
from reconciler.policy.findings import Findings
from reconciler.policy.node import Node

_SQLITE = "sqlite:///"
SQL_URL = f"{_SQLITE}roster.db"
"""Where a roster is if the policy does not say."""

_PROVIDER = "ldapmain"
_URL = re.compile(r"(?P<scheme>https?)://(?P<host>[^/]*?)(?::(?P<port>\d*))?(?P<path>/.*)?", re.DOTALL)
_PORTS = {"https": "443", "http": "80"}


def check_places(nodes: Iterable[Node], findings: Findings) -> None:
    """Add an error for each target that writes to the same place as one before it, for the same directory or provider."""
    first: dict[tuple[str, str, str], Node] = {}
    kinds = ((node.text("kind"), node) for node in sorted(nodes, key=lambda node: node.key_where))
    for kind, node in kinds:
        if kind not in _PLACES:
            continue
        mark, place = _PLACES[kind]
        same = first.setdefault((kind, *place(node)), node)
        if same is not node:
            other = f'"{shortened(str(same.path[-1]), 60)}" at {same.key_where}'
            fact = f"This target writes to the same place for the same {mark} as {other}."
            way_out = "Make them one target, or give one of them another url."
            findings.error(node.source, node.key_where, "SAME-TARGET", f"{fact} {way_out}")


def _roster(node: Node) -> tuple[str, str]:
    """Return the url of a roster as one text for one place: the path of a SQLite file is absolute and has no ``..``."""
    url, directory = node.text("url", SQL_URL), node.text("directory")
    if not url.startswith(_SQLITE):
        return url, directory
    path = os.path.abspath(os.path.join(node.source.folder, url.removeprefix(_SQLITE)))  # noqa: PTH100, PTH118 - text in, text out
    return _SQLITE + path, directory


def _server(node: Node) -> tuple[str, str]:
    """Return the address of a GitLab as one text for one server, and the provider whose accounts are ours."""
    found = _URL.fullmatch(node.text("url"))
    url = found.groupdict("") if found else {}  # the schema has held it against a stricter form
    scheme, host = url.get("scheme", ""), url.get("host", "").casefold()
    port = url.get("port") or _PORTS.get(scheme, "")
    path = url.get("path", "").rstrip("/").removesuffix("/api/v4").rstrip("/")
    return f"{scheme}://{host}:{port}{path}", node.text("provider", _PROVIDER)


_PLACES: Mapping[str, tuple[str, Callable[[Node], tuple[str, str]]]] = {
    "sql": ("directory", _roster),
    "gitlab": ("provider", _server),
}
"""By kind what the marks of a target are of, and the place with the name of that."""
