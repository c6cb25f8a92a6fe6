"""Say and understand the content synchronization operation (RFC 4533) in its refreshOnly mode; pure, never reads anything."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal, NamedTuple

from reconciler.directory.ber import BerError
from reconciler.directory.controls import Control, Controls, Listener
from reconciler.directory.pages import RawEntry
from reconciler.directory.tlv import (
    BOOLEAN,
    ENUMERATED,
    OCTETS,
    SEQUENCE,
    SET,
    boolean,
    elements,
    encoded,
    number,
    sequence,
)

REQUEST, STATE, DONE, INFO = (f"1.3.6.1.4.1.4203.1.9.1.{part}" for part in (1, 2, 3, 4))
PRESENT, ADD, MODIFY, DELETE = range(4)
_REFRESH_ONLY = b"\x01"
_NEW_COOKIE, _REFRESH_DELETE, _REFRESH_PRESENT, _ID_SET = 0x80, 0xA1, 0xA2, 0xA3
_ID_SIZE = 16

Phase = Literal["delete", "present", "unclear"]


class State(NamedTuple):
    """What became of an entry, and which one it is (the 16 bytes of its entryUUID)."""

    state: int
    id: bytes


class Info(NamedTuple):
    """What a Sync Info message says: which phase it belongs to, and ids that are present or gone. Its cookie is not final."""

    phase: Phase
    ids: frozenset[bytes] = frozenset()


class Done(NamedTuple):
    """The end of an answer. `cookie` is None where the server gave none: the one that was sent stays in force."""

    cookie: bytes | None
    deletes: bool


def request(cookie: bytes) -> Control:
    """Ask for everything (an empty cookie), or for what has changed since."""
    return Control(
        REQUEST, encoded(SEQUENCE, encoded(ENUMERATED, _REFRESH_ONLY), encoded(OCTETS, cookie) if cookie else b"")
    )


def state_of(value: bytes) -> State:
    """Return what a Sync State control says; raises BerError for anything else."""
    parts = sequence(value)
    kinds = [tag for tag, _ in parts]
    if kinds not in ([ENUMERATED, OCTETS], [ENUMERATED, OCTETS, OCTETS]):
        raise BerError("a Sync State control that is none")
    found = State(number(parts[0][1]), parts[1][1])
    if found.state not in {PRESENT, ADD, MODIFY, DELETE} or len(found.id) != _ID_SIZE:
        raise BerError("a Sync State control of an unknown state, or with no UUID")
    return found


def info_of(value: bytes) -> Info:
    """Return what a Sync Info message says; raises BerError for anything else."""
    outer = elements(value)
    if len(outer) != 1:
        raise BerError("a Sync Info message that is none")
    tag, content = outer[0]
    if tag == _NEW_COOKIE:
        return Info("unclear")
    parts = elements(content)
    kinds = [kind for kind, _ in parts if kind != OCTETS]
    if tag in {_REFRESH_DELETE, _REFRESH_PRESENT} and kinds in ([], [BOOLEAN]):
        return Info("delete" if tag == _REFRESH_DELETE else "present")
    if tag != _ID_SET or kinds not in ([SET], [BOOLEAN, SET]):
        raise BerError("a Sync Info message that is none")
    deletes = any(boolean(part) for kind, part in parts if kind == BOOLEAN)
    return Info("delete" if deletes else "present", _ids(parts[-1][1]))


def done_of(value: bytes) -> Done:
    """Return what a Sync Done control says; raises BerError for anything else."""
    parts = sequence(value) if value else []
    kinds = [tag for tag, _ in parts]
    if kinds not in ([], [OCTETS], [BOOLEAN], [OCTETS, BOOLEAN]):
        raise BerError("a Sync Done control that is none")
    found = dict(parts)
    return Done(found.get(OCTETS), boolean(found.get(BOOLEAN, b"\0")))


def _ids(content: bytes) -> frozenset[bytes]:
    parts = elements(content)
    if any(tag != OCTETS or len(part) != _ID_SIZE for tag, part in parts):
        raise BerError("a set of UUIDs that holds something else")
    return frozenset(part for _, part in parts)


class SyncListener(Listener):
    """Gathers what one answer says about ids and leaves the entries themselves to others.

    `fault` tells what was wrong with it, if anything was.
    """

    def __init__(self, take: Callable[[bytes, RawEntry], str]) -> None:
        """`take` gets every entry that was added or changed, whole, with its id, and returns what is wrong with it."""
        super().__init__()
        self._take = take
        self.present: set[bytes] = set()
        self.deleted: set[bytes] = set()
        self.phases: set[Phase] = set()
        self.came = 0
        self.fault = ""

    def entry(self, entry: RawEntry, controls: Controls) -> None:
        """Take an entry by what its control says became of it."""
        try:
            state, uuid = state_of(controls.get(STATE, b""))
        except BerError as error:
            self.fault = f"an entry came without saying what became of it: {error}"
            return
        if state == DELETE:
            self.deleted.add(uuid)
            return
        self.present.add(uuid)
        if state == PRESENT:
            self.phases.add("present")
            return
        self.came += 1
        self.fault = self._take(uuid, entry) or self.fault

    def intermediate(self, name: str, value: bytes) -> None:
        """Take a Sync Info message; nobody asked for any other."""
        try:
            phase, ids = info_of(value if name == INFO else b"")
        except BerError as error:
            self.fault = str(error)
            return
        if phase != "unclear":
            self.phases.add(phase)
            (self.deleted if phase == "delete" else self.present).update(ids)

    def end(self) -> Done:
        """Return the end of the answer; raises BerError where there was anything wrong with it."""
        if self.fault:
            raise BerError(self.fault)
        if DONE not in self.done:
            raise BerError("the answer does not say how a synchronization ended")
        return done_of(self.done[DONE])

    def gone(self, known: Collection[bytes]) -> set[bytes]:
        """Return who of those that were known is gone, by what came after a cookie; raises BerError where that is not clear.

        RFC 4533 3.3.2 tells two phases apart by one flag, which some servers never set; and a server that cannot read the
        cookie sends everybody as changed and nobody as gone. So a sign of the phase must have been seen, and not all come.
        """
        done = self.end()
        quiet = not (self.came or self.present or self.deleted)
        if done.cookie == b"" or (done.cookie is None and not quiet):
            raise BerError("the server gave no cookie")
        if self.came and self.came >= len(known):
            raise BerError("as many entries came as were known")
        if self.phases == {"present", "delete"} or (self.phases == {"present"} and done.deletes):
            raise BerError("entries were said to be present, and others to be gone")
        if done.deletes or self.phases == {"delete"}:
            return self.deleted
        if self.phases == {"present"}:
            return set(known) - self.present
        if quiet and not known:
            return set()
        raise BerError("the server does not say whether those that did not come are still there")
