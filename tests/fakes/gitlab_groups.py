"""The API of groups and projects themselves; knows nothing of their members but who may see and change them."""

from __future__ import annotations

import re

from tests.fakes.gitlab_answers import (
    Listing,
    Reply,
    Request,
    answer,
    by_keyset,
    by_offset,
    error,
    forbidden,
    message,
    missing,
)
from tests.fakes.gitlab_users import find_user
from tests.fakes.gitlab_world import Source, World, encoded

PATH = re.compile(r"[A-Za-z0-9_.](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?")
RANKS = ["private", "internal", "public"]
DEEPEST = 20


def effective(source: Source, user: int) -> int:
    """Return the level of a user in a group or project, inherited ones included; 0 for none."""
    direct = source.members[user].level if user in source.members else 0
    return max(direct, source.inherited(user)[0])


def visible(world: World, request: Request, source: Source) -> bool:
    """Whether the token's user may see a group or project at all."""
    return request.admin or source.visibility != "private" or effective(source, request.viewer) > 0


def find_source(world: World, request: Request) -> Source:
    """Return the group or project that the path names by id or by full path; 404 where it is not there or hidden."""
    kind, text = request.path[0].removesuffix("s"), request.path[1]
    held = world.groups if kind == "group" else world.projects
    source = held.get(int(text)) if text.isdigit() else world.paths.get(text.lower())
    if source is None or source.kind != kind or not visible(world, request, source):
        raise missing(kind.capitalize())
    return source


def _shown_group(world: World, group: Source) -> dict[str, object]:
    shown = {
        "id": group.id,
        "web_url": f"{world.instance.external_url}/groups/{group.full_path}",
        "name": group.name,
        "path": group.path,
        "description": "",
        "visibility": group.visibility,
        "share_with_group_lock": False,
        "require_two_factor_authentication": False,
        "two_factor_grace_period": 48,
        "project_creation_level": "developer",
        "subgroup_creation_level": "maintainer",
        "emails_disabled": False,
        "emails_enabled": True,
        "mentions_disabled": None,
        "lfs_enabled": True,
        "default_branch": None,
        "avatar_url": None,
        "request_access_enabled": True,
        "full_name": " / ".join(source.name for source in reversed((group, *group.above()))),
        "full_path": group.full_path,
        "created_at": group.created_at,
        "parent_id": group.parent.id if group.parent else None,
        "organization_id": 1,
        "archived": False,
    }
    if world.instance.enterprise:
        shown |= {"membership_lock": group.locked, "ldap_cn": None, "ldap_access": None, "ldap_group_links": []}
    return shown


def _shown_project(world: World, project: Source) -> dict[str, object]:
    parent = project.parent
    return {
        "id": project.id,
        "name": project.name,
        "path": project.path,
        "path_with_namespace": project.full_path,
        "visibility": project.visibility,
        "created_at": project.created_at,
        "archived": project.archived,
        "web_url": f"{world.instance.external_url}/{project.full_path}",
        "namespace": parent and {"id": parent.id, "path": parent.path, "kind": "group", "full_path": parent.full_path},
    }


def list_groups(world: World, request: Request) -> Reply:
    """GET /groups, always in numbered pages: a keyset is for those without a token."""
    rows = [group for group in world.groups.values() if visible(world, request, group)]
    everything = request.flag("all_available", default=request.admin)
    if not everything or request.flag("owned"):
        least = 50 if request.flag("owned") else max(request.number("min_access_level"), 1)
        rows = [group for group in rows if effective(group, request.viewer) >= least]
    if request.flag("top_level_only"):
        rows = [group for group in rows if group.parent is None]
    search = request.text("search").lower()
    if search:
        rows = [group for group in rows if search in group.name.lower() or search in group.path.lower()]
    skipped = set(request.numbers("skip_groups"))
    rows = [group for group in rows if group.id not in skipped]
    order = request.text("order_by") or "name"
    if order not in {"name", "path", "id"}:
        raise error(400, "order_by does not have a valid value")
    rows.sort(key=lambda group: (group.id if order == "id" else 0, getattr(group, order), group.id))
    listing = Listing(rows, down=request.text("sort") == "desc")
    return by_offset(request, listing, lambda group: encoded(_shown_group(world, group)))


def list_projects(world: World, request: Request) -> Reply:
    """GET /projects, in numbered pages, or by keyset in the order of ids."""
    rows = [project for project in world.projects.values() if visible(world, request, project)]
    if request.params.get("archived") is not None:
        rows = [project for project in rows if project.archived == request.flag("archived")]
    down = request.text("sort") != "asc"

    def encode(project: Source) -> bytes:
        return encoded(_shown_project(world, project))

    if request.text("pagination") != "keyset":
        return by_offset(request, Listing(rows, down=down), encode)
    if request.text("order_by") != "id":
        raise error(405, "Keyset pagination is not yet available for this type of request")
    listing = Listing(rows, [(project.id, project.id) for project in rows], down)
    return by_keyset(request, listing, encode, tail=world.instance.keyset_tail)


def get_source(world: World, request: Request) -> Reply:
    """GET /groups/:id or /projects/:id; a group comes with its projects unless with_projects=false."""
    source = find_source(world, request)
    if source.kind == "project":
        return answer(_shown_project(world, source))
    shown = _shown_group(world, source)
    if request.flag("with_projects", default=True):
        shown["projects"] = [_shown_project(world, child) for child in source.children if child.kind == "project"]
        shown["shared_projects"] = []
    return answer(shown)


def memberships(world: World, request: Request) -> Reply:
    """GET /users/:id/memberships?type=Namespace or Project: what one user is a direct member of."""
    user, kind = find_user(world, request.path[1]), request.text("type")
    rows = [
        {
            "source_id": source.id,
            "source_name": source.name,
            "source_type": name,
            "access_level": source.members[user.id].level,
        }
        for name, held in (("Namespace", world.groups), ("Project", world.projects))
        for source in held.values()
        if user.id in source.members and kind in {"", name}
    ]
    return by_offset(request, Listing(rows), encoded)


def create_group(world: World, request: Request) -> Reply:
    """POST /groups {name, path, parent_id, visibility}; who creates it owns it, unless they own it by a parent."""
    request.need("name", "path")
    parent = None
    if request.number("parent_id"):
        parent = world.groups.get(request.number("parent_id"))
        if parent is None or not visible(world, request, parent):
            raise missing("Group")
    if not request.admin and (parent is None or effective(parent, request.viewer) < 40):
        raise forbidden()
    visibility = request.text("visibility") or world.instance.visibility
    full_path = f"{parent.full_path}/{request.text('path')}" if parent else request.text("path")
    wrong = _wrong(world, request.text("path"), full_path, visibility, parent)
    if wrong:
        raise message(400, f"Failed to save group {wrong}")
    group = world.add_group(full_path, name=request.text("name"), visibility=visibility)
    world.effect("group.create", full_path)
    if group.inherited(request.viewer)[0] < 50:
        world.add_member(group, world.users[request.viewer], 50, created_by=request.viewer)
    return answer(_shown_group(world, group), 201)


def create_project(world: World, request: Request) -> Reply:
    """POST /projects {name or path, namespace_id, visibility}."""
    path = request.text("path") or request.text("name")
    if not path:
        raise error(400, "name, path are missing, at least one parameter must be provided")
    parent = world.groups.get(request.number("namespace_id"))
    if parent is None:
        raise message(400, {"namespace": ["is not valid"]})
    full_path = f"{parent.full_path}/{path}"
    visibility = request.text("visibility") or world.instance.visibility
    wrong = _wrong(world, path, full_path, visibility, parent)
    if wrong:
        raise message(400, {"name": ["has already been taken"]})
    project = world.add_project(full_path, name=request.text("name") or path, visibility=visibility)
    world.effect("project.create", full_path)
    return answer(_shown_project(world, project), 201)


def _wrong(world: World, path: str, full_path: str, visibility: str, parent: Source | None) -> str:
    """Return what GitLab would say in place of saving, in Ruby's spelling; empty where all is well."""
    if visibility not in RANKS:
        raise error(400, "visibility does not have a valid value")
    if not PATH.fullmatch(path) or path.endswith((".git", ".atom")):
        return "{:path=>[\"can only include non-accented letters, digits, '_', '-' and '.'.\"]}"
    if full_path.lower() in world.paths or (parent is None and path.lower() in world.usernames):
        return '{:path=>["has already been taken"]}'
    if parent and RANKS.index(visibility) > RANKS.index(parent.visibility):
        return (
            f'{{:visibility_level=>["{visibility} is not allowed since the parent group has a '
            f'{parent.visibility} visibility."]}}'
        )
    if full_path.count("/") >= DEEPEST:
        return '{:parent_id=>["group hierarchy is too deep"]}'
    return ""


def list_ldap_links(world: World, request: Request) -> Reply:
    """GET /groups/:id/ldap_group_links: all of them at once, on an Enterprise Edition."""
    if not world.instance.enterprise:
        raise missing("Group")
    return answer(find_source(world, request).ldap_links)
