"""Which directory attributes a policy names, so that readers fetch these and no others; pure."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain

from reconciler.model.directory import Needs
from reconciler.model.filter import attributes_of
from reconciler.model.template import fields_of
from reconciler.policy.model import DirectoryConfig, Policy, TargetConfig


def needs_of(policy: Policy, directory: DirectoryConfig, targets: Collection[TargetConfig]) -> Needs:
    """Return what `targets` (those that read from `directory`) need of its people and groups."""
    mine = [target for target in targets if target.directory == directory.name]
    return Needs(
        person=frozenset(chain.from_iterable(_person_attributes(policy, directory, target) for target in mine)),
        group=frozenset({"cn", *chain.from_iterable(_group_attributes(policy, target) for target in mine)}),
    )


def _person_attributes(policy: Policy, directory: DirectoryConfig, target: TargetConfig) -> set[str]:
    words = (
        ("username", "email", "name", "ssh_keys") if "ssh_keys" in target.users.sync else ("username", "email", "name")
    )
    names = {"cn"}.union(*map(directory.possible_attributes, words))  # the common name stands in for a missing name
    names |= frozenset().union(*map(fields_of, target.users.templates)) - {"username", "email", "name"}
    for rule in policy.groups.get(target.name, {}).values():
        for link in rule.links:
            if link.filter is not None:
                names |= attributes_of(link.filter)
    for expected in policy.expect:
        outside = expected.nobody_outside
        if expected.target == target.name and outside is not None and outside.filter is not None:
            names |= attributes_of(outside.filter)
    return names


def _group_attributes(policy: Policy, target: TargetConfig) -> set[str]:
    names: set[str] = set()
    for rule in policy.imports.get(target.name, ()):
        names |= attributes_of(rule.filter) | fields_of(rule.name)
    return names
