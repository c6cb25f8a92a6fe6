"""A GitLab to try things on, what trials of it find, and what they leave; tries nothing itself."""

from __future__ import annotations

from reconciler.model.check import Check
from reconciler.targets.base import Scratch
from reconciler.targets.gitlab.contract import TRIALS, trials
from tests.e2e.gitlab_reading import api, person, world_of
from tests.fakes.gitlab_faults import Fault
from tests.fakes.gitlab_server import Served
from tests.fakes.gitlab_world import World


def scratch_world() -> World:
    """Return a GitLab with a scratch group that we own, a subgroup, and two accounts."""
    found = world_of()
    found.instance.limits.clear()  # of removals: there are dozens in one go
    found.add_member(found.add_group("scratch"), found.user("sync"), 50)
    found.add_group("scratch/below")
    person(found, "tried")
    person(found, "other")
    return found


def left(world: World) -> object:
    """Return what trials could have left behind."""
    members = {
        (group.full_path, number): (member.level, member.expires_at)
        for group in world.groups.values()
        for number, member in group.members.items()
    }
    accounts = {user.username: (user.state, dict(user.attributes)) for user in world.users.values()}
    return members, accounts


def tried(
    served: Served, *users: str, group: str = "scratch", at: str = "", faults: tuple[Fault, ...] = ()
) -> dict[str, Check]:
    """Return what the trials find, by name; the faults are on during the one trial that is named."""
    found: dict[str, Check] = {}
    names = iter([trial.name for trial in TRIALS])
    with api(served, delete_rate=100_000) as calls:
        running = iter(trials(calls, Scratch(group, users)))
        while True:
            name = next(names, None)
            if name and name == at:
                served.fail(*faults)
            check = next(running, None)
            if check is None:
                return found
            found[check.name] = check
            if name and name == at:
                served.fail()
