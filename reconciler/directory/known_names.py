"""Hold the names that a policy gives a server to look for against the server's own schema, before anything is read; pure.

A name that nobody knows is no empty result: under NOT it selects nobody on one server and everybody on another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from reconciler.desired.filters import unknown_attribute
from reconciler.desired.links import sentence_of
from reconciler.errors import PolicyError
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.filter import Filter, attributes_of, rules_of, to_text
from reconciler.model.names import caseless
from reconciler.model.schema import DirectorySchema
from reconciler.model.text import shortened
from reconciler.policy.model import DirectoryConfig

# MS-ADTS 3.1.1.3.4.4: all that there are; Active Directory does not list them, and OpenLDAP and 389 do list theirs
_ACTIVE_DIRECTORY_RULES = frozenset(f"1.2.840.113556.1.4.{last}" for last in (803, 804, 1941, 2253))


@dataclass(frozen=True, slots=True)
class Shown:
    """What a server shows of its schema. `rules`: every name and OID of its matching rules, empty where it lists none."""

    schema: DirectorySchema
    rules: frozenset[str] = frozenset()

    def knows_rule(self, name: str) -> bool:
        """Tell whether a filter may name this rule; where a server lists none, only Active Directory's are known."""
        known = self.rules or (_ACTIVE_DIRECTORY_RULES if self.schema.bit_rules else frozenset({caseless(name)}))
        return caseless(name) in known


def check_names(config: DirectoryConfig, shown: Shown) -> None:
    """Raise PolicyError for every name in the directory's filters and attributes that its server does not know.

    What the policy leaves to the defaults is not judged, and nothing is where the schema is not the server's own.
    """
    if not shown.schema.from_server:
        return
    problems: list[Diagnostic] = [*_in_filters(config, shown), *_in_attributes(config, shown.schema)]
    problems.sort(key=lambda problem: (problem.where or config.where, problem.summary))
    if problems:
        raise PolicyError(problems)


def _in_filters(config: DirectoryConfig, shown: Shown) -> Iterator[Diagnostic]:
    for key, searched in (("user_filter", config.user_filter), ("group_filter", config.group_filter)):
        if searched is not None:
            detail, where = f"{key} is {shortened(to_text(searched))}.", config.places.get(key, config.where)
            for problem in _problems(searched, shown):
                yield Diagnostic(Severity.ERROR, "FILTER-SCHEMA", sentence_of(problem), detail, where)


def _problems(searched: Filter, shown: Shown) -> Iterator[str]:
    for name in sorted(attributes_of(searched)):
        if shown.schema.attribute(name) is None:
            yield unknown_attribute(name, shown.schema)
    for rule in sorted(rules_of(searched)):
        if not shown.knows_rule(rule):
            near = get_close_matches(caseless(rule), shown.rules, n=1)
            hint = f': did you mean "{near[0]}"?' if near else ""
            yield f'the directory has no matching rule "{rule}"{hint}'


def _in_attributes(config: DirectoryConfig, schema: DirectorySchema) -> Iterator[Diagnostic]:
    for word, name in config.attributes.items():
        if schema.attribute(name) is None:
            where = config.places.get(f"attributes.{word}", config.where)
            summary = sentence_of(unknown_attribute(name, schema))
            yield Diagnostic(Severity.ERROR, "ATTRIBUTE-SCHEMA", summary, f"attributes.{word} names it.", where)
