"""Make text from outside safe to show; never change what is compared or stored."""

from __future__ import annotations

import re

# C0, DEL, C1, the line and paragraph separators, and everything that reorders or hides text (bidi, zero width, BOM)
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def printable(text: str) -> str:
    r"""Return `text` with every control, bidirectional and invisible character as ``\xNN``, ``\uNNNN`` or ``\UNNNNNNNN``."""
    return _UNSAFE.sub(_escape, text)


def shortened(text: str, limit: int = 256) -> str:
    """Return at most `limit` characters of `text`, printable, with a mark where it was cut; for quoting in errors."""
    return printable(text if len(text) <= limit else text[:limit] + "…")


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x100:  # noqa: PLR2004 - one byte
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - the basic plane
