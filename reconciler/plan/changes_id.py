"""Name what a target is asked to become, so that an approval can be bound to exactly that; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from reconciler.model.change import Change, SetFlag, type_name
from reconciler.plan.encode import parts_of


def changes_id(target: str, changes: Iterable[Change]) -> str:
    """Return ``sha256:`` over the target's name and what its changes ask for, whatever their order.

    Reasons, places in the policy and days are left out: whoever adds a waiver changes the policy, and with it the digest
    of the policy and the id of the plan, but not what was approved.
    """
    found = hashlib.sha256(json.dumps(target).encode())
    for line in sorted(map(_line, changes)):
        found.update(f"\n{line}".encode())
    return "sha256:" + found.hexdigest()


def _line(change: Change) -> str:
    who, group, have, want = parts_of(change)
    flag = str(change.flag) if isinstance(change, SetFlag) else None
    named = [who.key, who.account] if who and who.account else who and who.key
    return json.dumps([type_name(change), named, group, flag, have, want], sort_keys=True)
