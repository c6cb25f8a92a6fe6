"""A GitLab without GitLab, as its own process; never more than loopback hears it.

``python -m tests.fakes.gitlab --port 0 --users 20000 --groups 1000`` prints its URL in the first line, and serves until its
standard input ends or it is told to stop; at a terminal, until it is told to. ``GET URL/-/fake`` returns its counters, ``GET URL/-/fake/state`` what it holds;
``DELETE URL/-/fake`` sets the counters to nothing.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.fakes.gitlab_seed import Company, fill, load
from tests.fakes.gitlab_server import serving
from tests.fakes.gitlab_world import Instance, World

TOKEN = "glpat-root"


def world_from(arguments: argparse.Namespace) -> World:
    """Return the state that a command line asks for; its administrator is `root`, with the token that was said."""
    world = World(Instance(latency=arguments.latency, enterprise=arguments.enterprise, prefix=arguments.prefix))
    if arguments.no_limits:
        world.instance.limits = {}
    if arguments.load:
        _load(world, arguments.load)
    else:
        shape = Company(
            arguments.users, arguments.groups, arguments.mean, seed=arguments.seed, provider=arguments.provider
        )
        fill(world, shape)
    _let_in(world, arguments.token)
    return world


def world_in(file: Path) -> World:
    """Return the state in a file; its administrator is `root`, with the usual token."""
    world = World()
    _load(world, file)
    _let_in(world, TOKEN)
    return world


def _load(world: World, file: Path) -> None:
    load(world, json.loads(file.read_text(encoding="utf-8")))


def _let_in(world: World, token: str) -> None:
    root = world.user("root") if "root" in world.usernames else world.add_user("root", admin=True)
    world.add_token(token, root, "api", "admin_mode")


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.gitlab", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (%(default)s)")
    parser.add_argument("--users", type=int, default=100, help="people with an LDAP identity (%(default)s)")
    parser.add_argument("--groups", type=int, default=10, help="groups (%(default)s)")
    parser.add_argument("--mean", type=float, default=20.0, help="members of a group, on average (%(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="everything derives from it (%(default)s)")
    parser.add_argument("--provider", default="ldapmain", help="of the identities; empty gives none (%(default)s)")
    parser.add_argument(
        "--load",
        type=Path,
        help="a JSON file such as tests/live/gitlab.json, with users, groups and projects, in place of a made-up company",
    )
    parser.add_argument("--token", default=TOKEN, help="of the administrator root (%(default)s)")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to each answer (%(default)s)")
    parser.add_argument("--prefix", default="", help="relative path in the URL, such as /gitlab")
    parser.add_argument("--enterprise", action="store_true", help="be EE")
    parser.add_argument("--no-limits", action="store_true", help="no application rate limits")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until told to stop; what cannot be loaded or listened to is said in a line."""
    parser = options()
    arguments = parser.parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        world = world_from(arguments)
    except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
        parser.error(f"{arguments.load} cannot be loaded: {error!r}")
    with ExitStack() as stack:
        try:
            served = stack.enter_context(serving(world, port=arguments.port))
        except OSError as error:
            parser.error(f"port {arguments.port} cannot be used: {error.strerror}")
        served.keep = False
        print(served.url, flush=True)
        if sys.stdin.isatty():  # in the background of a shell, reading would stop us
            signal.pause()
        sys.stdin.read()


if __name__ == "__main__":
    main()
