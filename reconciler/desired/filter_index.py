"""The values of many entries, turned round: which entries hold a value; never knows what a filter is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

from reconciler.model.bits import bits_of
from reconciler.model.directory import Attributes
from reconciler.model.matching import Key, Place, Prepare
from reconciler.model.names import parse_dn
from reconciler.model.schema import DirectorySchema

CLASS_ATTRIBUTES = frozenset({"objectclass", "structuralobjectclass"})
KeysOf: TypeAlias = Callable[[str], Iterable[Key]]
_WORTH_KEEPING = 64  # entries; fewer are turned into bits again faster than the bits are worth their memory


class Table:
    """The keys of one attribute's values under one preparation, and the entries that hold them."""

    def __init__(self, values: Mapping[str, Sequence[int]], keys_of: KeysOf) -> None:
        """Prepare every distinct value once."""
        self._entries: dict[Key, list[int]] = {}
        self._bits: dict[Key, int] = {}
        for value, entries in values.items():
            for key in keys_of(value):
                self._entries.setdefault(key, []).extend(entries)

    def equal(self, key: Key) -> int:
        """Return the entries, as bits, that hold a value with this key."""
        entries = self._entries.get(key)
        if entries is None:
            return 0
        if len(entries) < _WORTH_KEEPING:
            return bits_of(entries)
        return self._bits.get(key) or self._bits.setdefault(key, bits_of(entries))

    def where(self, fits: Callable[[Key], bool]) -> int:
        """Return the entries that hold a value whose key fits."""
        return bits_of(entry for key, entries in self._entries.items() if fits(key) for entry in entries)

    def containing(self, initial: str, middle: Sequence[str], final: str) -> int:
        """Return the entries that hold a value with these pieces, in this order and without overlap."""
        longest = max((initial, *middle, final), key=len)
        likely = [key for key in self._entries if isinstance(key, str) and longest in key]
        return bits_of(
            entry for key in likely if _contains(key, initial, middle, final) for entry in self._entries[key]
        )


class Column:
    """The values of one attribute in all entries."""

    def __init__(self, holders: Iterable[tuple[int, Iterable[str]]], classes: DirectorySchema | None = None) -> None:
        """`holders` are entries with their values; `classes` is given where the values are object classes."""
        self._values: dict[str, list[int]] = {}
        present = []
        for entry, values in holders:
            present.append(entry)
            for value in values:
                self._values.setdefault(value, []).append(entry)
        self._classes = classes
        self._tables: dict[Prepare, Table] = {}
        self.present = bits_of(present)

    def table(self, prepare: Prepare) -> Table:
        """Return the table under one preparation; object classes stand for all their superclasses, however prepared."""
        known = self._tables.get(prepare)
        if known is None:
            known = self._tables[prepare] = Table(self._values, self._keys_of(prepare))
        return known

    def _keys_of(self, prepare: Prepare) -> KeysOf:
        classes = self._classes
        if classes is not None:
            return lambda value: classes.superclasses((value,))
        return lambda value: () if (key := prepare(value, Place.WHOLE)) is None else (key,)


class Columns:
    """All columns over a sequence of entries, each made when it is first asked for."""

    def __init__(self, entries: Sequence[Attributes], schema: DirectorySchema, dns: Sequence[str]) -> None:
        """`dns` are the DNs of the entries, in the same order."""
        self._entries = entries
        self._schema = schema
        self._dns = dns
        self._columns: dict[str, Column] = {}
        self._dn_columns: dict[str, Column] = {}

    def column(self, description: str) -> Column:
        """Return the values under an attribute description: of subtypes and of longer lists of options too (RFC 4512 2.5)."""
        wanted = self._schema.canonical(description)
        if wanted not in self._columns:
            self._columns[wanted] = self._made(wanted)
        return self._columns[wanted]

    def dn_column(self, description: str) -> Column:
        """Return the values under an attribute description that the entries' DNs are made of (RFC 4511 4.5.1.7.7)."""
        wanted = self._schema.canonical(description)
        if wanted not in self._dn_columns:
            names = frozenset[str]() if ";" in wanted else self._schema.subtypes(wanted)
            self._dn_columns[wanted] = Column(
                (entry, [value for name, value in avas if name in names]) for entry, avas in enumerate(self._avas)
            )
        return self._dn_columns[wanted]

    @cached_property
    def names(self) -> frozenset[str]:
        """The canonical attribute names, without options, that any entry has."""
        return frozenset(key.partition(";")[0] for key in self._keys)

    @cached_property
    def dn_names(self) -> frozenset[str]:
        """The canonical attribute names that any DN is made of."""
        return frozenset(name for avas in self._avas for name, _ in avas)

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset[str]().union(*self._entries)

    @cached_property
    def _avas(self) -> list[list[tuple[str, str]]]:
        canonical = self._schema.canonical
        return [
            [(canonical(ava.type), ava.value) for rdn in parse_dn(dn) for ava in rdn if not ava.encoded]
            for dn in self._dns
        ]

    def _made(self, wanted: str) -> Column:
        name, *options = wanted.split(";")
        names = self._schema.subtypes(name)
        keys = [key for key in self._keys if _belongs(key, names, options)]
        holders = (
            (entry, values)
            for key in keys
            for entry, attributes in enumerate(self._entries)
            if (values := attributes.get(key))
        )
        return Column(holders, self._schema if name in CLASS_ATTRIBUTES else None)


def _belongs(key: str, names: frozenset[str], options: Sequence[str]) -> bool:
    """Tell whether an attribute is asked for: its name is, and each option is, by name or by the range of a language."""
    name, *have = key.split(";")
    return name in names and all(
        any(option == each or (option.endswith("-") and each.startswith(option)) for each in have) for option in options
    )


def _contains(text: str, initial: str, middle: Sequence[str], final: str) -> bool:
    end = len(text) - len(final)
    at = len(initial)
    if end < at or not text.startswith(initial) or not text.endswith(final):
        return False
    for piece in middle:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True
