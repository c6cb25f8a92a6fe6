"""Sign a plan document with a shared key and tell whether a signature is right; pure, and knows no key by itself."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from reconciler.errors import UsageError

METHOD = "hmac-sha256"
SHORTEST = 16
"""Characters that a key has to have at least."""


def signature(document: Mapping[str, object], key: str) -> str:
    """Return ``hmac-sha256:`` and the HMAC of the plan's id, which is the digest of everything in it.

    Raises UsageError for a key that could be guessed.
    """
    if len(key) < SHORTEST:
        raise UsageError(f"The key that plans are signed with has {len(key)} characters; use at least {SHORTEST}.")
    found = hmac.new(key.encode("utf-8", "surrogateescape"), str(document["id"]).encode(), hashlib.sha256)
    return f"{METHOD}:{found.hexdigest()}"


def objection(document: Mapping[str, object], key: str) -> str:
    """Return why a document, whose id is known to be right, must not be trusted under this key; empty where it may."""
    given = document.get("signature")
    if given is None:
        return "it is not signed"
    if not hmac.compare_digest(str(given).encode("utf-8", "replace"), signature(document, key).encode()):
        return "its signature is not one of this key"
    return ""
