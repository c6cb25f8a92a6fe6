"""Tell which naming rules no name can satisfy; says so only where it is certain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module

from reconciler.desired.naming import name_problem
from reconciler.model.access import NameLimits

_WORDS = re.compile(r"\^?(?:\((?:\?:)?)?([\w/-]+(?:\|[\w/-]+)*)\)?\$?")


def unsatisfiable(limits: Sequence[NameLimits]) -> str:
    """Return why no name is legal under all these limits, as the end of a sentence; empty where some name may be."""
    lengths = [limit.max_length for limit in limits if limit.max_length]
    for limit in limits:
        if not limit.pattern:
            continue
        shortest = _shortest(limit.pattern)
        if lengths and shortest > min(lengths):
            return f"{limit.pattern} takes at least {shortest} characters, and {min(lengths)} are allowed"
        words = _WORDS.fullmatch(limit.pattern)
        if words and all(name_problem(word, limits) for word in words[1].split("|")):
            return f"each word of {limit.pattern} is refused by another limit"
    return ""


def _shortest(pattern: str) -> int:
    """Return a length that no match is shorter than, as Python's own parser of patterns works it out.

    The parser is a private part of the standard library; a test holds it to what is taken of it here.
    """
    return int(import_module("re._parser").parse(pattern).getwidth()[0])
