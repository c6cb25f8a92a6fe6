"""Connect, verify and bind to an LDAP server, and ask for one page at a time; never follow a referral, never write.

The only module beside fast.py that knows ldap3. ldap3's own defaults verify no certificate, follow referrals with the bind
password and accept any result code: none of them is left in force here.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from math import inf
from time import monotonic
from typing import Any

import ldap3

from reconciler.directory.controls import Control, Listener
from reconciler.directory.encryption import Encryption, encryption_of
from reconciler.directory.fast import OUT_OF_TIME, FastSyncStrategy, install
from reconciler.directory.logins import INVALID_CREDENTIALS, about_missing_package, about_ticket, why_refused
from reconciler.directory.observer import SILENT, Observer, Question, Way
from reconciler.directory.pages import Page, RawEntry, code_text, located
from reconciler.directory.servers import Address, Login, Search
from reconciler.errors import DirectoryError, DirectoryUnreachable, ReadIncomplete
from reconciler.model.text import shortened

PAGED_RESULTS = "1.2.840.113556.1.4.319"
WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"
_METHODS = {
    "": (ldap3.ANONYMOUS, None),
    "simple": (ldap3.SIMPLE, None),
    "external": (ldap3.SASL, ldap3.EXTERNAL),
    "gssapi": (ldap3.SASL, ldap3.KERBEROS),
    "ntlm": (ldap3.NTLM, None),
}
_SCOPES = {"sub": ldap3.SUBTREE, "one": ldap3.LEVEL, "base": ldap3.BASE}
_CATALOGUE = frozenset({3268, 3269})  # MS-ADTS 3.1.1.3.1.10: the global catalogue, plain and over TLS


class Rejected(DirectoryUnreachable):
    """A server that answered and does not accept who we say we are: other servers are not asked the same."""


class VerifyingTls(ldap3.Tls):  # type: ignore[misc]  # ldap3 has no types
    """ldap3's TLS settings with Python's own verification of chain and host name in place of ldap3's."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        """Keep the context; `host` is the name that the certificate has to carry."""
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context
        self._host = host

    def wrap_socket(self, connection: Any, **_: Any) -> None:
        """Encrypt the connection's socket, or raise ssl.SSLError."""
        connection.socket = self._context.wrap_socket(connection.socket, server_hostname=self._host)


class Client:
    """One open and bound connection; every method raises ReadIncomplete when it fails, with what is not proven then."""

    def __init__(self, connection: Any, url: str) -> None:
        """Take over a connection."""
        self._connection = connection
        self._deadline = inf
        self._observer: Observer = SILENT
        self._way = Way(Address(url, url, None))
        self.url = url

    def watched(self, observer: Observer, way: Way) -> None:
        """Tell the observer of every search from now on, as one that is made by this way."""
        self._observer, self._way = observer, way

    def end_within(self, seconds: float) -> None:
        """Let everything from now on fail after so many seconds, however busily the server answers."""
        self._deadline = monotonic() + seconds
        self._connection.strategy.deadline = self._deadline

    def page(self, search: Search, size: int, cookie: bytes) -> Page:
        """Return one page of a search; the paging control is critical, aliases are entries like any other.

        The message of a failure leaves it to the caller to say which page of which search it was.
        """
        if not cookie:
            self._observer.searching(Question(search, self._way, search.scope, size))
        page = self._search(
            search, _SCOPES[search.scope], paged_size=size, paged_criticality=True, paged_cookie=cookie or None
        )
        self._observer.found(len(page.entries))
        return page

    def entry(self, search: Search) -> Page:
        """Return the answer to a search for the base entry alone; its cookie means nothing."""
        self._observer.searching(Question(search, self._way))
        with located(search.what):
            return self._search(search, ldap3.BASE)

    @property
    def hears(self) -> bool:
        """Whether answers can be taken while they arrive, which only our own decoder of entries can."""
        return isinstance(self._connection.strategy, FastSyncStrategy)

    def hear(self, search: Search, control: Control, listener: Listener) -> Page:
        """Let the listener take the entries of an answer in one piece, and return what is left of it: code and references."""
        self._observer.searching(Question(search, self._way, search.scope))
        self._connection.strategy.listener = listener
        try:
            with located(search.what):
                return self._search(search, _SCOPES[search.scope], controls=[(control.oid, True, control.value)])
        finally:
            self._connection.strategy.listener = None
            self._observer.found(listener.heard)

    @property
    def catalogue(self) -> bool:
        """Whether this is the port of a global catalogue, which knows every domain of a forest, in part."""
        return self._connection.server.port in _CATALOGUE

    def encryption(self) -> Encryption | None:
        """Return what the connection is encrypted with; nothing where it is plain."""
        return encryption_of(self._connection.socket)

    def who_am_i(self) -> str | None:
        """Return who the server says we are (RFC 4532), empty for anonymous; nothing where it does not say."""
        with _translated(ReadIncomplete, f"{self.url}: who we are there (RFC 4532) was not answered"):
            return _who_am_i(self._connection)

    def close(self) -> None:
        """Say good-bye if the server still listens."""
        with suppress(Exception):
            self._connection.unbind()
        if self._connection.socket is not None:
            self._connection.socket.close()

    def _search(self, search: Search, scope: str, **paging: Any) -> Page:
        with _translated(ReadIncomplete, f"{self.url} did not answer to the end, so entries may be missing"):
            if monotonic() > self._deadline:
                raise TimeoutError(OUT_OF_TIME)
            self._connection.search(
                search_base=search.base,
                search_filter=search.filter,
                search_scope=scope,
                dereference_aliases=ldap3.DEREF_NEVER,
                attributes=list(search.attributes),
                **paging,
            )
            answer, result = self._connection.response, self._connection.result
            self._connection.response = None
            return _page(answer, result)


def connect(
    address: Address, login: Login, context: ssl.SSLContext | None, timeouts: tuple[int, int], *, fast: bool = True
) -> Client:
    """Open, encrypt as the address says, bind; raises DirectoryUnreachable, and then nothing is left open.

    `timeouts` are those of connecting and of waiting for an answer, in seconds; `fast` chooses our decoder of entries. No password is sent before the certificate is
    verified.
    """
    connection = _connection(address, login, context, timeouts)
    if fast:
        install(connection)
    client = Client(connection, address.url)
    try:
        _open(connection, address)
        _bind(connection, login, address)
    except BaseException:
        client.close()
        raise
    return client


def _connection(address: Address, login: Login, context: ssl.SSLContext | None, timeouts: tuple[int, int]) -> Any:
    connect_timeout, receive_timeout = timeouts
    authentication, mechanism = _METHODS[login.method]
    with _translated(DirectoryUnreachable, address.url):
        server = ldap3.Server(
            address.host,
            port=address.port,
            use_ssl=address.tls == "ldaps",
            tls=VerifyingTls(context, address.host) if context else None,
            get_info=ldap3.NONE,
            connect_timeout=connect_timeout,
            allowed_referral_hosts=[],
        )
        return ldap3.Connection(
            server,
            user=login.dn or None,
            password=login.password or None,
            authentication=authentication,
            sasl_mechanism=mechanism,
            sasl_credentials=(None,) if login.method == "gssapi" else "",
            client_strategy=ldap3.SYNC,
            auto_bind=ldap3.AUTO_BIND_NONE,
            auto_referrals=False,
            auto_range=False,
            check_names=False,
            read_only=True,
            raise_exceptions=False,
            return_empty_attributes=False,
            auto_escape=False,
            auto_encode=False,
            fast_decoder=True,
            receive_timeout=receive_timeout,
        )


def _open(connection: Any, address: Address) -> None:
    with _translated(DirectoryUnreachable, f"{address.url}: no connection"):
        connection.open(read_server_info=False)
    if address.tls == "starttls":
        with _translated(DirectoryUnreachable, f"{address.url}: StartTLS failed and nothing was sent without it"):
            if not (connection.start_tls(read_server_info=False) and connection.tls_started):
                raise DirectoryUnreachable(f"{address.url}: StartTLS did not start and nothing was sent without it")


def _bind(connection: Any, login: Login, address: Address) -> None:
    if not login.method:
        return
    who = f'"{shortened(login.dn)}"' if login.dn else f"the process's own account (SASL {login.method})"
    perhaps = " (NTLM is known to Active Directory alone)" if login.method == "ntlm" else ""
    with _translated(DirectoryUnreachable, f"{address.url}: the bind of {who} failed{perhaps}"):
        connection.bind(read_server_info=False)
        code, message = int(connection.result["result"]), _said(connection.result)
    cause = why_refused(code, message, login.method, encrypted=bool(address.tls))
    said = f"{address.url} does not accept the bind of {who}: {code_text(code, message)}{f': {cause}' if cause else ''}"
    if code == INVALID_CREDENTIALS:
        raise Rejected(f"{said}; no other server was tried, because each try counts towards locking the account")
    if code or not connection.bound or connection.result["type"] != "bindResponse":
        raise DirectoryUnreachable(said)
    if login.method == "ntlm" and not _known_to_server(connection, address):
        raise DirectoryUnreachable(f"{address.url} does not offer NTLM: after the bind of {who} it knows nobody")


def _said(result: Any) -> str:
    """Return the server's text, which ldap3 calls otherwise where NTLM is spoken."""
    return str(result["message"] if "message" in result else result["error_message"])


def _known_to_server(connection: Any, address: Address) -> bool:
    """Ask who we are: ldap3 takes a server that does not offer NTLM for one that has let us in."""
    with _translated(DirectoryUnreachable, f"{address.url}: it does not say who we are"):
        return bool(_who_am_i(connection))


def _who_am_i(connection: Any) -> str | None:
    connection.extended(WHO_AM_I)
    result = connection.result
    return bytes(result["responseValue"] or b"").decode("utf-8", "replace") if not result["result"] else None


def _page(answer: Sequence[Any], result: Any) -> Page:
    entries: list[RawEntry] = []
    references: list[str] = list(result.get("referrals") or ())
    if result["type"] != "searchResDone":
        raise ReadIncomplete(f"the end of the answer is none, but a {result['type']}")
    for response in answer:
        if response["type"] == "searchResEntry":
            entries.append((response["raw_dn"], _raw_attributes(response["raw_attributes"])))
        elif response["type"] == "searchResRef":
            references.extend(map(str, response["uri"]))
        else:
            raise ReadIncomplete(f"in the answer is a {response['type']}, which nobody asked for")
    control = (result.get("controls") or {}).get(PAGED_RESULTS)
    return Page(
        entries=entries,
        code=int(result["result"]),
        message=str(result["message"]),
        cookie=bytes(control["value"]["cookie"]) if control else None,
        references=tuple(references),
    )


def _raw_attributes(attributes: Any) -> dict[str, list[bytes]]:
    if type(attributes) is dict:  # ours; ldap3's own is a dictionary that ignores case, with None for no values
        return attributes
    return {str(name): list(values or ()) for name, values in attributes.items()}


@contextmanager
def _translated(family: type[DirectoryError], what: str) -> Iterator[None]:
    """Turn whatever ldap3, ssl and the socket raise into one error of ours, chained."""
    try:
        yield
    except DirectoryError:
        raise
    # ldap3 answers malformed messages with KeyError, IndexError, struct.error and the like
    except Exception as error:
        raise family(f"{what}: {_cause(error)}") from error


def _cause(error: BaseException) -> str:
    """Return the text of the error, which ldap3 passes on from the socket or from ssl."""
    text = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in text:
        reason = text.partition("certificate verify failed:")[2].partition("(_ssl")[0]
        reason = reason.replace("\\", "").strip(" .") or text  # ldap3 quotes the text again at every level
        return f"its certificate is not trusted: {shortened(reason)}; tls.ca_file names the authorities to trust"
    if needed := about_missing_package(text) or about_ticket(text):
        return f"{needed} ({shortened(text)})"
    if "timed out" in text or "Resource temporarily unavailable" in text:
        return f"no answer within the timeout ({shortened(text)})"
    return shortened(text)
