"""Open a connection to the first server of a directory that lets us in; never asks it anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.directory.client import Client, Rejected, connect
from reconciler.directory.servers import addresses, login, tls_context
from reconciler.errors import DirectoryUnreachable
from reconciler.policy.model import DirectoryConfig


@contextmanager
def connected(config: DirectoryConfig, where: str) -> Iterator[Client]:
    """Give the first server that lets us in. A refused password ends it: each further try counts towards a lockout."""
    servers = addresses(config)
    who, context = login(config, servers), tls_context(config, servers)
    timeouts = (max(1, config.connect_timeout), max(1, config.receive_timeout))  # none at all could wait for ever
    failures: list[DirectoryUnreachable] = []
    for server in servers:
        try:
            client = connect(server, who, context, timeouts, fast=config.decoder == "fast")
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
