"""Read the examples of a first policy, which are comments, as if somebody had taken them in."""

from __future__ import annotations


def uncommented(text: str) -> str:
    """Return a file with its commented YAML taken in: in each paragraph that is what follows a line with just a `#`."""
    lines = []
    inside = False
    for line in text.splitlines():
        inside = bool(line) and (inside or line == "#")
        lines.append(line[2:] if inside else line)
    return "\n".join(lines) + "\n"
