"""GitLab's GraphQL, as far as members of groups are read with it: types, limits, answers; changes nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.fakes.gitlab_answers import Request
from tests.fakes.gitlab_groups import visible
from tests.fakes.gitlab_query import Field, Unreadable, read_query
from tests.fakes.gitlab_world import NAMES, Member, Source, User, World

Row = TypeVar("Row")
LONGEST = 10_000
PAGE = 100
SHARE = 0.01  # what one more node on a page adds to the score of a connection's fields
PAGES = ("first", "last", "after", "before")
MEMBERS = ("relations", "search", "accessLevels", *PAGES)

TYPES: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    "Query": {
        "currentUser": ("UserCore", ()),
        "group": ("Group", ("fullPath",)),
        "groups": ("GroupConnection", ("ids", "search", *PAGES)),
        "project": ("Project", ("fullPath",)),
        "metadata": ("Metadata", ()),
        "__type": ("__Type", ("name",)),
        "__schema": ("__Schema", ()),
    },
    "Group": {
        **dict.fromkeys(("id", "name", "path", "fullPath", "fullName", "visibility", "createdAt"), ("", ())),
        "groupMembersCount": ("", ()),
        "groupMembers": ("GroupMemberConnection", MEMBERS),
    },
    "Project": {
        **dict.fromkeys(("id", "name", "path", "fullPath", "visibility"), ("", ())),
        "projectMembers": ("MemberInterfaceConnection", MEMBERS),
    },
    "GroupConnection": {"nodes": ("Group", ()), "pageInfo": ("PageInfo", ()), "count": ("", ())},
    "GroupMemberConnection": {"nodes": ("GroupMember", ()), "pageInfo": ("PageInfo", ())},
    "MemberInterfaceConnection": {"nodes": ("GroupMember", ()), "pageInfo": ("PageInfo", ())},
    "GroupMember": {
        **dict.fromkeys(("id", "createdAt", "expiresAt"), ("", ())),
        "accessLevel": ("AccessLevel", ()),
        "user": ("UserCore", ()),
        "createdBy": ("UserCore", ()),
    },
    "AccessLevel": dict.fromkeys(("integerValue", "stringValue", "humanAccess"), ("", ())),
    "UserCore": dict.fromkeys(("id", "username", "name", "state", "active", "bot", "publicEmail"), ("", ())),
    "PageInfo": dict.fromkeys(("hasNextPage", "hasPreviousPage", "endCursor", "startCursor"), ("", ())),
    "Metadata": dict.fromkeys(("version", "revision", "enterprise"), ("", ())),
    "__Schema": {"queryType": ("__Type", ()), "types": ("__Type", ())},
    "__Type": {"name": ("", ()), "kind": ("", ()), "fields": ("__Field", ("includeDeprecated",))},
    "__Field": {"name": ("", ()), "args": ("__InputValue", ())},
    "__InputValue": {"name": ("", ())},
}


class Invalid(Exception):
    """A query that is refused before it runs; `errors` is the answer."""

    def __init__(self, text: str, **extensions: str) -> None:
        super().__init__(text)
        self.errors = [{"message": text, **({"extensions": extensions} if extensions else {})}]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a connection; `total` where the type counts its nodes."""

    nodes: Sequence[object]
    cursors: Sequence[str]
    more: bool
    before: bool
    total: int


def run(world: World, request: Request, asked: Mapping[str, object]) -> dict[str, object]:
    """Return the answer to one query: ``data``, or ``errors``."""
    try:
        types = _types(world)
        fields = _valid(world, types, asked)
        return {"data": _Runner(world, request, types).select("Query", None, fields)}
    except Unreadable as problem:
        return {"errors": [{"message": str(problem)}]}
    except Invalid as invalid:
        return {"errors": invalid.errors}


def _valid(
    world: World, types: Mapping[str, Mapping[str, tuple[str, tuple[str, ...]]]], asked: Mapping[str, object]
) -> tuple[Field, ...]:
    """Return the fields of a query that keeps every limit."""
    text, variables = str(asked.get("query") or ""), asked.get("variables")
    if len(text) > LONGEST:
        raise Invalid("Query too large")
    query = read_query(text, variables if isinstance(variables, dict) else {})
    if query.kind != "query":
        raise Invalid("Schema is not configured for mutations")
    score = sum(_score(types, "Query", field) for field in query.fields)
    most = world.instance.complexity
    if score > most:
        raise Invalid(f"Query has complexity of {score}, which exceeds max complexity of {most}")
    return query.fields


def _types(world: World) -> dict[str, dict[str, tuple[str, tuple[str, ...]]]]:
    """Return the schema of this version: older ones lack an argument, or a field."""
    types = dict(TYPES)
    if world.instance.enterprise:
        types["GroupMember"] = {**types["GroupMember"], "memberRole": ("MemberRole", ())}
        types["MemberRole"] = dict.fromkeys(("id", "name"), ("", ()))
    if "ids" not in world.instance.graphql_fields:
        types["Query"] = {**types["Query"], "groups": ("GroupConnection", ("search", *PAGES))}
    if "groupMembersCount" not in world.instance.graphql_fields:
        types["Group"] = {name: kind for name, kind in types["Group"].items() if name != "groupMembersCount"}
    return types


def _score(types: Mapping[str, Mapping[str, tuple[str, tuple[str, ...]]]], owner: str, field: Field) -> int:
    """Return the score of a field, once it is known to be there with these arguments."""
    if field.name == "__typename":
        return 0
    if field.name not in types[owner]:
        text = f"Field '{field.name}' doesn't exist on type '{owner}'"
        raise Invalid(text, code="undefinedField", typeName=owner, fieldName=field.name)
    kind, arguments = types[owner][field.name]
    for argument in field.arguments:
        if argument not in arguments:
            text = f"Field '{field.name}' doesn't accept argument '{argument}'"
            raise Invalid(text, code="argumentNotAccepted", name=field.name, argumentName=argument)
    if bool(kind) != bool(field.fields):
        what = "must have selections" if kind else "can't have selections"
        raise Invalid(f"Field {what} (field '{field.name}')", code="selectionMismatch")
    inside = sum(_score(types, kind, child) for child in field.fields)
    if kind.endswith("Connection"):
        inside = int(inside * (1 + _size(field.arguments) * SHARE))
    return 0 if field.name.startswith("__") else 1 + inside


def _size(arguments: Mapping[str, object]) -> int:
    first = arguments.get("first")
    return min(first, PAGE) if isinstance(first, int) else PAGE


def _gid(kind: str, number: int) -> str:
    return f"gid://gitlab/{kind}/{number}"


def _number(gid: object) -> int:
    text = str(gid).rpartition("/")[2]
    if not str(gid).startswith("gid://gitlab/") or not text.isdigit():
        raise Invalid(f'"{gid}" is not a valid GitLab ID.')
    return int(text)


class _Runner:
    """Answers the fields of one query."""

    def __init__(
        self, world: World, request: Request, types: Mapping[str, Mapping[str, tuple[str, tuple[str, ...]]]]
    ) -> None:
        self.world = world
        self.request = request
        self.types = types

    def select(self, owner: str, of: object, fields: Iterable[Field]) -> dict[str, object]:
        """Return the fields of one object."""
        return {field.alias: self.field(owner, of, field) for field in fields}

    def field(self, owner: str, of: object, field: Field) -> object:
        """Return one field: a value, an object, a list of objects, or nothing."""
        if field.name == "__typename":
            return owner
        value = RESOLVERS[owner](self, of, field)
        kind = self.types[owner][field.name][0]
        if not kind or value is None:
            return value
        if isinstance(value, list | tuple):
            return [self.select(kind, one, field.fields) for one in value]
        return self.select(kind, value, field.fields)

    def query(self, _of: object, field: Field) -> object:
        """Return a field of the root."""
        if field.name == "currentUser":
            return self.world.users[self.request.viewer]
        if field.name == "groups":
            return self.groups(field.arguments)
        if field.name in {"group", "project"}:
            source = self.world.paths.get(str(field.arguments.get("fullPath")).lower())
            return source if source and source.kind == field.name and self.sees(source) else None
        if field.name == "__type":
            name = str(field.arguments.get("name"))
            return name if name in self.types else None
        return self.world.instance if field.name == "metadata" else "Query"

    def sees(self, source: Source) -> bool:
        """Whether the token's user may see it."""
        return visible(self.world, self.request, source)

    def groups(self, arguments: Mapping[str, object]) -> Page:
        """Return a page of groups: those of the ids, or all; what is not there or hidden is left out."""
        ids = arguments.get("ids")
        found: Iterable[Source] = self.world.groups.values()
        if isinstance(ids, list):
            numbers = sorted({_number(gid) for gid in ids})
            found = [self.world.groups[number] for number in numbers if number in self.world.groups]
        return _page([group for group in found if self.sees(group)], arguments, lambda group: str(group.id))

    def group(self, of: object, field: Field) -> object:
        """Return a field of a group or project."""
        if not isinstance(of, Source):
            return None
        if field.name.endswith("Members"):
            return self.members(of, field.arguments)
        values: dict[str, object] = {
            "id": _gid("Group" if of.kind == "group" else "Project", of.id),
            "name": of.name,
            "path": of.path,
            "fullPath": of.full_path,
            "fullName": " / ".join(source.name for source in reversed((of, *of.above()))),
            "visibility": of.visibility,
            "createdAt": of.created_at,
            "groupMembersCount": len(of.members),
        }
        return values[field.name]

    def members(self, source: Source, arguments: Mapping[str, object]) -> Page:
        """Return a page of members: direct and inherited ones unless told which."""
        relations = arguments.get("relations") or ["DIRECT", "INHERITED"]
        wanted = set(relations) if isinstance(relations, list) else {relations}
        rows = list(source.members.values()) if "DIRECT" in wanted else []
        if "INHERITED" in wanted:
            rows += [member for group in source.above() for member in group.members.values()]
        return _page(rows, arguments, lambda member: str(member.user.id))


def _page(rows: list[Row], arguments: Mapping[str, object], key: Callable[[Row], str]) -> Page:
    after, start = arguments.get("after"), 0
    if after:
        wanted = base64.urlsafe_b64decode(str(after)).decode()
        start = next((number + 1 for number, row in enumerate(rows) if key(row) == wanted), len(rows))
    shown = rows[start : start + _size(arguments)]
    cursors = [base64.urlsafe_b64encode(key(row).encode()).decode() for row in (shown[:1] + shown[-1:])]
    return Page(shown, cursors, start + len(shown) < len(rows), start > 0, len(rows))


def _connection(_runner: _Runner, of: object, field: Field) -> object:
    if not isinstance(of, Page):
        return None
    return {"nodes": of.nodes, "pageInfo": of, "count": of.total}[field.name]


def _page_info(_runner: _Runner, of: object, field: Field) -> object:
    if not isinstance(of, Page):
        return None
    first, last = (of.cursors[0], of.cursors[-1]) if of.cursors else (None, None)
    return {"hasNextPage": of.more, "hasPreviousPage": of.before, "startCursor": first, "endCursor": last}[field.name]


def _member(runner: _Runner, of: object, field: Field) -> object:
    if not isinstance(of, Member):
        return None
    if field.name == "user":
        return of.user
    if field.name == "accessLevel":
        return of
    if field.name == "memberRole":
        return of.role or None
    if field.name == "createdBy":
        return runner.world.users.get(of.created_by)
    expires = of.expires_at and f"{of.expires_at}T00:00:00Z"
    return {"id": _gid("GroupMember", of.user.id), "createdAt": of.created_at, "expiresAt": expires}[field.name]


def _role(runner: _Runner, of: object, field: Field) -> object:
    number = of if isinstance(of, int) else 0
    return {"id": _gid("MemberRole", number), "name": runner.world.instance.custom_roles[number][0]}[field.name]


def _level(_runner: _Runner, of: object, field: Field) -> object:
    if not isinstance(of, Member):
        return None
    name = NAMES[of.level]
    return {"integerValue": of.level, "stringValue": name.upper().replace(" ", "_"), "humanAccess": name}[field.name]


def _user(_runner: _Runner, of: object, field: Field) -> object:
    if not isinstance(of, User):
        return None
    values: dict[str, object] = {
        "id": _gid("User", of.id),
        "username": of.username,
        "name": of.name,
        "state": of.state,
        "active": of.state == "active",
        "bot": bool(of.bot),
        "publicEmail": "",
    }
    return values[field.name]


def _metadata(runner: _Runner, _of: object, field: Field) -> object:
    instance = runner.world.instance
    version = instance.version + ("-ee" if instance.enterprise else "")
    return {"version": version, "revision": "5d2e1f0c9a7", "enterprise": instance.enterprise}[field.name]


def _introspected(runner: _Runner, of: object, field: Field) -> object:
    if field.name == "queryType":
        return "Query"
    if field.name == "types":
        return sorted(runner.types)
    if isinstance(of, tuple):  # a field: its name and arguments
        return {"name": of[0], "args": list(of[1])}[field.name]
    if field.name == "fields":
        return [_Named((name, kind[1])) for name, kind in runner.types[str(of)].items() if not name.startswith("__")]
    return {"name": of, "kind": "OBJECT"}[field.name]


class _Named(tuple[str, tuple[str, ...]]):
    """A field of a type with its arguments."""

    __slots__ = ()


RESOLVERS: dict[str, Callable[[_Runner, object, Field], object]] = {
    "Query": _Runner.query,
    "Group": _Runner.group,
    "Project": _Runner.group,
    "GroupConnection": _connection,
    "GroupMemberConnection": _connection,
    "MemberInterfaceConnection": _connection,
    "GroupMember": _member,
    "AccessLevel": _level,
    "MemberRole": _role,
    "UserCore": _user,
    "PageInfo": _page_info,
    "Metadata": _metadata,
    "__Schema": _introspected,
    "__Type": _introspected,
    "__Field": _introspected,
    "__InputValue": _introspected,
}
