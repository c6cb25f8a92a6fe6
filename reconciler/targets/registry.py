"""Find the adapter for a kind of target through entry points; knows no target by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from reconciler.errors import TargetError
from reconciler.model.text import shortened
from reconciler.policy.brought import GROUP, installed_kinds
from reconciler.policy.model import TargetConfig
from reconciler.targets.base import Factory, Options, Target


def create(kind: str, options: Options) -> Target:
    """Return the target that `options` describe, not yet connected.

    Raises TargetError where no adapter, or more than one, is installed for the kind, or the adapter refuses the options.
    """
    return _load(_adapter(kind, options.name), options.name)(options)


def _adapter(kind: str, target: str) -> EntryPoint:
    found = {point.value: point for point in entry_points(group=GROUP, name=kind)}
    if not found:
        raise TargetError(
            f'target {shortened(target)}: kind "{shortened(kind)}" is known to the policy language, but this installation '
            f"has no adapter for it (there is: {', '.join(installed_kinds()) or 'none'}). Install the package that brings it."
        )
    if len(found) > 1:
        raise TargetError(
            f'target {shortened(target)}: more than one installed package brings an adapter for kind "{shortened(kind)}" '
            f"({', '.join(sorted(found))}). Uninstall all but one."
        )
    return next(iter(found.values()))


def _load(point: EntryPoint, target: str) -> Factory:
    try:
        return cast("Factory", point.load())  # the entry point group promises a factory; nothing can prove it
    except (ImportError, AttributeError) as error:
        raise TargetError(
            f'target {shortened(target)}: the adapter for kind "{point.name}", {point.value}, cannot be loaded: '
            f"{shortened(str(error))}. Install it again."
        ) from error


@contextmanager
def opened(config: TargetConfig) -> Iterator[Target]:
    """Give the target that the policy describes and close it again, whatever happens. Raises TargetError as `create`."""
    target = create(config.kind, options_of(config))
    try:
        yield target
    finally:
        target.close()


def options_of(config: TargetConfig) -> Options:
    """Return what a target is made from."""
    return Options(config.name, config.directory, config.options, config.folder, config.roles)
