"""The API of members: reading, changing one, removing; adding is in gitlab_joins."""

from __future__ import annotations

from dataclasses import replace

from tests.fakes.gitlab_answers import Listing, Reply, Request, by_offset, error, forbidden, message, missing
from tests.fakes.gitlab_groups import find_source
from tests.fakes.gitlab_roles import asked_level, check_level, custom_role, may_manage, queued, waiting, written
from tests.fakes.gitlab_world import Member, Source, World


def list_members(world: World, request: Request) -> Reply:
    """GET /groups/:id/members: the direct ones, bots among them."""
    return _listed(world, request, list(find_source(world, request).members.values()))


def list_all(world: World, request: Request) -> Reply:
    """GET /groups/:id/members/all: inherited and invited ones, too, each user once with the highest level."""
    source = find_source(world, request)
    return _listed(world, request, list(_highest(world, source).values()))


def _highest(world: World, source: Source) -> dict[int, Member]:
    best: dict[int, Member] = {}
    chain = (source, *source.above())
    found = [member for group in chain for member in group.members.values()]
    for group in chain:
        for number, most in group.shared.items():
            invited = world.groups[number].members.values()
            found += [replace(member, level=min(member.level, most), raw=(None, b"")) for member in invited]
    for member in found:
        if member.user.id not in best or best[member.user.id].level < member.level:
            best[member.user.id] = member
    return best


def _listed(world: World, request: Request, rows: list[Member]) -> Reply:
    if request.text("pagination") == "keyset":
        raise error(405, "Keyset pagination is not yet available for this type of request")
    if request.params.get("user_ids") is not None:
        wanted = set(request.numbers("user_ids"))
        rows = [member for member in rows if member.user.id in wanted]
    if request.params.get("skip_users") is not None:
        unwanted = set(request.numbers("skip_users"))
        rows = [member for member in rows if member.user.id not in unwanted]
    query = request.text("query").lower()
    if query:
        rows = [member for member in rows if query in f"{member.user.username} {member.user.name}".lower()]
    return by_offset(request, Listing(rows), lambda member: written(world, member))


def get_member(world: World, request: Request) -> Reply:
    """GET /groups/:id/members/:user_id."""
    return Reply(200, written(world, _find(find_source(world, request).members, request.path[3])))


def get_from_all(world: World, request: Request) -> Reply:
    """GET /groups/:id/members/all/:user_id."""
    return Reply(200, written(world, _find(_highest(world, find_source(world, request)), request.path[4])))


def _find(members: dict[int, Member], text: str) -> Member:
    member = members.get(int(text)) if text.isdigit() else None
    if member is None:
        raise missing()
    return member


def update_member(world: World, request: Request) -> Reply:
    """PUT /groups/:id/members/:user_id {access_level, expires_at, member_role_id}.

    An expiry that is not sent stays; so does a custom role of the same level, and null takes it away.
    """
    source = find_source(world, request)
    may_manage(world, request, source)
    level = asked_level(world, request)
    member = _find(source.members, request.path[3])
    if level < 50 and source.kind == "group" and source.owners() == {member.user.id} and member.level == 50:
        raise forbidden()
    wrong = check_level(world, source, member.user, level, request.params.get("expires_at"))
    if wrong:
        raise message(400, wrong)
    if waiting(world, member.user, level):
        return queued(world, source, member.user, level)
    role = custom_role(world, request, level)
    if level != member.level or "member_role_id" in request.params:
        member.role = role
    member.level = level
    if "expires_at" in request.params:
        member.expires_at = request.text("expires_at") or None
    world.effect("member.set", source.full_path, member.user.username, level)
    return Reply(200, written(world, member))


def remove_member(world: World, request: Request) -> Reply:
    """DELETE /groups/:id/members/:user_id, in everything below as well unless skip_subresources."""
    source = find_source(world, request)
    member = _find(source.members, request.path[3])
    if member.user.id != request.viewer:
        may_manage(world, request, source)
    if source.kind == "group" and member.level == 50 and source.owners() == {member.user.id}:
        raise forbidden()
    del source.members[member.user.id]
    world.effect("member.remove", source.full_path, member.user.username)
    if not request.flag("skip_subresources"):
        for below in source.below():
            if below.members.pop(member.user.id, None):
                world.effect("member.cascade", below.full_path, member.user.username)
    return Reply(204)
