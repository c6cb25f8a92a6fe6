"""An apply that is killed at any boundary, and resumed in another process, ends as planned with nothing done twice."""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.apply.unfinished import unfinished
from reconciler.state.file import FileStore
from reconciler.state.lock import held, unlock
from tests.e2e.team import team
from tests.e2e.teams_world import planned_effects, world
from tests.examples import reconcile
from tests.fakes.teams_server import serving
from tests.plugins.installed import ENVIRONMENT
from tests.servers.forked import Ready, ready
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
KINDS = {"user.create", "user.update", "group.create", "membership.add", "membership.change", "membership.remove"}
CALLS = 13  # of the plan for the app on HTTP
PER_CALL = 6  # boundaries: before and after the intent, the write and the outcome


@dataclass
class Scene:
    """A policy, its saved plan, and how to look behind its targets: what they hold, and what was written to them."""

    folder: Path
    ready: Ready
    reset: Callable[[], None]
    content: Callable[[], object]
    written: Callable[[], Counter[object]]
    store: Path

    def boundaries(self) -> int:
        """Apply the plan to the end; return how many boundaries there were."""
        code, said = self._apply_to(0)
        assert code == 0, said
        return int(said.splitlines()[-1])

    def kill(self, number: int) -> None:
        """Apply up to a boundary."""
        code, said = self._apply_to(number)
        assert code == -signal.SIGKILL, said

    def go_on(self, elsewhere: Path | None = None) -> None:
        """End the locks that were left behind, and go on as the program itself says: resume, or apply."""
        store = FileStore(str(self.store))
        for lease in held(store):
            unlock(store, lease.id)
        cwd = elsewhere or self.folder
        if unfinished(store):
            self._reconcile("apply", "--resume", cwd=cwd)
        elif not store.names("burned/"):
            self._reconcile("apply", str(self.folder / "plan.json"), cwd=cwd)
        assert not unfinished(store)

    def _apply_to(self, number: int) -> tuple[int, str]:
        policies, plan = self.folder / "policies", self.folder / "plan.json"
        return self.ready.run("killed", str(policies), str(plan), str(number), cwd=self.folder)

    def _reconcile(self, *arguments: str, cwd: Path) -> None:
        code, said = self.ready.run("reconcile", *arguments, cwd=cwd)
        assert code == 0, said


@contextmanager
def sql_scene(folder: Path, url: str, roster: SqliteRoster | PostgresRoster, env: Mapping[str, str]) -> Iterator[Scene]:
    """Give a plan of two rosters, the second always in a file; triggers keep a log of what is written."""
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

    with ready(folder / "policies", env, folder / "said") as process:
        yield Scene(folder, process, reset, content, written, folder / "policies" / ".reconcile")


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
def scene(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Give a plan of two rosters, the first in SQLite or in PostgreSQL."""
    if request.param == "sqlite":
        url = "    url: sqlite:///roster.db\n"
        with sql_scene(tmp_path, url, SqliteRoster(tmp_path / "policies" / "roster.db"), {}) as made:
            yield made
        return
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    server: PostgresServer = request.getfixturevalue("postgres")
    database = server.new_database()
    url = f"    url: {server.url(database, USER)}\n    password: {{env: {PASSWORD_VARIABLE}}}\n"
    with sql_scene(tmp_path, url, PostgresRoster(server, database), {PASSWORD_VARIABLE: PASSWORD}) as made:
        yield made


@contextmanager
def http_scene(folder: Path) -> Iterator[Scene]:
    """Give a plan of an app on HTTP that is asked call by call, two at a time."""
    with serving() as served:
        chat = world(folder, served, parallel=2)
        chat.run("plan", "--out", "plan.json")

        def reset() -> None:
            chat.reset()

        def content() -> object:
            return served.app.content()

        def written() -> Counter[object]:
            return Counter(served.app.effects)

        with ready(folder / "policies", {**ENVIRONMENT, "TEAMS_TOKEN": "secret-token"}, folder / "said") as process:
            yield Scene(folder, process, reset, content, written, folder / "policies" / ".reconcile")


def try_boundaries(scene: Scene) -> int:
    """Kill an apply at each boundary in turn and go on; return how many there were."""
    scene.reset()
    count = scene.boundaries()
    content, written = scene.content(), scene.written()
    assert written
    for number in range(1, count + 1):
        scene.reset()
        scene.kill(number)
        scene.go_on()
        assert scene.content() == content, f"boundary {number}"
        assert scene.written() == written, f"boundary {number}"
    return count


@pytest.mark.timeout(600)
def test_a_roster_ends_as_planned_wherever_the_process_is_killed(scene: Scene) -> None:
    """At every boundary: the same rows, and the database has seen each write once."""
    assert try_boundaries(scene) >= 20


@pytest.mark.timeout(600)
def test_an_app_on_http_ends_as_planned_wherever_the_process_is_killed(tmp_path: Path) -> None:
    """At every boundary: calls go two at a time, and what was asked for without an answer is looked at, not asked for again."""
    with http_scene(tmp_path) as scene:
        planned = Counter(planned_effects((tmp_path / "plan.json").read_text()))
        assert {kind for kind, *_ in planned} == KINDS
        assert try_boundaries(scene) >= PER_CALL * CALLS
        assert scene.written() == planned


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
    with ready(here / "policies", {}, tmp_path / "said") as process:
        scene = Scene(here, process, lambda: None, lambda: None, Counter, tmp_path / "shared")
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
    scene.kill(number)
    return (folder / "roster.db").exists()
