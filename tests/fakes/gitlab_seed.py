"""Fill a GitLab with a company of any size, or with what a file says; knows nothing of requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import cast

from tests.fakes.gitlab_keys import give_key
from tests.fakes.gitlab_world import Instance, Source, User, World

PEOPLE = "ou=people,dc=example,dc=com"
LEVELS = (10, 20, 30, 30, 30, 40)
_SPREAD = 1.45  # of the logarithm of the groups' sizes


@dataclass(frozen=True, slots=True)
class Company:
    """How large a generated GitLab is; the same parameters give the same one.

    `mean`: members of a group, on average. One group of `nested` stands inside an earlier one.
    """

    users: int = 100
    groups: int = 10
    mean: float = 20.0
    nested: int = 5
    bots: int = 2
    local: int = 3  # people without an identity
    provider: str = "ldapmain"
    seed: int = 7


def fill(world: World, company: Company) -> None:
    """Add the administrator `root`, who owns each top-level group, people, bots, and groups with members."""
    drawn = Random(company.seed)  # noqa: S311 - a company, not a secret
    root = world.add_user("root", name="Administrator", admin=True)
    for number in range(company.local):
        world.add_user(f"local{number:03}")
    people = [_person(world, company.provider, number) for number in range(company.users)]
    bots = [world.add_user(f"group_{number}_bot", bot="project_bot") for number in range(company.bots)]
    groups: list[Source] = []
    for number, size in enumerate(_sizes(company, drawn)):
        inside = groups and company.nested and number % company.nested == 0
        above = f"{drawn.choice(groups).full_path}/" if inside else ""
        group = world.add_group(f"{above}group{number:04}")
        groups.append(group)
        if not above:
            world.add_member(group, root, 50)
        for user in drawn.sample(people, size):
            level = max(drawn.choice(LEVELS), group.inherited(user.id)[0])
            world.add_member(group, user, level, created_by=root.id)
    for bot in bots:
        world.add_member(drawn.choice(groups), bot, 40)


def _person(world: World, provider: str, number: int) -> User:
    username = f"user{number:05}"
    identities = {provider: f"uid={username},{PEOPLE}"} if provider else {}
    return world.add_user(username, name=f"Person {number}", identities=identities)


def _sizes(company: Company, drawn: Random) -> list[int]:
    raw = [drawn.lognormvariate(0, _SPREAD) for _ in range(company.groups)]
    factor = company.mean * company.groups / max(sum(raw), 1e-9)
    return [min(int(size * factor), company.users) for size in raw]


def load(world: World, state: Mapping[str, object]) -> None:
    """Add what `dump` wrote, or a person: users as their fields, groups by path with usernames and levels, in any order of either.

    `instance` sets fields of the instance. A user may have `keys`, texts by title. In place of a level there may be a map:
    `level`, and `by` (username of whoever made the membership), `expires` (a day), `role` (number of a custom role).
    """
    _setup(world.instance, cast("dict[str, object]", state.get("instance", {})))
    for fields in cast("list[dict[str, object]]", state["users"]):
        apart = ("username", "keys")
        user = world.add_user(str(fields["username"]), **{name: of for name, of in fields.items() if name not in apart})  # type: ignore[arg-type]  # fields of their own types
        for title, text in cast("dict[str, str]", fields.get("keys", {})).items():
            give_key(world, user, title, text)
    for kind in ("groups", "projects"):
        for path, members in cast("dict[str, dict[str, int | dict[str, object]]]", state.get(kind, {})).items():
            source = world.paths.get(path.lower()) or (world.add_group if kind == "groups" else world.add_project)(path)
            for username, said in members.items():
                world.add_member(source, world.user(username), **_member(world, said))  # type: ignore[arg-type]  # fields of their own types


def _setup(instance: Instance, fields: Mapping[str, object]) -> None:
    """Set fields; JSON has only texts as keys of a map."""
    for name, value in fields.items():
        if not hasattr(instance, name):
            raise KeyError(name)
        roles = {int(number): tuple(role) for number, role in value.items()} if isinstance(value, dict) else None
        setattr(instance, name, value if roles is None else roles)


def _member(world: World, said: int | Mapping[str, object]) -> dict[str, object]:
    """Return the fields of a membership."""
    if isinstance(said, int):
        return {"level": said}
    by = said.get("by")
    maker = world.user(str(by)).id if by else 0
    return {
        "level": said["level"],
        "created_by": maker,
        "expires_at": said.get("expires"),
        "role": said.get("role", 0),
    }


def dump(world: World) -> dict[str, object]:
    """Return what there is, without times and ids: users, and the direct members of groups and projects by username."""
    with world.lock:
        return {
            "users": [_dumped(user) for user in world.users.values()],
            "groups": {group.full_path: world.levels(group.full_path) for group in world.groups.values()},
            "projects": {project.full_path: world.levels(project.full_path) for project in world.projects.values()},
        }


def _dumped(user: User) -> dict[str, object]:
    names = ("username", "name", "email", "state", "admin", "external", "auditor", "bot", "identities", "attributes")
    return {name: getattr(user, name) for name in names}
