"""The API of states of users, and of identities that go; knows nothing of the rest of an account."""

from __future__ import annotations

from tests.fakes.gitlab_answers import Refusal, Reply, Request, answer, forbidden, missing
from tests.fakes.gitlab_users import INTERNAL, find_user
from tests.fakes.gitlab_world import BLOCKED, User, World


def delete_identity(world: World, request: Request) -> Reply:
    """DELETE /users/:id/identities/:provider."""
    user, provider = find_user(world, request.path[1]), request.path[3]
    if provider not in user.identities:
        raise missing("Identity")
    world.identities.pop((provider, user.identities.pop(provider).lower()), None)
    world.touch(user)
    world.effect("identity.delete", user.username, provider)
    return Reply(204)


def change_state(world: World, request: Request) -> Reply:
    """POST /users/:id/block and its kin."""
    user, verb = find_user(world, request.path[1]), request.path[2]
    if verb == "block" and user.state in BLOCKED - {"ldap_blocked"}:
        return answer(None, 201)
    refusal = _state_refusal(user, verb, own=user.id == request.viewer)
    if refusal:
        raise refusal
    want = {"block": "blocked", "deactivate": "deactivated", "ban": "banned"}.get(verb, "active")
    if user.state != want:
        user.state = want
        world.touch(user)
        world.effect(f"user.{verb}", user.username)
    return answer(value=True, status=201)


def _state_refusal(user: User, verb: str, *, own: bool) -> Refusal | None:
    ldap, internal = user.state == "ldap_blocked", user.bot in INTERNAL
    rules: dict[str, list[tuple[bool, str]]] = {
        "block": [
            (ldap, "LDAP blocked users cannot be modified by the API"),
            (own, "The API initiating user cannot be blocked by the API"),
            (internal, "An internal user cannot be blocked"),
        ],
        "unblock": [
            (ldap, "LDAP blocked users cannot be modified by the API"),
            (user.state == "deactivated", "Deactivated users cannot be unblocked by the API"),
            (user.state == "banned", "Banned users cannot be unblocked by the API"),
        ],
        "deactivate": [
            (user.state in BLOCKED, "A blocked user cannot be deactivated by the API"),
            (internal, "An internal user cannot be deactivated by the API"),
            (
                user.last_activity_on is not None,
                "The user you are trying to deactivate has been active in the past 90 days and cannot be deactivated",
            ),
        ],
        "activate": [(user.state in BLOCKED, "A blocked user must be unblocked to be activated")],
        "ban": [(user.state != "active", f"You cannot ban {user.state} users.")],
        "unban": [(user.state != "banned", f"You cannot unban {user.state} users.")],
        "approve": [
            (user.state != "blocked_pending_approval", "The user you are trying to approve is not pending approval")
        ],
    }
    return next((forbidden(text) for holds, text in rules[verb] if holds), None)
