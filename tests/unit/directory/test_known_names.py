"""Names in a directory's filters and attributes, held against what its server knows."""

from __future__ import annotations

import pytest

from reconciler.directory.known_names import Shown, check_names
from reconciler.errors import PolicyError
from reconciler.model.diagnostic import Diagnostic, Position
from reconciler.model.filter import parse_filter
from reconciler.model.schema import AttributeType, DirectorySchema, schema_of
from reconciler.policy.model import DirectoryConfig

TYPES = [AttributeType("cn", ("commonName", "2.5.4.3")), AttributeType("mail"), AttributeType("employeeType")]
SERVER = Shown(schema_of(TYPES, (), from_server=True, bit_rules=False), frozenset({"caseexactmatch", "2.5.13.5"}))
AD = Shown(schema_of(TYPES, (), from_server=True, bit_rules=True))
SILENT = Shown(schema_of(TYPES, (), from_server=True, bit_rules=False))

TOLD = """\
p.yaml:7:25: error[ATTRIBUTE-SCHEMA] The directory's schema has no attribute "maill": did you mean "mail"? \
attributes.email names it.
p.yaml:8:19: error[FILTER-SCHEMA] The directory's schema has no attribute "cnn": did you mean "cn"? \
group_filter is (&(commonname;lang-de=a)(cnn=b)).
p.yaml:9:18: error[FILTER-SCHEMA] The directory's schema has no attribute "employeType": did you mean "employeeType"? \
user_filter is (!(employeType=x))."""


def config(user: str = "", group: str = "", **attributes: str) -> DirectoryConfig:
    return DirectoryConfig(
        name="corp",
        kind="ldap",
        where=Position("p.yaml", 3),
        user_filter=parse_filter(user) if user else None,
        group_filter=parse_filter(group) if group else None,
        attributes=attributes,
        places={
            "user_filter": Position("p.yaml", 9, 18),
            "group_filter": Position("p.yaml", 8, 19),
            "attributes.email": Position("p.yaml", 7, 25),
        },
    )


def problems(given: DirectoryConfig, shown: Shown = SERVER) -> list[Diagnostic]:
    try:
        check_names(given, shown)
    except PolicyError as error:
        return [problem for problem in error.problems if isinstance(problem, Diagnostic)]
    return []


def test_every_unknown_name_is_an_error_at_its_place() -> None:
    """Sorted by place, each with the nearest name that the server has."""
    found = problems(config("(!(employeType=x))", "(&(commonname;lang-de=a)(cnn=b))", email="maill", name="cn"))
    assert "\n".join(problem.line() for problem in found) == TOLD


@pytest.mark.parametrize(
    ("shown", "rule", "count"),
    [
        (SERVER, "2.5.13.5", 0),
        (SERVER, "CaseExactMatch", 0),
        (SERVER, "caseExactMatsch", 1),
        (SERVER, "1.2.840.113556.1.4.1941", 1),
        (AD, "1.2.840.113556.1.4.1941", 0),
        (AD, "1.2.840.113556.1.4.2253", 0),
        (AD, "caseExactMatch", 1),
        (SILENT, "1.2.3.4", 0),
    ],
)
def test_a_matching_rule_has_to_be_one_of_the_servers(shown: Shown, rule: str, count: int) -> None:
    """What a server evaluates itself need not be known here; where it lists no rules, only Active Directory's are known."""
    found = problems(config(f"(cn:{rule}:=x)"), shown)
    assert len(found) == count
    assert all(problem.summary.startswith(f'The directory has no matching rule "{rule}"') for problem in found)


def test_a_rule_with_a_typing_error_is_told_the_nearest() -> None:
    """As for attributes."""
    (found,) = problems(config("(cn:caseExactMatsch:=x)"))
    assert found.summary.endswith('did you mean "caseexactmatch"?')


def test_where_the_schema_is_not_the_servers_nothing_is_judged() -> None:
    """The standard schemas do not have everybody's attributes."""
    hidden = Shown(DirectorySchema({"cn": TYPES[0]}))
    assert problems(config("(nosuch=x)", email="nosuch"), hidden) == []


def test_what_the_policy_leaves_to_the_defaults_is_not_judged() -> None:
    """No directory has the markers and attributes of all kinds of servers."""
    assert problems(config()) == []
