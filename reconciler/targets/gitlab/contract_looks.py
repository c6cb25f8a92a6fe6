"""Trials that only look: version, token, pages, identities, settings and rates of a GitLab; never writes."""

from __future__ import annotations

import re

from reconciler.model.text import shortened
from reconciler.targets.answers import Answer, asked_wait, below
from reconciler.targets.gitlab.accounts import Account, account
from reconciler.targets.gitlab.scratch import BY_ID, Broken, NotTried, Place, expect
from reconciler.targets.gitlab.settings import MEMBERSHIP_LOCK
from reconciler.targets.pace import REAL
from reconciler.targets.pages import SIZE, Item

_FORBIDDEN, _NOT_FOUND = 403, 404
_REFUSED = frozenset({_FORBIDDEN})
_PEOPLE = (("exclude_internal", "true"), ("without_project_bots", "true"))
_KEYSET = (*BY_ID, ("pagination", "keyset"))
_GROUPS = (("all_available", "true"), *BY_ID)
_NEXT = re.compile('<([^<>]*)>; *rel="next"')
_NUMBER = re.compile("[0-9]{1,15}")
_ANYBODY = "cn=reconcile-contract,dc=invalid"  # a DN that nobody has
_OF_NOW = frozenset({"retry-after", "ratelimit-remaining", "x-ratelimit-remaining"})
_RATES = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


def version(place: Place) -> str:
    """The version is told in the same way by both endpoints that tell it."""
    answer = place.get("metadata", expects=frozenset({_NOT_FOUND}))
    if not answer.ok:
        raise NotTried(f"this GitLab, version {place.us.version}, has no /metadata")
    told = answer.value(answer.map(), "version", str)
    expect(
        holds=told == place.us.version,
        otherwise=f"/metadata says version {shortened(told, 40)}, where /version says {place.us.version}",
    )
    edition = "Enterprise" if answer.map().get("enterprise") is True else "Community"
    return f"GitLab {shortened(told, 40)}, {edition} Edition"


def token(place: Place) -> str:
    """Scopes and Admin Mode are as we read them: the token is that of the account, and administers as it should."""
    told = place.api.token()
    if told is None:
        raise NotTried("GitLab does not tell what our token is: it is no personal access token")
    owner = told.value("user_id", int)
    expect(
        holds=owner == place.us.number,
        otherwise=f"the token is said to be of account {owner}, and asks as {place.us.number}",
    )
    expect(holds=told.data.get("active") is True, otherwise="the token that we ask with is said not to be active")
    answer = place.get("application/settings", expects=_REFUSED)
    expect(holds=answer.ok, otherwise="we are said to be an administrator, and settings are refused with 403")
    mode, scopes = answer.map().get("admin_mode"), place.us.scopes or frozenset()
    expect(
        holds=mode is not True or "admin_mode" in scopes,
        otherwise="Admin Mode is on, and a token without the scope admin_mode administers all the same",
    )
    words = {"True": "on", "False": "off"}.get(str(mode), "not told of")
    return f"scopes {', '.join(sorted(scopes))}, of {place.us.username}, an administrator; Admin Mode is {words}"


def pages(place: Place) -> str:
    """Users come page after page: the link of one leads to the next, which has others."""
    first = place.get("users", ("per_page", 1), *_KEYSET)
    expect(holds=len(first.maps()) == 1, otherwise=f"a page of one account has {len(first.maps())} of them")
    most = len(place.get("users", ("per_page", SIZE + 1), *_KEYSET).maps())
    if most == 1:
        raise NotTried("it needs a GitLab with more than one account")
    expect(holds=most <= SIZE, otherwise=f"a page may hold {most} accounts, where {SIZE} are the most")
    before, after = _number(first), _number(_following(place, first))
    expect(holds=after > before, otherwise=f"the page after that of account {before} begins with {after}")
    seen = f"at most {SIZE} a page" if most == SIZE else f"there are too few to see how many a page holds ({most})"
    return f"users come by keyset pages, each with a link that leads to the next; {seen}"


def _following(place: Place, first: Answer) -> Answer:
    """Return the page after this one."""
    link = _NEXT.search(first.headers.get("link", ""))
    if link is None:
        raise Broken("a page of users names no next one, where there are more")
    base = place.api.session.url
    found = below(base, link[1])
    if found is None:
        raise Broken(
            f"the next page is said to be at {first.shown(link[1])}, which is not below {base}: correct the url"
        )
    second = place.get(found[0].removeprefix("/v4/"), *found[1])
    expect(holds=len(second.maps()) == 1, otherwise=f"the second page of one account has {len(second.maps())} of them")
    return second


def _number(answer: Answer) -> int:
    return answer.value(answer.maps()[0], "id", int)


def numbered(place: Place) -> str:
    """Groups come by numbered pages, each of which names the next and how many there are."""
    one, other = (place.get("groups", ("per_page", 1), ("page", page), *_GROUPS) for page in (1, 2))
    following = one.headers.get("x-next-page")
    if following == "":
        raise NotTried("it needs a GitLab with more than one group")
    expect(holds=following == "2", otherwise=f'the first of several pages names "{following}" as the next, not "2"')
    expect(holds=len(one.maps()) == 1, otherwise=f"a page of one group has {len(one.maps())} of them")
    expect(holds=len(other.maps()) == 1, otherwise=f"the second page of one group has {len(other.maps())} of them")
    expect(holds=_number(one) != _number(other), otherwise=f"group {_number(one)} is on the first and the second page")
    total, most = one.headers.get("x-total", ""), place.get("groups", ("per_page", SIZE + 1), *_GROUPS)
    expect(holds=len(most.maps()) <= SIZE, otherwise=f"a page may hold {len(most.maps())} groups, not {SIZE}")
    if not total:
        return "groups come by numbered pages; how many there are is not told, as of more than 10,000"
    few = len(most.maps()) < SIZE and most.headers.get("x-next-page") == ""
    expect(
        holds=not few or total == str(len(most.maps())),
        otherwise=f"{shortened(total, 20)} groups are announced, and {len(most.maps())} listed",
    )
    return f"groups come by numbered pages, {shortened(total, 20)} of them"


def identities(place: Place) -> str:
    """The list of users shows what an account is recognised by."""
    found = place.api.users_by("username", place.us.username)
    expect(holds=len(found) == 1, otherwise=f"our own account is {len(found)} times in the list of users")
    seen = account(found[0], place.api.settings.provider)
    expect(
        holds=seen.number == place.us.number,
        otherwise=f"the list shows our account as number {seen.number}, and /user as {place.us.number}",
    )
    return "the list of users shows identities, states, e-mail addresses and marks"


def names(place: Place) -> str:
    """An account is found by its DN, however that is written, and nobody by a DN that nobody has."""
    provider = place.api.settings.provider
    nobody = place.get("users", ("per_page", 1), *_PEOPLE, ("extern_uid", _ANYBODY), ("provider", provider))
    expect(holds=not nobody.maps(), otherwise="a DN that nobody has finds an account")
    known = _with_dn(place)
    for text in (known.dn, known.dn.upper()):
        numbers = [item.value("id", int) for item in place.api.users_by("extern_uid", text)]
        spelled = "as it is" if text == known.dn else "in capitals"
        expect(
            holds=numbers == [known.number],
            otherwise=f"the DN of account {known.number}, written {spelled}, finds {numbers or 'nobody'}",
        )
    return f"accounts are found by their DN at {provider}, without regard to case"


def _with_dn(place: Place) -> Account:
    """Return an account with an identity of our provider: a named one, or one of the first page."""
    provider = place.api.settings.provider
    for number in place.people:
        if place.account(number).user.managed:
            return place.account(number)
    page = place.get("users", ("per_page", SIZE), *_PEOPLE, *_KEYSET)
    for row in page.maps():
        if (found := account(Item(row, page), provider)).user.managed:
            return found
    raise NotTried(f"none of the named accounts and of the first {SIZE} has an identity of {provider}")


def settings(place: Place) -> str:
    """Tell whether there is a membership lock."""
    value = place.api.lock()
    if value is None:
        return f"this GitLab has no {MEMBERSHIP_LOCK}: a policy that says so gets a warning"
    return f"this GitLab has {MEMBERSHIP_LOCK}, {'on' if value else 'off'} now"


def rates(place: Place) -> str:
    """Headers that tell of the general limit are numbers that we can read, where there are some."""
    headers = place.get("version").headers
    said = {name: headers[name].strip() for name in _RATES if name in headers}
    if not said:
        return "answers tell of no general limit, so there is none for us; those of single endpoints are never told"
    for name, value in said.items():
        expect(
            holds=bool(_NUMBER.fullmatch(value)), otherwise=f'{name} is "{shortened(value, 40)}", which is no number'
        )
    spent = {key: value for key, value in headers.items() if key not in _OF_NOW}  # as if no request remained
    wait = asked_wait(spent, REAL.wall())
    if wait is None:
        raise Broken(f"answers tell of a limit ({', '.join(said)}), and not when it begins anew (ratelimit-reset)")
    left = ", ".join(
        f"{name.removeprefix('ratelimit-')} {value}" for name, value in said.items() if "reset" not in name
    )
    return f"answers tell of a general limit: {left}, anew in {wait:,.0f} seconds"
