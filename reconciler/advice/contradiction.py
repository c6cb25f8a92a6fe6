"""Tell which filters are true for no entry whatsoever; says so only where it is certain."""

from __future__ import annotations

from reconciler.model.filter import And, Filter, Not, Or


def never_true(searched: Filter) -> bool:
    """Tell whether a filter is surely true for nobody: a part beside its own NOT, an empty OR, or what rests on such a part.

    An item that is undefined under a NOT is not true either (RFC 4511 4.5.1.7), so this holds whatever the schema.
    """
    match searched:
        case And(parts=parts):
            denied = {part.part for part in parts if isinstance(part, Not)}
            return any(part in denied or never_true(part) for part in parts)
        case Or(parts=parts):
            return all(map(never_true, parts))
        case Not(part=part):
            return _always_true(part)
        case _:
            return False


def _always_true(searched: Filter) -> bool:
    match searched:
        case And(parts=parts):
            return all(map(_always_true, parts))
        case Or(parts=parts):
            return any(map(_always_true, parts))
        case _:
            return False
