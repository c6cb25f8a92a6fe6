"""Measure reading by changes beside reading everything: a generated company in a slapd of its own; never touches anything else.

Every read is made in a process of its own. Run as ``scripts/bench incremental``.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from benchmarks.entries import BASE, GROUPS
from benchmarks.generate import LDIF, POLICY, shape_from, shape_options, write_directory, write_policy
from benchmarks.policy_files import DIRECTORY, Server
from benchmarks.processes import measured
from tests.servers import ldif_tools, slapd

_TODAY, _READ_AT = date(2026, 11, 21), "2026-11-21T04:00:00Z"
_PASSWORD = "password"
_CHANGES = 10
PLAIN, FIRST, QUIET, CHANGED = "everything, without a cache", "everything, kept", "no change", f"{_CHANGES} changes"
_ENTRIES = re.compile(r"SEARCH RESULT .*nentries=(\d+)")


@dataclass(frozen=True, slots=True)
class Reading:
    """One read: seconds of this process from connecting to the snapshot, MB of the process, what the server was asked and sent."""

    cpu: float
    wall: float
    peak_mb: float
    searches: int
    entries: int


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for and print a table."""
    arguments = _parser().parse_args(argv)
    shape = shape_from(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        write_directory(shape, folder / LDIF)
        options = slapd.Options(syncprov=f"syncprov-sessionlog {10 * _CHANGES}")
        server = slapd.start(folder / "slapd", folder / LDIF, options)
        try:
            write_policy(shape, folder / POLICY, Server(server.url, server.reader_dn, _PASSWORD))
            (folder / POLICY / _PASSWORD).write_text(server.password, encoding="utf-8")
            rows = _rows(server, folder, arguments.rounds)
        finally:
            server.stop()
    print(
        f"{shape.people:,} people, {shape.groups:,} groups; medians of {arguments.rounds} rounds, own CPU and wall in s"
    )
    for kind, found in rows.items():
        print(
            f"{kind:28} cpu {_middle(found, 'cpu'):6.2f}  wall {_middle(found, 'wall'):6.2f}  peak {_middle(found, 'peak_mb'):4.0f} MB"
            f"  {found[-1].searches:3} searches, {found[-1].entries:6} entries"
        )


def _rows(server: slapd.Slapd, folder: Path, rounds: int) -> dict[str, list[Reading]]:
    rows: dict[str, list[Reading]] = {PLAIN: [], FIRST: [], QUIET: [], CHANGED: []}
    for number in range(rounds):
        rows[PLAIN].append(_read(server, folder, ""))
        cache = str(folder / f"cache-{number}")
        rows[FIRST].append(_read(server, folder, cache))
        _read(server, folder, cache)  # looks once more at groups that name nobody
        rows[QUIET].append(_read(server, folder, cache))
        ldif_tools.load(_changes(number), server.url, server.admin_dn, server.password)
        rows[CHANGED].append(_read(server, folder, cache))
    return rows


def _read(server: slapd.Slapd, folder: Path, cache: str) -> Reading:
    server.forget()
    figures = folder / "figures.json"
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "benchmarks.incremental",
        "--read",
        folder / POLICY,
        "--out",
        figures,
    ]
    peak_mb = measured([*command, "--cache", cache], folder, "read").peak_mb
    time.sleep(0.2)  # the server's log is a little behind
    sent = server.operations("SEARCH RESULT")
    entries = sum(int(found[1]) for line in sent if (found := _ENTRIES.search(line)))
    return Reading(
        peak_mb=peak_mb, searches=len(server.searches()), entries=entries, **json.loads(figures.read_text("utf-8"))
    )


def read_once(policy_folder: str, cache: str, figures: Path) -> None:
    """Read as `plan` does, and write what it took."""
    import reconciler.directory.incremental  # noqa: PLC0415, F401 - read_directory imports it at its first call
    from reconciler.directory.read import read_directory  # noqa: PLC0415 - nor does the parent pay for it
    from reconciler.policy.load import load_policy  # noqa: PLC0415
    from reconciler.policy.model import Incremental  # noqa: PLC0415
    from reconciler.policy.needs import needs_of  # noqa: PLC0415

    policy = load_policy(policy_folder, _TODAY).policy
    config = replace(policy.directories[DIRECTORY], incremental=Incremental(cache) if cache else None)
    needs = needs_of(policy, config, policy.targets.values())
    cpu, wall = process_time(), perf_counter()
    read_directory(config, needs, _READ_AT)
    found = {"cpu": process_time() - cpu, "wall": perf_counter() - wall}
    figures.write_text(json.dumps(found), encoding="utf-8")


def _changes(number: int) -> str:
    """Return as many new people, the half of them in a group."""
    names = [f"new{number}x{each}" for each in range(_CHANGES // 2)]
    people = {name: f"uid={name},{BASE}" for name in names}
    return "".join(
        ldif_tools.record(
            dn, {"changetype": "add", "objectClass": "inetOrgPerson", "uid": name, "cn": name, "sn": name}
        )
        for name, dn in people.items()
    ) + "".join(
        ldif_tools.record(
            f"cn={name},{GROUPS}", {"changetype": "add", "objectClass": "groupOfNames", "cn": name, "member": dn}
        )
        for name, dn in people.items()
    )


def _middle(found: Sequence[Reading], name: str) -> float:
    return float(median(getattr(reading, name) for reading in found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench incremental", description=__doc__)
    shape_options(parser)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (%(default)s)")
    return parser


def _child() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--read", "--cache", "--out"):
        parser.add_argument(name, required=True)
    arguments = parser.parse_args()
    read_once(arguments.read, arguments.cache, Path(arguments.out))


if __name__ == "__main__":
    _child() if "--read" in sys.argv else main()
