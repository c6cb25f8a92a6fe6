"""Where a directory's servers are, how to log in, and what to ask, checked before anything is sent; never connects."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from reconciler.errors import DirectoryUnreachable
from reconciler.model.text import shortened
from reconciler.policy.model import DirectoryConfig, Tls
from reconciler.policy.secrets import resolve


@dataclass(frozen=True, slots=True)
class Address:
    """One server. `tls` is empty for ldapi and for plain connections; for ldapi `host` is the URL of the socket."""

    url: str
    host: str
    port: int | None
    tls: Literal["", "ldaps", "starttls"] = ""

    @property
    def local(self) -> bool:
        """A socket of this machine, which nobody can listen to."""
        return self.port is None


@dataclass(frozen=True, slots=True)
class Login:
    """Who we say we are; an empty method sends no bind at all."""

    method: Literal["", "simple", "external", "gssapi", "ntlm"] = ""
    dn: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Search:
    """One search; `what` says for messages which part of the directory it reads, `kind` which class of entry."""

    what: str
    base: str
    filter: str
    attributes: tuple[str, ...]
    scope: Literal["sub", "one", "base"] = "sub"
    kind: str = ""  # people, groups


def addresses(config: DirectoryConfig) -> list[Address]:
    """Return the servers in the order of the policy; raises DirectoryUnreachable for a URL that cannot be used."""
    return [_address(url, config.tls, f'{config.where}: directory "{config.name}"') for url in config.servers]


def login(config: DirectoryConfig, servers: list[Address]) -> Login:
    """Return how to log in, the password resolved; raises DirectoryUnreachable for what must not be tried.

    An empty password would be taken as anonymous (RFC 4513 5.1.2), a password without TLS would be read by anybody.
    """
    where = f'{config.where}: directory "{config.name}"'
    bind = config.bind
    if bind is None:
        return Login()
    if bind.sasl == "external":
        return _external(servers, where)
    exposed = [server.url for server in servers if not server.tls and not server.local]
    if exposed and not config.tls.allow_plaintext:
        what = "would get the password unencrypted" if bind.sasl != "gssapi" else "would answer unprotected"
        raise DirectoryUnreachable(
            f"{where}: {exposed[0]} {what}: use ldaps://, or tls.start_tls: true (tls.plaintext: true allows it all the same)"
        )
    if bind.sasl == "gssapi":
        return Login("gssapi")
    password = resolve(bind.password).reveal() if bind.password else ""
    if not bind.dn or not password:
        missing = "password" if bind.dn else "DN"
        raise DirectoryUnreachable(
            f"{where}: the {missing} to bind with is empty, which a server takes as an anonymous bind"
        )
    if bind.sasl == "ntlm" and bind.dn.count("\\") != 1:
        raise DirectoryUnreachable(
            f'{where}: with sasl: ntlm the name is DOMAIN\\account, and "{shortened(bind.dn)}" is none'
        )
    return Login(bind.sasl or "simple", bind.dn, password)


def tls_context(config: DirectoryConfig, servers: list[Address]) -> ssl.SSLContext | None:
    """Return how to verify certificates: against `ca_file` alone, or the system's authorities; None where nothing is encrypted."""
    if not any(server.tls for server in servers):
        return None
    try:
        return ssl.create_default_context(cafile=config.tls.ca_file or None)
    except OSError as error:  # ssl.SSLError is one
        raise DirectoryUnreachable(
            f'{config.where}: directory "{config.name}": tls.ca_file {shortened(config.tls.ca_file)} cannot be used: '
            f"{shortened(error.strerror or str(error))}"
        ) from error


def _external(servers: list[Address], where: str) -> Login:
    if not all(server.local for server in servers):
        raise DirectoryUnreachable(
            f"{where}: sasl: external needs ldapi:// servers: nothing else proves who this process is"
        )
    return Login("external")


def _address(url: str, tls: Tls, where: str) -> Address:
    try:
        parts = urlsplit(url)
        port, host, scheme = parts.port, parts.hostname or "", parts.scheme
    except ValueError as error:
        raise DirectoryUnreachable(f'{where}: "{shortened(url)}" is no server URL: {shortened(str(error))}') from error
    if scheme == "ldapi":
        if not unquote(parts.netloc + parts.path).strip("/"):
            raise DirectoryUnreachable(
                f'{where}: "{shortened(url)}" does not say which socket: ldapi://%2Frun%2Fslapd%2Fldapi'
            )
        return Address(url, url, None)
    if "@" in parts.netloc:
        raise DirectoryUnreachable(f"{where}: a server URL has no name and password in it; bind says how to log in")
    if scheme not in {"ldap", "ldaps"} or not host:
        raise DirectoryUnreachable(
            f'{where}: "{shortened(url)}" is no server URL: expected ldaps://host or ldap://host'
        )
    if scheme == "ldaps":
        return Address(url, host, port or 636, "ldaps")
    return Address(url, host, port or 389, "starttls" if tls.start_tls else "")
