"""A roster's policy keys mean what docs/targets/sql.md says, and everything else is refused by name."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reconciler.database.places import PostgresServer, SqliteFile
from reconciler.errors import TargetError
from reconciler.model.access import Flag
from reconciler.model.diagnostic import Position
from reconciler.policy.model import SecretRef
from reconciler.targets.base import Options
from reconciler.targets.sql import create
from reconciler.targets.sql.settings import settings

SECRET = SecretRef("env", "ROSTER_PASSWORD", Position("x", 1))


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///roster.db", "/srv/policy/roster.db"),
        ("sqlite:///../data/my roster#1.db", "/srv/policy/../data/my roster#1.db"),
        ("sqlite:////var/lib/roster.db", "/var/lib/roster.db"),
    ],
)
def test_a_sqlite_url_names_a_file(url: str, path: str) -> None:
    """Three slashes: relative to the folder of the policy file; four: absolute. The address is as written."""
    made = settings(_options(url))
    assert made.place == SqliteFile(path)
    assert made.address == url


def test_a_local_postgresql_url_is_taken_as_it_is() -> None:
    """Port, user and database in the URL, the password beside it; no TLS on the way to this host itself."""
    made = settings(_options("postgresql://rec%40x@127.0.0.1:5433/ro%20ster", password=SECRET))
    assert made.place == PostgresServer("ro ster", "127.0.0.1", 5433, "rec@x", {}, SECRET)
    assert made.address == "postgresql://rec%40x@127.0.0.1:5433/ro%20ster"


@pytest.mark.parametrize("host", ["", "localhost", "[::1]"])
def test_this_host_needs_no_tls(host: str) -> None:
    """A socket, the name, either loopback address."""
    place = settings(_options(f"postgres://{host}/roster?host=")).place
    assert isinstance(place, PostgresServer)
    assert place.parameters == {}
    assert place.host == host.strip("[]")


def test_a_socket_folder_is_a_host() -> None:
    """Libpq takes an absolute path as the folder of a Unix socket."""
    place = settings(_options("postgresql+psycopg:///roster?host=/run/postgresql")).place
    assert place == PostgresServer("roster", "/run/postgresql")


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("", {"sslmode": "verify-full", "sslrootcert": "system"}),
        ("?sslrootcert=ca.pem", {"sslmode": "verify-full", "sslrootcert": "/srv/policy/ca.pem"}),
        ("?sslrootcert=system", {"sslmode": "verify-full", "sslrootcert": "system"}),
        ("?sslmode=require&connect_timeout=3", {"sslmode": "require", "connect_timeout": "3"}),
        (
            "?sslcert=me.pem&sslkey=/me.key",
            {"sslmode": "verify-full", "sslrootcert": "system", "sslcert": "/srv/policy/me.pem", "sslkey": "/me.key"},
        ),
    ],
)
def test_another_host_has_to_prove_itself(query: str, parameters: dict[str, str]) -> None:
    """TLS with verification unless the URL says otherwise."""
    place = settings(_options(f"postgresql://db.example.com/roster{query}")).place
    assert isinstance(place, PostgresServer)
    assert place.parameters == parameters


@pytest.mark.parametrize(
    ("url", "fact"),
    [
        ("", "url is missing"),
        ("roster.db", 'url has scheme "": only sqlite and postgresql'),
        ("mysql://db/roster", 'url has scheme "mysql"'),
        ("sqlite://roster.db", "url names no file: write sqlite:///FILE, with three slashes"),
        ("sqlite:///", "url names no file"),
        ("sqlite:///:memory:", "url names no file"),
        ("sqlite:///roster.db?mode=ro", "url has something after the file's name"),
        ("postgresql://db", "url names no database"),
        ("postgresql://db:port/roster", "url is not a URL"),
        ("postgresql://[::1/roster", "url is not a URL"),
        ("postgresql://me:hunter2@db/roster", "url holds a password: take it out"),
        ("postgresql://db/roster?password=hunter2", 'url has the parameter "password", which is not allowed here'),
        ("postgresql://db/roster?passfile=/etc/shadow", 'url has the parameter "passfile", which is not allowed here'),
    ],
)
def test_a_url_that_is_not_usable_is_refused(url: str, fact: str) -> None:
    """The message names the target, the key and the way out, and no secret."""
    with pytest.raises(TargetError) as caught:
        settings(_options(url))
    assert str(caught.value).startswith(f"target app: {fact}")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "more", "fact"),
    [
        ("sqlite:///r.db", {"password": SECRET}, "password has no use for a SQLite file"),
        ("postgresql:///r", {"password": "hunter2"}, "password is not a reference"),
        ("sqlite:///r.db", {"token": "x"}, "token is no key of kind sql (known: password, privileged_roles, url)"),
        ("sqlite:///r.db", {"privileged_roles": "owner"}, "privileged_roles is not a list"),
        (
            "sqlite:///r.db",
            {"privileged_roles": ["root"]},
            'privileged_roles names "root", which is no role (viewer, owner)',
        ),
    ],
)
def test_keys_that_are_not_usable_are_refused(url: str, more: dict[str, object], fact: str) -> None:
    """The message names the key, and no secret."""
    with pytest.raises(TargetError) as caught:
        settings(_options(url, **more))
    assert str(caught.value).startswith(f"target app: {fact}")
    assert "hunter2" not in str(caught.value)


def test_roles_come_from_the_policy() -> None:
    """An owner is whoever is called that, and privileged unless the policy lists others."""
    made = create(_options("sqlite:///r.db")).capabilities
    assert made.roles == ("viewer", "owner")
    assert made.owner_role == "owner"
    assert made.privileged_roles == {"owner"}
    assert made.marks_memberships
    assert made.flags == {Flag.ADMIN, Flag.EXTERNAL}


def test_without_roles_there_is_one() -> None:
    """A roster of plain members has no owner and no privileged role."""
    made = settings(replace(_options("sqlite:///r.db"), roles=())).capabilities
    assert made.roles == ("member",)
    assert made.owner_role is None
    assert made.privileged_roles == frozenset()


@pytest.mark.parametrize(
    ("roles", "privileged"),
    [
        (("viewer", "admin"), {"admin"}),
        (("owner", "admin"), {"owner", "admin"}),
        (("owner",), {"owner"}),
        (("user",), set()),
    ],
)
def test_the_highest_of_several_roles_is_privileged(roles: tuple[str, ...], privileged: set[str]) -> None:
    """And an owner, wherever it stands."""
    made = settings(replace(_options("sqlite:///r.db"), roles=roles)).capabilities
    assert made.privileged_roles == privileged


def test_privileged_roles_can_be_listed() -> None:
    """The list replaces the default."""
    assert settings(_options("sqlite:///r.db", privileged_roles=["viewer"])).capabilities.privileged_roles == {"viewer"}


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("alice", True),
        ("Ünï çødé 李", True),
        ("a", True),
        ("x" * 255, True),
        ("x" * 256, False),
        ("", False),
        (" alice", False),
        ("alice\u00a0", False),
        ("al\nice", False),
        ("al\x9fice", False),
        ("al\u2028ice", False),
        ("al\udcffice", False),
    ],
)
def test_the_pattern_of_names_is_what_a_roster_holds(name: str, *, fits: bool) -> None:
    """One line of 1 to 255 characters without space at its ends."""
    limits = settings(_options("sqlite:///r.db")).capabilities.user_names
    assert limits == settings(_options("sqlite:///r.db")).capabilities.group_names
    assert bool(re.fullmatch(limits.pattern, name)) is fits


def _options(url: str, **more: object) -> Options:
    return Options("app", "corp", {"url": url, **more}, "/srv/policy", ("viewer", "owner"))
