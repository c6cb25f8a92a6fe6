"""Names that no change may touch, as patterns; never knows what they protect."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_PIECE = re.compile(r"\*\*|\*|\?|\[(?P<not>!?)(?P<set>\]?[^\]]+|\])\]|[^*?\[]+|\[")
_MEANING = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


def matches_any(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether a name matches one of the patterns, whatever its case.

    ``*`` and ``?`` stop at a slash, ``**`` does not; ``[abc]``, ``[a-z]`` and ``[!abc]`` stand for one character.
    """
    return any(_compiled(pattern).fullmatch(name) for pattern in patterns)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(map(_expression, _PIECE.finditer(pattern))), re.IGNORECASE | re.DOTALL)


def _expression(piece: re.Match[str]) -> str:
    if piece["set"] is None:
        return _MEANING.get(piece[0]) or re.escape(piece[0])
    backwards = any(low > high for low, high in re.findall("(.)-(.)", piece["set"], re.DOTALL))
    inside = re.sub(r"[\\\[\]^&~|]" if not backwards else r"[\\\[\]^&~|-]", r"\\\g<0>", piece["set"])
    return f"[{'^' if piece['not'] else ''}{inside}]"
