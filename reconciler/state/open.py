"""Open the state store that a policy names; what a kind of store needs is imported only where it is used."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast

from reconciler.errors import StateError
from reconciler.policy.model import StateConfig
from reconciler.state.base import Store


def open_store(config: StateConfig, policy: str) -> Store:
    """Return the store, not yet connected; nothing is made or asked before it is used.

    `policy` is the policy's folder, or the one file that it is, and holds the default store. Raises StateError where the
    store needs a package that is not installed, or a secret that is not there.
    """
    path = Path(policy)
    folder = path.parent if path.is_file() else path
    try:
        module = import_module(f"reconciler.state.{config.kind}")
    except ImportError as error:
        raise StateError(
            f"A state store of kind {config.kind} needs the package {error.name}: "
            f"pip install '.[{config.kind}]' in a checkout of this program."
        ) from error
    return cast("Store", module.opened(config, str(folder)))  # each of the three modules has it; a test opens each
