"""What a membership looks like and which rules one has to keep; adds, changes and removes none."""

from __future__ import annotations

from tests.fakes.gitlab_answers import Reply, Request, answer, error, forbidden, message
from tests.fakes.gitlab_groups import effective
from tests.fakes.gitlab_users import written as written_user
from tests.fakes.gitlab_world import NAMES, Member, Source, User, World, encoded

LEVELS = set(NAMES)
QUEUED = "Request queued for administrator approval."


def written(world: World, member: Member) -> bytes:
    """Return a membership as JSON; what is not of its user is remembered while it is the same."""
    stamp = (member.level, member.expires_at, member.created_by, member.role, world.instance.enterprise)
    if member.raw[0] != stamp:
        creator = world.users.get(member.created_by)
        expires = f'"{member.expires_at}"' if member.expires_at else "null"
        shown = f',"access_level":{member.level},"created_at":"{member.created_at}","expires_at":{expires}'
        parts = [shown.encode(), b',"membership_state":"active"']
        if creator:
            parts += [b',"created_by":', written_user(world, creator, admin=False)]
        if world.instance.enterprise:
            name, base = world.instance.custom_roles.get(member.role, ("", 0))
            role = {"id": member.role, "name": name, "base_access_level": base} if member.role else None
            parts += [b',"group_saml_identity":null,"member_role":', encoded(role)]
        member.raw = (stamp, b"".join((*parts, b"}")))
    return written_user(world, member.user, admin=False)[:-1] + member.raw[1]


def asked_level(world: World, request: Request) -> int:
    """Return the level that is asked for; 400 where this version has none of that number."""
    request.need("access_level")
    level = request.number("access_level")
    if level not in LEVELS or (level == 15 and not world.instance.planner):
        raise error(400, "access_level does not have a valid value")
    return level


def may_manage(world: World, request: Request, source: Source) -> None:
    """Refuse whoever is neither an administrator nor an owner; where LDAP holds memberships, only the former."""
    least = 50 if source.kind == "group" else 40
    locked = world.instance.enterprise and world.instance.lock_memberships
    if not request.admin and (locked or effective(source, request.viewer) < least):
        raise forbidden()


def check_level(world: World, source: Source, user: User, level: int, expires: object) -> dict[str, list[str]]:
    """Return what is wrong with a level and an expiry, by field."""
    wrong: dict[str, list[str]] = {}
    floor, group = source.inherited(user.id)
    minimal = world.instance.enterprise and source.kind == "group" and source.parent is None
    if level == 5 and not minimal:
        wrong["access_level"] = ["is not included in the list"]
    elif level < floor:
        wrong["access_level"] = [
            f"should be greater than or equal to {NAMES[floor]} inherited membership from group {group}"
        ]
    if expires and str(expires)[:10] < world.now()[:10]:
        wrong["expires_at"] = ["cannot be a date in the past"]
    return wrong


def custom_role(world: World, request: Request, level: int) -> int:
    """Return the custom role that is asked for, 0 for none or on CE; its base has to be the level."""
    number = request.number("member_role_id")
    if not number or not world.instance.enterprise:
        return 0
    if number not in world.instance.custom_roles:
        raise message(400, {"member_role": ["not found"]})
    if world.instance.custom_roles[number][1] != level:
        raise message(
            400, {"member_role_id": ["the custom role's base access level does not match the current access level"]}
        )
    return number


def waiting(world: World, user: User, level: int) -> bool:
    """Whether an administrator has to approve this first: a user without a seat gets a role that takes one."""
    if not (world.instance.enterprise and world.instance.approval) or level <= 10:
        return False
    sources = (*world.groups.values(), *world.projects.values())
    return not any(user.id in source.members and source.members[user.id].level > 10 for source in sources)


def queued(world: World, source: Source, user: User, level: int, status: int = 200) -> Reply:
    """Return GitLab's answer to one membership that waits."""
    source.pending[user.id] = level
    return answer({"message": {user.username: QUEUED}}, status)
