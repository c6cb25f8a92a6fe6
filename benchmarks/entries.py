"""Turn a shape into directory entries as LDIF text (RFC 2849), one entry at a time; never open a file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from uuid import NAMESPACE_URL, uuid5

from benchmarks.shape import Kind, Shape

BASE = "dc=example,dc=com"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
ADMIN_GROUP = "roster-admins"
IMPORTED = "app-"  # groups of these names are mirrored by an import
_IMPORTED_EVERY = 50
_AWKWARD_EVERY = 997
_UID_SUFFIX_EVERY = 4_999
_PEOPLE_PER_DEPARTMENT = 50
_GHOST = f"uid=ghost,{PEOPLE}"
_GIVEN = (
    "Anna",
    "Béla",
    "Chloë",
    "Fatima",
    "Håkon",
    "Íris",
    "Jürgen",
    "Łukasz",
    "Nguyễn",
    "Priya",
    "Søren",
    "Wei",
    "Yūki",
)
_FAMILY = (
    "Abbott",
    "Bakr",
    "Čapek",
    "Eriksen",
    "García",
    "Ivanov",
    "Kovács",
    "Müller",
    "O'Brien",
    "Rossi",
    "Şahin",
    "Weiß",
)
TITLES = ("Engineer", "Senior Engineer", "Staff Engineer", "Analyst", "Manager", "Director")
_TYPES = ("employee", "employee", "employee", "contractor", "intern")


def entries(shape: Shape) -> Iterator[str]:
    """Yield every entry of the directory, parents first, each ending in an empty line."""
    yield from _tree()
    yield from (_person(shape, index) for index in range(shape.people))
    yield from (_group(shape, index) for index in range(shape.groups))


def departments(shape: Shape) -> int:
    """Return how many departments share the people: about fifty people in each."""
    return max(1, shape.people // _PEOPLE_PER_DEPARTMENT)


def department_name(number: int) -> str:
    """Return the value of departmentNumber."""
    return f"d{number:04}"


def uid(person: int) -> str:
    """Return the login name of a person."""
    return f"user{person:05}"


def person_dn(person: int) -> str:
    """Return the DN of a person; a few hold a comma, a plus, a hash, quotes or letters outside ASCII."""
    if person % _AWKWARD_EVERY != 5:
        return f"uid={uid(person)},{PEOPLE}"
    return f"cn={_escaped(_awkward_person(person))},{PEOPLE}"


def display_name(shape: Shape, person: int) -> str:
    """Return the value of displayName."""
    drawn = shape.random("person", person)
    return f"{drawn.choice(_GIVEN)} {drawn.choice(_FAMILY)}"


def group_cn(shape: Shape, group: int) -> str:
    """Return the name of a group: no two are alike."""
    if group == shape.groups - 1:
        return ADMIN_GROUP
    if group < shape.big:
        return f"everyone-{group}"
    if group % _AWKWARD_EVERY == 7:
        return f'R+D, "Köln" #{group}'
    return f"{IMPORTED if group % _IMPORTED_EVERY == 0 else 'team-'}{group:05}"


def group_dn(shape: Shape, group: int) -> str:
    """Return the DN of a group."""
    return f"cn={_escaped(group_cn(shape, group))},{GROUPS}"


def _tree() -> Iterator[str]:
    yield _entry(BASE, "", ["dcObject", "organization"], [("dc", "example"), ("o", "Example")])
    for name in ("people", "groups"):
        yield _entry(f"ou={name},{BASE}", "", ["organizationalUnit"], [("ou", name)])


def _person(shape: Shape, index: int) -> str:
    drawn = shape.random("person", index)
    given, family = drawn.choice(_GIVEN), drawn.choice(_FAMILY)
    department = drawn.randrange(departments(shape))
    title, employee_type = drawn.choice(TITLES), drawn.choice(_TYPES)
    if shape.changed and drawn.random() < shape.changed / 100:
        department = drawn.randrange(departments(shape))
    name = _awkward_person(index) if index % _AWKWARD_EVERY == 5 else f"{given} {family} {index}"
    return _entry(
        person_dn(index),
        f"{shape.seed}/person/{index}",
        ["inetOrgPerson"],
        [
            ("uid", uid(index)),
            ("cn", name),
            ("sn", family),
            ("givenName", given),
            ("displayName", f"{given} {family}"),
            ("mail", f"{uid(index)}@example.com"),
            ("employeeNumber", f"{100_000 + index}"),
            ("employeeType", employee_type),
            ("departmentNumber", department_name(department)),
            ("title", title),
        ],
    )


def _group(shape: Shape, index: int) -> str:
    kind = shape.kind(index)
    number = [("gidNumber", f"{20_000 + index}")] if kind is Kind.POSIX else []
    return _entry(
        group_dn(shape, index),
        f"{shape.seed}/group/{index}",
        [kind.value],
        [("cn", group_cn(shape, index)), ("description", f"generated group {index}"), *number, *_members(shape, index)],
    )


def _members(shape: Shape, group: int) -> Iterator[tuple[str, str]]:
    people = shape.members(group)
    match shape.kind(group):
        case Kind.POSIX:
            yield from (("memberUid", uid(person)) for person in people)
        case Kind.UNIQUE_NAMES:
            yield from (("uniqueMember", person_dn(person) + _uid_suffix(person)) for person in people)
        case Kind.NAMES:
            yield from (("member", person_dn(person)) for person in people)
            yield from (("member", group_dn(shape, child)) for child in shape.nesting.get(group, ()))
            if group == next(iter(shape.nested_groups), -1):
                yield "member", _GHOST


def _uid_suffix(person: int) -> str:
    """Return the optional UID of a uniqueMember value (RFC 4517 3.3.21), for a few."""
    return "#'0101'B" if person % _UID_SUFFIX_EVERY == 0 else ""


def _awkward_person(person: int) -> str:
    forms = ("Doe, Jörg {}", "R+D #{}", "#lead {}", 'O"Q\\ {}')
    return forms[person // _AWKWARD_EVERY % len(forms)].format(person)


def _escaped(value: str) -> str:
    """Return an attribute value as it stands in a DN (RFC 4514 2.4); `value` neither starts nor ends with a space."""
    text = "".join("\\" + character if character in ',+"\\<>;' else character for character in value)
    return "\\" + text if text.startswith("#") else text


def _entry(dn: str, identity: str, classes: Iterable[str], attributes: Iterable[tuple[str, str]]) -> str:
    """Return one entry; an empty `identity` leaves the entryUUID to the server."""
    lines = [_line("dn", dn), *(f"objectClass: {name}" for name in classes)]
    if identity:
        lines.append(f"entryUUID: {uuid5(NAMESPACE_URL, f'generated:{identity}')}")
    lines += [_line(name, value) for name, value in attributes]
    return "\n".join(lines) + "\n\n"


def _line(name: str, value: str) -> str:
    """Return one attribute line; base64 wherever RFC 2849 asks for it."""
    if value.isascii() and value.isprintable() and value[:1] not in {"", " ", ":", "<"} and not value.endswith(" "):
        return f"{name}: {value}"
    return f"{name}:: {b64encode(value.encode()).decode()}"
