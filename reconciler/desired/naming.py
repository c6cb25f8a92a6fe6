"""Which names a target can hold, and how a name that it cannot hold is made legal; never looks anything up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from reconciler.model.access import NameLimits
from reconciler.model.names import login_key


def name_problem(name: str, limits: Sequence[NameLimits]) -> str:
    """Return what is wrong with `name` under all `limits`, as the end of a sentence, or empty text."""
    if not name:
        return "is empty"
    for limit in limits:
        if limit.max_length and len(name) > limit.max_length:
            return f"has {len(name)} characters, more than {limit.max_length}"
        if limit.pattern and not _compiled(limit.pattern).fullmatch(name):
            return f"does not match {limit.pattern}"
        if limit.reserved and login_key(name) in _reserved(limit.reserved):
            return "is reserved"
    return ""


def normalize(name: str, limits: Sequence[NameLimits]) -> str:
    """Return `name` made legal as far as possible; the caller checks the result.

    NFKD to ASCII, lower case where no pattern allows upper case, each run of illegal characters to one ``-``, trimmed,
    cut at the lowest limit.
    """
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    if any(limit.pattern and not _allows(limit, "A") for limit in limits):
        text = text.casefold()
    text = re.sub(r"-{2,}", "-", "".join(char if _all_allow(limits, char) else "-" for char in text)).strip("-")
    lengths = [limit.max_length for limit in limits if limit.max_length]
    return text[: min(lengths)].strip("-") if lengths else text


@lru_cache(maxsize=256)
def _reserved(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(login_key(word) for word in words)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _all_allow(limits: Sequence[NameLimits], char: str) -> bool:
    return all(_allows(limit, char) for limit in limits)


@lru_cache(maxsize=4096)
def _allows(limit: NameLimits, char: str) -> bool:
    """Tell whether a character can stand anywhere in a name: alone, at the start, inside, or at the end."""
    if not limit.pattern:
        return char.isprintable()
    pattern = _compiled(limit.pattern)
    return any(
        pattern.fullmatch(sample) for sample in (char, f"{char}aa", f"a{char}a", f"aa{char}", f"A{char}A", f"0{char}0")
    )
