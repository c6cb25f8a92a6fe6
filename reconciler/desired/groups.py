"""Who is in each directory group once nesting is followed, and by which way; never follows a link or a role."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from reconciler.model.bits import bits_of, indexes
from reconciler.model.directory import DirectoryGroup, Readability


class Closure:
    """Effective members of every group of one snapshot; cycles are harmless, memory is bounded by nesting groups × people.

    Groups without nested groups are answered from the snapshot itself. The others are condensed into strongly connected
    components (Tarjan 1972, iterative, so a chain of any length passes), children first, and each component holds its
    people as the bits of one integer.
    """

    def __init__(self, groups: Sequence[DirectoryGroup]) -> None:
        """Condense the nesting once: O(groups + edges) and one bit operation per edge."""
        self._groups = groups
        self._component: dict[int, int] = {}
        self._bits: list[int] = []
        self._unreadable: list[int | None] = []
        self._listed: dict[int, Sequence[int]] = {}
        for members in _components([group.groups for group in groups]):
            self._add_component(members)

    def people(self, group: int) -> Sequence[int]:
        """Return the indexes of all people in the group, direct or nested, ascending."""
        component = self._component.get(group)
        if component is None:
            return self._groups[group].people
        if component not in self._listed:
            self._listed[component] = indexes(self._bits[component])
        return self._listed[component]

    def bits(self, group: int) -> int:
        """Return everybody in the group, direct or nested, as the bits of one integer."""
        component = self._component.get(group)
        return bits_of(self._groups[group].people) if component is None else self._bits[component]

    def unreadable(self, group: int) -> int | None:
        """Return the index of a group in it (or itself) whose members could not be read, None where all could."""
        component = self._component.get(group)
        if component is None:
            return group if self._groups[group].readability is Readability.UNREADABLE else None
        return self._unreadable[component]

    def ways(self, group: int) -> Mapping[int, tuple[int, ...]]:
        """Return for each person in the group the shortest way: the groups from `group` down to the person's own one."""
        found: dict[int, tuple[int, ...]] = {}
        seen = {group}
        queue: deque[tuple[int, ...]] = deque([(group,)])
        while queue:
            way = queue.popleft()
            here = self._groups[way[-1]]
            for person in here.people:
                found.setdefault(person, way)
            for child in here.groups:
                if child not in seen:
                    seen.add(child)
                    queue.append((*way, child))
        return found

    def _add_component(self, members: Sequence[int]) -> None:
        number = len(self._bits)
        self._component.update(dict.fromkeys(members, number))
        bits = 0
        unreadable = None
        for member in members:
            group = self._groups[member]
            bits |= bits_of(group.people)
            if group.readability is Readability.UNREADABLE:
                unreadable = member
            for child in {self._component[child] for child in group.groups} - {number}:
                bits |= self._bits[child]
                unreadable = self._unreadable[child] if unreadable is None else unreadable
        self._bits.append(bits)
        self._unreadable.append(unreadable)


def _components(edges: Sequence[Sequence[int]]) -> Iterator[Sequence[int]]:
    """Yield the strongly connected components reachable from nodes that have edges, each after all it points to."""
    search = _Search(edges)
    for root, targets in enumerate(edges):
        if targets and root not in search.order:
            yield from search.from_root(root)


class _Search:
    """Tarjan's depth-first search with its own stack instead of recursion."""

    def __init__(self, edges: Sequence[Sequence[int]]) -> None:
        self._edges = edges
        self.order: dict[int, int] = {}
        self._low: dict[int, int] = {}
        self._stack: list[int] = []
        self._on_stack: set[int] = set()
        self._work: list[tuple[int, Iterator[int]]] = []

    def from_root(self, root: int) -> Iterator[Sequence[int]]:
        self._enter(root)
        while self._work:
            node, rest = self._work[-1]
            child = next(rest, None)
            if child is None:
                self._work.pop()
                self._return_to_parent(node)
                if self._low[node] == self.order[node]:
                    yield self._component_down_to(node)
            elif child not in self.order:
                self._enter(child)
            elif child in self._on_stack:
                self._low[node] = min(self._low[node], self.order[child])

    def _enter(self, node: int) -> None:
        self.order[node] = self._low[node] = len(self.order)
        self._stack.append(node)
        self._on_stack.add(node)
        self._work.append((node, iter(self._edges[node])))

    def _return_to_parent(self, node: int) -> None:
        if self._work:
            parent = self._work[-1][0]
            self._low[parent] = min(self._low[parent], self._low[node])

    def _component_down_to(self, last: int) -> Sequence[int]:
        component: list[int] = []
        while component[-1:] != [last]:
            component.append(self._stack.pop())
        self._on_stack.difference_update(component)
        return component
