"""The API of custom attributes and SSH keys of users; knows nothing of who has which key elsewhere but its fingerprint."""

from __future__ import annotations

import base64
import binascii
import hashlib

from tests.fakes.gitlab_answers import Listing, Reply, Request, answer, by_offset, error, message, missing
from tests.fakes.gitlab_users import find_user
from tests.fakes.gitlab_world import Key, User, World, encoded

KINDS = {
    "ssh-rsa",
    "ssh-dss",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
}


def list_attributes(world: World, request: Request) -> Reply:
    """GET /users/:id/custom_attributes."""
    user = find_user(world, request.path[1])
    return answer([{"key": key, "value": value} for key, value in user.attributes.items()])


def get_attribute(world: World, request: Request) -> Reply:
    """GET /users/:id/custom_attributes/:key."""
    user, key = find_user(world, request.path[1]), request.path[3]
    if key not in user.attributes:
        raise missing("Custom Attribute")
    return answer({"key": key, "value": user.attributes[key]})


def put_attribute(world: World, request: Request) -> Reply:
    """PUT /users/:id/custom_attributes/:key {value}."""
    user, key = find_user(world, request.path[1]), request.path[3]
    request.need("value")
    value = request.text("value")
    if not value.strip():
        raise message(400, {"value": ["can't be blank"]})
    user.attributes[key] = value
    world.effect("attribute.set", user.username, key, value)
    return answer({"key": key, "value": value})


def delete_attribute(world: World, request: Request) -> Reply:
    """DELETE /users/:id/custom_attributes/:key."""
    user, key = find_user(world, request.path[1]), request.path[3]
    if user.attributes.pop(key, None) is None:
        raise missing("Custom Attribute")
    world.effect("attribute.delete", user.username, key)
    return Reply(204)


def _shown(user: User, key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "title": key.title,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": None,
        "key": f"{key.text} {user.name} (gitlab.example.com)",  # the comment is never what was sent
        "usage_type": key.usage,
    }


def list_keys(world: World, request: Request) -> Reply:
    """GET /users/:id/keys."""
    user = find_user(world, request.path[1])
    return by_offset(request, Listing(list(user.keys.values())), lambda key: encoded(_shown(user, key)))


def get_key(world: World, request: Request) -> Reply:
    """GET /users/:id/keys/:key_id."""
    user = find_user(world, request.path[1])
    return answer(_shown(user, _find(user, request.path[3])))


def _find(user: User, text: str) -> Key:
    key = user.keys.get(int(text)) if text.isdigit() else None
    if key is None:
        raise missing("Key")
    return key


def add_key(world: World, request: Request) -> Reply:
    """POST /users/:id/keys {title, key, expires_at, usage_type}."""
    user = find_user(world, request.path[1])
    request.need("title", "key")
    if not request.text("title").strip():
        raise message(400, {"title": ["can't be blank"]})
    usage = request.text("usage_type") or "auth_and_signing"
    if usage not in {"auth", "signing", "auth_and_signing"}:
        raise error(400, "usage_type does not have a valid value")
    kind, fingerprint, text = read_key(request.text("key"))
    if kind in world.instance.forbidden_keys:
        raise message(400, {"key": ["type is forbidden. Must be RSA, ECDSA, ED25519, ECDSA_SK, or ED25519_SK"]})
    if fingerprint in world.fingerprints:
        raise message(400, {"fingerprint_sha256": ["has already been taken"]})
    key = give_key(world, user, request.text("title"), text)
    key.expires_at, key.usage = request.text("expires_at") or None, usage
    world.effect("key.add", user.username, key.title, text)
    return answer(_shown(user, key), 201)


def give_key(world: World, user: User, title: str, text: str) -> Key:
    """Add a key to an account as it is; 400 where it is none."""
    _, fingerprint, text = read_key(text)
    key = Key(world.number("key"), title, text, fingerprint, world.now())
    user.keys[key.id] = key
    world.fingerprints[fingerprint] = key.id
    return key


def read_key(text: str) -> tuple[str, str, str]:
    """Return type, fingerprint, and type and body of a public key; 400 where it is none."""
    kind, body, *_ = [*text.replace("\n", "").replace("\r", "").split(), "", ""]
    try:
        blob = base64.b64decode(body, validate=True)
    except (ValueError, binascii.Error):
        blob = b""
    length = int.from_bytes(blob[:4], "big")
    if kind not in KINDS or blob[4 : 4 + length] != kind.encode() or len(blob) <= 4 + length:
        raise message(400, {"key": ["is invalid"], "fingerprint_sha256": ["cannot be generated"]})
    return kind, base64.b64encode(hashlib.sha256(blob).digest()).decode(), f"{kind} {body}"


def delete_key(world: World, request: Request) -> Reply:
    """DELETE /users/:id/keys/:key_id."""
    user = find_user(world, request.path[1])
    key = _find(user, request.path[3])
    del user.keys[key.id]
    world.fingerprints.pop(key.fingerprint, None)
    world.effect("key.delete", user.username, key.title)
    return Reply(204)
