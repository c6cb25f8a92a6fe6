"""Which groups and projects a policy's names are, what lies above them, and who is in them; never writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.errors import TargetRejected
from reconciler.model.access import GroupKey, Role
from reconciler.model.names import caseless
from reconciler.model.text import shortened
from reconciler.targets.answers import Answer, Map
from reconciler.targets.gitlab.api import Api
from reconciler.targets.gitlab.rows import Space, access_of, creator_of
from reconciler.targets.gitlab.settings import Access, Settings
from reconciler.targets.pages import side_by_side


class Held(NamedTuple):
    """A role in a group, and the username of whoever gave it, empty where GitLab does not say; one object for all that are equal.

    `floor` is what nobody has less of below: for a custom role that the policy does not know, the one that it is based on.
    """

    role: Role
    by: str
    floor: Role


@dataclass(frozen=True, slots=True)
class Places:
    """What of a GitLab has members and is looked at.

    `ruled` are the groups and projects that a policy names, as it spells them; `above` the groups that lie above those and
    that it does not name, by the beginnings of its names.
    """

    ruled: Mapping[GroupKey, Space]
    above: Mapping[GroupKey, Space]


def among(api: Api, names: Collection[GroupKey], spaces: Iterable[Space], workers: int) -> Places:
    """Return what these names are, where all groups are known, and perhaps some projects.

    A name that none of them has is looked up as a project's. Raises TargetError.
    """
    spelled = _spelled(names)
    known = {compared(space.path): space for space in spaces}
    missing = [name for path, name in spelled.items() if path not in known and _may_be_project(path, known)]
    projects = side_by_side(api.project, missing, workers)
    found = {name: known[path] for path, name in spelled.items() if path in known}
    found |= {name: space for name, space in zip(missing, projects, strict=True) if space}
    above: dict[str, GroupKey] = {}
    for name in sorted(names):
        for beginning in beginnings(name):
            above.setdefault(compared(beginning), beginning)
    return Places(
        ruled={name: found[name] for name in sorted(found)},
        above={name: known[path] for path, name in above.items() if path in known and spelled.get(path) not in found},
    )


def _may_be_project(path: str, groups: Collection[str]) -> bool:
    """Tell whether to ask for a project: it lies in a group, or right below somebody's username."""
    above, slash, _ = path.rpartition("/")
    return bool(slash) and (above in groups or "/" not in above)


def compared(path: str) -> str:
    """Return what GitLab compares of a path."""
    return caseless(path)


def beginnings(name: GroupKey) -> list[GroupKey]:
    """Return the names of the groups above one, the highest first."""
    parts = name.split("/")
    return [GroupKey("/".join(parts[:end])) for end in range(1, len(parts))]


def _spelled(names: Iterable[GroupKey]) -> dict[str, GroupKey]:
    """Return the names by what GitLab compares. Raises TargetRejected where two are one group."""
    spelled: dict[str, GroupKey] = {}
    for name in sorted(names):
        other = spelled.setdefault(compared(name), name)
        if other != name:
            raise TargetRejected(
                f'"{shortened(other)}" and "{shortened(name)}" are one group: GitLab compares paths without case. '
                "Write the same in all places of the policy."
            )
    return spelled


class Reading:
    """What is kept of the members of a group: one number and one shared object for each."""

    def __init__(self, settings: Settings) -> None:
        """Begin with what the policy says of roles."""
        self._names = settings.role_names
        self._custom = {access.custom: role for access, role in settings.role_names.items() if access.custom}
        self._known: dict[tuple[object, object, object], Held] = {}

    def entries(self, answer: Answer, rows: Sequence[Map]) -> dict[int, Held]:
        """Return who holds what, by number of the account."""
        known, found = self._known, {}
        for row in rows:
            number, level, role, by = (
                row.get("id"),
                row.get("access_level"),
                row.get("member_role"),
                row.get("created_by"),
            )
            if type(number) is not int or type(level) is not int:
                answer.fail('answered with a member whose "id" or "access_level" is no number')
            which = role.get("id") if type(role) is dict else role
            who = by.get("username") if type(by) is dict else by
            try:
                found[number] = known[level, which, who]
            except (KeyError, TypeError):
                found[number] = known[level, which, who] = self.held(access_of(answer, row), creator_of(answer, row))
        return found

    def held(self, access: Access, by: str) -> Held:
        """Return what a membership of this access is; a role that the policy does not know has a name of our own making."""
        level = self._names.get(Access(access.level), Role(f"level {access.level}"))
        if not access.custom:
            return Held(level, by, level)
        known = self._custom.get(access.custom)
        return Held(known or Role(f"custom role {access.custom}"), by, known or level)
