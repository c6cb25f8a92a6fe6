"""State stores of every kind to try things on, each empty and used by one test only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from reconciler.model.diagnostic import Position
from reconciler.policy.model import SecretRef, StateConfig
from reconciler.state.base import Store
from reconciler.state.open import open_store
from tests.servers.buckets import KEY_ID_VARIABLE, KEY_VARIABLE, BucketServer
from tests.servers.postgres import PASSWORD, PostgresServer

KINDS = ("file", "s3", "postgres", "sqlite")
NOWHERE = Position("policy.yaml", 1)
PASSWORD_VARIABLE = "STATE_PASSWORD"
_SECRETS = ("access_key", "secret_key", "password")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is; every call of `open` is like another process."""

    config: StateConfig
    folder: str = "/"

    def open(self) -> Store:
        """Return the store anew."""
        return open_store(self.config, self.folder)

    def written(self) -> str:
        """Return it as one argument of a command line; secrets are names of environment variables in it."""
        fields = asdict(self.config)
        return json.dumps({"folder": self.folder, **{f"config.{key}": value for key, value in fields.items()}})

    @staticmethod
    def parsed(text: str) -> Place:
        """Return what was written."""
        values = json.loads(text)
        fields = {key.removeprefix("config."): value for key, value in values.items() if key.startswith("config.")}
        refs = {key: SecretRef("env", fields[key]["name"], NOWHERE) for key in _SECRETS if fields[key]}
        return Place(StateConfig(**{**fields, **refs}), values["folder"])


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Give an empty store of each kind."""
    if request.param == "s3":
        server: BucketServer = request.getfixturevalue("buckets")
        monkeypatch.setenv(KEY_ID_VARIABLE, server.admin.key_id)
        monkeypatch.setenv(KEY_VARIABLE, server.admin.secret)
        return Place(server.config(server.new_bucket()))
    if request.param == "postgres":
        running: PostgresServer = request.getfixturevalue("postgres")
        monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
        return Place(database(running.url(running.new_database())))
    if request.param == "sqlite":
        return Place(StateConfig("sql", url="sqlite:///state.db", folder=str(tmp_path)))
    return Place(StateConfig(), str(tmp_path))


def database(url: str) -> StateConfig:
    """Return what a policy says of a database on a server; the password is in the environment."""
    return StateConfig("sql", url=url, password=SecretRef("env", PASSWORD_VARIABLE, NOWHERE), folder="/")


@pytest.fixture
def another(place: Place) -> Iterator[Callable[[], Store]]:
    """Give what opens the store once more, as another process would."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(place.open()))


@pytest.fixture
def store(another: Callable[[], Store]) -> Store:
    """Give that store, opened."""
    return another()
