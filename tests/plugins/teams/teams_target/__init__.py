"""Targets of kind `teams`, as a package of its own brings them: nothing in the project names it."""

from __future__ import annotations

from reconciler.targets.base import Options

from .settings import settings
from .target import TeamsTarget


def create(options: Options) -> TeamsTarget:
    """Return the target that the policy describes, not yet connected; raises TargetError for keys that are not usable."""
    return TeamsTarget(settings(options))
