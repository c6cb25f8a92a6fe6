"""Show the line that a problem is about, with a mark under the place; never shows what may be a secret."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from functools import lru_cache

from reconciler.model.diagnostic import Position
from reconciler.model.text import printable

HIDDEN = "•••"
LONGEST = 300  # characters; a longer line is not shown at all

_SECRET_SIGNS = ("pass", "pwd", "token", "secret", "cred", "private_key", "api_key", "apikey", "access_key")
_SECRET_WORDS = ("password", "token", "secret")
_KEY = re.compile(r"""["']?(?P<key>[\w.-]+)(?:["']\s*:|\s*:(?=\s|$))\s*(?P<value>.*)""")
_REFERENCE = re.compile(r"""\{\s*["']?(?:env["']?\s*:\s*["']?[A-Za-z_]\w*|file["']?\s*:\s[^,{}]*)["']?\s*\}""")
_IN_ADDRESS = re.compile(r"://([^:/\s]*):([^@]*)@")
_IN_QUERY = re.compile(r"([?&;][\w.-]*(?:password|passwd|token|secret|key)[\w.-]*=)[^&;\s\"']+", re.IGNORECASE)


@lru_cache(maxsize=1024)
def looks_secret(key: str) -> bool:
    """Tell whether the value of this key is, or was meant to be, a secret: by its name, small slips of the pen included."""
    name = key.casefold().replace("-", "_")
    if len(name) > 64:  # noqa: PLR2004 - no name of ours is as long, and the comparison is not linear
        return False
    return any(sign in name for sign in _SECRET_SIGNS) or bool(difflib.get_close_matches(name, _SECRET_WORDS, 1, 0.75))


def has_credentials(address: str) -> bool:
    """Tell whether a URL carries a password, before the ``@`` or as a parameter; as SQLAlchemy and libpq read them."""
    return "://" in address and bool(_IN_ADDRESS.search(address) or _IN_QUERY.search(address))


def excerpt(lines: Sequence[str], where: Position) -> str:
    """Return the line at `where` and a line with ``^`` under the column, or nothing where the line is too long to show."""
    index = where.line - 1
    if index >= len(lines) or len(lines[index]) > LONGEST:
        return ""
    line = lines[index]
    indent = len(line) - len(line.lstrip())
    shown = " " * indent + HIDDEN if _continues_secret(lines, index, indent) else masked(line)
    before = printable(shown[indent : max(where.column - 1, indent)])
    return f"{printable(shown[indent:])}\n{' ' * len(before)}^".rstrip("\n")


def masked(line: str) -> str:
    """Return a line of YAML without the values of keys that look like secrets, and without passwords in addresses."""
    start = 0
    while found := _KEY.search(line, start):
        value = found["value"]
        if looks_secret(found["key"]) and value and not _REFERENCE.match(value):
            return without_credentials(line[: found.start("value")]) + HIDDEN
        start = found.start("value")
    return without_credentials(line)


def without_credentials(text: str) -> str:
    """Return a text without the passwords in its addresses."""
    return _IN_QUERY.sub(rf"\1{HIDDEN}", _IN_ADDRESS.sub(rf"://\1:{HIDDEN}@", text))


def _continues_secret(lines: Sequence[str], index: int, indent: int) -> bool:
    """Tell whether a line goes on with the value of a secret's key in a line above."""
    if not lines[index].strip():
        return False
    for above in range(index - 1, max(index - 100, -1), -1):
        line = lines[above][:LONGEST]
        if line.strip() and len(line) - len(line.lstrip()) < indent:
            found = _last_key(line)
            return bool(found and looks_secret(found["key"]) and not _REFERENCE.match(found["value"]))
    return False


def _last_key(line: str) -> re.Match[str] | None:
    last, start = None, 0
    while found := _KEY.search(line, start):
        last, start = found, found.start("value")
    return last
