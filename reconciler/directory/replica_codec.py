"""Write a replica as bytes and read it back; pure. Whoever reads has to know by a checksum that the bytes are those written."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator

from reconciler.directory.ber import BerError, EntryDecoder
from reconciler.directory.replica import Kept, Named, Replica

_RECORD = struct.Struct("<H16sII")  # search, id, bytes of the entry, bytes of its members
_ATTRIBUTE = struct.Struct("<HII")  # bytes of the name, how many numbers, how many texts
_SIZE = struct.Struct("<I")
_CONTAINER = 0xFFFF


class ReplicaSyntaxError(ValueError):
    """Bytes that are no replica for these searches."""


def encode(replica: Replica) -> Iterator[bytes]:
    """Yield the bytes, entry by entry; members are numbered in the order in which entries first come."""
    kept = [(place, uuid, each) for place, search in enumerate(replica.searches) for uuid, each in search.items()]
    numbers: dict[bytes, int] = {}
    for _, uuid, _ in kept:
        numbers.setdefault(uuid, len(numbers))
    new = [numbers.get(uuid, -1) for uuid in replica.ids]
    unmoved = new == list(range(len(new)))
    for place, uuid, each in kept:
        members = b"".join(_named(named if unmoved else _renumbered(named, new)) for named in each.members)
        yield _RECORD.pack(place, uuid, len(each.entry), len(members)) + each.entry + members
    for uuid, dn in replica.containers.items():
        yield _RECORD.pack(_CONTAINER, uuid, len(dn), 0) + dn


def decode(data: bytes, replica: Replica) -> None:
    """Fill an empty replica; raises ReplicaSyntaxError where the bytes do not fit it."""
    decoder, at = EntryDecoder(), 0
    try:
        while at < len(data):
            place, uuid, entry_size, members_size = _RECORD.unpack_from(data, at)
            start = at + _RECORD.size
            middle, at = start + entry_size, start + entry_size + members_size
            entry = data[start:middle]
            if at > len(data):
                raise ReplicaSyntaxError("an entry is longer than the cache")
            if place == _CONTAINER:
                replica.containers[uuid] = entry
            else:
                replica.keep(place, uuid, Kept(decoder.dn(entry), entry, tuple(_members(data, middle, at))))
    except (struct.error, IndexError, UnicodeDecodeError, BerError) as error:
        raise ReplicaSyntaxError(str(error)) from error


def _renumbered(named: Named, new: list[int]) -> Named:
    """Whom no search finds any more names nobody: such members are left out."""
    end = len(new)
    numbers = [new[each] if each < end else each for each in named.numbers]
    return named._replace(numbers=array("I", [each for each in numbers if each >= 0]))


def _named(named: Named) -> bytes:
    name = named.attribute.encode()
    texts = b"".join(_SIZE.pack(len(text)) + text for text in named.texts)
    head = _ATTRIBUTE.pack(len(name), len(named.numbers), len(named.texts))
    return head + name + _little(named.numbers).tobytes() + texts


def _members(data: bytes, at: int, end: int) -> Iterator[Named]:
    while at < end:
        name_size, count, text_count = _ATTRIBUTE.unpack_from(data, at)
        name_end = at + _ATTRIBUTE.size + name_size
        name = data[at + _ATTRIBUTE.size : name_end].decode("ascii")
        numbers = array("I")
        at = name_end + count * numbers.itemsize
        numbers.frombytes(data[name_end:at])
        texts = []
        for _ in range(text_count):
            (size,) = _SIZE.unpack_from(data, at)
            at += _SIZE.size + size
            texts.append(data[at - size : at])
        yield Named(name, _little(numbers), texts)
    if at != end:
        raise ReplicaSyntaxError("members are longer than they are said to be")


def _little(numbers: array[int]) -> array[int]:
    if sys.byteorder == "little":
        return numbers
    swapped = array("I", numbers)
    swapped.byteswap()
    return swapped
