"""Find LDAP messages in a byte stream and walk a search entry's BER once; never read past what a length announces."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.directory.pages import RawAttributes, RawEntry
from reconciler.model.names import caseless

SEARCH_ENTRY = 0x64  # [APPLICATION 4], constructed (RFC 4511 4.5.2)
SEARCH_DONE, SEARCH_REFERENCE = 0x65, 0x73
BIND_RESPONSE, EXTENDED_RESPONSE = 0x61, 0x78
MAX_MESSAGE = 1 << 30  # bytes: one entry with more members than that is no directory's
_CHUNK = 1 << 18
_SEQUENCE, _SET, _INTEGER, _OCTETS, _ENUMERATED = 0x30, 0x31, 0x02, 0x04, 0x0A
_CONSTRUCTED = 0x20
_PAGED_RESULTS = b"1.2.840.113556.1.4.319"
_RESULTS = frozenset({SEARCH_DONE, BIND_RESPONSE, EXTENDED_RESPONSE})
_LONG = 0x80
_EMPTY = 2  # bytes of the shortest element, which is tag and length alone
_MAX_WIDTH = 8  # bytes of a length; more than four are never needed, but leading zeros are legal
_HEADER = 4 * _EMPTY  # what stands around the name before a short value: attribute, name, set, value
_MAX_NAMES = 1 << 14


class BerError(ValueError):
    """Bytes that are no LDAP message (RFC 4511 5.1: definite lengths only)."""


class MessageStream:
    """Whole messages from `receive` (a socket's ``recv``), without copying what is buffered for each of them."""

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        """Start with an empty buffer."""
        self._receive = receive
        self._buffer = b""
        self._at = 0

    @property
    def pending(self) -> int:
        """How many received bytes belong to no message that was given out."""
        return len(self._buffer) - self._at

    def message(self) -> tuple[bytes, int, int] | None:
        """Return a buffer with the start and end of the next message in it, None where the peer closed between messages.

        Raises BerError for anything else than a message, a message cut by the end of the stream included.
        """
        while True:
            end = _message_end(self._buffer, self._at)
            if end is not None and end <= len(self._buffer):
                start, self._at = self._at, end
                return self._buffer, start, end
            if not self._fill(1 if end is None else end - len(self._buffer)):
                return None

    def _fill(self, missing: int) -> bool:
        parts = [self._buffer[self._at :]]
        while missing > 0:
            chunk = self._receive(_CHUNK)
            if not chunk:
                if any(parts):
                    raise BerError("the connection was closed in the middle of a message")
                return False
            parts.append(chunk)
            missing -= len(chunk)
        self._buffer, self._at = b"".join(parts), 0
        return True


class EntryDecoder:
    """Decode search entries, remembering how attributes with one short value begin: a directory has few such beginnings."""

    def __init__(self) -> None:
        """Start with no names."""
        # by all bytes before the value: who finds them knows that all their tags and lengths are right
        self._names: dict[bytes, str] = {}
        self._spellings: dict[str, str] = {}

    def entry(self, data: bytes, at: int, end: int) -> RawEntry:
        """Return the entry whose tag is at `at`; raises BerError where the lengths do not add up or run past `end`.

        A description that differs from an earlier one in case alone is that one.
        """
        try:
            return self._entry(data, at, end)
        except IndexError as error:
            raise BerError("a search entry is shorter than its lengths say") from error

    def dn(self, data: bytes) -> bytes:
        """Return the DN alone of the entry that the bytes are."""
        at, _ = _content(data, 0, SEARCH_ENTRY)
        start, end = _content(data, at, _OCTETS)
        return data[start:end]

    def _entry(self, data: bytes, at: int, end: int) -> RawEntry:
        at, stop = _content(data, at, SEARCH_ENTRY)
        dn_start, dn_end = _content(data, at, _OCTETS)
        at, attributes_end = _content(data, dn_end, _SEQUENCE)
        if attributes_end != stop or stop > end:
            raise BerError("a search entry's lengths contradict each other")
        attributes: RawAttributes = {}
        known = self._names.get
        while at < stop:  # this runs for every attribute, and nearly all of them have one short value
            start = at + _HEADER + data[at + 3]
            name = known(data[at:start])
            if name is None:
                name, values, end = self._attribute(data, at, stop)
            else:
                end = at + _EMPTY + data[at + 1]
                values = [data[start:end]]
            if name in attributes:
                raise BerError("an attribute came twice")
            attributes[name] = values
            at = end
        if at != stop:
            raise BerError("an attribute is longer than the entry that holds it")
        return data[dn_start:dn_end], attributes

    def _attribute(self, data: bytes, at: int, stop: int) -> tuple[str, list[bytes], int]:
        """Return description and values of the attribute at `at`, whatever its form, and the place behind it."""
        inside, end = _content(data, at, _SEQUENCE)
        name_start, name_end = _content(data, inside, _OCTETS)
        values_start, values_end = _content(data, name_end, _SET)
        if values_end != end or end > stop:
            raise BerError("an attribute's lengths contradict each other or its entry's")
        name = self._spelling(data[name_start:name_end])
        values = _values(data, values_start, end)
        if len(values) == 1 and len(self._names) < _MAX_NAMES:
            value_start = end - len(values[0])
            if value_start - at == _HEADER + name_end - name_start:  # each of the four lengths is one byte
                self._names[data[at:value_start]] = name
        return name, values, end

    def _spelling(self, description: bytes) -> str:
        try:
            name = description.decode("ascii")
        except UnicodeDecodeError as error:
            raise BerError("an attribute description is not ASCII") from error
        spelling = self._spellings.get(caseless(name), name)
        if len(self._spellings) < _MAX_NAMES:
            self._spellings[caseless(name)] = spelling
        return spelling


def operation(data: bytes, at: int) -> tuple[int, int]:
    """Return the id of the message that MessageStream found at `at`, and where its operation's tag stands."""
    try:
        size = data[at + 1]  # of the message, or of its size
        start, end = _content(data, at + _EMPTY if size < _LONG else at + _EMPTY + size - _LONG, _INTEGER)
        data[end]
    except IndexError as error:
        raise BerError("a message without an operation") from error
    return int.from_bytes(data[start:end], "big", signed=True), end


def check_answer(data: bytes, at: int, end: int) -> None:
    """Raise BerError unless the operation at `at`, no entry, is one that we may get, and is nested exactly up to `end`.

    Where a length is wrong, ldap3 reads a neighbour's bytes: a cookie may become empty that way, and the answer complete.
    """
    try:
        tag = data[at]
        inner = _elements(data, at, end)
        if tag in _RESULTS and [kind for kind, _, _ in inner[1:4]] != [_ENUMERATED, _OCTETS, _OCTETS]:
            raise BerError("a result that is none")
        if tag not in _RESULTS and tag != SEARCH_REFERENCE:
            raise BerError(f"an answer of a kind that nobody asked for ({tag:#04x})")
        _check_paging(data, inner)
    except IndexError as error:
        raise BerError("an element without a length") from error


def _elements(data: bytes, at: int, end: int) -> list[tuple[int, int, int]]:
    """Return tag, start and end of the content of all elements, each before those inside it."""
    found: list[tuple[int, int, int]] = []
    while at < end:
        tag = data[at]
        start, stop = _content(data, at, tag)
        if stop > end or (start == stop and tag in {_INTEGER, _ENUMERATED}):
            raise BerError("an answer's lengths contradict each other")
        found.append((tag, start, stop))
        if tag & _CONSTRUCTED:
            found += _elements(data, start, stop)
        at = stop
    return found


def _check_paging(data: bytes, inner: list[tuple[int, int, int]]) -> None:
    """Check what the paging control holds (RFC 2696 2), which for BER is but a string."""
    for place, (tag, start, stop) in enumerate(inner):
        if tag == _OCTETS and data[start:stop] == _PAGED_RESULTS:
            value = next((one for one in inner[place + 1 : place + 3] if one[0] == _OCTETS), None)
            kinds = [kind for kind, _, _ in _elements(data, *value[1:])] if value else []
            if kinds != [_SEQUENCE, _INTEGER, _OCTETS]:
                raise BerError("a paging control that is none")


def _values(data: bytes, at: int, stop: int) -> list[bytes]:
    values: list[bytes] = []
    append = values.append
    while at < stop:
        size = data[at + 1]
        if data[at] != _OCTETS:
            raise BerError("a value is no octet string")
        if size < _LONG:  # said again here, not through _content: this runs for every value
            start = at + 2
            at = start + size
        else:
            start, at = _content(data, at, _OCTETS)
        append(data[start:at])
    if at != stop:
        raise BerError("a value is longer than the attribute that holds it")
    return values


def _content(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """Return start and end of the content of the element at `at`, which must have that tag."""
    size = data[at + 1]
    if data[at] != tag:
        raise BerError(f"tag {data[at]:#04x} where {tag:#04x} belongs")
    if size < _LONG:
        return at + 2, at + 2 + size
    start = at + 2 + (size - _LONG)
    if not 0 < size - _LONG <= _MAX_WIDTH or start > len(data):
        raise BerError("a length that is indefinite or absurd")
    return start, start + int.from_bytes(data[at + 2 : start], "big")


def _message_end(data: bytes, at: int) -> int | None:
    """Return the end of the message that starts at `at`, None while its header is not complete."""
    have = len(data) - at
    if have and data[at] != _SEQUENCE:
        raise BerError("what came is no LDAP message")
    if have < _EMPTY + _MAX_WIDTH:
        width = data[at + 1] - _LONG if have > 1 else _MAX_WIDTH
        if have < _EMPTY or have < _EMPTY + min(width, _MAX_WIDTH):
            return None
    start, end = _content(data, at, _SEQUENCE)
    if end - start > MAX_MESSAGE:
        raise BerError(f"a message of {end - start} bytes")
    return end
