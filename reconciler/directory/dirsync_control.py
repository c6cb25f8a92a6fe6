"""Say and understand Active Directory's DirSync control (MS-ADTS 3.1.1.3.4.1.3); pure, never reads anything."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.directory.ber import BerError
from reconciler.directory.controls import Control
from reconciler.directory.tlv import INTEGER, OCTETS, SEQUENCE, encoded, number, sequence

OID = "1.2.840.113556.1.4.841"
_MOST = 1 << 20  # bytes of one answer, about: the server sends the rest when it is asked for more


class Reply(NamedTuple):
    """Whether there is more to come, and from where on."""

    more: bool
    cookie: bytes


def request(cookie: bytes, flags: int = 0) -> Control:
    """Ask for everything (an empty cookie), or for what has changed since.

    Without flags the account needs the right to replicate. With the flag that does without (LDAP_DIRSYNC_OBJECT_SECURITY)
    the server leaves out every deletion for an ordinary account, and says nothing. Flags are four bytes, signed.
    """
    four = flags.to_bytes(4, "big")
    value = encoded(
        SEQUENCE, encoded(INTEGER, four), encoded(INTEGER, _MOST.to_bytes(3, "big")), encoded(OCTETS, cookie)
    )
    return Control(OID, value)


def reply_of(value: bytes) -> Reply:
    """Return what the control of an answer says; raises BerError for anything else, an empty cookie included."""
    parts = sequence(value)
    if [tag for tag, _ in parts] != [INTEGER, INTEGER, OCTETS]:
        raise BerError("a DirSync control that is none")
    number(parts[1][1])
    found = Reply(number(parts[0][1]) != 0, parts[2][1])
    if not found.cookie:
        raise BerError("the server gave no cookie")
    return found
