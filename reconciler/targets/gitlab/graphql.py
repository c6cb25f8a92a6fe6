"""Read members of groups by GraphQL, many groups in one request, where this GitLab can; the same as REST says, or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from reconciler.errors import TargetError, TargetRejected
from reconciler.targets.answers import Answer, Map
from reconciler.targets.gitlab.api import Api
from reconciler.targets.gitlab.groups import Held, Reading
from reconciler.targets.gitlab.rows import Space
from reconciler.targets.gitlab.settings import Access
from reconciler.targets.pace import Stopped
from reconciler.targets.pages import side_by_side

_PAGE = 100
_GROUPS = 20  # in one request, each with its first page: GitLab's own limit is the time that it takes
_MORE = 6  # further pages in one request: GitLab adds up their fields, and refuses what comes to more than 250
_NUMBER = re.compile("gid://gitlab/([A-Za-z]+)/([0-9]{1,18})")
_TYPES = ("Query", "Group", "GroupMember")
_NEEDED: Mapping[str, Mapping[str, frozenset[str]]] = {  # field and arguments
    "Query": {"groups": frozenset({"ids", "first"}), "group": frozenset({"fullPath"})},
    "Group": {"groupMembers": frozenset({"relations", "first", "after"})},
    "GroupMember": {"accessLevel": frozenset(), "user": frozenset(), "createdBy": frozenset()},
}
_PROBE = "".join(f'{name}: __type(name: "{name}") {{ fields {{ name args {{ name }} }} }} ' for name in _TYPES)

_Thing = TypeVar("_Thing")


@dataclass(frozen=True, slots=True)
class Members:
    """The direct members of groups and projects, in the order asked for, and why they were not read by GraphQL, if so."""

    found: list[dict[int, Held]]
    why: str = ""


def read_members(api: Api, spaces: Sequence[Space], reading: Reading, workers: int) -> Members:
    """Return who is in these. Projects are always read by REST, groups where GraphQL fails. Raises TargetError as REST does."""
    groups = [space for space in spaces if space.kind == "groups"]
    why, ready = "", dict[Space, dict[int, Held]]()
    try:
        ready = _Read(api, reading, custom=_probed(api)).all(groups, workers) if groups else {}
    except Stopped:
        raise
    except TargetError as error:
        why = str(error)
    others = [space for space in spaces if space not in ready]
    ready |= dict(zip(others, api.members(others, reading.entries, workers), strict=True))
    return Members([ready[space] for space in spaces], why)


def _probed(api: Api) -> bool:
    """Return whether members may have custom roles. Raises TargetRejected where something that we need is not there."""
    answer = api.query(f"{{ {_PROBE}}}", {})
    data = _data(answer)
    fields = {name: _arguments(answer, _map(answer, data, name)) for name in _TYPES}
    for name, needed in _NEEDED.items():
        for word, arguments in needed.items():
            if word not in fields[name] or not arguments <= fields[name][word]:
                raise TargetRejected(f"its GraphQL has no {name}.{word} with what is needed")
    return "memberRole" in fields["GroupMember"]


def _arguments(answer: Answer, kind: Map) -> dict[str, frozenset[str]]:
    """Return the fields of a type, each with its arguments."""
    return {
        answer.value(one, "name", str): frozenset(
            answer.value(each, "name", str) for each in _maps(answer, one, "args")
        )
        for one in _maps(answer, kind, "fields")
    }


@dataclass(slots=True)
class _Group:
    """One group, whom of it we have, and where the next page begins."""

    space: Space
    found: dict[int, Held] = field(default_factory=dict)
    after: str = ""


class _Read:
    """One read of all groups."""

    def __init__(self, api: Api, reading: Reading, *, custom: bool) -> None:
        role = "memberRole { id } " if custom else ""
        self._api, self._reading = api, reading
        self._fields = (
            f"nodes {{ accessLevel {{ integerValue }} user {{ id }} createdBy {{ username }} {role}}} "
            "pageInfo { hasNextPage endCursor }"
        )
        self._known: dict[tuple[Access, str], Held] = {}

    def all(self, spaces: Sequence[Space], workers: int) -> dict[Space, dict[int, Held]]:
        """Return the members of each group."""
        groups = [_Group(space) for space in spaces]
        side_by_side(self._begin, _some(groups, _GROUPS), workers)
        while more := [group for group in groups if group.after]:
            side_by_side(self._go_on, _some(more, _MORE), workers)
        return {group.space: group.found for group in groups}

    def _begin(self, groups: Sequence[_Group]) -> None:
        """Read the first page of each."""
        inside = f"id groupMembers(relations: [DIRECT], first: {_PAGE}) {{ {self._fields} }}"
        text = f"query($ids: [ID!], $first: Int) {{ groups(ids: $ids, first: $first) {{ nodes {{ {inside} }} }} }}"
        ids = [f"gid://gitlab/Group/{group.space.number}" for group in groups]
        answer = self._api.query(text, {"ids": ids, "first": len(ids)})
        nodes = _maps(answer, _map(answer, _data(answer), "groups"), "nodes")
        pages = {_number(answer, node, "Group"): _map(answer, node, "groupMembers") for node in nodes}
        if pages.keys() != {group.space.number for group in groups}:
            answer.fail("answered with other groups than those asked for")
        for group in groups:
            self._take(answer, group, pages[group.space.number])

    def _go_on(self, groups: Sequence[_Group]) -> None:
        """Read one more page of each."""
        said = "".join(f"$path{at}: ID!, $after{at}: String, " for at in range(len(groups)))
        text = "".join(
            f"more{at}: group(fullPath: $path{at}) {{ groupMembers(relations: [DIRECT], first: {_PAGE}, after: $after{at}) "
            f"{{ {self._fields} }} }} "
            for at in range(len(groups))
        )
        variables = {f"path{at}": group.space.path for at, group in enumerate(groups)}
        variables |= {f"after{at}": group.after for at, group in enumerate(groups)}
        answer = self._api.query(f"query({said.rstrip(', ')}) {{ {text}}}", variables)
        data = _data(answer)
        for at, group in enumerate(groups):
            self._take(answer, group, _map(answer, _map(answer, data, f"more{at}"), "groupMembers"))

    def _take(self, answer: Answer, group: _Group, page: Map) -> None:
        """Take the members of a page; who has no account was invited by e-mail and is no member yet."""
        rows = [row for row in _maps(answer, page, "nodes") if row.get("user") is not None]
        people = {_number(answer, _map(answer, row, "user"), "User"): self._held(answer, row) for row in rows}
        if len(people) != len(rows) or not group.found.keys().isdisjoint(people):
            answer.fail("answered with a member who came twice")
        info = _map(answer, page, "pageInfo")
        after = answer.value(info, "endCursor", str) if answer.value(info, "hasNextPage", bool) else ""
        if after and (not page["nodes"] or after == group.after):
            answer.fail("answered with a page that leads nowhere")
        group.found |= people
        group.after = after

    def _held(self, answer: Answer, row: Map) -> Held:
        level = answer.value(_map(answer, row, "accessLevel"), "integerValue", int)
        custom = 0 if row.get("memberRole") is None else _number(answer, _map(answer, row, "memberRole"), "MemberRole")
        by = "" if row.get("createdBy") is None else answer.value(_map(answer, row, "createdBy"), "username", str)
        which = Access(level, custom), by
        held = self._known.get(which)
        if held is None:
            held = self._known[which] = self._reading.held(*which)
        return held


def _data(answer: Answer) -> Map:
    """Return what was asked for; with errors beside it, it is nothing."""
    found = answer.map()
    if errors := found.get("errors"):
        answer.fail(f'answered with errors: "{answer.shown(str(errors))}"')
    return _map(answer, found, "data")


def _map(answer: Answer, item: Map, key: str) -> Map:
    found = item.get(key)
    return found if isinstance(found, dict) else answer.fail(f'answered with something else than an object as "{key}"')


def _maps(answer: Answer, item: Map, key: str) -> list[Map]:
    found = item.get(key)
    if isinstance(found, list) and all(isinstance(each, dict) for each in found):
        return found
    return answer.fail(f'answered with something else than objects as "{key}"')


def _number(answer: Answer, item: Map, kind: str) -> int:
    found = _NUMBER.fullmatch(answer.value(item, "id", str))
    return int(found[2]) if found and found[1] == kind else answer.fail(f"answered with an id that is no {kind}'s")


def _some(things: Sequence[_Thing], size: int) -> list[Sequence[_Thing]]:
    return [things[start : start + size] for start in range(0, len(things), size)]
