"""Trials with an account: a note that is kept with it, and blocking it with our mark; leaves putting back to who calls them."""

from __future__ import annotations

from time import gmtime, strftime

from reconciler.model.text import shortened
from reconciler.targets.gitlab.api import BLOCK_MARK
from reconciler.targets.gitlab.scratch import ATTRIBUTE, NotTried, Place, expect


def attributes(place: Place) -> str:
    """A custom attribute is kept, listed and gone when deleted, also twice."""
    number = place.somebody()
    place.api.set_attribute(number, ATTRIBUTE, "tried")
    _expect_listed(place, number, [{"key": ATTRIBUTE, "value": "tried"}])
    place.api.delete_attribute(number, ATTRIBUTE)
    _expect_listed(place, number, [])
    place.api.delete_attribute(number, ATTRIBUTE)
    return "custom attributes are kept with an account, shown in the list, and gone when deleted"


def _expect_listed(place: Place, number: int, want: list[dict[str, str]]) -> None:
    listed = place.api.users_by("username", place.people[number])
    noted = listed[0].data.get("custom_attributes") if listed else None
    rows = noted if isinstance(noted, list) else []
    have = [each for each in rows if isinstance(each, dict) and each.get("key") == ATTRIBUTE]
    what = "does not show a custom attribute as it was set" if want else "shows a custom attribute that was deleted"
    expect(holds=have == want, otherwise=f"the list of users {what}")


def blocking(place: Place) -> str:
    """An account that we block is listed as blocked with our mark, and as before when it is unblocked."""
    number = place.somebody()
    name, before = place.people[number], place.account(number)
    if before.state != "active" or before.block_mark:
        marked = f" and has {BLOCK_MARK}" if before.block_mark else ""
        raise NotTried(f"{name} is {before.state}{marked}: name an account that is active, and was never blocked by us")
    mark = strftime("%Y-%m-%d", gmtime())
    place.blocked.add(number)  # before anything is written: who interrupts gets it put back
    place.api.set_attribute(number, BLOCK_MARK, mark)
    place.api.block(number)
    _expect_state(place, number, "blocked", mark)
    place.api.unblock(number)
    _expect_state(place, number, "active", mark)
    place.api.delete_attribute(number, BLOCK_MARK)
    _expect_state(place, number, "active", "")
    return "who is blocked with our mark is listed so, and as before when that is taken back"


def _expect_state(place: Place, number: int, state: str, mark: str) -> None:
    seen = place.account(number)
    expect(
        holds=(seen.state, seen.block_mark) == (state, mark),
        otherwise=f"an account that should be {_described(state, mark)} is {_described(seen.state, seen.block_mark)}",
    )


def _described(state: str, mark: str) -> str:
    return f"{shortened(state, 40)} {f'and marked {shortened(mark, 40)}' if mark else 'without our mark'}"
