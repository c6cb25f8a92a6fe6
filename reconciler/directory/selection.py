"""What a policy wants read of a directory, and where a saved snapshot was read otherwise; pure, never reads anything."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, fields
from typing import TypeAlias

from reconciler.model.directory import ReadWith
from reconciler.model.filter import to_text
from reconciler.model.names import DnSyntaxError, dn_key
from reconciler.model.text import shortened
from reconciler.policy.model import DirectoryConfig

Value: TypeAlias = str | bool | tuple[str, ...]

KEYS = frozenset(field.name for field in fields(ReadWith))
"""The policy keys that decide what is read."""


def read_with(config: DirectoryConfig) -> ReadWith:
    """Return what the policy says about what is read."""
    return ReadWith(
        base=config.bases,
        group_base=config.group_bases or config.bases,
        user_filter=to_text(config.user_filter) if config.user_filter else "",
        group_filter=to_text(config.group_filter) if config.group_filter else "",
        nested_groups=config.nested_groups,
        member_of=config.member_of,
        dynamic_groups=config.dynamic_groups,
    )


def differences(wanted: ReadWith, held: ReadWith, keys: Collection[str]) -> Iterator[str]:
    """Give a phrase for each of the keys in which the two would not read the same; DNs compare as DNs."""
    there = asdict(held)
    for key, value in asdict(wanted).items():
        if key in keys and _comparable(value) != _comparable(there[key]):
            yield f"{key} is {_shown(value)} and was {_shown(there[key])}"


def _comparable(value: Value) -> object:
    return frozenset(map(_base_key, value)) if isinstance(value, tuple) else value


def _base_key(base: str) -> str:
    try:
        return dn_key(base)
    except DnSyntaxError:
        return base


def _shown(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case tuple() if len(value) > 1:
            return " and ".join(map(_shown, value))
        case tuple():
            return _shown("".join(value))
        case _:
            return f'"{shortened(value)}"' if value else "not set"
