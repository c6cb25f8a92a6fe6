"""An apply that is killed at any boundary, and resumed in another process, ends as planned with nothing done twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.apply.unfinished import unfinished
from reconciler.state.file import FileStore
from reconciler.state.lock import held, unlock
from tests.e2e.team import team
from tests.e2e.teams_world import World, world
from tests.examples import ROOT, environment, reconcile
from tests.fakes.teams_server import serving
from tests.plugins.installed import ENVIRONMENT
from tests.servers.postgres import PASSWORD, USER, PostgresServer
from tests.servers.rosters import PASSWORD_VARIABLE, PostgresRoster, Row, SqliteRoster, make_tables

TABLES = ("users", "groups", "memberships")
SECOND = """\
  second:
    kind: sql
    url: sqlite:///second.db
    directory: corp
    roles: [viewer, owner]
    users: {create: true}
    groups: {create: true}
group_links:
  second:
    web:
      - {cn: devs, access: owner}
  roster:"""
STATE = "state: {kind: file, path: ../../shared}\nexpect:"
FIRST_WRITE = 7  # the boundary before it
EVERY_FIFTH = 5  # six boundaries belong to a batch, so every kind of them has its turn


@dataclass
class Scene:
    """A policy, its saved plan, and how to look behind its targets: what they hold, and what was written to them."""

    folder: Path
    env: Mapping[str, str]
    reset: Callable[[], None]
    content: Callable[[], object]
    written: Callable[[], Counter[object]]
    store: Path

    def killed(self, number: int) -> bool:
        """Apply up to a boundary; tell whether there was one of that number."""
        arguments = [str(self.folder / "policies"), str(self.folder / "plan.json"), str(number)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.servers.killed_apply", *arguments],
            cwd=ROOT,
            env=environment(**{**self.env, "PYTHONPATH": os.pathsep.join([str(ROOT), self.env.get("PYTHONPATH", "")])}),
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr
        return done.returncode != 0

    def go_on(self, elsewhere: Path | None = None) -> None:
        """End the locks that were left behind, and go on as the program itself says: resume, or apply."""
        store = FileStore(str(self.store))
        for lease in held(store):
            unlock(store, lease.id)
        cwd = elsewhere or self.folder
        if unfinished(store):
            reconcile("apply", "--resume", cwd=cwd, env=self.env)
        elif not store.names("burned/"):
            reconcile("apply", str(self.folder / "plan.json"), cwd=cwd, env=self.env)
        assert not unfinished(store)


def sql_scene(folder: Path, url: str, roster: SqliteRoster | PostgresRoster, env: Mapping[str, str]) -> Scene:
    """Return a plan of two rosters, the second always in a file; triggers keep a log of what is written."""
    team(folder)
    policy = folder / "policies" / "policy.yaml"
    text = policy.read_text().replace("group_links:\n  roster:", SECOND)
    policy.write_text(text.replace("    url: sqlite:///roster.db\n", url, 1))
    second = SqliteRoster(folder / "policies" / "second.db")
    rosters = (roster, second)
    for one in rosters:
        make_tables(one)
        keep_log(one)
    reconcile("plan", "--out", "plan.json", cwd=folder, env=env)

    def reset() -> None:
        shutil.rmtree(folder / "policies" / ".reconcile", ignore_errors=True)
        for one in rosters:
            for table in ("memberships", "users", "groups", "written"):
                one.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names

    def content() -> object:
        view = "SELECT username, group_name, role FROM who_has_what"
        return [sorted(one.execute(view), key=str) for one in rosters]

    def written() -> Counter[object]:
        rows: list[tuple[int, Row]] = []
        for number, one in enumerate(rosters):
            rows += [(number, row) for row in one.execute("SELECT place, how FROM written")]
        return Counter(rows)

    return Scene(folder, env, reset, content, written, folder / "policies" / ".reconcile")


def keep_log(roster: SqliteRoster | PostgresRoster) -> None:
    """Let the database write down each row that is added, changed or removed."""
    roster.execute("CREATE TABLE written (place TEXT, how TEXT)")
    if isinstance(roster, PostgresRoster):
        roster.execute(
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN INSERT INTO written VALUES (TG_TABLE_NAME, TG_OP); RETURN NULL; END'"
        )
    for table in TABLES:
        for how in ("INSERT", "UPDATE", "DELETE"):
            note = f"INSERT INTO written VALUES ('{table}', '{how}')"  # noqa: S608 - our own names
            does = "EXECUTE FUNCTION note()" if isinstance(roster, PostgresRoster) else f"BEGIN {note}; END"
            roster.execute(f"CREATE TRIGGER note_{table}_{how} AFTER {how} ON {table} FOR EACH ROW {does}")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def scene(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Give a plan of two rosters, the first in SQLite or in PostgreSQL."""
    if request.param == "sqlite":
        url = "    url: sqlite:///roster.db\n"
        return sql_scene(tmp_path, url, SqliteRoster(tmp_path / "policies" / "roster.db"), {})
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    server: PostgresServer = request.getfixturevalue("postgres")
    database = server.new_database()
    url = f"    url: {server.url(database, USER)}\n    password: {{env: {PASSWORD_VARIABLE}}}\n"
    return sql_scene(tmp_path, url, PostgresRoster(server, database), {PASSWORD_VARIABLE: PASSWORD})


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[World]:
    """Give a policy over an app on HTTP."""
    with serving() as served:
        yield world(tmp_path, served, parallel=2)


def http_scene(chat: World) -> Scene:
    """Return a plan of an app that is asked call by call, two at a time."""
    chat.run("plan", "--out", "plan.json")
    env = {**ENVIRONMENT, "TEAMS_TOKEN": "secret-token"}

    def reset() -> None:
        chat.reset()

    def content() -> object:
        return chat.served.app.content()

    def written() -> Counter[object]:
        return Counter(chat.served.app.effects)

    return Scene(chat.folder, env, reset, content, written, chat.folder / "policies" / ".reconcile")


def try_boundaries(scene: Scene, numbers: Sequence[int]) -> int:
    """Kill an apply at each of these boundaries and go on; return how many there were."""
    scene.reset()
    assert not scene.killed(0)
    content, written = scene.content(), scene.written()
    assert written
    for tried, number in enumerate(numbers):
        scene.reset()
        if not scene.killed(number):
            assert scene.content() == content
            return tried
        scene.go_on()
        assert scene.content() == content, f"boundary {number}"
        assert scene.written() == written, f"boundary {number}"
    raise AssertionError("there are more boundaries than these")


@pytest.mark.timeout(600)
def test_a_roster_ends_as_planned_wherever_the_process_is_killed(scene: Scene) -> None:
    """At every boundary: the same rows, and the database has seen each write once."""
    assert try_boundaries(scene, range(1, 100)) >= 20


@pytest.mark.timeout(600)
def test_an_app_on_http_ends_as_planned_wherever_the_process_is_killed(chat: World) -> None:
    """Calls go two at a time, and what was asked for without an answer is looked at and not asked for again."""
    scene = http_scene(chat)
    assert try_boundaries(scene, range(2, 500, EVERY_FIFTH)) >= 8


def test_an_apply_is_resumed_on_another_machine(tmp_path: Path) -> None:
    """Begun in one clone and killed after the first roster; a second clone needs the store and nothing else."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    team(here)
    policy = here / "policies" / "policy.yaml"
    text = policy.read_text().replace("group_links:\n  roster:", SECOND).replace("expect:", STATE)
    policy.write_text(text.replace("sqlite:///", "sqlite:///../../"))
    shutil.copytree(here, there)
    reconcile("plan", "--out", "plan.json", cwd=here)
    scene = Scene(here, {}, lambda: None, lambda: None, Counter, tmp_path / "shared")
    number = next(number for number in range(FIRST_WRITE, 100) if killed_between(scene, number, tmp_path))
    assert number > FIRST_WRITE
    done = [SqliteRoster(tmp_path / f"{name}.db") for name in ("roster", "second")]
    assert [roster.path.exists() for roster in done] == [True, False]
    scene.go_on(there)
    view = "SELECT count(*) FROM memberships"
    assert [roster.execute(view) for roster in done] == [[(3,)], [(2,)]]
    assert not (there / "plan.json").exists()
    assert "No changes." in reconcile("plan", cwd=there).stdout


def killed_between(scene: Scene, number: int, folder: Path) -> bool:
    """Tell whether a kill at that boundary leaves the first roster filled and the second one not there."""
    shutil.rmtree(folder / "shared", ignore_errors=True)
    for name in ("roster.db", "second.db"):
        (folder / name).unlink(missing_ok=True)
    assert scene.killed(number)
    return (folder / "roster.db").exists()
