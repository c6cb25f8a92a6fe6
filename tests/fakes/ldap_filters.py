"""Decide about the few filters that tell people and groups apart: object classes under and, or, not; all else is let through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.fakes.ber import elements, raw, split

AND, OR, NOT, EQUALITY, PRESENT = 0xA0, 0xA1, 0xA2, 0xA3, 0x87


def by_object_class(_: str, attributes: Mapping[str, Sequence[bytes | str]], searched: bytes) -> bool:
    """Tell whether an entry is to be returned for a filter, as it stands in the request.

    An item about another attribute is Undefined, and so is any about an entry without classes: Undefined is let through.
    """
    classes = [value for name, values in attributes.items() if name.lower() == "objectclass" for value in values]
    return _truth([raw(each).lower() for each in classes], searched) is not False


def _truth(classes: Sequence[bytes], searched: bytes) -> bool | None:
    tag, content, _ = split(searched)
    if tag in {AND, OR}:
        return _joined([_truth(classes, searched) for searched in _whole(content)], ends=tag == OR)
    if tag == NOT:
        inner = _truth(classes, content)
        return None if inner is None else not inner
    if not classes:
        return None
    if tag == PRESENT:
        return True if content.lower() == b"objectclass" else None
    if tag == EQUALITY:
        (_, name), (_, value) = elements(content)
        return value.lower() in classes if name.lower() == b"objectclass" else None
    return None


def _joined(truths: Sequence[bool | None], *, ends: bool) -> bool | None:
    if ends in truths:
        return ends
    return None if None in truths else not ends


def _whole(content: bytes) -> Sequence[bytes]:
    found = []
    while content:
        rest = split(content)[2]
        found.append(content[: len(content) - len(rest)])
        content = rest
    return found
