"""Security identifiers of Active Directory: whose primary group is which, and who is not of this domain; pure.

MS-DTYP 2.4.2.2: a revision, a count, six bytes of authority, then that many 32-bit numbers, little-endian.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_HEAD = 8  # bytes before the first number
_WIDTH = 4
_FOREIGN = re.compile(r"\s*CN\s*=\s*(?P<sid>S-1-[0-9-]+)\s*,\s*CN\s*=\s*ForeignSecurityPrincipals\s*,", re.IGNORECASE)
_OF_A_DOMAIN = "S-1-5-21-"  # MS-DTYP 2.4.2.4: every account of every domain; all else is well known


class Foreign(NamedTuple):
    """A member that stands for somebody of another domain, or, where `well_known`, for whoever the system says."""

    sid: str
    well_known: bool


def primary_group_sid(object_sid: bytes, rid: bytes) -> bytes:
    """Return the SID of the group that ``primaryGroupID`` (the last number of its SID) names; raises ValueError.

    MS-ADTS 3.1.1.4.5.12: the group is of the account's own domain.
    """
    if len(object_sid) < _HEAD + _WIDTH or len(object_sid) != _HEAD + _WIDTH * object_sid[1]:
        raise ValueError(f"{len(object_sid)} bytes are no SID")
    number = int(rid.decode("ascii"))
    if not 0 <= number < 1 << 8 * _WIDTH:
        raise ValueError(f"{number} is no relative identifier")
    return object_sid[:-_WIDTH] + number.to_bytes(_WIDTH, "little")


def foreign(dn: str) -> Foreign | None:
    """Return whom a DN stands for that lies among the foreign security principals (MS-ADTS 6.1.1.4.10)."""
    found = _FOREIGN.match(dn)
    return Foreign(found["sid"].upper(), not found["sid"].upper().startswith(_OF_A_DOMAIN)) if found else None
