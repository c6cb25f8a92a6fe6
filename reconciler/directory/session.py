"""Open a connection to the first server of a directory that lets us in; never asks it anything."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from reconciler.directory.client import Client, Rejected, connect
from reconciler.directory.observer import SILENT, Observer, way_of
from reconciler.directory.servers import Address, Login, addresses, login, tls_context
from reconciler.errors import DirectoryUnreachable
from reconciler.policy.model import DirectoryConfig


@dataclass(frozen=True, slots=True)
class Entrance:
    """All that is known of a directory's servers before one of them is asked."""

    config: DirectoryConfig
    servers: tuple[Address, ...]
    login: Login
    context: ssl.SSLContext | None

    def open(self, server: Address, observer: Observer = SILENT) -> Client:
        """Return a connection to one server; raises DirectoryUnreachable, which is Rejected for a wrong password."""
        config = self.config
        timeouts = (max(1, config.connect_timeout), max(1, config.receive_timeout))  # none at all could wait for ever
        client = connect(server, self.login, self.context, timeouts, fast=config.decoder == "fast")
        client.watched(observer, way_of(server, self.login, config.tls.ca_file))
        return client


def entrance(config: DirectoryConfig) -> Entrance:
    """Return how the servers are entered; raises DirectoryUnreachable, or PolicyError for a secret that is not there."""
    servers = addresses(config)
    return Entrance(config, tuple(servers), login(config, servers), tls_context(config, servers))


@contextmanager
def connected(config: DirectoryConfig, where: str, observer: Observer = SILENT) -> Iterator[Client]:
    """Give the first server that lets us in. A refused password ends it: each further try counts towards a lockout."""
    door = entrance(config)
    failures: list[DirectoryUnreachable] = []
    for server in door.servers:
        try:
            client = door.open(server, observer)
        except Rejected as error:
            raise DirectoryUnreachable(f"{where}: {error}") from error
        except DirectoryUnreachable as error:
            failures.append(error)
            continue
        try:
            yield client
        finally:
            client.close()
        return
    reasons = "; ".join(map(str, failures)) or "the policy names none"
    raise DirectoryUnreachable(f"{where}: no server let us in: {reasons}") from (failures[-1] if failures else None)
