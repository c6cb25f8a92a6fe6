"""What a connection is encrypted with, and whose certificate was shown; never opens or changes one."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_SHORT = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU", "countryName": "C"}


@dataclass(frozen=True, slots=True)
class Encryption:
    """A verified TLS connection; subject and issuer as RFC 4514 has them, most special part first."""

    version: str
    cipher: str
    subject: str
    issuer: str
    ends: datetime


def encryption_of(socket: object) -> Encryption | None:
    """Return what an open socket is encrypted with; nothing where it is plain."""
    if not isinstance(socket, ssl.SSLSocket):
        return None
    # a certificate is there, because the connection was refused without one
    certificate: Mapping[str, Any] = socket.getpeercert() or {}
    cipher = socket.cipher()
    return Encryption(
        version=socket.version() or "",
        cipher=cipher[0] if cipher else "",
        subject=_name(certificate["subject"]),
        issuer=_name(certificate["issuer"]),
        ends=datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC),
    )


def _name(rdns: Any) -> str:
    parts = ["+".join(f"{_SHORT.get(kind, kind)}={value}" for kind, value in rdn) for rdn in rdns]
    return ",".join(reversed(parts))
