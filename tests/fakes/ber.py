"""Write and read LDAP messages for fakes: BER with definite lengths; shares no code with the client that is tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

PAGED = b"1.2.840.113556.1.4.319"


def tlv(tag: int, content: bytes) -> bytes:
    """Return one BER element with a definite length."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def split(data: bytes) -> tuple[int, bytes, bytes]:
    """Return tag, content and what follows of the first element."""
    size, start = data[1], 2
    if size >= 0x80:
        start = 2 + (size & 0x7F)
        size = int.from_bytes(data[2:start], "big")
    return data[0], data[start : start + size], data[start + size :]


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Give tag and content of each element of a sequence's content."""
    while data:
        tag, content, data = split(data)
        yield tag, content


def message_length(data: bytes) -> int:
    """Return the length of the first message, 0 while its header is not there."""
    if len(data) < 2 or (data[1] >= 0x80 and len(data) < 2 + (data[1] & 0x7F)):
        return 0
    size, start = data[1], 2
    if size >= 0x80:
        start = 2 + (size & 0x7F)
        size = int.from_bytes(data[2:start], "big")
    return start + size


def number(value: int, tag: int = 0x02) -> bytes:
    """Return an integer (or, with tag 0x0a, an enumerated) of no negative value."""
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def envelope(message_id: int, operation: bytes, controls: bytes = b"") -> bytes:
    """Return a whole LDAP message."""
    return tlv(0x30, number(message_id) + operation + (tlv(0xA0, controls) if controls else b""))


def result(
    tag: int, code: int, message: str = "", referrals: Sequence[str] = (), matched_dn: str | bytes = ""
) -> bytes:
    """Return an LDAPResult under some operation's tag."""
    text = number(code, 0x0A) + tlv(0x04, raw(matched_dn)) + tlv(0x04, message.encode())
    links = b"".join(tlv(0x04, referral.encode()) for referral in referrals)
    return tlv(tag, text + (tlv(0xA3, links) if links else b""))


def extended_result(value: bytes) -> bytes:
    """Return the good answer to an extended operation that has a value."""
    return tlv(0x78, split(result(0x78, 0))[1] + tlv(0x8B, value))


def entry(message_id: int, dn: str | bytes, attributes: Mapping[str, Sequence[bytes | str]]) -> bytes:
    """Return a search entry as a whole message."""
    listed = b"".join(
        tlv(0x30, tlv(0x04, name.encode()) + tlv(0x31, b"".join(tlv(0x04, raw(value)) for value in values)))
        for name, values in attributes.items()
    )
    return envelope(message_id, tlv(0x64, tlv(0x04, raw(dn)) + tlv(0x30, listed)))


def raw(value: bytes | str) -> bytes:
    """Return text as UTF-8, bytes as they are."""
    return value.encode() if isinstance(value, str) else value


def paged_control(cookie: bytes, size: int = 0) -> bytes:
    """Return the paging control of an answer."""
    return tlv(0x30, tlv(0x04, PAGED) + tlv(0x04, tlv(0x30, number(size) + tlv(0x04, cookie))))


def paging(controls: bytes) -> tuple[int, bytes]:
    """Return page size and cookie that a request asks for; size 0 where it does not page. The control must be critical."""
    if not controls:
        return 0, b""
    _, every, _ = split(controls)
    _, control, _ = split(every)
    _, oid, rest = split(control)
    assert oid == PAGED
    tag, critical, rest = split(rest)
    assert (tag, critical) == (0x01, b"\xff")
    _, value, _ = split(rest)
    _, pair, _ = split(value)
    _, size, rest = split(pair)
    return int.from_bytes(size, "big"), split(rest)[1]
