"""Name templates such as ``{cn|lower}-team``: parsed once, filled from values; never knows where the values come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_FIELD = re.compile(r"\{([^{}]*)\}")
_INSIDE = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9.;-]*)(?:\|(?P<filter>[a-z]+))?")
_FILTERS: Mapping[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper}


class TemplateSyntaxError(ValueError):
    """A template that cannot be understood; `offset` counts characters from 0."""

    def __init__(self, message: str, offset: int) -> None:
        """Keep the offset beside the message."""
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    filter: str


@lru_cache(maxsize=64)  # a policy has a few templates, and each is filled for every person
def parse(template: str) -> tuple[str | _Field, ...]:
    """Return literal texts and fields in order; raises TemplateSyntaxError for a stray brace, a bad name or filter."""
    parts: list[str | _Field] = []
    end = 0
    for match in _FIELD.finditer(template):
        parts.append(_literal(template, end, match.start()))
        parts.append(_field(match))
        end = match.end()
    parts.append(_literal(template, end, len(template)))
    return tuple(part for part in parts if part != "")


def fields_of(template: str) -> frozenset[str]:
    """Return the attribute names that a valid template uses, as written."""
    return frozenset(part.name for part in parse(template) if isinstance(part, _Field))


def fill(template: str, values: Callable[[str], str]) -> str:
    """Return the template with `values(name)` in place of each field; what `values` raises goes through."""
    return "".join(
        part if isinstance(part, str) else _FILTERS.get(part.filter, str)(values(part.name)) for part in parse(template)
    )


def _literal(template: str, start: int, end: int) -> str:
    text = template[start:end]
    for brace in "{}":
        if brace in text:
            raise TemplateSyntaxError(f'"{brace}" without its partner', start + text.index(brace))
    return text


def _field(match: re.Match[str]) -> _Field:
    inside = _INSIDE.fullmatch(match[1])
    if inside is None:
        raise TemplateSyntaxError(
            f'"{match[0]}" is not a field: write {{attribute}} or {{attribute|lower}}', match.start()
        )
    name, chosen = inside["name"], inside["filter"] or ""
    if chosen and chosen not in _FILTERS:
        known = ", ".join(sorted(_FILTERS))
        raise TemplateSyntaxError(
            f'unknown filter "{chosen}" (known: {known})', match.start() + 1 + inside.start("filter")
        )
    return _Field(name, chosen)
