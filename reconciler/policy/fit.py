"""Which texts may stand in a policy at all; reads none."""

from __future__ import annotations

import re

MAX_SCALAR = 65_536  # characters of one key or value
TEMPLATING = re.compile(r"\$\{|\{\{")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_UNFIT = re.compile(f"[\t\n\ud800-\udfff]|{CONTROL.pattern}")


def is_fit(name: str) -> bool:
    """Tell whether a name of a directory or a target can stand in a policy, as a key or as a value."""
    if TEMPLATING.search(name) or not name.strip() or len(name) > MAX_SCALAR:
        return False
    return name.isprintable() or not _UNFIT.search(name)
