"""Hear one search out while its answer arrives: entries with their controls, intermediate responses, the last controls.

For answers that come in one piece, however large: nothing is kept here. Never decides what an answer means.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

from reconciler.directory.ber import SEARCH_DONE, SEARCH_ENTRY, BerError, EntryDecoder
from reconciler.directory.pages import RawEntry
from reconciler.directory.tlv import BOOLEAN, OCTETS, SEQUENCE, bounds, elements

_CONTROLS = 0xA0  # [0] of the message (RFC 4511 4.1.1)
_INTERMEDIATE = 0x79  # [APPLICATION 25] (RFC 4511 4.13)
_NAME, _VALUE = 0x80, 0x81

Controls = Mapping[str, bytes]
"""The values of controls, by object identifier; empty where a control has none."""


class Control(NamedTuple):
    """A control of a request. All of ours are critical: a server that does not know it must not answer."""

    oid: str
    value: bytes


class Listener(ABC):
    """Takes the parts of one answer as they come; what is wrong with one has to be kept for later, not raised."""

    def __init__(self) -> None:
        """Start before the answer."""
        self.done: Controls = {}
        self.heard = 0
        """How many entries came."""
        self._decoder = EntryDecoder()

    @abstractmethod
    def entry(self, entry: RawEntry, controls: Controls) -> None:
        """Take an entry."""

    @abstractmethod
    def intermediate(self, name: str, value: bytes) -> None:
        """Take an intermediate response."""

    def takes(self, data: bytes, at: int, end: int) -> bool:
        """Take the operation at `at` of a message that ends at `end`, and tell whether nobody else needs it.

        Raises BerError where the message is none.
        """
        tag = data[at]
        if tag not in {SEARCH_ENTRY, _INTERMEDIATE, SEARCH_DONE}:
            return False
        start, stop = bounds(data, at, end)
        controls = controls_of(data[stop:end])
        if tag == SEARCH_ENTRY:
            self.heard += 1
            self.entry(self._decoder.entry(data, at, stop), controls)
        elif tag == _INTERMEDIATE:
            parts = dict(elements(data[start:stop]))
            self.intermediate(parts.get(_NAME, b"").decode("ascii", "replace"), parts.get(_VALUE, b""))
        else:
            self.done = controls
        return tag != SEARCH_DONE


def controls_of(data: bytes) -> Controls:
    """Return the controls at the end of a message, which may have none."""
    if not data:
        return {}
    outer = elements(data)
    if [tag for tag, _ in outer] != [_CONTROLS]:
        raise BerError("something else than controls behind an operation")
    return dict(_control(tag, content) for tag, content in elements(outer[0][1]))


def _control(tag: int, content: bytes) -> tuple[str, bytes]:
    parts = elements(content)
    kinds = [kind for kind, _ in parts]
    if tag != SEQUENCE or kinds not in ([OCTETS], [OCTETS, BOOLEAN], [OCTETS, OCTETS], [OCTETS, BOOLEAN, OCTETS]):
        raise BerError("a control that is none")
    value = parts[-1][1] if len(parts) > 1 and kinds[-1] == OCTETS else b""
    return parts[0][1].decode("ascii", "replace"), value
