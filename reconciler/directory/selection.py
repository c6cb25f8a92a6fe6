"""What a policy wants read of a directory, and where a saved snapshot was read otherwise; pure, never reads anything."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, fields

from reconciler.model.directory import ReadWith
from reconciler.model.filter import to_text
from reconciler.model.names import DnSyntaxError, dn_key
from reconciler.model.text import shortened
from reconciler.policy.model import DirectoryConfig

KEYS = frozenset(field.name for field in fields(ReadWith))
"""The policy keys that decide what is read."""


def read_with(config: DirectoryConfig) -> ReadWith:
    """Return what the policy says about what is read."""
    return ReadWith(
        base=config.base,
        group_base=config.group_base or config.base,
        user_filter=to_text(config.user_filter) if config.user_filter else "",
        group_filter=to_text(config.group_filter) if config.group_filter else "",
        nested_groups=config.nested_groups,
    )


def differences(wanted: ReadWith, held: ReadWith, keys: Collection[str]) -> Iterator[str]:
    """Give a phrase for each of the keys in which the two would not read the same; DNs compare as DNs."""
    there = asdict(held)
    for key, value in asdict(wanted).items():
        if key in keys and _comparable(key, value) != _comparable(key, there[key]):
            yield f"{key} is {_shown(value)} and was {_shown(there[key])}"


def _comparable(key: str, value: str | bool) -> object:  # noqa: FBT001 - the value of a key, whatever it is
    if isinstance(value, bool) or not key.endswith("base"):
        return value
    try:
        return dn_key(value)
    except DnSyntaxError:
        return value


def _shown(value: str | bool) -> str:  # noqa: FBT001 - the value of a key, whatever it is
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{shortened(value)}"' if value else "not set"
