"""Find the policy that a change of the policy is laid beside, and give the run its connections; contacts nothing but the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePath
from typing import ParamSpec, TypedDict, TypeVar

import click

from reconciler.apply.ledger import reports
from reconciler.apply.left import left_by
from reconciler.cli.export import exported, told_as
from reconciler.cli.git import head_commit
from reconciler.cli.options import filled
from reconciler.cli.run import opened_store, with_past
from reconciler.cli.screen import Screen
from reconciler.comparison import Beside
from reconciler.errors import UsageError
from reconciler.model.diagnostic import Position
from reconciler.model.plan import Base
from reconciler.model.text import printable, shortened
from reconciler.pipeline import Run
from reconciler.policy.load import load_policy
from reconciler.policy.model import Policy
from reconciler.policy.moved import Moves, joined, moved
from reconciler.policy.untrusted import Sides, rules_only

P = ParamSpec("P")
T = TypeVar("T")

_STATE = ".reconcile"
_NOWHERE = Position("", 1, 1)


class BaseOptions(TypedDict):
    """What a plan is laid beside; at most one of them is given."""

    base: str | None
    base_policy: str | None


def base_options(command: Callable[P, T]) -> Callable[P, T]:
    """Add the policy that a change of the policy is laid beside."""
    ref = click.option(
        "--base",
        metavar="REF",
        callback=filled,
        help="For pull requests: tell what this policy causes from what is pending with the policy of that commit, and use "
        "only that one's connections.",
    )
    folder = click.option(
        "--base-policy", metavar="DIR", callback=filled, help="The same, with a folder in place of a commit."
    )
    return ref(folder(command))


@dataclass(frozen=True, slots=True)
class _Found:
    """The policy of the base: as it is to be used, as it compares with the head's, and where it is from."""

    policy: Policy
    comparable: Policy
    facts: Base


@contextmanager
def beside(run: Run, folder: str, given: BaseOptions, screen: Screen) -> Iterator[tuple[Run, Beside]]:
    """Give the run with the head's rules over the base's connections, and what to lay it beside, until the block ends.

    `folder` is the head's policy. Raises UsageError for a base that is not there or cannot be trusted, PolicyError for one
    that is invalid, StateError where its store cannot be asked.
    """
    if given["base"] and given["base_policy"]:
        raise UsageError("--base and --base-policy say the same in two ways: give one of them.")
    with _found(folder, given, run.today) as base:
        head = moved(run.policy, _comparing(lambda path: joined(".", path)))
        policy, notes = rules_only(base.policy, run.policy, Sides(base.comparable, head))
        run = replace(run, policy=policy, targets=_known(run.targets, policy))
        run = with_past(run, folder)
        with opened_store(policy, folder) as store:
            left = left_by(reports(store, lambda name: _said(name, screen), newest_first=False))
        yield run, Beside(base.policy, base.facts, left, notes)


def _said(name: str, screen: Screen) -> None:
    screen.message("warning", f"{name} is not as it was written, or by a later version: causes are told without it.")


def _known(names: tuple[str, ...], policy: Policy) -> tuple[str, ...]:
    """Return those of the chosen targets that can be reached; raises UsageError where none is left."""
    known = tuple(name for name in names if name in policy.targets)
    if names and not known:
        raise UsageError(
            f"The base has no target {shortened(', '.join(names))}: it cannot be reached before this is merged."
        )
    return known


@contextmanager
def _found(folder: str, given: BaseOptions, today: date) -> Iterator[_Found]:
    if given["base_policy"]:
        yield _of_folder(given["base_policy"], folder, today)
        return
    with exported(folder, given["base"] or "") as export:
        with told_as(export):
            policy = load_policy(export.policy, today).policy
        usable = _usable(policy, export.policy)
        yield _Found(
            moved(usable, Moves(export.trusted, export.here, export.shown)),
            moved(policy, _comparing(export.here)),
            Base(printable(PurePath(folder).as_posix()), policy.digest, export.commit),
        )


def _of_folder(base: str, folder: str, today: date) -> _Found:
    policy = load_policy(base, today).policy
    there, here = PurePath(joined(".", base)), PurePath(joined(".", folder))

    def as_here(path: str) -> str:
        absolute = PurePath(joined(".", path))
        return str(here / absolute.relative_to(there)) if absolute.is_relative_to(there) else str(absolute)

    facts = Base(printable(PurePath(base).as_posix()), policy.digest, head_commit(base))
    return _Found(_usable(policy, base), moved(policy, _comparing(as_here)), facts)


def _comparing(path: Callable[[str], str]) -> Moves:
    """Return what makes connections comparable: absolute paths as the head has them, and no places in files."""
    return Moves(path, lambda _: "/", lambda _: _NOWHERE)


def _usable(policy: Policy, folder: str) -> Policy:
    """Return the policy without caches, which a run that is not trusted must not write, and with its state store named.

    Where it names none, that is in its own folder, not in the head's.
    """
    directories = {name: replace(config, incremental=None) for name, config in policy.directories.items()}
    if policy.state.kind != "file" or policy.state.path:
        return replace(policy, directories=directories)
    place = folder if Path(folder).is_dir() else str(Path(folder).parent)
    return replace(policy, directories=directories, state=replace(policy.state, path=str(Path(place, _STATE))))
