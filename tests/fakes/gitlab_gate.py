"""Who may come in and how often: tokens, scopes, Admin Mode and both kinds of rate limit; reads and changes nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.fakes.gitlab_answers import Refusal, Reply, forbidden, message
from tests.fakes.gitlab_world import BLOCKED, Token, World

TOO_OFTEN = {"error": "This endpoint has been requested too many times. Try again later."}


@dataclass(frozen=True, slots=True)
class Admission:
    """Whose request it is, and with what rights."""

    viewer: int
    token: str
    admin: bool


class Gate:
    """The door: each request passes `admit`, and `limit` where its endpoint has one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.throttled: dict[tuple[int, int], int] = {}  # user and window -> requests
        self.windows: dict[tuple[object, ...], tuple[int, int]] = {}  # limit and scope -> window and requests

    def token(self, headers: Mapping[str, str]) -> Token:
        """Return the token of a request; 401 where it is none that counts."""
        text = headers.get("private-token") or headers.get("authorization", "").removeprefix("Bearer ")
        token = self.world.tokens.get(text)
        if token is None:
            raise message(401, "401 Unauthorized")
        if token.revoked or token.expired:
            what = "was revoked. You have to re-authorize from the user." if token.revoked else "is expired."
            raise Refusal(401, {"error": "invalid_token", "error_description": f"Token {what}"})
        return token

    def admit(self, token: Token, scopes: frozenset[str]) -> Admission:
        """Return the rights of a token; 403 where it has none of `scopes` or its user is blocked. No scopes: any will do."""
        user = self.world.users[token.user]
        if user.state in BLOCKED:
            raise forbidden("Your account has been blocked.")
        if scopes and not scopes & set(token.scopes):
            raise Refusal(
                403,
                {
                    "error": "insufficient_scope",
                    "error_description": "The request requires higher privileges than provided by the access token.",
                    "scope": " ".join(sorted(scopes)),
                },
            )
        admin = user.admin and (not self.world.instance.admin_mode or "admin_mode" in token.scopes)
        return Admission(user.id, token.text, admin)

    def throttle(self, viewer: int) -> tuple[Mapping[str, str], Reply | None]:
        """Count a request of a user; return the headers of every answer, and the refusal where there were too many."""
        instance = self.world.instance
        if not instance.throttle:
            return {}, None
        now = self.world.clock()
        window = int(now // instance.throttle_period)
        observed = self.throttled[viewer, window] = self.throttled.get((viewer, window), 0) + 1
        reset = (window + 1) * instance.throttle_period
        headers = {
            "RateLimit-Limit": str(instance.throttle),
            "RateLimit-Name": "throttle_authenticated_api",
            "RateLimit-Observed": str(observed),
            "RateLimit-Remaining": str(max(instance.throttle - observed, 0)),
            "RateLimit-Reset": str(reset),
        }
        if observed <= instance.throttle:
            return headers, None
        headers |= {"Retry-After": str(max(int(reset - now), 1)), "RateLimit-ResetTime": self.world.stamp(reset)}
        return headers, Reply(429, b"Retry later\n", headers, "text/plain")

    def limit(self, name: str, *scope: object) -> None:
        """Count a request against an application limit: a fixed window of a minute, and no header says so."""
        most = self.world.instance.limits.get(name, 0)
        if not most:
            return
        window = int(self.world.clock() // 60)
        of, seen = self.windows.get((name, *scope), (window, 0))
        seen = seen + 1 if of == window else 1
        self.windows[name, *scope] = (window, seen)
        if seen > most:
            raise message(429, TOO_OFTEN)
