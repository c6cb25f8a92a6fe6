"""After any sequence of changes, reading by changes gives what reading everything gives."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.model.directory import Snapshot
from tests.e2e.increments import GROUPS, PEOPLE, Increments, increments, removed, renamed, until
from tests.servers.directories import BASE, people_and_groups
from tests.servers.ldif_tools import added, record, replaced
from tests.servers.slapd import MODULES, Options, Slapd

pytestmark = pytest.mark.slapd
STEPS = 20


class World:
    """What is in the directory, as far as it takes to change it at random."""

    def __init__(self, seed: int, people: int, groups: int, *, refint: bool) -> None:
        """Start with what `people_and_groups` makes; with `refint` the server follows members that go or move."""
        self.refint = refint
        self.chance = random.Random(seed)  # noqa: S311 - the same changes for the same seed
        self.people = [f"uid=u{n:05},ou=people,{BASE}" for n in range(people)]
        self.groups = {
            f"cn=g{n:05},{GROUPS}": [f"uid=u{(n + k) % people:05},ou=people,{BASE}" for k in range(3)]
            for n in range(groups)
        }
        self.branches = [PEOPLE]
        self.left: list[str] = []
        self.number = 0

    def step(self) -> list[str]:
        """Return the records of one to three changes."""
        return [self.chance.choice(self._CHANGES)(self) for _ in range(self.chance.randint(1, 3))]

    def _new(self) -> str:
        self.number += 1
        return self._add(f"uid=n{self.number},{self.chance.choice(self.branches)}")

    def _at_an_old_name(self) -> str:
        return self._add(self.left.pop()) if self.left else self._new()

    def _add(self, dn: str) -> str:
        self.people.append(dn)
        uid = dn.partition("=")[2].partition(",")[0]
        return record(dn, {"changetype": "add", "objectClass": "inetOrgPerson", "uid": uid, "cn": uid, "sn": "x"})

    def _leave(self) -> str:
        dn = self.people.pop(self.chance.randrange(len(self.people)))
        self._replace_member(dn, None)
        self.left.append(dn)
        return removed(dn)

    def _rename(self) -> str:
        place = self.chance.randrange(len(self.people))
        old = self.people[place]
        self.number += 1
        rdn, under = f"uid=r{self.number}", old.partition(",")[2]
        if self.chance.random() < 0.5:
            rdn, under = old.partition(",")[0], self.chance.choice(self.branches)
        if f"{rdn},{under}" == old:
            return self._touch()
        self.people[place] = f"{rdn},{under}"
        self._replace_member(old, self.people[place])
        self.left.append(old)
        return renamed(old, rdn, under)

    def _touch(self) -> str:
        return replaced(self.chance.choice(self.people), "displayName", str(self.chance.random()))

    def _join(self) -> str:
        group = self.chance.choice(list(self.groups))
        others = [dn for dn in (*self.people, *self.groups) if dn not in self.groups[group] and dn != group]
        member = self.chance.choice(others)
        self.groups[group].append(member)
        return added(group, "member", member)

    def _part(self) -> str:
        group = self.chance.choice(list(self.groups))
        if len(self.groups[group]) < 2:
            return self._touch()
        member = self.groups[group].pop(self.chance.randrange(len(self.groups[group])))
        return record(group, {"changetype": "modify", "delete": "member", "member": member})

    def _found(self) -> str:
        self.number += 1
        dn = f"cn=new{self.number},{GROUPS}"
        self.groups[dn] = self.chance.sample(self.people, 2)
        return record(
            dn,
            {"changetype": "add", "objectClass": "groupOfNames", "cn": f"new{self.number}", "member": self.groups[dn]},
        )

    def _dissolve(self) -> str:
        if len(self.groups) < 4:
            return self._touch()
        dn = self.chance.choice(list(self.groups))
        del self.groups[dn]
        self._replace_member(dn, None)
        return removed(dn)

    def _branch(self) -> str:
        self.number += 1
        self.branches.append(f"ou=b{self.number},{PEOPLE}")
        return record(
            self.branches[-1], {"changetype": "add", "objectClass": "organizationalUnit", "ou": f"b{self.number}"}
        )

    def _rename_branch(self) -> str:
        if len(self.branches) < 2:
            return self._branch()
        place = self.chance.randrange(1, len(self.branches))
        old = self.branches[place]
        self.number += 1
        new = self.branches[place] = f"ou=b{self.number},{PEOPLE}"
        for moved in [dn for dn in self.people if dn.endswith(f",{old}")]:
            self.people[self.people.index(moved)] = moved.removesuffix(old) + new
            self._replace_member(moved, moved.removesuffix(old) + new)
        self.left = [dn for dn in self.left if not dn.endswith(f",{old}")]
        return renamed(old, new.partition(",")[0])

    def _replace_member(self, old: str, new: str | None) -> None:
        """What slapo-refint does, some time later."""
        for members in self.groups.values() if self.refint else ():
            if old in members:
                members.remove(old)
                members.extend([new] if new else [])

    _CHANGES = (
        *(_new, _at_an_old_name, _leave, _rename, _touch, _join, _part, _found, _dissolve, _branch, _join, _leave),
        _rename_branch,
    )


@pytest.mark.parametrize("syncprov", ["", "syncprov-sessionlog 1000", "syncprov-sessionlog 3"])
@pytest.mark.parametrize("refint", [True, False], ids=["refint", "no refint"])
def test_a_read_by_changes_gives_what_a_whole_read_gives(
    start_slapd: Callable[..., Slapd], tmp_path: Path, syncprov: str, *, refint: bool
) -> None:
    """Once the server has followed its own changes, whatever was read meanwhile."""
    world = World(len(syncprov), 40, 12, refint=refint)
    modules = tuple(name for name in MODULES if refint or name != "refint")
    options = Options(syncprov=syncprov, modules=modules)
    directory = increments(start_slapd, tmp_path, options, people_and_groups(40, 12)).every(1000)
    by_changes = 0
    for _ in range(STEPS):
        for change in world.step():
            directory.change(change)
            if world.chance.random() < 0.3:
                directory.read()  # in the middle of it
        if refint:
            until(lambda: _settled(directory, world))
        elif world.chance.random() < 0.5:
            directory.read()
        found = directory.read()
        by_changes += bool(found.confirmed_at)
        assert _without_warnings(found) == _without_warnings(directory.plain())
        assert not found.confirmed_at or not found.warnings
    assert by_changes > STEPS / 2


def _without_warnings(snapshot: Snapshot) -> Snapshot:
    """That changes could not be followed is said by the read that tried, and is part of its digest."""
    return replace(snapshot, confirmed_at="", warnings=(), digest="")


def _settled(directory: Increments, world: World) -> bool:
    """Tell whether the groups are as the changes should have left them."""
    found = directory.plain()
    members = {group.dn: {found.people[n].dn for n in group.people} for group in found.groups}
    return members == {dn: {each for each in named if each not in world.groups} for dn, named in world.groups.items()}
