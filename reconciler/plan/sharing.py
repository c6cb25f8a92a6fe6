"""Read JSON in which the same small objects come thousands of times, as one object each; never changes what it says."""

from __future__ import annotations

import json
from typing import Any

_MOST = 4
"""Values of an object that may be the same as another one: a person, a reason, a place in a policy."""


def shared_json(text: str) -> object:
    """Return what `json.loads` does, equal objects of a few texts and numbers as one, and equal texts of larger ones as one.

    Nobody may change what it returns. Raises as `json.loads`.
    """
    return json.loads(text, object_pairs_hook=_Shared().one)


class _Shared:
    """What was read so far. Objects that are kept hold those inside them, so that their ids stay their own."""

    def __init__(self) -> None:
        self._objects: dict[tuple[object, ...], dict[str, Any]] = {}
        self._texts: dict[str, str] = {}

    def one(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return the object of these names and values, the one that is there already where it says the same."""
        found = dict(pairs)
        if len(found) > _MOST:
            texts = self._texts
            for name, value in found.items():
                if type(value) is str:
                    found[name] = texts.setdefault(value, value)
            return found
        said: list[object] = []
        for name, value in found.items():
            kind = type(value)
            if kind is str or kind is int or value is None:
                said += name, value
            elif kind is dict:
                said += name, (id(value),)
            elif kind is list and all(type(one) is str for one in value):
                said += name, tuple(value), kind
            else:
                return found
        return self._objects.setdefault(tuple(said), found)
