"""The server's half of NTLMv2 in Microsoft's own bind choices, as domain controllers have it; shares no code with the client.

The binds are [9], [10] and [11] of MS-ADTS 5.1.1.1.3, the messages and the proof of the password those of MS-NLMP 2.2 and 3.3.2.
"""

from __future__ import annotations

import hmac
import os
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.fakes.active_directory import CHANNEL_BINDING_REQUIRED, credentials_refused
from tests.fakes.ber import result, split

DISCOVERY, NEGOTIATE, RESPONSE = 0x89, 0x8A, 0x8B
_BIND_RESPONSE = 0x61
_PROTOCOL_ERROR = (2, "0000202B: LdapErr: DSID-0C09058A, comment: the token is none, data 0")
_SIGNATURE = b"NTLMSSP\0"
_FLAGS = 0xA289_8205  # Unicode, NTLM, always sign, target is a domain, extended security, target info, version, 128, 56
_DOMAIN_NAME, _COMPUTER_NAME, _DNS_DOMAIN, _DNS_COMPUTER, _TIMESTAMP, _CHANNEL_BINDINGS = 2, 1, 4, 3, 7, 10
_EPOCH = 11_644_473_600  # seconds from 1601 to 1970
_LIFETIME = 36 * 3600  # MS-NLMP 3.1.1.1: the greatest difference of two clocks


@dataclass(frozen=True)
class Domain:
    """Who may log in, and how strict the controller is; passwords by account."""

    name: str
    passwords: Mapping[str, str]
    dns: str = "corp.example.com"
    packages: str = "NTLM"
    channel_binding: bool = False  # LdapEnforceChannelBinding = 2
    refused: Mapping[str, str] = field(default_factory=dict)  # data codes by account, whatever its password

    def gate(self) -> Gate:
        """Return what one connection logs in at."""
        return Gate(self)


class Gate:
    """The logins of one connection; `identity` is who it is for Who am I (RFC 4532), empty for nobody."""

    def __init__(self, domain: Domain) -> None:
        self.domain, self.identity, self.challenge = domain, "", b""

    def bind(self, content: bytes) -> bytes:
        """Return the answer to a bind request."""
        self.identity = ""  # RFC 4511 4.2.1: whoever was logged in is not any more
        _, _, rest = split(content)
        _, name, rest = split(rest)
        tag, token, _ = split(rest)
        if tag == DISCOVERY:
            return _told(self.domain.packages.encode())
        if "NTLM" in self.domain.packages.split(";") and token.startswith(_SIGNATURE):
            kind = struct.unpack_from("<I", token, 8)[0]
            if (tag, kind, name) == (NEGOTIATE, 1, b"NTLM"):
                self.challenge = os.urandom(8)
                return _told(_challenge_message(self.domain, self.challenge))
            if (tag, kind) == (RESPONSE, 3) and self.challenge:
                return self._judge(token)
        return result(_BIND_RESPONSE, *_PROTOCOL_ERROR)

    def _judge(self, token: bytes) -> bytes:
        proof, domain, account = (_field(token, at) for at in (20, 28, 36))
        challenge, self.challenge = self.challenge, b""  # good for one answer
        name, said = account.decode("utf-16-le"), domain.decode("utf-16-le")
        password = self.domain.passwords.get(name.lower())
        if password is None or said.upper() != self.domain.name.upper():
            return _refused("52e")
        if not _proves(proof, challenge, _key(password, name, said)):
            return _refused("52e")
        if name.lower() in self.domain.refused:
            return _refused(self.domain.refused[name.lower()])
        if self.domain.channel_binding and not any(_pairs(proof[44:]).get(_CHANNEL_BINDINGS, b"")):
            return result(_BIND_RESPONSE, *CHANNEL_BINDING_REQUIRED)
        self.identity = f"u:{self.domain.name}\\{name}"
        return result(_BIND_RESPONSE, 0)


def _told(credentials: bytes) -> bytes:
    """Return an answer with what the server has to say, which stands where other servers put a DN."""
    return result(_BIND_RESPONSE, 0, matched_dn=credentials)


def _refused(data: str) -> bytes:
    return result(_BIND_RESPONSE, *credentials_refused(data))


def _challenge_message(domain: Domain, challenge: bytes) -> bytes:
    """MS-NLMP 2.2.1.2."""
    name, information = domain.name.encode("utf-16-le"), _information(domain)
    start = 56
    return (
        _SIGNATURE
        + struct.pack("<I", 2)
        + struct.pack("<HHI", len(name), len(name), start)
        + struct.pack("<I", _FLAGS)
        + challenge
        + bytes(8)
        + struct.pack("<HHI", len(information), len(information), start + len(name))
        + bytes.fromhex("0a00634500000f")  # version 10.0, build 17763
        + b"\x0f"
        + name
        + information
    )


def _information(domain: Domain) -> bytes:
    """MS-NLMP 2.2.2.1: pairs of a number and a value, ended by the number 0."""
    texts = {
        _DOMAIN_NAME: domain.name,
        _COMPUTER_NAME: "DC1",
        _DNS_DOMAIN: domain.dns,
        _DNS_COMPUTER: f"dc1.{domain.dns}",
    }
    pairs = {number: text.encode("utf-16-le") for number, text in texts.items()}
    pairs[_TIMESTAMP] = struct.pack("<Q", _now())
    return b"".join(struct.pack("<HH", number, len(value)) + value for number, value in pairs.items()) + bytes(4)


def _pairs(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while data:
        number, size = struct.unpack_from("<HH", data)
        if not number:
            break
        found[number], data = data[4 : 4 + size], data[4 + size :]
    return found


def _field(message: bytes, at: int) -> bytes:
    size, _, start = struct.unpack_from("<HHI", message, at)
    return message[start : start + size]


def _proves(response: bytes, challenge: bytes, key: bytes) -> bool:
    """MS-NLMP 3.3.2: the first 16 bytes are the proof over our challenge and over the rest, which says when it was made."""
    proof, blob = response[:16], response[16:]
    if len(blob) < 28 or blob[:2] != b"\x01\x01":
        return False
    (made,) = struct.unpack_from("<Q", blob, 8)
    recent = abs(made - _now()) < _LIFETIME * 10_000_000
    return recent and hmac.compare_digest(proof, hmac.digest(key, challenge + blob, "md5"))


def _key(password: str, account: str, domain: str) -> bytes:
    """NTOWFv2: the domain as the client wrote it."""
    return hmac.digest(md4(password.encode("utf-16-le")), (account.upper() + domain).encode("utf-16-le"), "md5")


def _now() -> int:
    """Return the hundreds of nanoseconds since 1601."""
    return int((time.time() + _EPOCH) * 10_000_000)


def md4(data: bytes) -> bytes:
    """RFC 1320; OpenSSL does not have it any more."""
    padded = data + b"\x80" + bytes((55 - len(data)) % 64) + struct.pack("<Q", 8 * len(data))
    state: tuple[int, ...] = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
    for start in range(0, len(padded), 64):
        mixed = _mixed(state, struct.unpack_from("<16I", padded, start))
        state = tuple((old + new) & 0xFFFFFFFF for old, new in zip(state, mixed, strict=True))
    return struct.pack("<4I", *state)


_ROUNDS: tuple[tuple[Callable[[int, int, int], int], int, Sequence[int], tuple[int, ...]], ...] = (
    (lambda x, y, z: (x & y) | (~x & z), 0, range(16), (3, 7, 11, 19)),
    (
        lambda x, y, z: (x & y) | (x & z) | (y & z),
        0x5A827999,
        (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
        (3, 5, 9, 13),
    ),
    (lambda x, y, z: x ^ y ^ z, 0x6ED9EBA1, (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15)),
)


def _mixed(state: tuple[int, ...], words: tuple[int, ...]) -> tuple[int, ...]:
    a, b, c, d = state
    for function, constant, order, shifts in _ROUNDS:
        for step, index in enumerate(order):
            total = (a + function(b, c, d) + words[index] + constant) & 0xFFFFFFFF
            shift = shifts[step % 4]
            a, b, c, d = d, ((total << shift) | (total >> (32 - shift))) & 0xFFFFFFFF, b, c
    return a, b, c, d
