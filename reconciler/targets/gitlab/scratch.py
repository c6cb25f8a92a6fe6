"""What trials of a GitLab may touch, how they say that something is otherwise, and how it is put back; tries nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.errors import TargetError, TargetRejected
from reconciler.model.access import Role
from reconciler.model.text import shortened
from reconciler.targets.answers import Answer, Query, Request
from reconciler.targets.base import Right, Scratch
from reconciler.targets.gitlab import rights, rows
from reconciler.targets.gitlab.accounts import Account, account
from reconciler.targets.gitlab.api import BLOCK_MARK, Api
from reconciler.targets.gitlab.rows import Member, Said, Space
from reconciler.targets.gitlab.settings import LEVELS, Access

ATTRIBUTE = "reconcile_contract"
"""The custom attribute that is written to the first of the named accounts, and taken away."""
NOBODY = 2_000_000_000
"""No account has this number, or one of the hundred below it."""
REPORTER, DEVELOPER, MAINTAINER = (Access(LEVELS[Role(name)]) for name in ("reporter", "developer", "maintainer"))
BY_ID: Query = (("order_by", "id"), ("sort", "asc"))


class Broken(Exception):
    """GitLab does something else than this target rests on: what was expected, and what it did."""


class NotTried(Exception):
    """What a trial needs is not there."""


@dataclass(frozen=True, slots=True)
class Place:
    """What trials may touch: a group, its subgroup where there is one, accounts by number, and who we are.

    `blocked` are accounts that a trial has begun to block, `waiting` those whose membership waits for somebody's approval.
    """

    api: Api
    group: Space
    below: Space | None
    people: Mapping[int, str]
    us: rights.Us
    blocked: set[int] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)

    def somebody(self) -> int:
        """Return the account that may be added and removed."""
        if not self.people:
            raise NotTried("name an account that may be added to the group and taken out again: --scratch-user NAME")
        return min(self.people)

    def another(self) -> int:
        """Return a second one."""
        others = self.people.keys() - {self.somebody()}
        if not others:
            raise NotTried("name a second account that may be added to the group: --scratch-user NAME once more")
        return min(others)

    def subgroup(self) -> Space:
        """Return the group in the group."""
        if self.below is None:
            raise NotTried("make one subgroup in the scratch group by hand, with nobody in it")
        return self.below

    def role(self, space: Space, number: int) -> Member | None:
        """Return a direct membership as it is now."""
        return self.api.members_among(space, [number]).get(number)

    def add(self, space: Space, numbers: Sequence[int], access: Access, expires: str = "") -> Said:
        """Add these, and return what is said of it. Raises NotTried where somebody has to approve that first."""
        said = self.api.add_members(space, numbers, access, expires) if not self.waiting else None
        self.waiting.update(said.queued if said else ())
        if said is None or self.waiting:
            names = shortened(", ".join(sorted(self.waiting)))
            raise NotTried(
                f"role promotions wait for approval here, so nobody can be added by a trial: reject that of {names}"
            )
        return said

    def account(self, number: int) -> Account:
        """Return one of the named accounts as the list of users shows it, which is what plans are made from."""
        listed = self.api.users_by("username", self.people[number])
        expect(holds=len(listed) == 1, otherwise=f"{self.people[number]} is {len(listed)} times in the list of users")
        return account(listed[0], self.api.settings.provider)

    def get(self, path: str, *query: tuple[str, str | int], expects: frozenset[int] = frozenset()) -> Answer:
        """Return the answer to a GET of this path."""
        return self.api.ask(Request("GET", f"/v4/{path}", query, kind="contract", expects=expects))


def expect(*, holds: bool, otherwise: str) -> None:
    """Raise Broken with these words unless it holds."""
    if not holds:
        raise Broken(otherwise)


def place_of(api: Api, scratch: Scratch) -> Place:
    """Return where to try; raises TargetRejected for a group that is in use, or accounts that are not to be touched."""
    who = rights.us(api)
    rights.check_reading(api, who)
    group = api.group(scratch.group)
    if group is None:
        raise TargetRejected(f'there is no group "{shortened(scratch.group)}": make an empty one for these trials')
    below = [space for space in api.groups(1).values() if space.path.startswith(f"{group.path}/")]
    if len(below) > 1:
        raise TargetRejected(
            f"{group.path} has {len(below)} groups in it: one is used at most, and none by anybody else"
        )
    people = {_number(api, name, who): name for name in scratch.users}
    for number, name in people.items():
        _check_free(api, number, name, group)
    for space in (group, *below):
        (held,) = api.members([space], rows.members, 1)
        if others := {member.username for number, member in held.items() if number != who.number}:
            names = shortened(", ".join(sorted(others)))
            raise TargetRejected(f"{space.path} is in use, by {names}: trials are made where only we are")
    return Place(api, group, below[0] if below else None, people, who)


def lacks_writing(place: Place) -> str:
    """Return what our token lacks for writing, empty where it may."""
    may = rights.rights_of(place.us)
    return "" if Right.WRITE in may.can else "; ".join(may.lacks)


def _number(api: Api, name: str, who: rights.Us) -> int:
    found = api.users_by("username", name)
    if len(found) != 1:
        raise TargetRejected(f'there is no account "{shortened(name)}" to try with')
    number = found[0].value("id", int)
    if number == who.number:
        raise TargetRejected(f"{shortened(name)} is the account of our own token: name another one")
    return number


def _check_free(api: Api, number: int, name: str, group: Space) -> None:
    """Raise TargetRejected for an account that holds anything in or below the group: a trial could end it for good."""
    for item in api.memberships_of(number):
        kind, source = item.value("source_type", str), item.value("source_id", int)
        found = api.project(source) if kind == "Project" else None
        if source == group.number or (found and found.path.startswith(f"{group.path}/")):
            raise TargetRejected(f"{shortened(name)} is a member in {group.path} already: name an account that is not")


def put_back(place: Place, left: list[str]) -> None:
    """End what a trial may have left; what is not there has ended. What cannot be ended is added to `left`.

    Whoever interrupts this goes on to the next thing, and reads what may be left.
    """
    for number, name in place.people.items():
        for space in filter(None, (place.below, place.group)):
            try:
                place.api.remove_member(space, number)
            except (TargetError, KeyboardInterrupt) as error:
                left.append(f"{name} may still be in {space.path} ({_said(error)})")
        try:
            place.api.delete_attribute(number, ATTRIBUTE)
        except (TargetError, KeyboardInterrupt) as error:
            left.append(f"{name} may still have the custom attribute {ATTRIBUTE} ({_said(error)})")
        if number in place.blocked:
            _unblock(place, number, left)


def _unblock(place: Place, number: int, left: list[str]) -> None:
    """Unblock an account that was active before a trial; the mark goes last, so that what is blocked has one."""
    name = place.people[number]
    try:
        item = place.api.user(number)
        if item and item.value("state", str) == "blocked":
            place.api.unblock(number)
        place.api.delete_attribute(number, BLOCK_MARK)
    except (TargetError, KeyboardInterrupt) as error:
        left.append(f"{name} may still be blocked, and have the custom attribute {BLOCK_MARK} ({_said(error)})")
    else:
        place.blocked.discard(number)


def _said(error: BaseException) -> str:
    return str(error) or "interrupted"
