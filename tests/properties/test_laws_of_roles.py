"""Who should have which role: worked out again the slow way, rule by rule and person by person."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from hypothesis import given, settings

from reconciler.model.access import GroupKey, Role
from reconciler.model.directory import Person
from reconciler.model.filter import to_text
from reconciler.policy.model import GroupLink, GroupRule, OnMissing
from tests.builders import World
from tests.properties.worlds import ROLES, worlds


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_everybody_has_the_highest_role_that_any_rule_gives(world: World) -> None:
    """Of links by group and by filter, and of grants; disabled people keep theirs, unless their accounts are removed."""
    found = world.want().state.memberships
    removes = world.said.target.users.when_disabled is OnMissing.REMOVE
    for name in ("api", "web"):  # no import makes groups of these names
        said = world.said.groups.get(name)
        if said is not None:
            people = [person for person in world.seen.people if not (removes and person.disabled)]
            given_roles = {person.key: _highest(world, said, person) for person in people}
            assert found[GroupKey(name)] == {key: role for key, role in given_roles.items() if role}


def _highest(world: World, said: GroupRule, person: Person) -> Role | None:
    links = (link.access for link in said.links if _reaches(world, link, person))
    return max((Role(role) for role in chain(links, _granted(world, said, person))), key=ROLES.index, default=None)


def _reaches(world: World, link: GroupLink, person: Person) -> bool:
    if link.filter is not None:
        by_name = to_text(link.filter) == "(uid=b*)"
        return _login(person).startswith("b") if by_name else "mail" in person.attributes
    groups, number = world.seen.groups, world.seen.people.index(person)
    inside = {index for index, group in enumerate(groups) if group.cn == link.cn}
    for _ in groups:
        inside |= {child for index in inside for child in groups[index].groups}
    return any(number in groups[index].people for index in inside)


def _granted(world: World, said: GroupRule, person: Person) -> Iterator[str]:
    logins = [_normal(world, one) for one in world.seen.people]
    for grant in said.grants:
        if grant.until >= world.today and logins.count(grant.user) == 1 and _normal(world, person) == grant.user:
            yield grant.access


def _login(person: Person) -> str:
    return "".join(person.attributes.get("uid", ())).lower()


def _normal(world: World, person: Person) -> str:
    login = _login(person)
    return "" if login == "!" and world.said.naming.users.on_invalid == "normalize" else login
