"""Tell which SSH keys of an account to add and which to delete; knows ours by their title, and never touches another.

GitLab shows a key with a comment of its own, so keys are compared by what they are, not by how they are written.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.model.text import shortened
from reconciler.targets.gitlab.rows import Key

TITLE = "reconcile: "
"""How the title of a key of ours begins."""

UNFINISHED = f"{TITLE}not finished"
"""What is noted among an account's keys while they are being changed: whoever finds it has to look again."""

_LONGEST = 100  # characters of a comment in a title
_LENGTH = 4  # bytes of a length in a key
_NO_KEY = "is no SSH public key"
_TAKEN = "has already been taken"


@dataclass(frozen=True, slots=True)
class Work:
    """What makes an account's keys as wanted: texts to add with their titles, numbers to delete, texts that are no keys."""

    add: Mapping[str, str]
    delete: tuple[int, ...]
    unusable: Mapping[str, str]


def work(there: Sequence[Key], wanted: Sequence[str]) -> Work:
    """Return what has to be done; a key that the account has under whatever title is there."""
    have = {body: key for key in there if (body := _body(key.key))}
    want = {body: text for text in reversed(wanted) if (body := _body(text))}
    ours = [key for key in there if key.title.startswith(TITLE)]
    return Work(
        add={text: _title(text) for body, text in reversed(want.items()) if body not in have},
        delete=tuple(key.number for key in ours if _body(key.key) not in want),
        unusable={text: _NO_KEY for text in wanted if not _body(text)},
    )


def noted(wanted: Sequence[str], refused: Mapping[str, str]) -> Mapping[str, str]:
    """Return what is to be noted of an account's keys: each with why GitLab does not take it, or an empty text."""
    return {text: _why(refused.get(text, "")) for text in wanted}


def left_out(keys: Mapping[str, str]) -> str:
    """Return words that name the keys which GitLab does not take, empty where there is none."""
    bad = [f'"{short(text)}" {why}' for text, why in keys.items() if why]
    return f"SSH keys left out: {'; '.join(bad)}" if bad else ""


def is_taken(why: str) -> bool:
    """Tell whether a key was refused because somebody has it already, perhaps the account itself."""
    return "fingerprint" in why and _TAKEN in why


def _body(text: str) -> str:
    """Return what a key is, without its type and comment; empty where it is no key."""
    kind, _, rest = text.strip().partition(" ")
    body = rest.strip().partition(" ")[0]
    try:
        held = b64decode(body, validate=True)
    except ValueError:
        return ""
    start = _LENGTH + int.from_bytes(held[:_LENGTH], "big")
    return body if held[_LENGTH:start] == kind.encode() and kind else ""


def _title(text: str) -> str:
    kind, *rest = text.split(maxsplit=2)
    return TITLE + (shortened(rest[1], _LONGEST) if rest[1:] else kind)


def short(text: str) -> str:
    """Return a key for people: its type, the end of what it is, its comment."""
    kind, *rest = text.split(maxsplit=2) or [""]
    body = f" …{rest[0][-8:]}" if rest else ""
    return shortened(" ".join([f"{kind}{body}", *rest[1:]]), 80)


def _why(said: str) -> str:
    """Return GitLab's words on a key, and what they mean where that is not plain."""
    return "belongs to another account" if is_taken(said) else said
