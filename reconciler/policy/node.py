"""Walk over what files say, value by value, each with its place; leaves out what the schema has already refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model.diagnostic import Position
from reconciler.policy.source import Data, Path, Source


@dataclass(frozen=True, slots=True)
class Node:
    """One value of one file. The readers below give the default where a key is absent or of another type."""

    source: Source
    path: Path
    data: Data

    @property
    def where(self) -> Position:
        """Where the value starts."""
        return self.source.value_at(self.path)

    @property
    def key_where(self) -> Position:
        """Where its key is written."""
        return self.source.key_at(self.path)

    @property
    def sound(self) -> bool:
        """Whether the schema finds nothing wrong with the value itself."""
        return self.path not in self.source.broken

    def get(self, key: str) -> Node | None:
        """Return the value of a key of a map."""
        if not isinstance(self.data, dict) or key not in self.data:
            return None
        found = Node(self.source, (*self.path, key), self.data[key])
        return found if found.sound else None

    def entries(self) -> Iterator[tuple[str, Node]]:
        """Give the keys and values of a map."""
        for key, value in self.data.items() if isinstance(self.data, dict) else ():
            found = Node(self.source, (*self.path, key), value)
            if found.sound:
                yield key, found

    def items(self) -> Iterator[Node]:
        """Give the items of a list."""
        for index, value in enumerate(self.data if isinstance(self.data, list) else ()):
            found = Node(self.source, (*self.path, index), value)
            if found.sound:
                yield found

    def child(self, key: str) -> Node:
        """Return the value of a key, or a node without a value at the place where it could stand."""
        return self.get(key) or Node(self.source, self.path, None)

    def text(self, key: str, default: str = "") -> str:
        """Return a text."""
        found = self._of(key)
        return found if isinstance(found, str) else default

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a truth value."""
        found = self._of(key)
        return found if isinstance(found, bool) else default

    def whole(self, key: str, default: int) -> int:
        """Return a whole number; 5.0 is one, as JSON Schema has it."""
        found = self._of(key)
        return int(found) if isinstance(found, int | float) else default

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        found = self._of(key)
        return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()

    def _of(self, key: str) -> Data:
        return self.data.get(key) if isinstance(self.data, dict) else None
