"""What a credential may do to a roster is told as it is, and a plan needs no right to write: real roles, real permissions."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from reconciler.errors import TargetError, TargetRejected
from reconciler.model.access import GroupKey, Scope, User, UserKey
from reconciler.model.change import Change, CreateUser
from reconciler.targets.base import Batch, Right, Rights, Status
from reconciler.targets.sql import create
from tests.e2e.team import team
from tests.e2e.teams_world import app, world
from tests.e2e.test_sql_docs import BLOCKS, REASON
from tests.examples import ended, reconcile
from tests.fakes.teams import Token
from tests.fakes.teams_server import serving
from tests.servers.apply_crowd import crowd
from tests.servers.postgres import PASSWORD, PostgresServer
from tests.servers.rosters import (
    DIRECTORY,
    PASSWORD_VARIABLE,
    PostgresRoster,
    SqliteRoster,
    content,
    opened,
    options,
)

READ, WRITE, ADMIN = Right.READ, Right.WRITE, Right.ADMIN
READS, WRITES, BOTH = frozenset({READ}), frozenset({WRITE}), frozenset({READ, WRITE})
EVERYTHING = frozenset(Right)
SCOPE = Scope(DIRECTORY, frozenset({GroupKey("team")}))
_NUMBERS = count(1)


def newcomer(number: int) -> Change:
    return CreateUser(User(UserKey(f"uuid-{number}"), f"newcomer{number}"), REASON)


@pytest.fixture
def owned(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> PostgresRoster:
    """Give a roster in a database of its own, made by its owner."""
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    roster = PostgresRoster(postgres, postgres.new_database())
    opened(roster).apply(Batch(tuple(crowd([0]))))
    return roster


def as_role(owned: PostgresRoster, *grants: str, options: str = "") -> PostgresRoster:
    """Return the roster as a new role sees it that holds just these grants; ``{}`` stands for its name."""
    name = f"role{next(_NUMBERS)}_{owned.database}"
    owned.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}' {options}")
    for grant in grants:
        owned.execute(grant.format(name))
    return replace(owned, user=name)


def of_the_page(role: str) -> tuple[str, ...]:
    """Return the grants that docs/targets/sql.md names for a role."""
    (block,) = (code for kind, code in BLOCKS if kind == "sql" and f"TO {role};" in code)
    return tuple(line.replace(role, "{}") for line in block.splitlines())


@pytest.mark.postgres
def test_the_grants_of_the_page_for_planning_are_enough_and_no_more(owned: PostgresRoster) -> None:
    """The role reads everything, and every write is refused."""
    planner = as_role(owned, *of_the_page("reconcile_plan"))
    found = opened(planner).rights()
    assert (found.can, found.account, found.detail) == (READS, planner.user, "")
    assert len(opened(planner).read(SCOPE).users) == 1
    with pytest.raises(TargetRejected, match="does not let this user do that"):
        opened(planner).apply(Batch((newcomer(1),)))


@pytest.mark.postgres
def test_the_grants_of_the_page_for_applying_are_enough_and_no_more(owned: PostgresRoster) -> None:
    """The role makes runs and owns nothing."""
    writer = as_role(owned, *of_the_page("reconcile_apply"))
    found = opened(writer).rights()
    assert (found.can, found.lacks) == (BOTH, ())
    assert found.detail == "may write groups, memberships, roster_version, users"
    (outcome,) = opened(writer).apply(Batch((newcomer(1),)))
    assert outcome.status is Status.APPLIED


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("revoked", "lack"),
    [
        ("REVOKE INSERT ON users FROM {}", "INSERT on users"),
        ("REVOKE UPDATE, DELETE ON groups FROM {}", "UPDATE, DELETE on groups"),
        ("REVOKE UPDATE ON roster_version FROM {}", "UPDATE on roster_version, to lock it"),
        ("REVOKE USAGE ON SEQUENCE users_id_seq FROM {}", "USAGE on the sequence of users.id"),
    ],
)
def test_each_right_that_an_apply_needs_is_missed_by_name(owned: PostgresRoster, revoked: str, lack: str) -> None:
    """It can still write something, which is too much for a plan; an apply that needs the right fails."""
    writer = as_role(owned, *of_the_page("reconcile_apply"), revoked)
    found = opened(writer).rights()
    assert (found.can, found.lacks) == (BOTH, (lack,))
    if "groups" not in lack:
        with pytest.raises(TargetRejected, match="does not let this user do that"):
            opened(writer).apply(Batch((newcomer(1),)))


@pytest.mark.postgres
def test_one_writable_column_is_a_right_to_write(owned: PostgresRoster) -> None:
    """Nobody who may change roles is told to be a mere reader."""
    sly = as_role(owned, *of_the_page("reconcile_plan"), "GRANT UPDATE (role) ON memberships TO {}")
    assert opened(sly).rights().can == BOTH


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("grants", "role_options", "detail"),
    [
        (("GRANT CREATE ON SCHEMA public TO {}",), "", "may make tables"),
        ((), "CREATEROLE", "may make roles"),
        ((), "SUPERUSER", "is a superuser"),
        (("ALTER TABLE memberships OWNER TO {}",), "", "owns tables of the roster"),
    ],
)
def test_what_no_command_needs_is_named(
    owned: PostgresRoster, grants: tuple[str, ...], role_options: str, detail: str
) -> None:
    """Beside what the role may read and write."""
    strong = as_role(owned, *of_the_page("reconcile_apply"), *grants, options=role_options)
    found = opened(strong).rights()
    assert ADMIN in found.can
    assert detail in found.detail


@pytest.mark.postgres
def test_before_the_first_apply_making_tables_is_what_an_apply_needs(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan reads nothing at all as an empty roster; without CREATE on the schema the apply would fail."""
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    empty = PostgresRoster(postgres, postgres.new_database())
    maker, reader = as_role(empty, "GRANT CREATE ON SCHEMA public TO {}"), as_role(empty)
    found = opened(maker).rights()
    assert (found.can, found.lacks) == (BOTH, ())
    assert found.detail == "may make the tables, which are not there yet"
    found = opened(reader).rights()
    assert (found.can, found.lacks) == (READS, ("CREATE on schema public, to make the tables",))
    assert opened(reader).read(SCOPE).users == {}
    (outcome,) = opened(maker).apply(Batch((newcomer(1),)))
    assert outcome.status is Status.APPLIED
    assert opened(maker).rights().can == EVERYTHING, "it owns what it made"


@pytest.mark.postgres
def test_a_schema_that_may_not_be_used_is_not_an_empty_roster(owned: PostgresRoster) -> None:
    """The server passes over such tables as if they were not there; a plan would make everybody anew."""
    blind = as_role(owned, *of_the_page("reconcile_plan"))
    owned.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    found = opened(blind).rights()
    assert (found.can, found.lacks) == (frozenset(), ("USAGE on the schema public",))
    with pytest.raises(
        TargetRejected, match=r'a roster in the schema "public", which this user may not use: grant USAGE'
    ):
        opened(blind).read(SCOPE)


@pytest.mark.postgres
def test_rows_that_row_level_security_hides_are_an_error(owned: PostgresRoster) -> None:
    """Half a roster is never read as the whole of it."""
    reader = as_role(owned, *of_the_page("reconcile_plan"))
    owned.execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
    owned.execute("CREATE POLICY part ON users USING (username < 'b')")
    with pytest.raises(TargetRejected, match="row-level security"):
        opened(reader).read(SCOPE)


@pytest.mark.postgres
def test_a_table_that_may_not_be_read_is_told(owned: PostgresRoster) -> None:
    """Neither command can do without."""
    grants = (*of_the_page("reconcile_apply"), "REVOKE SELECT ON memberships FROM {}")
    found = opened(as_role(owned, *grants)).rights()
    assert (found.can, found.lacks) == (WRITES, ("SELECT on memberships",))


@pytest.mark.postgres
def test_a_read_only_server_lacks_being_writable(owned: PostgresRoster) -> None:
    """As a standby is."""
    owned.execute(f"ALTER DATABASE {owned.database} SET default_transaction_read_only = on")
    assert opened(owned).rights().lacks == ("a server that can be written: this one is read-only",)


@pytest.mark.postgres
def test_asking_a_server_that_is_down_is_a_target_error(owned: PostgresRoster) -> None:
    """As reading it would be."""
    with pytest.raises(TargetError, match="does not answer"):
        opened(replace(owned, server=replace(owned.server, port=1))).rights()


@pytest.mark.postgres
def test_a_plan_over_a_read_only_role_works_from_the_command_line(owned: PostgresRoster, tmp_path: Path) -> None:
    """It plans; an apply with the same credential ends with 5 and writes nothing; doctor has nothing to complain of."""
    planner = as_role(owned, *of_the_page("reconcile_plan"))
    work = team(tmp_path)
    policy = work / "policies" / "policy.yaml"
    url = f"url: {owned.server.url(owned.database, planner.user)}\n    password: {{env: {PASSWORD_VARIABLE}}}"
    policy.write_text(policy.read_text().replace("url: sqlite:///roster.db", url))
    secret = {PASSWORD_VARIABLE: PASSWORD}
    before = content(owned)
    done = reconcile("plan", "--detailed-exitcode", "--out", "plan.json", cwd=work, code=2, env=secret)
    assert "+ alice" in done.stdout
    told = reconcile("doctor", "--target", "roster", cwd=work, env=secret).stdout
    assert "plan needs to read, and this credential can do no more" in told
    assert told.endswith("1 target, 3 checks: all is well.\n")
    told = reconcile("doctor", "--target", "roster", "--for", "apply", cwd=work, code=5, env=secret).stdout
    assert "it lacks INSERT, UPDATE, DELETE on users; USAGE on the sequence of users.id; INSERT" in told
    refused = reconcile("apply", "plan.json", cwd=work, code=5, env=secret)
    assert "does not let this user do that" in refused.stdout + refused.stderr
    assert content(owned) == before


def test_a_plan_over_a_read_only_token_works_from_the_command_line(tmp_path: Path) -> None:
    """Over HTTP: the plan sends nothing but reads, an apply with that token is refused, doctor tells the scopes apart."""
    with serving(app()) as served:
        town = world(tmp_path, served)
        town.run("plan", "--out", "plan.json")
        told = town.run("doctor", "--target", "chat").stdout
        assert "this credential can also write (scopes admin, read, write)" in told
        served.app.tokens = dict.fromkeys(served.app.tokens, Token(frozenset({"read"})))
        before = served.app.content()
        town.run("plan")
        told = town.run("doctor", "--target", "chat").stdout
        assert "plan needs to read, and this credential can do no more" in told
        assert (
            "it lacks the scope write of the token"
            in town.run("doctor", "--target", "chat", "--for", "apply", code=5).stdout
        )
        refused = town.run("apply", "plan.json", code=5)
        assert "insufficient_scope" in refused.stdout + refused.stderr
        assert served.app.content() == before


@pytest.fixture
def become_nobody() -> Iterator[Callable[[], None]]:
    """Give up the rights of root, for whom no permission counts, until the end of the test."""
    whoever = os.geteuid()
    yield lambda: os.seteuid(pwd.getpwnam("nobody").pw_uid) if whoever == 0 else None
    os.seteuid(whoever)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that everybody may enter, with a roster in it that everybody may read."""
    place = Path(tempfile.mkdtemp(prefix="reconciler-rights-"))
    place.chmod(0o755)
    opened(SqliteRoster(place / "roster.db")).apply(Batch(tuple(crowd([0]))))
    (place / "roster.db").chmod(0o644)
    yield place
    place.chmod(0o755)
    shutil.rmtree(place)


def rights_in(folder: Path, name: str = "roster.db") -> Rights:
    return create(options(f"sqlite:///{name}", str(folder))).rights()


@pytest.mark.parametrize(
    ("file", "place", "can", "detail", "lacks"),
    [
        (0o666, 0o777, BOTH, "may write the file", ()),
        (
            0o444,
            0o555,
            READS,
            "",
            ("the right to write {0}/roster.db", "the right to write in {0}, where the journal stands"),
        ),
        (0o444, 0o777, BOTH, "may put another file in its place", ("the right to write {0}/roster.db",)),
        (0o666, 0o555, BOTH, "may write the file", ("the right to write in {0}, where the journal stands",)),
        (0o000, 0o777, WRITES, "may put another file in its place", ("the right to write {0}/roster.db",)),
    ],
)
def test_permissions_of_a_file_and_its_folder_are_told(
    folder: Path,
    become_nobody: Callable[[], None],
    file: int,
    place: int,
    can: frozenset[Right],
    detail: str,
    lacks: tuple[str, ...],
) -> None:
    """SQLite needs both to write, and one of them is enough to do harm."""
    (folder / "roster.db").chmod(file)
    folder.chmod(place)
    become_nobody()
    found = rights_in(folder)
    assert (found.can, found.detail) == (can, detail)
    assert found.lacks == tuple(lack.format(folder) for lack in lacks)
    assert found.account == pwd.getpwuid(os.geteuid()).pw_name


def test_a_file_that_is_not_there_is_judged_by_its_folder(folder: Path, become_nobody: Callable[[], None]) -> None:
    """A plan reads it as empty either way."""
    folder.chmod(0o555)
    become_nobody()
    found = rights_in(folder, "new.db")
    assert (found.can, found.lacks) == (READS, (f"to make the file, the right to write in {folder}",))


def test_an_account_without_a_name_is_told_by_its_number(folder: Path) -> None:
    """Containers run as such."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    try:
        os.seteuid(54_321)
        assert rights_in(folder).account == "uid 54321"
    finally:
        os.seteuid(0)


def with_permissions_that_count(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `reconcile` so that not even root may write what the permissions forbid."""
    bounded = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    return ended([*(bounded if os.geteuid() == 0 else []), "reconcile", *arguments], cwd, {})


def test_a_plan_over_a_read_only_file_works_from_the_command_line(folder: Path) -> None:
    """Run as somebody who may read everything and write nothing: the plan is made, the file and its folder stay."""
    work = team(folder)
    try:
        reconcile("apply", "--auto-approve", cwd=work)
        directory = work / "policies" / "directory.ldif"
        directory.write_text(
            re.sub(r"member: uid=bob,.*\n", "member: uid=carol,dc=example,dc=com\n", directory.read_text())
        )
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        done = with_permissions_that_count("plan", "--detailed-exitcode", cwd=work)
        assert done.returncode == 2, done.stderr
        assert "- bob" in done.stdout
        told = with_permissions_that_count("doctor", "--target", "roster", cwd=work)
        assert told.returncode == 0, told.stderr
        assert "plan needs to read, and this credential can do no more" in told.stdout
        told = with_permissions_that_count("doctor", "--target", "roster", "--for", "apply", cwd=work)
        assert told.returncode == 5
        assert "where the journal stands" in told.stdout
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    finally:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
