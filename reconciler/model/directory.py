"""What was read from one directory, whole and frozen; never reads anything itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias, get_args

from reconciler.model.access import UserKey
from reconciler.model.schema import DirectorySchema

Dialect: TypeAlias = Literal["openldap", "active_directory", "389ds"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)

Attributes: TypeAlias = Mapping[str, tuple[str, ...]]
"""Attribute description in lower case, canonical name of the schema, options kept (``cn``, ``mail;lang-en``) to its
values in the order read. Bytes that are no UTF-8 are kept with ``surrogateescape``."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The attributes that a policy names, as it writes them: readers fetch and keep these and no others."""

    person: frozenset[str] = frozenset()
    group: frozenset[str] = frozenset()


class Readability(StrEnum):
    """Whether a group's members could be seen; a missing group has no entry at all."""

    READ = "read"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Person:
    """One entry that the user filter selects. `disabled` means administratively, by the dialect's own marker."""

    key: UserKey
    dn: str
    attributes: Attributes
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class DirectoryGroup:
    """One group: direct members as indexes into `Snapshot.people` and `Snapshot.groups`, each sorted and without repeats.

    `dangling` holds the member values that name nobody in the snapshot, sorted.
    """

    key: str
    dn: str
    cn: str
    attributes: Attributes
    people: Sequence[int] = ()
    groups: Sequence[int] = ()
    dangling: tuple[str, ...] = ()
    readability: Readability = Readability.READ


@dataclass(frozen=True, slots=True)
class ReadWith:
    """What a read took of a directory: the bases as written; filters in canonical text, empty for the dialect's default."""

    base: tuple[str, ...] = ("",)
    group_base: tuple[str, ...] = ("",)
    user_filter: str = ""
    group_filter: str = ""
    nested_groups: bool = True
    member_of: bool = False
    dynamic_groups: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A complete read of one directory; an incomplete one is never built.

    `people` and `groups` are sorted by canonical DN. `digest` is ``sha256:`` of the snapshot file's records: it covers
    everything but `source` and `read_at` (an ISO 8601 UTC time). `confirmed_at` is set where only changes were read: the
    time of the whole read that they were added to, so absence is not proven since then.
    """

    directory: str
    source: str
    read_at: str
    people: Sequence[Person]
    groups: Sequence[DirectoryGroup]
    schema: DirectorySchema
    digest: str
    warnings: tuple[str, ...] = field(default=())
    read_with: ReadWith = ReadWith()
    dialect: Dialect = "openldap"
    confirmed_at: str = ""
