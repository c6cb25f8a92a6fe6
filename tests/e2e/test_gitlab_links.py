"""LDAP links that a GitLab keeps itself are told as they are there, and everything can be read to import it."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import TargetError
from reconciler.model.access import GroupKey, Role, Scope
from reconciler.model.known_link import KnownLink
from reconciler.targets.base import Importing, Options
from reconciler.targets.examine import links_checks
from reconciler.targets.registry import create
from tests.e2e.gitlab_company import company, fill
from tests.e2e.gitlab_reading import PROVIDER, SECRET, TOKEN, VARIABLE, dn, found, person, scope, world_of
from tests.fakes.gitlab_answers import answer
from tests.fakes.gitlab_faults import Fault
from tests.fakes.gitlab_server import Served, serving
from tests.fakes.gitlab_world import World

EVERYTHING = Scope("corp", frozenset(), everything=True)


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the token."""
    monkeypatch.setenv(VARIABLE, SECRET)


def links(served: Served, asked: Scope = EVERYTHING) -> dict[GroupKey, list[KnownLink]]:
    """Return what the target says, found through the door of all targets."""
    custom = {"auditing": {"id": 7, "base": "reporter"}}
    keys = {"url": served.url, "token": TOKEN, "provider": PROVIDER, "custom_roles": custom}
    with closing(create("gitlab", Options("lab", "corp", keys, "/", ()))) as target:
        assert isinstance(target, Importing)
        return {name: list(known) for name, known in target.links(asked).items()}


def link(level: int, cn: str | None = None, text: str | None = None, **more: object) -> dict[str, object]:
    """Return a link as GitLab has it."""
    row = {"cn": cn, "group_access": level, "provider": PROVIDER, "filter": text, "member_role_id": None}
    return {**row, **more}


def linked() -> World:
    """Return an Enterprise Edition with links in two of three groups."""
    world = world_of()
    world.instance.enterprise = True
    world.add_group("acme", ldap_links=[link(30, "devs"), link(40, text="(title=lead)"), link(0, "nothing")])
    world.add_group(
        "acme/dev",
        ldap_links=[
            link(50, "others", provider="ldapsecondary"),
            link(20, "audit", member_role_id=7),
            link(20, "unknown", member_role_id=8),
            link(15),
        ],
    )
    world.add_group("other", ldap_links=[link(10, "others", provider="ldapsecondary")])
    return world


ACME = [KnownLink(Role("developer"), cn="devs"), KnownLink(Role("maintainer"), filter="(title=lead)")]


def test_links_are_those_of_our_provider() -> None:
    """With the roles that the policy knows; what gives nothing, or to nobody, is no link."""
    with serving(linked()) as served:
        assert links(served) == {"acme": ACME, "acme/dev": [KnownLink(Role("auditing"), cn="audit")]}
        assert served.counts["links.list"] == 3
        served.forget()
        assert links(served, scope("ACME")) == {"acme": ACME}
        assert served.counts["links.list"] == 1


def test_a_community_edition_has_none() -> None:
    """Nor has one without a licence; neither is an error."""
    world = linked()
    world.instance.enterprise = False
    with serving(world) as served:
        assert links(served) == {}
        assert served.counts["links.list"] == 0
        world.instance.enterprise = True
        served.fail(Fault("GET", "/groups/[0-9]+/ldap_group_links", reply=answer({"message": "403"}, 403), times=9))
        assert links(served) == {}


def test_doctor_says_that_gitlab_still_works_against_us(tmp_path: Path) -> None:
    """Links of groups that a rule names, by name, some of many; where there are none it says nothing of them."""
    world = fill(world_of())
    with serving(world) as served:
        made = company(tmp_path, served)
        assert " links " not in made.run("doctor", "--target", "lab").stdout
        world.source("acme/app").ldap_links = [link(30, "devs")]
        world.add_group("elsewhere", ldap_links=[link(30, "devs")])
        said = made.run("doctor", "--target", "lab").stdout
    assert re.search(r"warning:\s+links\s+the target links groups itself: acme/app\n\s+what one of the two gives", said)
    many = {GroupKey(f"g{number}"): [KnownLink(Role("owner"), "x")] for number in range(7)}
    (check,) = links_checks(many)
    assert check.what == "the target links groups itself: g0, g1, g2, g3, g4 and 2 more"


@pytest.mark.parametrize("changed", [{"group_access": "30"}, {"provider": None}, {"cn": 3}, {"member_role_id": "x"}])
def test_links_of_another_shape_are_an_error(changed: dict[str, object]) -> None:
    """Nothing is guessed of a link."""
    world = linked()
    world.source("acme").ldap_links = [link(30, "devs") | changed]
    with serving(world) as served, pytest.raises(TargetError, match="GET /v4/groups/2/ldap_group_links"):
        links(served)


def test_everything_is_every_group() -> None:
    """Whether or not a rule names it, in GitLab's spelling, or the policy's where it has one."""
    world = linked()
    ann = world.users[person(world, "ann")]
    world.add_member(world.source("other"), ann, 10)
    with serving(world) as served:
        state = found(served, users=replace(EVERYTHING, groups=frozenset({GroupKey("Acme")}))).state
    assert set(state.groups) == {"Acme", "acme/dev", "other"}
    assert state.memberships == {"other": {f"dn:{dn('ann')}": "guest"}}


def test_everything_is_every_project_of_a_group_as_well() -> None:
    """A page for each 100 of them and one for the members of each; neither archived ones nor those of one person."""
    world = linked()
    ann = world.users[person(world, "ann")]
    world.add_member(world.add_project("acme/dev/site"), ann, 30)
    world.add_member(world.add_project("acme/old", archived=True), ann, 30)
    mine = world.add_project("other/mine")
    world.add_member(mine, ann, 50)
    mine.full_path = "ann/mine"  # below a username, which is no group
    with serving(world) as served:
        state = found(served, users=EVERYTHING).state
        assert (served.counts["projects.list"], served.counts["projects.get"]) == (2, 0)
        assert served.counts["members.list"] == 4
        assert state.memberships == {"acme/dev/site": {f"dn:{dn('ann')}": "developer"}}
        served.forget()
        assert "acme/dev/site" not in found(served, "acme").state.groups
        assert served.counts["projects.list"] == 0
