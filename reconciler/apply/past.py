"""Read from the state store what earlier runs have left to know, and leave it to the next one; decide nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from reconciler.errors import StateError
from reconciler.model.past import Past, Seen, Trouble
from reconciler.model.plan import DirectoryFacts, TargetPlan
from reconciler.model.text import shortened
from reconciler.state.base import Store
from reconciler.state.names import segment

_T = TypeVar("_T")
_TRIES = 20  # somebody else may write at the same time, but hardly so often


def read_past(store: Store, sources: Mapping[str, str]) -> Past:
    """Return what is remembered of targets; `sources` names the directory of each. Makes nothing. Raises StateError."""
    seen = {name: _read_seen(store, directory, name) for name, directory in sources.items()}
    troubles = {name: read_troubles(store, name) for name in sources}
    return Past(
        {name: one for name, one in seen.items() if one is not None},
        {name: found for name, found in troubles.items() if found},
    )


def read_troubles(store: Store, target: str) -> Mapping[str, Trouble]:
    """Return the objects that a target keeps refusing."""
    return _read(store, _troubles(target), lambda data: {name: Trouble(**one) for name, one in data.items()}) or {}


def write_troubles(store: Store, target: str, troubles: Mapping[str, Trouble]) -> None:
    """Remember the objects that a target keeps refusing; writes nothing where that is what is remembered."""
    if troubles == read_troubles(store, target):
        return
    content = _text({name: asdict(trouble) for name, trouble in sorted(troubles.items())})
    _put(store, _troubles(target), content)


def write_seen(store: Store, section: TargetPlan, directories: Iterable[DirectoryFacts]) -> None:
    """Remember how large the directory was that a target was applied from; a later read is never replaced by an earlier one.

    Each target has its own memory: what one took, under a waiver perhaps, another may have refused and must refuse again.
    """
    name = _seen_below(section.directory) + segment(section.name)
    for facts in directories:
        before = _read(store, name, _seen_of)
        if facts.name == section.directory and (before is None or before.read_at < facts.read_at):
            _put(store, name, _text(asdict(Seen(facts.people, facts.groups, facts.read_at))))


def _read_seen(store: Store, directory: str, target: str) -> Seen | None:
    """Return what a target last saw of a directory; one that is new, or has a new name, goes by what the others saw last."""
    below = _seen_below(directory)
    own = _read(store, below + segment(target), _seen_of)
    if own is not None:
        return own
    others = [seen for name in store.names(below) if (seen := _read(store, name, _seen_of))]
    return max(others, key=lambda seen: (seen.read_at, seen.people), default=None)


def _seen_of(data: Any) -> Seen:
    return Seen(**data)


def _seen_below(directory: str) -> str:
    return f"seen/{segment(directory)}/"


def _troubles(target: str) -> str:
    return f"troubles/{segment(target)}"


def _text(data: object) -> bytes:
    return json.dumps(data).encode()


def _read(store: Store, name: str, value_of: Callable[[Any], _T]) -> _T | None:
    item = store.read(name)
    try:
        return None if item is None else value_of(json.loads(item.content))
    except (ValueError, TypeError, AttributeError) as error:
        raise StateError(
            f"state store {store.address}: {name} is nothing that this version can read ({shortened(repr(error))}). "
            "Remove it, and what it remembered is forgotten."
        ) from error


def _put(store: Store, name: str, content: bytes) -> None:
    """Put a piece in place of whatever is there."""
    for _ in range(_TRIES):
        item = store.read(name)
        if store.create(name, content) if item is None else store.replace(name, content, item.version):
            return
    raise StateError(f"state store {store.address}: {name} is written by somebody else all the time. Try again.")
