"""Put together a policy whose connections are trusted and whose rules are not: a pull request must reach nothing new.

From the base is everything that says where something is, who we are there and how it is reached; from the head is who shall
have what, and what limits that. Nothing of the head's connections is used, and what differs in them is said, by names only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from reconciler.model.diagnostic import Diagnostic, Position, Severity
from reconciler.model.text import shortened
from reconciler.policy.model import DirectoryConfig, Policy, TargetConfig

RULES_OF_DIRECTORIES = frozenset(
    {
        "bases",
        "group_bases",
        "user_filter",
        "group_filter",
        "nested_groups",
        "member_of",
        "dynamic_groups",
        "canary",
    }
)
"""What a head says about a directory; everything else there is the base's. A test holds it against the class."""

_KEYS = {"bases": "base", "group_bases": "group_base"}
CHANGED = "CONNECTION-CHANGED"
_UNCOMPARED = RULES_OF_DIRECTORIES | {"name", "where", "explicit", "places"}
_BEFORE = "before this is merged"
_AFTER_MERGE = "Connection changes take effect after merge: this plan uses the connections of the base."


@dataclass(frozen=True, slots=True)
class Sides:
    """Both policies with their connections made comparable: the same thing has the same path and place in both."""

    base: Policy
    head: Policy


def rules_only(base: Policy, head: Policy, sides: Sides) -> tuple[Policy, tuple[Diagnostic, ...]]:
    """Return the head's rules over the base's connections, and notes on what of the head is not in it.

    Only what both have is there: a target or a directory that is new in the head cannot be reached before it is merged. Where
    a connection differs, the digest is neither the base's nor the head's, so that nobody can apply such a plan.
    """
    names = [name for name, target in head.targets.items() if _is_known(target, base)]
    notes = tuple(_notes(sides))
    mixed = hashlib.sha256(f"{base.digest} {head.digest}".encode()).hexdigest()
    policy = replace(
        head,
        digest=f"sha256:{mixed}" if any(note.code == CHANGED for note in notes) else head.digest,
        directories={name: _directory(config, head.directories.get(name)) for name, config in base.directories.items()},
        targets={name: _target(base.targets[name], head.targets[name]) for name in names},
        state=base.state,
    )
    return policy, notes


def _is_known(target: TargetConfig, base: Policy) -> bool:
    return target.name in base.targets and base.targets[target.name].kind == target.kind


def _directory(base: DirectoryConfig, head: DirectoryConfig | None) -> DirectoryConfig:
    """Return the base's directory, read as the head says; never from a cache, which an untrusted run must not write."""
    if head is None:
        return replace(base, incremental=None)
    words = {_KEYS.get(name, name) for name in RULES_OF_DIRECTORIES}
    return replace(
        base,
        incremental=None,
        bases=head.bases,
        group_bases=head.group_bases,
        user_filter=head.user_filter,
        group_filter=head.group_filter,
        nested_groups=head.nested_groups,
        member_of=head.member_of,
        dynamic_groups=head.dynamic_groups,
        canary=head.canary,
        explicit=(base.explicit - words) | (head.explicit & words),
        places={**base.places, **{key: at for key, at in head.places.items() if key in RULES_OF_DIRECTORIES}},
    )


def _target(base: TargetConfig, head: TargetConfig) -> TargetConfig:
    """Return the head's target where the base's is; of the roles that count as privileged there, those that it still has."""
    options = dict(base.options)
    if isinstance(listed := options.get("privileged_roles"), tuple) and head.roles:
        options["privileged_roles"] = tuple(role for role in listed if role in head.roles)
    return replace(head, directory=base.directory, options=options, folder=base.folder)


def _notes(sides: Sides) -> Iterator[Diagnostic]:
    base, head = sides.base, sides.head
    for name, config in head.directories.items():
        yield from _about_directory(name, base.directories.get(name), config)
    for name, target in head.targets.items():
        yield from _about_target(name, base.targets.get(name), target)
    for kind, there, here in (
        ("directory", set(base.directories), set(head.directories)),
        ("target", set(base.targets), set(head.targets)),
    ):
        for name in sorted(there - here):
            yield _note(f"GONE-{kind.upper()}", kind, name, "is taken out. What is there stays as it is.")
    if keys := [field.name for field in fields(base.state) if _differ(base.state, head.state, field.name)]:
        yield _changed("state store", [key for key in keys if key != "folder"], None)


def _about_directory(name: str, base: DirectoryConfig | None, head: DirectoryConfig) -> Iterator[Diagnostic]:
    if base is None:
        yield _note("NEW-DIRECTORY", "directory", name, f"is new. It cannot be read {_BEFORE}.", head.where)
    elif keys := sorted(_different(base, head)):
        yield _changed(f"directory {shortened(name)}", keys, head.where)


def _about_target(name: str, base: TargetConfig | None, head: TargetConfig) -> Iterator[Diagnostic]:
    if base is None or base.kind != head.kind:
        fact = "is new" if base is None else "is of another kind"
        way = f"It cannot be reached {_BEFORE}, and has no section here."
        yield _note("NEW-TARGET", "target", name, f"{fact}. {way}", head.where)
    elif keys := sorted(_differing_target(base, head)):
        yield _changed(f"target {shortened(name)}", keys, head.where)


def _different(base: DirectoryConfig, head: DirectoryConfig) -> Iterator[str]:
    """Yield the keys of a directory's connection that differ."""
    for field in fields(base):
        if field.name not in _UNCOMPARED and _differ(base, head, field.name):
            yield field.name


def _differing_target(base: TargetConfig, head: TargetConfig) -> Iterator[str]:
    if base.directory != head.directory:
        yield "directory"
    for key in {*base.options, *head.options}:
        if base.options.get(key) != head.options.get(key):
            yield key


def _differ(base: object, head: object, name: str) -> bool:
    return bool(getattr(base, name) != getattr(head, name))


def _changed(what: str, keys: list[str], where: Position | None) -> Diagnostic:
    named = ", ".join(shortened(key, 60) for key in keys)
    return Diagnostic(Severity.WARNING, CHANGED, f"The base has another {named} of the {what}.", _AFTER_MERGE, where)


def _note(code: str, kind: str, name: str, fact: str, where: Position | None = None) -> Diagnostic:
    return Diagnostic(Severity.NOTE, code, f"The {kind} {shortened(name)} {fact}", where=where)
