"""Trials with memberships: added, changed, refused, read and ended; leaves putting back to who calls them, but for our own role."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.text import shortened
from reconciler.targets.answers import Refused
from reconciler.targets.gitlab import graphql
from reconciler.targets.gitlab.api import MOST_IDS
from reconciler.targets.gitlab.groups import Held, Reading
from reconciler.targets.gitlab.rows import Said
from reconciler.targets.gitlab.scratch import (
    DEVELOPER,
    MAINTAINER,
    NOBODY,
    REPORTER,
    Broken,
    NotTried,
    Place,
    expect,
)
from reconciler.targets.gitlab.settings import LEVELS, OWNER, Access

_FAR, _PAST = "2099-12-31", "2001-01-01"
_FORBIDDEN, _CONFLICT = 403, 409


def several(place: Place) -> str:
    """Several are added at once, and numbers that are nobody's are passed over."""
    number = place.somebody()
    said = place.add(place.group, [number, NOBODY], DEVELOPER)
    expect(
        holds=not said.refused and not said.text,
        otherwise=f"a number that is nobody's spoils the others of a call: {_words(said)}",
    )
    member = place.role(place.group, number)
    expect(holds=member is not None and member.access == DEVELOPER, otherwise="who was added is not in the group")
    return "several are added at once, and numbers that are nobody's are passed over in silence"


def hundred(place: Place) -> str:
    """A call takes a hundred numbers; whether it takes more is told, and need not be so."""
    number = place.somebody()
    said = _nobody_and(place, number, MOST_IDS)
    expect(
        holds=not said.refused and not said.text, otherwise=f"a call with {MOST_IDS} numbers is refused: {_words(said)}"
    )
    expect(
        holds=place.role(place.group, number) is not None, otherwise=f"the last of {MOST_IDS} numbers is passed over"
    )
    place.api.remove_member(place.group, number)
    more = _nobody_and(place, number, MOST_IDS + 1)
    if not more.text and not more.refused:
        return f"a call takes {MOST_IDS} numbers, and {MOST_IDS + 1}, too: more than we send"
    expect(
        holds=place.role(place.group, number) is None,
        otherwise=f"a call with {MOST_IDS + 1} numbers is refused, and adds the last of them all the same",
    )
    return f"a call takes {MOST_IDS} numbers; one with {MOST_IDS + 1} is refused: {_words(more)}"


def _nobody_and(place: Place, number: int, count: int) -> Said:
    """Add somebody in a call of so many numbers, all the others nobody's; a refusal as a whole is told as one."""
    try:
        return place.add(place.group, [*range(NOBODY - count + 1, NOBODY), number], DEVELOPER)
    except Refused as error:
        return Said({}, {}, str(error))


def refusals(place: Place) -> str:
    """What a call for several refuses is told with 201, a status and a text that names who."""
    number = place.somebody()
    said = place.add(place.group, [number, NOBODY], DEVELOPER, _PAST)
    expect(holds=bool(said.refused or said.text), otherwise="a day in the past is taken as the end of a membership")
    named = place.people[number].casefold() in f"{dict(said.refused)} {said.text}".casefold()
    expect(holds=named, otherwise=f"a refusal does not name who is refused: {_words(said)}")
    expect(holds=place.role(place.group, number) is None, otherwise="who is refused is added all the same")
    return f"what is refused of a call for several is told with 201 and names who: {_words(said)}"


def in_part(place: Place) -> str:
    """Of a call for several, those that can be added are, whatever becomes of the others."""
    refused, added, below = place.somebody(), place.another(), place.subgroup()
    place.add(place.group, [refused], DEVELOPER)
    said = place.add(below, [refused, added], REPORTER)
    expect(
        holds=bool(said.refused or said.text),
        otherwise="a call that cannot add one of several is answered as if it had added all",
    )
    expect(
        holds=place.role(below, added) is not None,
        otherwise=f"one who is refused keeps out the others of a call: {_words(said)}",
    )
    return "of a call for several, the others are added where one is refused"


def pages(place: Place) -> str:
    """Members come by numbered pages, and how many there are is told."""
    number = place.somebody()
    if place.role(place.group, place.us.number) is None:
        raise NotTried("it needs a group whose owner is the account of our token")
    place.add(place.group, [number, NOBODY], DEVELOPER)
    path = f"{place.group.kind}/{place.group.number}/members"
    answers = [place.get(path, ("per_page", 1), ("page", page)) for page in (1, 2)]
    found = [[answer.value(row, "id", int) for row in answer.maps()] for answer in answers]
    want = sorted([place.us.number, number])
    expect(
        holds=[len(each) for each in found] == [1, 1] and sorted(found[0] + found[1]) == want,
        otherwise=f"two pages of one member are {found}, where the members are {want}",
    )
    named = [answer.headers.get("x-next-page") for answer in answers]
    expect(holds=named == ["2", ""], otherwise=f'two pages name {named} as the next, not ["2", ""]')
    totals = [answer.headers.get("x-total") for answer in answers]
    expect(holds=totals == ["2", "2"], otherwise=f"two members are announced as {totals}")
    return "members come by numbered pages, with how many there are"


def graphql_agrees(place: Place) -> str:
    """GraphQL tells of members what REST does."""
    number = place.somebody()
    place.add(place.group, [number, NOBODY], DEVELOPER)
    spaces, reading = [space for space in (place.group, place.below) if space], Reading(place.api.settings)
    plain = place.api.members(spaces, reading.entries, 1)
    quick = graphql.read_members(place.api, spaces, reading, 1)
    if quick.why:
        raise NotTried(f"members are read by REST, also where a policy says graphql, because {quick.why}")
    for space, have, want in zip(spaces, quick.found, plain, strict=True):
        expect(
            holds=have == want,
            otherwise=f"of {space.path}, GraphQL tells {_roles(have)} where REST tells {_roles(want)}",
        )
    return "GraphQL tells of members what REST does"


def expiry(place: Place) -> str:
    """A role changed by itself keeps the day on which it ends, one set with others gets the day that is sent."""
    number = place.somebody()
    place.add(place.group, [number, NOBODY], REPORTER, _FAR)
    place.api.change_member(place.group, number, DEVELOPER)
    kept = place.role(place.group, number)
    expect(
        holds=kept is not None and kept.expires == _FAR,
        otherwise=f'a change of role alone makes the end {_FAR} "{kept.expires if kept else ""}"',
    )
    place.add(place.group, [number, NOBODY], MAINTAINER)
    after = place.role(place.group, number)
    changed = after is not None and after.access == MAINTAINER
    expect(holds=changed, otherwise="adding who is in the group does not change the role")
    expect(holds=after is not None and not after.expires, otherwise="adding anew keeps the day it ends")
    return "one role is changed with its end kept, several together with the end that is sent"


def twice(place: Place) -> str:
    """One who is in the group already is refused."""
    number = place.somebody()
    place.add(place.group, [number], DEVELOPER)
    try:
        place.add(place.group, [number], DEVELOPER)
    except Refused as error:
        expect(
            holds=error.status == _CONFLICT,
            otherwise=f"one who is there is refused with {error.status}, not {_CONFLICT}",
        )
    else:
        raise Broken("one who is there can be added again by a call for one")
    return f"one who is in the group already is refused with {_CONFLICT}"


def removal(place: Place) -> str:
    """A membership ends at once, and only once."""
    number = place.somebody()
    place.add(place.group, [number], DEVELOPER)
    expect(holds=place.api.remove_member(place.group, number), otherwise="who is in the group is not found")
    expect(holds=not place.api.remove_member(place.group, number), otherwise="who is not there is removed once more")
    expect(holds=place.role(place.group, number) is None, otherwise="who was removed is still there")
    return "a membership ends at once, and ending it twice is a 404"


def floor(place: Place) -> str:
    """Nobody gets less in a subgroup than above it."""
    number, below = place.somebody(), place.subgroup()
    place.add(place.group, [number], DEVELOPER)
    try:
        said = place.add(below, [number, NOBODY], REPORTER)
    except Refused as error:
        said = Said({}, {}, str(error))
    refused = bool(said.refused or said.text) and place.role(below, number) is None
    expect(holds=refused, otherwise="somebody can have less in a subgroup than above it")
    return "nobody gets less in a subgroup than above it"


def subgroups(place: Place) -> str:
    """Who is removed from a group keeps what was given below."""
    number, below = place.somebody(), place.subgroup()
    place.add(place.group, [number], DEVELOPER)
    place.add(below, [number], MAINTAINER)
    place.api.remove_member(place.group, number)
    stays = place.role(below, number)
    expect(holds=stays is not None, otherwise="who is removed from a group is removed from its subgroups, too")
    return "who is removed from a group keeps what was given in its subgroup"


def last_owner(place: Place) -> str:
    """The last owner of a top-level group, which we are, is not removed."""
    mine = place.role(place.group, place.us.number)
    if mine is None or mine.access != Access(LEVELS[OWNER]) or "/" in place.group.path:
        raise NotTried("it needs a top-level group whose only owner is the account of our token")
    try:
        place.api.remove_member(place.group, place.us.number)
    except Refused as error:
        expect(
            holds=error.status == _FORBIDDEN,
            otherwise=f"the last owner is refused with {error.status}, not {_FORBIDDEN}",
        )
    finally:  # whatever came of it, and also where somebody interrupts
        if place.role(place.group, place.us.number) is None:
            place.api.add_members(place.group, [place.us.number], mine.access, mine.expires)
            gone = True
        else:
            gone = False
    expect(holds=not gone, otherwise="the last owner of a group can be removed (the role was given back)")
    return f"the last owner is not removed: {_FORBIDDEN}"


def _words(said: Said) -> str:
    """Return what a call was answered with, for people."""
    texts = [*(f"{name}: {text}" for name, text in said.refused.items()), *([said.text] if said.text else [])]
    return shortened("; ".join(texts), 200) or "nothing is said"


def _roles(held: Mapping[int, Held]) -> str:
    texts = [f"{number} {one.role}{f' by {one.by}' if one.by else ''}" for number, one in sorted(held.items())]
    return shortened(", ".join(texts), 200) or "nobody"
