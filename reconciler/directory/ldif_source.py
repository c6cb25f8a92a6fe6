"""Read a whole directory from an LDIF file, with the filters evaluated here instead of by a server; never reads another file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeAlias, TypeVar

from reconciler.desired.filters import FilterIndex
from reconciler.directory.collection import paused_collection
from reconciler.directory.defaults import Filters, dialect_of, filters_of
from reconciler.directory.entries import AttributeReader, Traits
from reconciler.directory.ldif import LdifEntry, LdifError, read_entries
from reconciler.directory.pages import RawAttributes, located
from reconciler.directory.reduction import Origin, Reduction, moment_of
from reconciler.directory.selection import read_with
from reconciler.errors import DirectoryUnreachable, ReadIncomplete
from reconciler.model.bits import indexes
from reconciler.model.directory import Needs, Snapshot
from reconciler.model.filter import attributes_of
from reconciler.model.names import DnKey, DnSyntaxError, dn_key, is_under
from reconciler.model.standard_schema import standard_schema
from reconciler.model.text import shortened
from reconciler.policy.model import DirectoryConfig

_BATCH = 1000  # entries whose attributes are in memory at a time, as with a page of a server

_Keyed: TypeAlias = tuple[DnKey, LdifEntry]
_Result = TypeVar("_Result")


def read_ldif(config: DirectoryConfig, needs: Needs, read_at: str) -> Snapshot:
    """Return what the file holds under the bases; raises DirectoryUnreachable without the file, ReadIncomplete for a bad one."""
    where = f'{config.where}: directory "{config.name}"'
    dialect = dialect_of(config, {})
    selection = _Selection(
        filters=filters_of(config, dialect),
        bases={_key(base, where): base for base in config.bases},
        group_bases={_key(base, where): base for base in config.group_bases or config.bases},
        reduction=Reduction(needs, standard_schema(), moment_of(read_at), Traits(dialect)),
        file=config.file,
    )
    try:
        with Path(config.file).open("rb") as stream, paused_collection():
            entries = _keyed(read_entries(stream, config.file), config.file)
            while batch := list(islice(entries, _BATCH)):
                selection.take(batch)
    except OSError as error:
        raise DirectoryUnreachable(f"{where}: {config.file} cannot be read: {error.strerror}") from error
    selection.check_bases(where)
    origin = Origin(config.name, Path(config.file).name, read_at, read_with(config), dialect)
    with located(f"{where}: {config.file}"):
        return selection.reduction.snapshot(origin)


@dataclass(slots=True)
class _Selection:
    """Gives each entry to the reduction as what the filters say it is, batch by batch."""

    filters: Filters
    bases: Mapping[DnKey, str]
    group_bases: Mapping[DnKey, str]
    reduction: Reduction
    file: str
    _reader: AttributeReader = field(init=False)
    _bases_seen: set[DnKey] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        """Look only at what the filters name."""
        looked_at = attributes_of(self.filters.people) | attributes_of(self.filters.groups)
        self._reader = AttributeReader(looked_at, standard_schema())

    def take(self, batch: Sequence[_Keyed]) -> None:
        """Evaluate both filters over the batch and pass on what they select under its base."""
        for base in {*self.bases, *self.group_bases} - self._bases_seen:
            if any(is_under(key, base) for key, _ in batch):
                self._bases_seen.add(base)
        views = [self._attempt(self._reader.attributes, entry) for _, entry in batch]
        index = FilterIndex(views, standard_schema(), [entry.dn.decode() for _, entry in batch])
        keys = [key for key, _ in batch]
        groups = {
            place for place in indexes(index.select(self.filters.groups)) if _under(keys[place], self.group_bases)
        }
        people = {place for place in indexes(index.select(self.filters.people)) if _under(keys[place], self.bases)}
        for place in sorted(people | groups):
            self._attempt(self.reduction.add_group if place in groups else self.reduction.add_person, batch[place][1])

    def check_bases(self, where: str) -> None:
        """Raise ReadIncomplete for a base under which the file holds nothing: a server would say noSuchObject."""
        for base, text in {**self.group_bases, **self.bases}.items():
            if base not in self._bases_seen:
                under = f' under "{shortened(text)}"' if text else ""
                raise ReadIncomplete(f"{where}: {self.file} holds no entry{under}")

    def _attempt(self, take: Callable[[bytes, RawAttributes], _Result], entry: LdifEntry) -> _Result:
        try:
            return take(entry.dn, entry.attributes)
        except ReadIncomplete as error:
            raise LdifError(self.file, entry.line, str(error)) from error


def _keyed(entries: Iterable[LdifEntry], file: str) -> Iterator[_Keyed]:
    """Yield each entry with the key of its DN; raises LdifError for one that is no DN, or came before."""
    seen: dict[DnKey, int] = {}
    for entry in entries:
        try:
            key = dn_key(entry.dn.decode())
        except (UnicodeDecodeError, DnSyntaxError) as error:
            text = shortened(entry.dn.decode(errors="backslashreplace"))
            raise LdifError(file, entry.line, f'"{text}" is no DN: {error}') from error
        first = seen.setdefault(key, entry.line)
        if first != entry.line:
            raise LdifError(
                file, entry.line, f'a second entry "{shortened(entry.dn.decode())}": the first is in line {first}'
            )
        yield key, entry


def _under(key: DnKey, bases: Iterable[DnKey]) -> bool:
    return any(is_under(key, base) for base in bases)


def _key(base: str, where: str) -> DnKey:
    try:
        return dn_key(base)
    except DnSyntaxError as error:
        raise ReadIncomplete(f'{where}: "{shortened(base)}" is no DN: {error}') from error
