"""DirSync's control is written as servers want it, and read exactly or refused."""

from __future__ import annotations

import pytest

from reconciler.directory.ber import BerError
from reconciler.directory.dirsync_control import OID, Reply, reply_of, request
from tests.fakes import ber as fake


def _reply(*parts: bytes) -> bytes:
    return fake.tlv(0x30, b"".join(parts))


def test_a_request_has_four_bytes_of_flags() -> None:
    """The highest flag must not become a fifth byte: domain controllers refuse that."""
    assert request(b"ab") == (OID, bytes.fromhex("300f02040000000002031000000402") + b"ab")
    assert bytes.fromhex("020480000001") in request(b"", 0x80000001).value


def test_a_reply_says_whether_there_is_more() -> None:
    """And from where on."""
    assert reply_of(_reply(fake.number(0), fake.number(0), fake.tlv(4, b"c"))) == Reply(more=False, cookie=b"c")
    assert reply_of(_reply(fake.number(1), fake.number(7), fake.tlv(4, b"c"))) == Reply(more=True, cookie=b"c")
    assert reply_of(_reply(fake.tlv(2, b"\xff"), fake.number(0), fake.tlv(4, b"c"))).more


@pytest.mark.parametrize(
    "value",
    [
        b"",
        _reply(),
        _reply(fake.number(0), fake.number(0)),
        _reply(fake.number(0), fake.number(0), fake.tlv(4, b"")),
        _reply(fake.number(0), fake.tlv(4, b"c"), fake.number(0)),
        _reply(fake.tlv(2, b""), fake.number(0), fake.tlv(4, b"c")),
        _reply(fake.number(0), fake.tlv(2, b""), fake.tlv(4, b"c")),
        _reply(fake.number(0), fake.number(0), fake.tlv(4, b"c")) + b"\0",
        _reply(fake.number(0), fake.number(0), fake.tlv(4, b"c"))[:-1],
    ],
)
def test_a_reply_that_is_none_is_refused(value: bytes) -> None:
    """An empty cookie among them: sent again, it would ask for everything as if it were new."""
    with pytest.raises(BerError):
        reply_of(value)
