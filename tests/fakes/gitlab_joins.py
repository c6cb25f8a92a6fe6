"""The API that adds members, one or up to a hundred at once; knows nothing of how they are read or removed."""

from __future__ import annotations

from tests.fakes.gitlab_answers import Reply, Request, answer, error, message, missing
from tests.fakes.gitlab_groups import find_source
from tests.fakes.gitlab_roles import QUEUED, asked_level, check_level, custom_role, may_manage, queued, waiting, written
from tests.fakes.gitlab_world import Source, User, World

MOST = 100


def add_members(world: World, request: Request) -> Reply:
    """POST /groups/:id/members {user_id or username, access_level, expires_at, member_role_id}.

    One id alone adds, and refuses with a status; with a comma it is a list, which adds or changes, and answers 201 with
    ``{"status": "error"}`` where something went wrong.
    """
    source = find_source(world, request)
    may_manage(world, request, source)
    asked_level(world, request)
    ids = request.params.get("user_id")
    names = request.text("username")
    if ids is None and not names:
        raise error(400, "user_id, username are missing, exactly one parameter must be provided")
    if ids is not None and names:
        raise error(400, "user_id, username are mutually exclusive")
    listed = ",".join(map(str, ids)) + "," if isinstance(ids, list) else str(ids) if ids is not None else names
    if "," in listed:
        return _add_many(world, request, source, [part.strip() for part in listed.split(",") if part.strip()])
    return _add_one(world, request, source, _lookup(world, listed, by_name=ids is None))


def _lookup(world: World, text: str, *, by_name: bool) -> User | None:
    if by_name:
        return world.users.get(world.usernames.get(text.lower(), 0))
    return world.users.get(int(text)) if text.isdigit() else None


def _add_one(world: World, request: Request, source: Source, user: User | None) -> Reply:
    if user is None:
        raise missing("User")
    if user.id in source.members:
        raise message(409, "Member already exists")
    if source.locked:
        raise message(405, "405 Method Not Allowed")
    level = request.number("access_level")
    wrong = check_level(world, source, user, level, request.params.get("expires_at"))
    if wrong:
        raise message(400, wrong)
    role = custom_role(world, request, level)
    if waiting(world, user, level):
        return queued(world, source, user, level, 201)
    _save(world, request, source, user, role)
    return Reply(201, written(world, source.members[user.id]))


def _add_many(world: World, request: Request, source: Source, asked: list[str]) -> Reply:
    by_name = request.params.get("user_id") is None
    asked = list(dict.fromkeys(asked))
    if not asked:
        return answer({"status": "error", "message": "No users specified."}, 201)
    if len(asked) > MOST:
        return answer({"status": "error", "message": f"Too many users specified (limit is {MOST})"}, 201)
    if source.locked:
        return answer({"status": "error", "message": "The group's memberships are locked"}, 201)
    level, role = request.number("access_level"), custom_role(world, request, request.number("access_level"))
    errors: list[str] = []
    held: dict[str, str] = {}
    for text in asked:
        user = _lookup(world, text, by_name=by_name)
        if user is None:
            continue  # nobody is told
        wrong = _refused(world, request, source, user)
        if wrong:
            errors.append(f"{user.username}: {wrong}")
        elif waiting(world, user, level):
            source.pending[user.id] = level
            held[user.username] = QUEUED
        else:
            _save(world, request, source, user, role)
    queue = {"queued_users": held} if held else {}
    if errors:
        return answer({"status": "error", "message": _sentence(errors), **queue}, 201)
    return answer({"status": "success", **queue}, 201)


def _refused(world: World, request: Request, source: Source, user: User) -> str:
    level = request.number("access_level")
    have = source.members.get(user.id)
    owner = have is not None and have.level == 50 and source.kind == "group"
    if owner and level < 50 and source.owners() == {user.id}:
        return "not authorized to update member"
    if user.bot == "project_bot" and have is None:
        return "User project bots cannot be added to other groups / projects"
    wrong = check_level(world, source, user, level, request.params.get("expires_at"))
    texts = [f"{name.replace('_', ' ').capitalize()} {text}" for name, found in wrong.items() for text in found]
    return _sentence(texts)


def _sentence(texts: list[str]) -> str:
    if len(texts) < 3:
        return " and ".join(texts)
    return f"{', '.join(texts[:-1])}, and {texts[-1]}"


def _save(world: World, request: Request, source: Source, user: User, role: int) -> None:
    """Add, or change: the expiry becomes what was sent, or none."""
    level, expires = request.number("access_level"), request.text("expires_at") or None
    have = source.members.get(user.id)
    if have is None:
        world.add_member(source, user, level, expires_at=expires, created_by=request.viewer, role=role)
        world.effect("member.add", source.full_path, user.username, level)
    elif (have.level, have.expires_at, have.role) != (level, expires, role):
        have.level, have.expires_at, have.role = level, expires, role
        world.effect("member.set", source.full_path, user.username, level)
