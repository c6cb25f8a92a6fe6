"""Random worlds of a target that knows accounts by their DN: some remembered, some moved, some renamed by hand; no law itself."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from reconciler.model.access import LOCAL, Flag, Group, GroupKey, Role, State, User, UserKey, Value
from reconciler.model.directory import Person
from tests.builders import EDITOR, FORGE, OWNER, VIEWER, World, dn, snapshot, teams_of
from tests.properties.worlds import GONE, GROUP_NAMES, NAMES, worlds

KINDS = ("id", "id that moved", "dn", "dn", "dn", "moved", "moved", "stranger")

_seldom = st.sampled_from((False, False, False, True))


@st.composite
def accounts(draw: st.DrawFn) -> dict[UserKey, User]:
    """Return live accounts by key: known by an id, by the DN that the entry has, by one that it had, or not ours."""
    found: dict[str, User] = {}
    for name in draw(st.lists(st.sampled_from((*NAMES, *GONE, "ann2")), unique=True, max_size=6)):
        kind, entry = draw(st.sampled_from(KINDS)), name.rstrip("2")
        place = dn(entry, "old" if "moved" in kind else "people")
        known = {"id": f"id-{entry}", "id that moved": f"id-{entry}", "stranger": LOCAL + name}.get(kind, f"dn:{place}")
        active = draw(st.sampled_from((True, True, True, False)))
        held: dict[str, Value] = {"email": draw(st.sampled_from((f"{entry}@acme.example", f"old-{name}@acme.example")))}
        held |= {} if kind == "stranger" else {"dn": place}
        held |= {"block_mark": "2026-11-01"} if active and draw(_seldom) else {}
        found[name] = User(
            UserKey(known),
            draw(st.sampled_from((name, name, f"{name}.x"))),
            held,
            active=active,
            flags={flag: draw(_seldom) for flag in Flag},
            managed=kind != "stranger",
            disabled_by_hand=not active and (kind == "stranger" or draw(_seldom)),
        )
    return {one.key: one for one in found.values()}  # a key belongs to one account


@st.composite
def forges(draw: st.DrawFn) -> World:
    """Return everything that one target's section of a plan is made from; whether it remembers ids differs."""
    world = draw(worlds())
    people = tuple(_addressed(draw, one) for one in world.seen.people)
    groups = {GroupKey(name): Group(GroupKey(name)) for name in draw(st.sets(st.sampled_from(GROUP_NAMES)))}
    users = draw(accounts())
    ours: dict[GroupKey, dict[UserKey, Role]] = {}
    by_hand: dict[GroupKey, dict[UserKey, Role]] = {}
    for group in groups:
        for one in users.values():
            role = draw(st.sampled_from((None, VIEWER, EDITOR, OWNER)))
            if role is not None:
                (ours if one.managed else by_hand).setdefault(group, {})[one.key] = role
    can = replace(FORGE, keeps_keys=draw(_seldom))
    target = world.said.target
    rules_of_users = replace(target.users, kerberos=draw(st.sampled_from(("", "{uid}@ACME"))))
    said = replace(world.said, target=replace(target, users=rules_of_users))
    have = State(users, groups, ours, by_hand)
    return replace(world, seen=snapshot(people, teams_of(world.seen)), said=said, have=have, capabilities=can)


def _addressed(draw: st.DrawFn, person: Person) -> Person:
    if draw(_seldom):
        return replace(person, attributes={word: one for word, one in person.attributes.items() if word != "mail"})
    return person
