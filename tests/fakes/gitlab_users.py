"""The API of users: lists, filters, creation, update, states; knows nothing of memberships."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.fakes.gitlab_answers import (
    Listing,
    Reply,
    Request,
    SortKey,
    answer,
    by_keyset,
    by_offset,
    error,
    forbidden,
    message,
    missing,
)
from tests.fakes.gitlab_world import Changes, User, World, encoded, spelling

USERNAME = re.compile(r"[A-Za-z0-9_.](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?")
RESERVED = {"admin", "api", "dashboard", "explore", "groups", "help", "profile", "projects", "public", "users", "v2"}
INTERNAL = {"ghost", "support_bot", "alert_bot", "security_bot"}
FILTERS = (
    "username",
    "search",
    "active",
    "blocked",
    "external",
    "admins",
    "exclude_internal",
    "without_project_bots",
    "extern_uid",
    "provider",
    "created_after",
    "created_before",
    "exclude_active",
    "exclude_external",
    "auditors",
    "humans",
    "exclude_humans",
)
ORDERS = ("id", "name", "username", "created_at", "updated_at")


def basic(world: World, user: User) -> dict[str, object]:
    """Return what everybody may see of an account."""
    return {
        "id": user.id,
        "username": user.username,
        "public_email": "",
        "name": user.name,
        "state": user.state,
        "locked": False,
        "avatar_url": f"https://www.gravatar.com/avatar/{user.id:064x}?s=80&d=identicon",
        "web_url": f"{world.instance.external_url}/{user.username}",
    }


def whole(world: World, user: User) -> dict[str, object]:
    """Return what an administrator sees of an account."""
    shown = basic(world, user) | {
        "created_at": user.created_at,
        "bio": "",
        "location": "",
        "linkedin": "",
        "twitter": "",
        "website_url": "",
        "job_title": "",
        "pronouns": None,
        "organization": "",
        "bot": bool(user.bot),
        "work_information": None,
        "followers": 0,
        "following": 0,
        "local_time": None,
        "last_sign_in_at": None,
        "confirmed_at": user.created_at if user.confirmed else None,
        "last_activity_on": user.last_activity_on,
        "email": user.email,
        "theme_id": 3,
        "color_scheme_id": 1,
        "projects_limit": 100000,
        "current_sign_in_at": None,
        "identities": [
            {"provider": provider, "extern_uid": uid, "saml_provider_id": None}
            for provider, uid in user.identities.items()
        ],
        "can_create_group": True,
        "can_create_project": True,
        "two_factor_enabled": False,
        "external": user.external,
        "private_profile": False,
        "commit_email": user.email,
        "is_admin": user.admin,
        "note": user.note or None,
        "namespace_id": user.namespace,
        "created_by": None,
        "email_reset_offered_at": None,
    }
    if world.instance.enterprise:
        shown |= {
            "using_license_seat": user.state == "active",
            "is_auditor": user.auditor,
            "provisioned_by_group_id": None,
        }
    return shown


def written(world: World, user: User, *, admin: bool, attributes: bool = False) -> bytes:
    """Return an account as JSON, from memory where it has not changed since."""
    if not admin:
        if "basic" not in user.raw:
            user.raw["basic"] = (None, encoded(basic(world, user)))
        return user.raw["basic"][1]
    form = "attributes" if attributes else "admin"
    stamp = (world.instance.enterprise, *user.identities.items(), *(user.attributes.items() if attributes else ()))
    if user.raw.get(form, (None,))[0] != stamp:
        shown = whole(world, user)
        if attributes:
            shown["custom_attributes"] = [{"key": key, "value": value} for key, value in user.attributes.items()]
        user.raw[form] = (stamp, encoded(shown))
    return user.raw[form][1]


def list_users(world: World, request: Request) -> Reply:
    """GET /users: filters, orders, pages by number up to a cap, or by keyset."""
    _identity_pair(request)
    if request.text("extern_uid") and not request.admin:
        raise forbidden()
    attributes = request.flag("with_custom_attributes")

    def encode(user: User) -> bytes:
        return written(world, user, admin=request.admin, attributes=attributes)

    listing = _listing(world, request)
    if request.text("pagination") == "keyset":
        return by_keyset(request, listing, encode, tail=world.instance.keyset_tail)
    return by_offset(request, listing, encode, world.instance.offset_cap)


def _listing(world: World, request: Request) -> Listing[User]:
    order, down = "id", True
    if request.admin:
        order, down = request.text("order_by") or "id", (request.text("sort") or "desc") != "asc"
        if order not in ORDERS:
            raise error(400, "order_by does not have a valid value")
    custom = tuple(
        sorted((name, request.text(name)) for name in request.params if name.startswith("custom_attributes["))
    )
    wanted = (request.admin, order, down, custom, *(request.text(name) for name in FILTERS))
    if world.listed_at != Changes.number:
        world.listings.clear()
        world.listed_at = Changes.number
    if wanted not in world.listings or custom or request.text("provider"):
        checks = _checks(request, custom if request.admin else ())

        def key(user: User) -> SortKey:
            return (getattr(user, order), user.id)

        rows = [user for user in world.users.values() if all(check(user) for check in checks)]
        if order != "id":
            rows.sort(key=key)
        world.listings[wanted] = Listing(rows, [key(user) for user in rows], down)
    return world.listings[wanted]


def _checks(request: Request, custom: tuple[tuple[str, str], ...]) -> list[Callable[[User], bool]]:
    tests: dict[str, Callable[[User], bool]] = {
        "active": lambda user: user.state == "active" and user.bot not in INTERNAL,
        "blocked": lambda user: user.state in {"blocked", "ldap_blocked"},
        "external": lambda user: user.external,
        "admins": lambda user: user.admin,
        "auditors": lambda user: user.auditor,
        "exclude_internal": lambda user: user.bot not in INTERNAL,
        "without_project_bots": lambda user: user.bot != "project_bot",
        "exclude_active": lambda user: user.state != "active",
        "exclude_external": lambda user: not user.external,
        "humans": lambda user: not user.bot,
        "exclude_humans": lambda user: bool(user.bot),
    }
    private = {"admins", "auditors"}
    checks = [test for name, test in tests.items() if request.flag(name) and (request.admin or name not in private)]
    if request.text("username"):
        username = request.text("username").lower()
        checks.append(lambda user: user.username.lower() == username)
    if request.text("search"):
        checks.append(_search(request.text("search").lower(), admin=request.admin))
    if request.text("extern_uid") and request.text("provider"):
        provider = request.text("provider")
        uid = spelling(provider, request.text("extern_uid")).lower()
        checks.append(lambda user: user.identities.get(provider, "").lower() == uid)
    after, before = request.text("created_after"), request.text("created_before")
    if request.admin and after:
        checks.append(lambda user: user.created_at >= after)
    if request.admin and before:
        checks.append(lambda user: user.created_at <= before)
    for name, value in custom:
        checks.append(_attribute(name[len("custom_attributes[") : -1], value))
    return checks


def _search(text: str, *, admin: bool) -> Callable[[User], bool]:
    exact = len(text) < 3

    def found(user: User) -> bool:
        if (admin and text == user.email.lower()) or text == user.username.lower():
            return True
        return not exact and (text in user.username.lower() or text in user.name.lower())

    return found


def _attribute(name: str, value: str) -> Callable[[User], bool]:
    return lambda user: user.attributes.get(name) == value


def find_user(world: World, text: str) -> User:
    """Return the account of that id; 404 where there is none."""
    user = world.users.get(int(text)) if text.isdigit() else None
    if user is None:
        raise missing("User")
    return user


def get_user(world: World, request: Request) -> Reply:
    """GET /users/:id."""
    user = find_user(world, request.path[1])
    return Reply(200, written(world, user, admin=request.admin, attributes=request.flag("with_custom_attributes")))


def current_user(world: World, request: Request) -> Reply:
    """GET /user: the token's own."""
    user = world.users[request.viewer]
    shown = whole(world, user)
    if not request.admin:
        for name in ("is_admin", "note", "namespace_id", "created_by", "is_auditor"):
            shown.pop(name, None)
    return answer(shown)


def create_user(world: World, request: Request) -> Reply:
    """POST /users."""
    request.need("email", "name", "username")
    if not any(request.params.get(name) for name in ("password", "reset_password", "force_random_password")):
        raise error(
            400,
            "password, reset_password, force_random_password are missing, at least one parameter must be provided",
        )
    _identity_pair(request)
    email, username = request.text("email").strip().lower(), request.text("username")
    _taken(world, email, username, None)
    _validate(world, request, None)
    user = world.add_user(
        username,
        email=email,
        name=request.text("name"),
        admin=request.flag("admin"),
        external=request.flag("external"),
        auditor=world.instance.enterprise and request.flag("auditor"),
        note=request.text("note"),
        confirmed=request.flag("skip_confirmation"),
    )
    world.effect("user.create", username)
    if request.text("provider"):
        world.identify(user, request.text("provider"), request.text("extern_uid"))
    return Reply(201, written(world, user, admin=True))


def update_user(world: World, request: Request) -> Reply:
    """PUT /users/:id."""
    user = find_user(world, request.path[1])
    _identity_pair(request)
    email, username = request.text("email").strip().lower(), request.text("username")
    _taken(world, email, username, user)
    _validate(world, request, user)
    if email and email != user.email.lower():
        _new_email(world, user, email, confirmed=request.flag("skip_reconfirmation"))
    if username and username != user.username:
        world.usernames.pop(user.username.lower(), None)
        user.username = username
        world.usernames[username.lower()] = user.id
    for name in ("name", "note"):
        if request.params.get(name) is not None:
            setattr(user, name, request.text(name))
    for name in ("admin", "external", *(("auditor",) if world.instance.enterprise else ())):
        if request.params.get(name) is not None:
            setattr(user, name, request.flag(name))
    if request.text("provider"):
        world.identify(user, request.text("provider"), request.text("extern_uid"))
    world.touch(user)
    world.effect("user.update", user.username, *sorted(set(request.params) - {"skip_reconfirmation"}))
    return Reply(200, written(world, user, admin=True))


def _new_email(world: World, user: User, email: str, *, confirmed: bool) -> None:
    """Without skip_reconfirmation the address waits for a click and the old one stays."""
    if not confirmed:
        user.unconfirmed_email = email
        return
    world.emails.pop(user.email.lower(), None)
    user.email = email
    world.emails[email] = user.id


def _identity_pair(request: Request) -> None:
    if bool(request.text("provider")) != bool(request.text("extern_uid")):
        raise error(400, "provider, extern_uid provide all or none of parameters")


def _taken(world: World, email: str, username: str, user: User | None) -> None:
    own = user.id if user else 0
    if email and world.emails.get(email, own) != own:
        raise message(409, "Email has already been taken")
    if username and world.usernames.get(username.lower(), own) != own:
        raise message(409, "Username has already been taken")


def _validate(world: World, request: Request, user: User | None) -> None:
    """Refuse with texts by field, as a model that cannot be saved does."""
    wrong: dict[str, list[str]] = {}
    email, username, name = request.text("email"), request.text("username"), request.params.get("name")
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+", email.strip()):
        wrong["email"] = ["is invalid"]
    if name is not None and not 0 < len(str(name)) <= 255:
        wrong["name"] = ["can't be blank"] if not name else ["is too long (maximum is 255 characters)"]
    if username and (not USERNAME.fullmatch(username) or username.endswith((".git", ".atom"))):
        wrong["username"] = [
            "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-' or end in '.', '.git' or '.atom'."
        ]
    elif username.lower() in RESERVED:
        wrong["username"] = [f"{username} is a reserved name"]
    elif username.lower() in world.paths and (user is None or user.username.lower() != username.lower()):
        wrong["username"] = ["has already been taken"]
    if request.text("provider"):
        uid = spelling(request.text("provider"), request.text("extern_uid"))
        own = user.id if user else 0
        if world.identities.get((request.text("provider"), uid.lower()), own) != own:
            wrong["identities.extern_uid"] = ["has already been taken"]
    if wrong:
        raise message(400, wrong)
