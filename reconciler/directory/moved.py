"""Find those again who were renamed between two searches of one read; never takes anybody for absent who is there.

People are read before groups. A person renamed in between came under the old DN while groups name the new one: without a
second look that person would seem to have left every group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.directory.claims import under_any
from reconciler.directory.entries import ATTRIBUTES
from reconciler.directory.members import key_of
from reconciler.directory.pages import RawEntry
from reconciler.directory.reduction import Reduction
from reconciler.errors import ReadIncomplete
from reconciler.model.names import DnKey
from reconciler.model.text import shortened

FEW = 50
"""So many DNs are looked up one by one; for more, all entries are listed once again, by id alone."""

IDS = tuple(name for name in ATTRIBUTES if name != "objectClass")


def candidates(reduction: Reduction, bases: Iterable[str]) -> list[bytes]:
    """Return the DNs that groups name and nobody came with, though they lie where people and groups were read."""
    places = tuple(bases)
    found = [(dn, key_of(dn)) for dn in reduction.unresolved()]
    return [dn for dn, key in found if key is not None and under_any(key, places)]


def recognise(reduction: Reduction, entries: Iterable[RawEntry], names: Iterable[bytes]) -> None:
    """Let those of the names lead to known entries that, by their stable id, are entries which came under another DN.

    `entries` are people and groups as the policy's filters select them. Raises ReadIncomplete for one that did not come.
    """
    wanted = {key_of(name): name for name in names}
    known: Mapping[str, DnKey] = {}
    for dn, attributes in entries:
        name = wanted.get(key_of(dn))
        if name is None:
            continue
        known = known or reduction.by_id()  # mostly nobody comes, and it takes all entries to say who did
        found = known.get(reduction.stable_id(dn, attributes))
        if found is None:
            raise _came_meanwhile(dn)
        reduction.also_known_as(name, found)


def check_all_came(reduction: Reduction, entries: Iterable[RawEntry]) -> None:
    """Raise ReadIncomplete for an entry that is there and did not come: it moved behind the back of the searches."""
    known = reduction.by_id()
    for dn, attributes in entries:
        if reduction.stable_id(dn, attributes) not in known:
            raise _came_meanwhile(dn)


def _came_meanwhile(dn: bytes) -> ReadIncomplete:
    return ReadIncomplete(
        f'entry "{shortened(dn.decode(errors="backslashreplace"))}" is there now and did not come before: it was moved or '
        "made while the directory was read; run again"
    )
