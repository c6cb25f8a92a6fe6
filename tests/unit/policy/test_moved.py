"""Files that connections name, found somewhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.diagnostic import Position
from reconciler.policy.model import (
    Bind,
    DirectoryConfig,
    Incremental,
    Policy,
    SecretRef,
    StateConfig,
    TargetConfig,
    Tls,
)
from reconciler.policy.moved import Moves, moved
from tests.builders import at

SECRET = SecretRef("file", "/base/p/secret", at(4))
THERE = SecretRef("file", "/tree/p/secret", Position("main:rules", 4, 9))


def _path(path: str) -> str:
    return path.replace("/base/", "/tracked/" if path.endswith("tracked") else "/tree/")


MOVES = Moves(_path, lambda folder: folder.replace("/base/", "/tree/"), lambda at: replace(at, path="main:rules"))


def target(kind: str = "sql", **options: object) -> TargetConfig:
    """Return the only target after the move."""
    config = TargetConfig("t", kind, "corp", at(9), options=options, folder="/base/p")
    return moved(Policy("p", "sha256:1", (), {}, {"t": config}), MOVES).targets["t"]


def test_a_directory_names_its_files_where_they_are() -> None:
    """Passwords, CA, LDIF and cache; other places of secrets stay, and so do places that there are none of."""
    config = DirectoryConfig(
        "corp",
        "ldap",
        at(3),
        bind=Bind("cn=x", SECRET),
        tls=Tls("/base/p/ca.pem"),
        file="/base/p/people.ldif",
        incremental=Incremental("/base/p/cache"),
        places={"user_filter": at(5)},
    )
    bare = DirectoryConfig("bare", "ldif", at(3))
    found = moved(Policy("p", "sha256:1", (), {"corp": config, "bare": bare}, {}), MOVES).directories
    assert found["corp"].bind == Bind("cn=x", THERE)
    assert found["corp"].tls.ca_file == "/tree/p/ca.pem"
    assert found["corp"].file == "/tree/p/people.ldif"
    assert found["corp"].incremental == Incremental("/tree/p/cache")
    assert found["corp"].places["user_filter"].path == found["corp"].where.path == "main:rules"
    assert found["bare"] == replace(bare, where=replace(bare.where, path="main:rules"))


@pytest.mark.parametrize(
    ("url", "there"),
    [
        ("sqlite:///roster.db", "sqlite:///roster.db"),  # found where it says, from the new folder on
        ("sqlite:///roster.tracked", "sqlite:////tracked/p/roster.tracked"),
        ("sqlite:////base/p/roster.db", "sqlite:////tree/p/roster.db"),
        ("postgresql://a@h/d", "postgresql://a@h/d"),
        ("postgresql://a@h/d?sslrootcert=ca.pem", "postgresql://a@h/d?sslrootcert=ca.pem"),
        (
            "postgresql://a@h/d?sslmode=require&sslrootcert=system",
            "postgresql://a@h/d?sslmode=require&sslrootcert=system",
        ),
        (
            "postgresql://a@h/d?sslmode=verify-ca&sslrootcert=ca.tracked",
            "postgresql://a@h/d?sslmode=verify-ca&sslrootcert=%2Ftracked%2Fp%2Fca.tracked",
        ),
    ],
)
def test_a_database_is_where_its_files_are(url: str, there: str) -> None:
    """Targets and stores alike; a URL that holds no file, or finds it anyway, stays to the letter."""
    assert target(url=url).options["url"] == there
    assert target(url=url).folder == "/tree/p"
    state = StateConfig("sql", url=url, folder="/base/p", password=SECRET)
    found = moved(Policy("p", "sha256:1", (), {}, {}, state=state), MOVES).state
    assert (found.url, found.folder, found.password) == (there, "/tree/p", THERE)


def test_options_are_moved_at_any_depth() -> None:
    """Secrets, binds, TLS and files; a key of a brought kind stays text, its folder must be a trusted one."""
    env = SecretRef("env", "NAME", at(4))
    found = target(
        "gitlab", token=SECRET, tls=Tls("/base/p/ca.pem"), file="/base/p/a.c1z", bind=Bind(), depth=1
    ).options
    assert found["token"] == THERE
    assert found["tls"] == Tls("/tree/p/ca.pem")
    assert found["file"] == "/tree/p/a.c1z"
    assert found["bind"] == Bind()
    assert found["depth"] == 1
    brought = target("mine", deep={"list": (SECRET, "/base/p/x")}, token=env, url="sqlite:///a.tracked")
    assert brought.options["deep"] == {"list": (THERE, "/base/p/x")}
    assert brought.options["token"] == replace(env, where=Position("main:rules", 4, 9))
    assert brought.options["url"] == "sqlite:///a.tracked"
    assert brought.folder == "/base/p".replace("/base/", "/tree/")


def test_a_store_without_a_file_stays_as_it_is() -> None:
    """And one in a folder goes along."""
    plain = Policy("p", "sha256:1", (), {}, {})
    assert moved(plain, MOVES) == plain
    there = replace(plain, state=StateConfig("file", path="/base/p/state"))
    assert moved(there, MOVES).state.path == "/tree/p/state"
