"""The API of the instance itself: version, settings, and the token that asks; knows nothing of users and groups."""

from __future__ import annotations

from tests.fakes.gitlab_answers import Reply, Request, answer, error
from tests.fakes.gitlab_world import World


def version(world: World, _request: Request) -> Reply:
    """GET /version."""
    return answer({"version": _version(world), "revision": "5d2e1f0c9a7"})


def metadata(world: World, _request: Request) -> Reply:
    """GET /metadata."""
    kas = {"enabled": False, "externalUrl": None, "externalK8sProxyUrl": None, "version": None}
    shown = {"version": _version(world), "revision": "5d2e1f0c9a7", "kas": kas, "enterprise": world.instance.enterprise}
    return answer(shown)


def _version(world: World) -> str:
    return world.instance.version + ("-ee" if world.instance.enterprise else "")


def own_token(world: World, request: Request) -> Reply:
    """GET /personal_access_tokens/self: any scope will do."""
    token = world.tokens[request.token]
    shown = {
        "id": token.id,
        "name": "reconcile",
        "revoked": False,
        "created_at": token.created_at,
        "description": "",
        "scopes": list(token.scopes),
        "user_id": token.user,
        "last_used_at": None,
        "active": True,
        "expires_at": "2030-01-01",
    }
    return answer(shown)


def _shown(world: World) -> dict[str, object]:
    instance = world.instance
    shown: dict[str, object] = {
        "id": 1,
        "admin_mode": instance.admin_mode,
        "default_group_visibility": instance.visibility,
        "group_api_limit": instance.limits.get("groups.get", 0),
        "groups_api_limit": instance.limits.get("groups.list", 0),
        "members_delete_limit": instance.limits.get("members.delete", 0),
        "throttle_authenticated_api_enabled": bool(instance.throttle),
        "throttle_authenticated_api_period_in_seconds": instance.throttle_period,
        "throttle_authenticated_api_requests_per_period": instance.throttle or 7200,
        "users_api_limit_ssh_keys": instance.limits.get("keys.list", 0),
    }
    if instance.enterprise:
        shown["lock_memberships_to_ldap"] = instance.lock_memberships
    return shown


def get_settings(world: World, _request: Request) -> Reply:
    """GET /application/settings."""
    return answer(_shown(world))


def put_settings(world: World, request: Request) -> Reply:
    """PUT /application/settings: what the instance does not know is passed over; nothing else in it is an error."""
    known = set(request.params) & set(_shown(world))
    if not known:
        raise error(400, "admin_mode, default_group_visibility, … are missing, at least one parameter must be provided")
    if "lock_memberships_to_ldap" in known:
        world.instance.lock_memberships = request.flag("lock_memberships_to_ldap")
    if "admin_mode" in known:
        world.instance.admin_mode = request.flag("admin_mode")
    if "members_delete_limit" in known:
        world.instance.limits["members.delete"] = request.number("members_delete_limit")
    world.effect("settings.set", *(f"{name}={request.text(name)}" for name in sorted(known)))
    return answer(_shown(world))
