"""Write a generated directory and a policy for it into a folder; never contact a server.

The same parameters give the same bytes. Run as ``python -m benchmarks.generate --out FOLDER``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.entries import entries
from benchmarks.policy_files import Server, connections, link_files
from benchmarks.shape import Shape

LDIF = "directory.ldif"
POLICY = "policy"
_DEFAULT = Shape()


def write_directory(shape: Shape, path: Path) -> None:
    """Write the directory as LDIF, entry by entry."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(entries(shape))


def write_policy(shape: Shape, folder: Path, server: Server | None = None) -> None:
    """Write the policy folder; without a server it reads the LDIF file beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("connections.yaml", connections(server)), *link_files(shape)):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def shape_options(parser: argparse.ArgumentParser) -> None:
    """Add the parameters of a shape to a command line."""
    parser.add_argument(
        "--people", type=_positive, default=_DEFAULT.people, help="people in the directory (%(default)s)"
    )
    parser.add_argument(
        "--groups", type=_positive, default=_DEFAULT.groups, help="groups in the directory (%(default)s)"
    )
    parser.add_argument("--mean", type=float, default=_DEFAULT.mean, help="people directly in a group, on average")
    parser.add_argument("--nested", type=int, default=_DEFAULT.nested, help="groups that nest (%(default)s)")
    parser.add_argument("--target-groups", type=_positive, default=_DEFAULT.target_groups, help="groups in the app")
    parser.add_argument(
        "--links", type=_positive, default=_DEFAULT.links, help="links per group in the app (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=_DEFAULT.seed, help="everything derives from it (%(default)s)")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not 1 or more")
    return number


def shape_from(arguments: argparse.Namespace, changed: float = 0.0) -> Shape:
    """Return the shape that a command line asks for."""
    return Shape(
        people=arguments.people,
        groups=arguments.groups,
        mean=arguments.mean,
        nested=arguments.nested,
        target_groups=arguments.target_groups,
        links=arguments.links,
        seed=arguments.seed,
        changed=changed,
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Write what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description=__doc__)
    shape_options(parser)
    parser.add_argument("--changed", type=float, default=0.0, help="percent of memberships and departments that differ")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    arguments = parser.parse_args(argv)
    shape = shape_from(arguments, arguments.changed)
    write_policy(shape, arguments.out / POLICY)
    write_directory(shape, arguments.out / LDIF)


if __name__ == "__main__":
    main()
