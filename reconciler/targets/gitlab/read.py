"""Read everything of a GitLab that a plan looks at, or the part of it that concerns some people; never writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

from reconciler.model.access import Flag, Group, GroupKey, Role, Scope, State, Totals, UserKey
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.names import login_key
from reconciler.model.text import shortened
from reconciler.targets.gitlab import accounts, graphql, groups, rights
from reconciler.targets.gitlab.accounts import Account
from reconciler.targets.gitlab.api import Api
from reconciler.targets.gitlab.groups import Held, Places, Reading
from reconciler.targets.gitlab.rows import Space
from reconciler.targets.gitlab.settings import MEMBERSHIP_LOCK, Settings
from reconciler.targets.pages import Item, side_by_side

_Rows = dict[GroupKey, dict[UserKey, Role]]
_Members = Mapping[Space, Mapping[int, Held]]


@dataclass(frozen=True, slots=True)
class Found:
    """A state, and the numbers that GitLab has for what is in it: accounts by key, groups and projects by name."""

    state: State
    accounts: Mapping[UserKey, Account]
    spaces: Mapping[GroupKey, Space]


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read: accounts by number, how many groups there are, those that are looked at, and who is in them.

    `why` says why that was not read by GraphQL, though it was to be.
    """

    people: Mapping[int, Account]
    groups: int
    places: Places
    members: _Members
    why: str


def read(api: Api, scope: Scope) -> Found:
    """Return what is in scope, or raise TargetError: a part is never returned as the whole.

    Accounts are always all read. Where `scope.users` is set, members are read of the groups that it asks for alone, and
    of those are the memberships that are counted: GitLab does not count, and limits in percent of fewer are the stricter.
    """
    who = rights.us(api)
    rights.check_reading(api, who)
    switches = _switches(api)
    found = _whole(api, scope) if scope.users is None else _part(api, scope)
    by_key, own = accounts.by_key(found.people.values()), found.people.get(who.number)
    ruled, above = found.places.ruled, found.places.above
    keys = {number: one.user.key for number, one in found.people.items() if one.user.managed}
    others = {number: one.user.key for number, one in found.people.items() if not one.user.managed}
    memberships = _rows(ruled, found.members, keys)
    state = State(
        users={key: one.user for key, one in by_key.items()},
        groups={name: Group(name) for name in (*ruled, *above)},
        memberships=memberships,
        by_hand=_rows(ruled, found.members, others),
        own=own.user.key if own else None,
        totals=None if scope.users is None else _totals(by_key.values(), found.groups, memberships),
        above=_floors(above, found.members, keys),
        settings=switches,
        made_by=_makers(ruled, found.members, keys, who.username),
        notes=(
            *accounts.notes(one for one in found.people.values() if scope.users is None or _is_asked(one, scope)),
            *accounts.providers(found.people.values(), api.settings.provider),
            *_spellings(ruled),
            *_detour(found.why),
            *_unknown_roles(api.settings, who),
        ),
    )
    return Found(state, by_key, {**above, **ruled})


def _whole(api: Api, scope: Scope) -> _Read:
    """Read accounts, which come one page after the other, and meanwhile all else."""
    workers, failed = api.settings.site.parallel, Event()
    account_of = accounts.reader(api.settings.provider)

    def account(item: Item) -> Account:
        if failed.is_set():
            item.answer.fail("was given up, because something else failed")
        return account_of(item)

    with ThreadPoolExecutor(1, "target") as pool:
        people = pool.submit(api.users, account)
        try:
            listed = api.groups(workers)
            known = [*listed.values(), *(_projects(api, listed.values()) if scope.everything else ())]
            places = groups.among(api, _names(scope, known), known, workers)
            members = _members(api, places)
        except BaseException:
            failed.set()
            raise
        return _Read(people.result(), len(listed), places, *members)


def _projects(api: Api, listed: Iterable[Space]) -> Sequence[Space]:
    """Return the projects that lie in groups: one in somebody's own namespace has its owner in it, and no rule for that."""
    inside = {groups.compared(space.path) for space in listed}
    return [project for project in api.projects() if groups.compared(project.path.rpartition("/")[0]) in inside]


def _names(scope: Scope, known: Iterable[Space]) -> Collection[GroupKey]:
    """Return the names that are asked for, and where everything is, those of all other groups and projects."""
    named = {groups.compared(name) for name in scope.groups}
    others = (GroupKey(space.path) for space in known if scope.everything and groups.compared(space.path) not in named)
    return {*scope.groups, *others}


def _part(api: Api, scope: Scope) -> _Read:
    """Read accounts, and then who is in the groups that the scope names or that an account it asks for is in."""
    workers = api.settings.site.parallel
    people = api.users(accounts.reader(api.settings.provider))
    listed = api.groups(workers)
    asked = [number for number, one in people.items() if _is_asked(one, scope)]
    held = [item for found in side_by_side(api.memberships_of, asked, workers) for item in found]
    sources = dict.fromkeys((item.value("source_type", str), item.value("source_id", int)) for item in held)
    projects = side_by_side(api.project, [number for kind, number in sources if kind == "Project"], workers)
    known = [*listed.values(), *(space for space in projects if space)]
    joined = [listed[number].path for kind, number in sources if kind == "Namespace" and number in listed]
    joined += [space.path for space in projects if space]
    named = {groups.compared(name) for name in scope.groups}
    names = {*scope.groups, *(GroupKey(path) for path in joined if groups.compared(path) not in named)}
    places = groups.among(api, names, known, workers)
    return _Read(people, len(listed), places, *_members(api, places))


def _is_asked(one: Account, scope: Scope) -> bool:
    words = {login_key(one.user.username), login_key(str(one.user.attributes.get("email", "")))}
    return one.user.key in (scope.users or ()) or not words.isdisjoint(map(login_key, scope.names))


def _members(api: Api, places: Places) -> tuple[_Members, str]:
    """Read each group once, whatever it is called; return why GraphQL was of no use, too, where it was wanted."""
    spaces = list(dict.fromkeys((*places.ruled.values(), *places.above.values())))
    reading, workers = Reading(api.settings), api.settings.site.parallel
    if api.settings.graphql:
        read_by = graphql.read_members(api, spaces, reading, workers)
        return dict(zip(spaces, read_by.found, strict=True)), read_by.why
    return dict(zip(spaces, api.members(spaces, reading.entries, workers), strict=True)), ""


def _switches(api: Api) -> dict[str, bool]:
    """Return the switches that the policy manages and this GitLab has."""
    if api.settings.lock is None:
        return {}
    value = api.lock()
    return {} if value is None else {MEMBERSHIP_LOCK: value}


def _rows(places: Mapping[GroupKey, Space], members: _Members, keys: Mapping[int, UserKey]) -> _Rows:
    """Return what these accounts hold; a number that is no account's is a bot's, or somebody's who has just come."""
    found = {
        name: {keys[number]: held.role for number, held in members[space].items() if number in keys}
        for name, space in places.items()
    }
    return {name: people for name, people in found.items() if people}


def _floors(places: Mapping[GroupKey, Space], members: _Members, keys: Mapping[int, UserKey]) -> _Rows:
    """Return what these accounts hold in groups that no rule names, as far as it matters below."""
    found = {
        name: {keys[number]: held.floor for number, held in members[space].items() if number in keys}
        for name, space in places.items()
    }
    return {name: people for name, people in found.items() if people}


def _makers(
    places: Mapping[GroupKey, Space], members: _Members, keys: Mapping[int, UserKey], us: str
) -> dict[GroupKey, dict[UserKey, str]]:
    """Return who made the memberships of these accounts, where it was not us and GitLab says it."""
    found = {
        name: {
            keys[number]: held.by
            for number, held in members[space].items()
            if held.by not in ("", us) and number in keys
        }
        for name, space in places.items()
    }
    return {name: people for name, people in found.items() if people}


def _totals(people: Iterable[Account], number: int, memberships: _Rows) -> Totals:
    ours = [one.user for one in people if one.user.managed]
    return Totals(
        accounts=sum(user.active for user in ours),
        admins=sum(user.flags.get(Flag.ADMIN, False) for user in ours),
        groups=number,
        memberships=sum(map(len, memberships.values())),
    )


def _spellings(places: Mapping[GroupKey, Space]) -> Iterable[Diagnostic]:
    for name, space in places.items():
        if name != space.path:
            fact = f'The policy writes "{shortened(name)}", and GitLab "{shortened(space.path)}".'
            yield Diagnostic(Severity.NOTE, "GITLAB-SPELLING", fact, "Write it as GitLab does.", subject=name)


def _unknown_roles(settings: Settings, who: rights.Us) -> Iterable[Diagnostic]:
    """Yield an error where the policy has custom roles, and this GitLab would take the base of each in its place."""
    if not who.enterprise and any(access.custom for access in settings.roles.values()):
        fact = "This GitLab is a Community Edition, which has no custom roles."
        yield Diagnostic(Severity.ERROR, "GITLAB-NO-CUSTOM-ROLES", fact, "Take custom_roles out, and link other roles.")


def _detour(why: str) -> Iterable[Diagnostic]:
    if why:
        fact = f"Members were read by REST, more slowly, because GraphQL was of no use: {shortened(why)}."
        yield Diagnostic(Severity.NOTE, "GITLAB-NO-GRAPHQL", fact, "Leave out graphql: true if that is to stay so.")
