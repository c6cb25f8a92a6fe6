"""How GitLab spells the DN of an LDAP identity when it stores one; knows nothing of our own spelling."""

from __future__ import annotations

import re

SPECIAL = set(',+"\\<>;=')


def spelled(text: str) -> str:
    """Return a DN in lower case, escaped afresh, without spaces around separators; what is no DN comes back as it is."""
    try:
        return ",".join(f"{name}={_escape(value)}" for name, value in _pairs(text)).lower()
    except ValueError:
        return text


def _pairs(text: str) -> list[tuple[str, str]]:
    found = []
    position = 0
    while True:
        match = re.compile(r" *([A-Za-z][A-Za-z0-9 -]*|[0-9][0-9. ]*)=").match(text, position)
        if match is None:
            raise ValueError(text)
        value, position = _value(text, match.end())
        found.append((match[1].strip(), value))
        if position >= len(text):
            return found
        position += 1  # the comma


def _value(text: str, position: int) -> tuple[str, int]:
    while text[position : position + 1] == " ":
        position += 1
    if text[position : position + 1] == '"':
        return _quoted(text, position + 1)
    got, kept = bytearray(), 0  # kept: up to where an escape protects trailing spaces
    while position < len(text) and text[position] != ",":
        if text[position] == "+":
            raise ValueError("an RDN of several values is left as it is")
        if text[position] == "\\":
            piece, position = _escaped(text, position + 1)
            got += piece
            kept = len(got)
            continue
        got += text[position].encode()
        position += 1
    while len(got) > kept and got.endswith(b" "):
        got.pop()
    return got.decode(errors="surrogateescape"), position


def _quoted(text: str, position: int) -> tuple[str, int]:
    got = bytearray()
    while text[position : position + 1] != '"':
        if position >= len(text):
            raise ValueError(text)
        if text[position] == "\\":
            piece, position = _escaped(text, position + 1)
            got += piece
        else:
            got += text[position].encode()
            position += 1
    position += 1
    while text[position : position + 1] == " ":
        position += 1
    if position < len(text) and text[position] != ",":
        raise ValueError(text)
    return got.decode(errors="surrogateescape"), position


def _escaped(text: str, position: int) -> tuple[bytes, int]:
    if re.match(r"[0-9A-Fa-f]", text[position : position + 1]):
        return bytes.fromhex(text[position : position + 2]), position + 2
    if position >= len(text):
        raise ValueError(text)
    return text[position].encode(), position + 1


def _escape(value: str) -> str:
    out = ["\\" + char if char in SPECIAL else {"\n": "\\0a", "\r": "\\0d"}.get(char, char) for char in value]
    if out and out[0] in {" ", "#"}:
        out[0] = "\\" + out[0]
    if len(out) > 1 and out[-1] == " ":
        out[-1] = "\\ "
    return "".join(out)
