"""Open a connection to the first server of a directory that lets us in and answers; asks it only what it is."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from reconciler.directory.client import Client, Rejected, connect
from reconciler.directory.ground import RootDse, first_answer
from reconciler.directory.observer import SILENT, Observer, way_of
from reconciler.directory.servers import Address, Login, addresses, login, tls_context
from reconciler.errors import DirectoryUnreachable, ReadIncomplete
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
def connected(config: DirectoryConfig, where: str, observer: Observer = SILENT) -> Iterator[tuple[Client, RootDse]]:
    """Give the first server that lets us in and says what it is, with its root DSE.

    A refused password ends it: each further try counts towards a lockout. From then on there is no other server.
    """
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
        with closing(client):
            client.end_within(config.read_timeout)
            try:
                root = first_answer(client)
            except ReadIncomplete as error:  # without a bind, the first that a silent server does not answer
                failures.append(DirectoryUnreachable(str(error)))
                continue
            yield client, root
            return
    reasons = "; ".join(map(str, failures)) or "the policy names none"
    raise DirectoryUnreachable(f"{where}: no server let us in: {reasons}") from (failures[-1] if failures else None)
