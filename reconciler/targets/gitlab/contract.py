"""Try on a scratch group whether a GitLab does what this target rests on; touches the accounts that are named, and nobody else.

Every trial puts back what it has changed, also where it fails or is interrupted: memberships of the named accounts in the
group and in its one subgroup end, our own role is given again, and the one custom attribute that is written is taken away.
What could not be put back is a finding of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from reconciler.errors import TargetError, TargetRejected
from reconciler.model.access import Role
from reconciler.model.check import Check, Status
from reconciler.model.text import shortened
from reconciler.targets.answers import Answer, Refused, Request
from reconciler.targets.base import Scratch
from reconciler.targets.gitlab import rights, rows
from reconciler.targets.gitlab.accounts import account
from reconciler.targets.gitlab.api import Api
from reconciler.targets.gitlab.rows import Member, Said, Space
from reconciler.targets.gitlab.settings import LEVELS, MEMBERSHIP_LOCK, OWNER, Access

ATTRIBUTE = "reconcile_contract"
"""The custom attribute that is written to the first of the named accounts, and taken away."""

_PAGE = 100
_NOBODY = 2_000_000_000  # no account has this number
_FAR = "2099-12-31"
_REPORTER, _DEVELOPER, _MAINTAINER = (Access(LEVELS[Role(name)]) for name in ("reporter", "developer", "maintainer"))


class _Broken(Exception):
    """GitLab does something else than this target rests on."""


class _NotTried(Exception):
    """What a trial needs is not there."""


@dataclass(frozen=True, slots=True)
class _Place:
    """What trials may touch: a group, its subgroup where there is one, accounts by number, and who we are."""

    api: Api
    group: Space
    below: Space | None
    people: Mapping[int, str]
    us: rights.Us

    def somebody(self) -> int:
        """Return the account that may be added and removed."""
        if not self.people:
            raise _NotTried("name an account that may be added to the group and taken out again: --scratch-user NAME")
        return min(self.people)

    def subgroup(self) -> Space:
        """Return the group in the group."""
        if self.below is None:
            raise _NotTried("make one subgroup in the scratch group by hand, with nobody in it")
        return self.below

    def role(self, space: Space, number: int) -> Member | None:
        """Return a direct membership as it is now."""
        return self.api.members_among(space, [number]).get(number)


def trials(api: Api, scratch: Scratch) -> Iterator[Check]:
    """Yield what each trial has found. Raises TargetError where nothing may be tried there at all."""
    place = _place(api, scratch)
    for name, trial, consequence in _TRIALS:
        left: list[str] = []
        with ExitStack() as later:
            later.callback(_put_back, place, left)
            found = _checked(name, trial, consequence, place)
        yield found
        if left:
            way_out = "Take it back by hand: no more is tried."
            yield Check("put back", Status.FAILED, f"after {name}: {shortened('; '.join(left), 500)}", way_out)
            return


def _checked(name: str, trial: Callable[[_Place], str], consequence: str, place: _Place) -> Check:
    try:
        return Check(name, Status.OK, trial(place))
    except _NotTried as missing:
        return Check(name, Status.WARNING, "not tried", str(missing))
    except _Broken as fact:
        return Check(name, Status.FAILED, str(fact), consequence)
    except TargetError as error:
        return Check(name, Status.FAILED, shortened(str(error), 500), consequence)


def _place(api: Api, scratch: Scratch) -> _Place:
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
    return _Place(api, group, below[0] if below else None, people, who)


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


def _put_back(place: _Place, left: list[str]) -> None:
    """End what a trial may have left; what is not there has ended. What cannot be ended is added to `left`."""
    for number, name in place.people.items():
        for space in filter(None, (place.below, place.group)):
            try:
                place.api.remove_member(space, number)
            except TargetError as error:
                left.append(f"{name} may still be in {space.path} ({error})")
        try:
            place.api.delete_attribute(number, ATTRIBUTE)
        except TargetError as error:
            left.append(f"{name} may still have the custom attribute {ATTRIBUTE} ({error})")


def _expect(*, holds: bool, otherwise: str) -> None:
    if not holds:
        raise _Broken(otherwise)


def _get(place: _Place, path: str, *query: tuple[str, str | int]) -> Answer:
    return place.api.ask(Request("GET", f"/v4/{path}", query, kind="contract"))


def _pages(place: _Place) -> str:
    by_id = (("order_by", "id"), ("sort", "asc"), ("pagination", "keyset"))
    first = _get(place, "users", ("per_page", 1), *by_id)
    _expect(holds=len(first.maps()) == 1, otherwise="a page of one account has another number of them")
    most = len(_get(place, "users", ("per_page", _PAGE + 1), *by_id).maps())
    if most == 1:
        raise _NotTried("it needs a GitLab with more than one account")
    _expect(holds='rel="next"' in first.headers.get("link", ""), otherwise="a page of users names no next one")
    _expect(holds=most <= _PAGE, otherwise=f"a page may hold {most} accounts")
    seen = f"at most {_PAGE} a page" if most == _PAGE else f"there are too few to see how many a page holds ({most})"
    return f"users come by keyset pages, with a link to the next; {seen}"


def _identities(place: _Place) -> str:
    found = place.api.users_by("username", place.us.username)
    _expect(holds=len(found) == 1, otherwise="our own account is not in the list of users")
    seen = account(found[0], place.api.settings.provider)
    _expect(holds=seen.number == place.us.number, otherwise="the list shows our account under another number")
    return "the list of users shows identities, states, e-mail addresses and marks"


def _attributes(place: _Place) -> str:
    number = place.somebody()
    place.api.set_attribute(number, ATTRIBUTE, "tried")
    listed = place.api.users_by("username", place.people[number])
    noted = listed[0].data.get("custom_attributes") if listed else None
    shown = isinstance(noted, list) and {"key": ATTRIBUTE, "value": "tried"} in noted
    _expect(holds=shown, otherwise="the list of users does not show a custom attribute")
    place.api.delete_attribute(number, ATTRIBUTE)
    place.api.delete_attribute(number, ATTRIBUTE)
    return "custom attributes are kept with an account, shown in the list, and gone when deleted"


def _settings(place: _Place) -> str:
    value = place.api.lock()
    if value is None:
        return f"this GitLab has no {MEMBERSHIP_LOCK}: a policy that says so gets a warning"
    return f"this GitLab has {MEMBERSHIP_LOCK}, {'on' if value else 'off'} now"


def _many(place: _Place) -> str:
    number = place.somebody()
    said = place.api.add_members(place.group, [number, _NOBODY], _DEVELOPER)
    _expect(holds=not said.refused and not said.text, otherwise="a number that is nobody's spoils the others of a call")
    if said.queued:
        raise _NotTried("role promotions wait for approval here, so nobody can be added by a trial")
    member = place.role(place.group, number)
    _expect(holds=member is not None and member.access == _DEVELOPER, otherwise="who was added is not in the group")
    return "several are added at once, and numbers that are nobody's are passed over in silence"


def _expiry(place: _Place) -> str:
    number, day = place.somebody(), _FAR
    place.api.add_members(place.group, [number, _NOBODY], _REPORTER, day)
    place.api.change_member(place.group, number, _DEVELOPER)
    kept = place.role(place.group, number)
    _expect(holds=kept is not None and kept.expires == day, otherwise="a change of role alone clears the day it ends")
    place.api.add_members(place.group, [number, _NOBODY], _MAINTAINER)
    after = place.role(place.group, number)
    changed = after is not None and after.access == _MAINTAINER
    _expect(holds=changed, otherwise="adding who is in the group does not change the role")
    _expect(holds=after is not None and not after.expires, otherwise="adding anew keeps the day it ends")
    return "one role is changed with its end kept, several together with the end that is sent"


def _again(place: _Place) -> str:
    number = place.somebody()
    place.api.add_members(place.group, [number], _DEVELOPER)
    try:
        place.api.add_members(place.group, [number], _DEVELOPER)
    except Refused as error:
        _expect(holds=error.status == 409, otherwise=f"one who is there is refused with {error.status}")  # noqa: PLR2004 - HTTP
    else:
        raise _Broken("one who is there can be added again by a call for one")
    return "one who is in the group already is refused with 409"


def _removal(place: _Place) -> str:
    number = place.somebody()
    place.api.add_members(place.group, [number], _DEVELOPER)
    _expect(holds=place.api.remove_member(place.group, number), otherwise="who is in the group is not found")
    _expect(holds=not place.api.remove_member(place.group, number), otherwise="who is not there is removed once more")
    _expect(holds=place.role(place.group, number) is None, otherwise="who was removed is still there")
    return "a membership ends at once, and ending it twice is a 404"


def _floor(place: _Place) -> str:
    number, below = place.somebody(), place.subgroup()
    place.api.add_members(place.group, [number], _DEVELOPER)
    try:
        said = place.api.add_members(below, [number, _NOBODY], _REPORTER)
    except Refused:
        said = Said({"": "refused"}, {}, "")
    refused = bool(said.refused or said.text) and place.role(below, number) is None
    _expect(holds=refused, otherwise="somebody can have less in a subgroup than above it")
    return "nobody gets less in a subgroup than above it"


def _cascade(place: _Place) -> str:
    number, below = place.somebody(), place.subgroup()
    place.api.add_members(place.group, [number], _DEVELOPER)
    place.api.add_members(below, [number], _MAINTAINER)
    place.api.remove_member(place.group, number)
    stays = place.role(below, number)
    _expect(holds=stays is not None, otherwise="who is removed from a group is removed from its subgroups, too")
    return "who is removed from a group keeps what was given in its subgroup"


def _last_owner(place: _Place) -> str:
    mine = place.role(place.group, place.us.number)
    if mine is None or mine.access != Access(LEVELS[OWNER]) or "/" in place.group.path:
        raise _NotTried("it needs a top-level group whose only owner is the account of our token")
    try:
        place.api.remove_member(place.group, place.us.number)
    except Refused as error:
        _expect(holds=error.status == 403, otherwise=f"the last owner is refused with {error.status}")  # noqa: PLR2004 - HTTP
    finally:  # whatever came of it, and also where somebody interrupts
        if place.role(place.group, place.us.number) is None:
            place.api.add_members(place.group, [place.us.number], mine.access, mine.expires)
            gone = True
        else:
            gone = False
    _expect(holds=not gone, otherwise="the last owner of a group can be removed (the role was given back)")
    return "the last owner is not removed: 403"


_TRIALS: Sequence[tuple[str, Callable[[_Place], str], str]] = (
    ("pages", _pages, "lists may come in part: do not plan with this version before that is understood"),
    ("identities", _identities, "nobody can be recognised: give the token an administrator and the scope read_api"),
    ("settings", _settings, f"leave {MEMBERSHIP_LOCK} out of the policy"),
    (
        "attributes",
        _attributes,
        "what is noted of accounts gets lost: leave remember off and users.sync without ssh_keys",
    ),
    ("several", _many, "a bulk call could leave out people; each is looked at again after it, and named"),
    ("expiry", _expiry, "a change of role could clear the day on which a membership ends"),
    ("twice", _again, "a membership that somebody made in the meantime could be overwritten"),
    ("removal", _removal, "removals cannot be told from refusals"),
    ("floor", _floor, "roles below may differ from what plans say of inherited ones"),
    ("subgroups", _cascade, "removals take more than the plan says: do not apply with this version"),
    ("last owner", _last_owner, "keep min_owners on: this GitLab does not hold it by itself"),
)
