"""State stores of every kind to try things on, each empty and used by one test only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from reconciler.model.diagnostic import Position
from reconciler.policy.model import SecretRef, StateConfig
from reconciler.state.base import Store
from reconciler.state.open import open_store

KINDS = ("file",)
NOWHERE = Position("policy.yaml", 1)
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
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Give an empty store of each kind."""
    return Place(StateConfig(), str(tmp_path))


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """Give that store, opened."""
    opened = place.open()
    yield opened
    opened.close()
