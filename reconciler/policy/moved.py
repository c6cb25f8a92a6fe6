"""Let everything that a policy's connections name on the disk start somewhere else; reads no file and moves none."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from reconciler.model.diagnostic import Position
from reconciler.policy.kinds import BUILT_IN
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

_SQLITE = "sqlite:///"
_URL_FILES = frozenset({"sslrootcert", "sslcert", "sslkey", "sslcrl"})


@dataclass(frozen=True, slots=True)
class Moves:
    """Where things are to be found: `path` for a file that is named, `folder` for where relative paths start, `where` for
    the place of a line in the policy, as it is shown.
    """

    path: Callable[[str], str]
    folder: Callable[[str], str]
    where: Callable[[Position], Position]


def moved(policy: Policy, moves: Moves) -> Policy:
    """Return the policy with the files that its connections name where `moves` has them; rules stay as they are.

    The state store of a policy that names none is left to be named. What `moves.path` raises goes through.
    """
    return replace(
        policy,
        directories={name: _directory(config, moves) for name, config in policy.directories.items()},
        targets={name: _target(config, moves) for name, config in policy.targets.items()},
        state=_state(policy.state, moves),
    )


def _directory(config: DirectoryConfig, moves: Moves) -> DirectoryConfig:
    return replace(
        config,
        where=moves.where(config.where),
        bind=_bind(config.bind, moves),
        tls=_tls(config.tls, moves),
        incremental=_cached(config.incremental, moves),
        file=config.file and moves.path(config.file),
        places={key: moves.where(place) for key, place in config.places.items()},
    )


def _target(config: TargetConfig, moves: Moves) -> TargetConfig:
    options = {key: _option(key, value, moves) for key, value in config.options.items()}
    url = config.options.get("url")
    if config.kind == "sql" and isinstance(url, str):
        options["url"] = _url(url, config.folder, moves)
    # what a brought kind looks for in its folder nobody here knows: so the whole folder has to be a trusted one
    folder = moves.folder if config.kind in BUILT_IN else moves.path
    return replace(config, where=moves.where(config.where), options=options, folder=folder(config.folder))


def _state(config: StateConfig, moves: Moves) -> StateConfig:
    return replace(
        config,
        path=config.path and moves.path(config.path),
        access_key=_secret(config.access_key, moves),
        secret_key=_secret(config.secret_key, moves),
        password=_secret(config.password, moves),
        url=config.url and _url(config.url, config.folder, moves),
        folder=config.folder and moves.folder(config.folder),
    )


def _option(key: str, value: object, moves: Moves) -> object:
    return moves.path(value) if key == "file" and isinstance(value, str) else _value(value, moves)


def _value(value: object, moves: Moves) -> object:
    """Return an option with the paths in it moved, whatever it is made of."""
    match value:
        case SecretRef():
            return _secret(value, moves)
        case Bind():
            return _bind(value, moves)
        case Tls():
            return _tls(value, moves)
        case Mapping():
            return {name: _value(one, moves) for name, one in value.items()}
        case tuple():
            return tuple(_value(one, moves) for one in value)
        case _:
            return value


def _cached(incremental: Incremental | None, moves: Moves) -> Incremental | None:
    return replace(incremental, cache=moves.path(incremental.cache)) if incremental else None


def _secret(ref: SecretRef | None, moves: Moves) -> SecretRef | None:
    if ref is None:
        return None
    return replace(ref, name=moves.path(ref.name) if ref.kind == "file" else ref.name, where=moves.where(ref.where))


def _bind(bind: Bind | None, moves: Moves) -> Bind | None:
    return replace(bind, password=_secret(bind.password, moves)) if bind else None


def _tls(tls: Tls, moves: Moves) -> Tls:
    return replace(tls, ca_file=tls.ca_file and moves.path(tls.ca_file))


def _url(url: str, folder: str, moves: Moves) -> str:
    """Return a URL whose files are where they are to be found; as it was where they are found there anyway."""
    return _resolved(url, lambda path: _kept(path, folder, moves))


def _kept(path: str, folder: str, moves: Moves) -> str:
    there = moves.path(joined(folder, path))
    return path if joined(moves.folder(folder), path) == there else there


def _resolved(url: str, place: Callable[[str], str]) -> str:
    """Return a URL of a database with each file in it where `place` has it."""
    if url.startswith(_SQLITE):
        return _SQLITE + place(url.removeprefix(_SQLITE))
    base, question, _ = url.partition("?")
    if not question:
        return url
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    placed = [(key, place(value) if key in _URL_FILES and value != "system" else value) for key, value in pairs]
    return url if placed == pairs else f"{base}?{urlencode(placed)}"


def joined(folder: str, path: str) -> str:
    """Return the absolute path of a file that is named in a folder, without asking the disk."""
    return os.path.normpath(Path(folder).absolute() / path)
