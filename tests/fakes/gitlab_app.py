"""A GitLab without GitLab: its API of users, groups and members over a state in memory; not one line of the client's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.fakes import gitlab_groups as groups
from tests.fakes import gitlab_joins as joins
from tests.fakes import gitlab_keys as keys
from tests.fakes import gitlab_members as members
from tests.fakes import gitlab_settings as settings
from tests.fakes import gitlab_states as states
from tests.fakes import gitlab_users as users
from tests.fakes.gitlab_answers import Refusal, Reply, Request, answer, error, forbidden, refuse
from tests.fakes.gitlab_gate import Admission, Gate
from tests.fakes.gitlab_graphql import run
from tests.fakes.gitlab_world import World

Handler = Callable[[World, Request], Reply]
READ, WRITE = frozenset({"api", "read_api"}), frozenset({"api"})
READ_USER = READ | {"read_user"}


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: its name in counters and limits, what answers it, and who may ask."""

    kind: str
    handler: Handler
    admin: bool = False
    scopes: frozenset[str] | None = None  # None: by method


ROUTES: dict[str, Route] = {
    "GET users": Route("users.list", users.list_users, scopes=READ_USER),
    "POST users": Route("users.create", users.create_user, admin=True),
    "GET users/*": Route("users.get", users.get_user, scopes=READ_USER),
    "PUT users/*": Route("users.update", users.update_user, admin=True),
    "DELETE users/*/identities/*": Route("identities.delete", states.delete_identity, admin=True),
    **{
        f"POST users/*/{verb}": Route(f"users.{verb}", states.change_state, admin=True)
        for verb in ("block", "unblock", "deactivate", "activate", "ban", "unban", "approve")
    },
    "GET users/*/custom_attributes": Route("attributes.list", keys.list_attributes, admin=True),
    "GET users/*/custom_attributes/*": Route("attributes.get", keys.get_attribute, admin=True),
    "PUT users/*/custom_attributes/*": Route("attributes.set", keys.put_attribute, admin=True),
    "DELETE users/*/custom_attributes/*": Route("attributes.delete", keys.delete_attribute, admin=True),
    "GET users/*/keys": Route("keys.list", keys.list_keys, scopes=READ_USER),
    "GET users/*/keys/*": Route("keys.get", keys.get_key, scopes=READ_USER),
    "POST users/*/keys": Route("keys.add", keys.add_key, admin=True),
    "DELETE users/*/keys/*": Route("keys.delete", keys.delete_key, admin=True),
    "GET users/*/memberships": Route("memberships", groups.memberships, admin=True),
    "GET user": Route("user", users.current_user, scopes=READ_USER),
    "GET version": Route("version", settings.version, scopes=READ_USER),
    "GET metadata": Route("metadata", settings.metadata, scopes=READ_USER),
    "GET personal_access_tokens/self": Route("token", settings.own_token, scopes=frozenset()),
    "GET application/settings": Route("settings.get", settings.get_settings, admin=True),
    "PUT application/settings": Route("settings.set", settings.put_settings, admin=True),
    "GET groups": Route("groups.list", groups.list_groups),
    "POST groups": Route("groups.create", groups.create_group),
    "GET groups/*/ldap_group_links": Route("links.list", groups.list_ldap_links, admin=True),
    "GET projects": Route("projects.list", groups.list_projects),
    "POST projects": Route("projects.create", groups.create_project),
}
for _plural in ("groups", "projects"):
    ROUTES |= {
        f"GET {_plural}/*": Route(f"{_plural}.get", groups.get_source),
        f"GET {_plural}/*/members": Route("members.list", members.list_members),
        f"GET {_plural}/*/members/all": Route("members.all", members.list_all),
        f"GET {_plural}/*/members/*": Route("members.get", members.get_member),
        f"GET {_plural}/*/members/all/*": Route("members.get", members.get_from_all),
        f"POST {_plural}/*/members": Route("members.add", joins.add_members),
        f"PUT {_plural}/*/members/*": Route("members.update", members.update_member),
        f"DELETE {_plural}/*/members/*": Route("members.delete", members.remove_member),
    }
BY_SOURCE = {"members.delete", "members.all"}


def route(method: str, path: tuple[str, ...]) -> Route:
    """Return the endpoint of a path; 404 where there is none, 405 where it takes other methods."""
    masked = tuple("*" if number % 2 else part for number, part in enumerate(path))
    forms = ["/".join(path), "/".join(masked)]
    if path[3:4] == ("all",):
        forms[1:1] = ["/".join((path[0], "*", path[2], "all", *("*" for _ in path[4:])))]
    elif path[:1] == ("users",) and len(path) == 3:
        forms = [f"users/*/{path[2]}"]
    for form in forms:
        if f"{method} {form}" in ROUTES:
            return ROUTES[f"{method} {form}"]
        if any(f"{other} {form}" in ROUTES for other in ("GET", "POST", "PUT", "DELETE")):
            raise error(405, "405 Not Allowed")
    raise error(404, "404 Not Found")


def _graphql(world: World, request: Request) -> Reply:
    return answer(run(world, request, request.params))


GRAPHQL = Route("graphql", _graphql, scopes=READ)


class App:
    """The instance: `world` is its state, `handle` answers one request."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self.gate = Gate(self.world)

    def handle(self, request: Request, headers: Mapping[str, str]) -> tuple[str, Reply]:
        """Return the name of the endpoint and its answer; `request` gets the rights of its token."""
        kind, extra = "none", dict[str, str]()
        with self.world.lock:
            try:
                token = self.gate.token(headers)
                limits, refusal = self.gate.throttle(token.user)
                extra = dict(limits)
                if refusal:
                    return "throttled", refusal
                found = GRAPHQL if request.path == ("graphql",) else route(request.method, request.path)
                kind = found.kind
                reply = self._answer(found, request, self.gate.admit(token, _scopes(found, request.method)))
            except Refusal as refused:
                reply = refuse(refused)
        if extra:
            reply = Reply(reply.status, reply.body, {**reply.headers, **extra}, reply.media)
        return kind, reply

    def _answer(self, found: Route, request: Request, rights: Admission) -> Reply:
        request.viewer, request.token, request.admin = rights.viewer, rights.token, rights.admin
        source = groups.find_source(self.world, request) if found.kind in BY_SOURCE else None
        scope = (source.kind, source.id) if source else ()
        self.gate.limit(found.kind, rights.viewer, *scope)
        if found.admin and not rights.admin:
            raise forbidden()
        return found.handler(self.world, request)


def _scopes(found: Route, method: str) -> frozenset[str]:
    if found.scopes is not None:
        return found.scopes
    return READ if method == "GET" else WRITE
