"""`reconcile unlock`: show the locks that runs hold, or end one that was left behind; touches no target and no plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

import click

from reconciler.cli.clock import now, real
from reconciler.cli.files import refuse_folder
from reconciler.cli.options import DEFAULT_POLICY, POLICY_VARIABLE, filled
from reconciler.cli.presentation import presentation
from reconciler.cli.screen import Screen
from reconciler.errors import UsageError
from reconciler.model.text import shortened
from reconciler.policy.load import load_policy
from reconciler.state.lease import Lease
from reconciler.state.lock import held, unlock
from reconciler.state.open import open_store


class UnlockOptions(TypedDict):
    """What the command takes."""

    lock_id: str | None
    policy: str


@click.command("unlock")
@click.argument("lock_id", required=False, callback=filled, metavar="[ID]")
@click.option(
    "--policy",
    envvar=POLICY_VARIABLE,
    default=DEFAULT_POLICY,
    callback=filled,
    metavar="DIR",
    help="The policy folder, which says where locks are kept: by default `policies`.",
)
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[UnlockOptions]) -> int:
    """Show who is at work on a target, or end a lock that was left behind.

    Without an ID all locks are shown: whose they are, since when, and when their run was last seen alive. A run that was
    killed loses its lock by itself after a minute; with an ID it is ended at once. A run that is alive after all stops
    before it writes anything else.
    """
    refuse_folder(given["lock_id"])
    loaded = load_policy(given["policy"], now().date())
    store = open_store(loaded.policy.state, given["policy"])
    try:
        lock_id = given["lock_id"]
        if lock_id is None:
            screen.result(f"{line}\n" for line in _listed(held(store)))
            return 0
        ended = unlock(store, lock_id)
        if ended is None:
            raise UsageError("\n".join([f'No lock has the id "{shortened(lock_id, 60)}".', *_listed(held(store))]))
    finally:
        store.close()
    screen.line(f"The lock of {shortened(ended.target)} is free.")
    if not ended.overdue(real()):
        screen.message("warning", f"Its run may still be at work, and stops before it writes again: {_said(ended)}.")
    return 0


def _listed(leases: Sequence[Lease]) -> list[str]:
    return [f"{_said(lease)}." for lease in leases] or ["No target is locked."]


def _said(lease: Lease) -> str:
    return lease.described(real())
