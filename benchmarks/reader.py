"""Read a whole directory once, as one reader does, and write what it took; everything read is held until then.

Run as ``python -m benchmarks.reader READER TASK FIGURES``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Literal, TypeAlias

from benchmarks.policy_files import DIRECTORY
from benchmarks.readings import OTHER_DECODER, OURS, PYTHON_LDAP

Task: TypeAlias = Mapping[str, Any]
"""A `benchmarks.readings.Task` as JSON gives it."""

_TODAY, _READ_AT = date(2026, 11, 21), "2026-11-21T04:00:00Z"


def main() -> None:
    """Import and prepare what the reader needs, then measure the read alone."""
    reader, task, figures = sys.argv[1:]
    prepare = {OURS: partial(ours, decoder="fast"), OTHER_DECODER: partial(ours, decoder="ldap3")}
    read = (prepare | {PYTHON_LDAP: python_ldap})[reader](json.loads(Path(task).read_text(encoding="utf-8")))
    cpu, wall = process_time(), perf_counter()
    held = read()
    found = {"cpu": process_time() - cpu, "wall": perf_counter() - wall, "entries": sum(map(len, held))}
    Path(figures).write_text(json.dumps(found), encoding="utf-8")


def ours(task: Task, decoder: Literal["fast", "ldap3"]) -> Callable[[], list[Any]]:
    """Return our read of the directory, reduced to a snapshot: what `plan` does, with the same policy."""
    import reconciler.directory.ldap_source  # noqa: PLC0415, F401 - read_directory imports it at its first call
    from reconciler.directory.read import read_directory  # noqa: PLC0415 - nor does another reader pay for ours
    from reconciler.policy.load import load_policy  # noqa: PLC0415
    from reconciler.policy.needs import needs_of  # noqa: PLC0415

    policy = load_policy(task["policy"], _TODAY).policy
    config = replace(policy.directories[DIRECTORY], decoder=decoder)
    needs = needs_of(policy, config, policy.targets.values())

    def read() -> list[Any]:
        snapshot = read_directory(config, needs, _READ_AT)
        return [snapshot.people, snapshot.groups]

    return read


def python_ldap(task: Task) -> Callable[[], list[Any]]:
    """Return a bare read with python-ldap: its paged search and `result3`, as its documentation shows it."""
    import ldap  # noqa: PLC0415 - not installed everywhere
    from ldap.controls import SimplePagedResultsControl  # noqa: PLC0415

    login = task["login"]
    password = Path(login["password_file"]).read_text(encoding="utf-8")

    def pages(connection: Any, question: Mapping[str, Any]) -> Iterator[Any]:
        control = SimplePagedResultsControl(criticality=True, size=task["page_size"], cookie="")
        while True:
            asked = connection.search_ext(
                question["base"], ldap.SCOPE_SUBTREE, question["filter"], question["attributes"], serverctrls=[control]
            )
            _, entries, _, answered = connection.result3(asked)
            yield from entries
            control.cookie = answered[0].cookie
            if not control.cookie:
                return

    def read() -> list[Any]:
        connection = ldap.initialize(login["url"])
        connection.simple_bind_s(login["bind_dn"], password)
        held = [list(pages(connection, question)) for question in task["questions"]]
        connection.unbind_s()
        return held

    return read


if __name__ == "__main__":
    main()
