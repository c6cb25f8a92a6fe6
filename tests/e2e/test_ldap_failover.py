"""A server that is dead, deaf or not who it says it is: the next one is used, and the password has gone to none but that."""

from __future__ import annotations

import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reconciler.directory.read import read_directory
from reconciler.directory.servers import addresses, login
from reconciler.errors import DirectoryError, DirectoryUnreachable
from reconciler.policy.model import Bind, DirectoryConfig, Tls
from tests.e2e.team import edit, team
from tests.examples import reconcile
from tests.fakes.ldap_responder import Directory, responder
from tests.servers.directories import NEEDS, READ_AT, ldap_config, secret
from tests.servers.slapd import PASSWORD, Slapd, certificates, free_port

HIDDEN = "correct-horse-battery"
LONG, SHORT = 30, 3  # seconds: enough for a busy machine, and enough to wait for a server that will not answer


@contextmanager
def _listener(context: ssl.SSLContext | None = None) -> Iterator[tuple[str, bytearray]]:
    """Accept every connection and never answer; gives the address and what was received, decrypted."""
    received = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_listen, args=(server, context, received), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", received
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _listen(server: socket.socket, context: ssl.SSLContext | None, received: bytearray) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with suppress(OSError), connection:
            connection.settimeout(10)
            speaking = context.wrap_socket(connection, server_side=True) if context else connection
            with speaking:
                while data := speaking.recv(4096):
                    received += data


def _of_another_authority() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates() / "other-ca.pem", certificates() / "other-ca.key")
    return context


@contextmanager
def _dead() -> Iterator[tuple[str, bytearray]]:
    yield f"127.0.0.1:{free_port()}", bytearray()


def _untrusted() -> AbstractContextManager[tuple[str, bytearray]]:
    return _listener(_of_another_authority())


@contextmanager
def _plain() -> Iterator[tuple[str, bytearray]]:
    """Serve LDAP in clear, where TLS is expected."""
    fake = Directory({}, bind_code=0)
    with responder(fake) as url:
        yield urlsplit(url).netloc, bytearray()
    assert fake.passwords() == 0


BROKEN: dict[str, tuple[Callable[[], AbstractContextManager[tuple[str, bytearray]]], str]] = {
    "dead": (_dead, "Connection refused"),
    "deaf": (_listener, "no answer within the timeout"),
    "of another authority": (_untrusted, "its certificate is not trusted"),
    "in clear": (_plain, "no connection"),
}


def _config(
    *servers: str, folder: Path, ca_file: str = "", start_tls: bool = False, patience: int = LONG
) -> DirectoryConfig:
    bind = Bind("cn=reader,dc=example,dc=com", secret(PASSWORD, folder))
    ca_file = ca_file or str(certificates() / "ca.pem")
    tls = Tls(ca_file=ca_file, start_tls=start_tls)
    return ldap_config(*servers, bind=bind, tls=tls, connect_timeout=patience, receive_timeout=patience)


def _patience(name: str) -> int:
    return SHORT if name == "deaf" else LONG


@pytest.mark.slapd
@pytest.mark.parametrize("name", BROKEN)
def test_the_next_server_is_used_where_the_first_is_no_good(slapd: Slapd, tmp_path: Path, name: str) -> None:
    """Within the timeouts, where there is nothing to hear, and nothing that we know has been told to it."""
    broken, _ = BROKEN[name]
    with broken() as (address, received):
        began = time.monotonic()
        config = _config(f"ldaps://{address}", slapd.ldaps_url, folder=tmp_path, patience=_patience(name))
        assert len(read_directory(config, NEEDS, READ_AT).people) == 6
        assert time.monotonic() - began < LONG
        assert PASSWORD.encode() not in received


@pytest.mark.slapd
@pytest.mark.parametrize("name", BROKEN)
def test_all_of_them_are_named_where_none_is_good(tmp_path: Path, name: str) -> None:
    """Each with its own reason, and in the order of the policy."""
    broken, reason = BROKEN[name]
    with broken() as (address, _), _dead() as (other, _):
        urls = (f"ldaps://{address}", f"ldaps://{other}")
        config = _config(*urls, folder=tmp_path, patience=_patience(name))
        with pytest.raises(DirectoryUnreachable) as caught:
            read_directory(config, NEEDS, READ_AT)
    message = str(caught.value)
    assert message.index(f"ldaps://{address}: ") < message.index(f"ldaps://{other}: ")
    assert reason in message
    assert PASSWORD not in message


@pytest.mark.slapd
def test_a_deaf_server_is_left_in_the_middle_of_starttls_too(slapd: Slapd, tmp_path: Path) -> None:
    """It accepts, and says nothing to the question."""
    with _listener() as (address, received):
        config = _config(f"ldap://{address}", slapd.url, folder=tmp_path, start_tls=True, patience=SHORT)
        assert len(read_directory(config, NEEDS, READ_AT).people) == 6
        assert received
        assert PASSWORD.encode() not in received


@pytest.mark.slapd
@pytest.mark.parametrize("code", [0, 1, 2, 52, 53])
def test_a_server_that_refuses_starttls_is_passed_over(slapd: Slapd, tmp_path: Path, code: int) -> None:
    """Somebody on the way may answer in its name: the next server is encrypted, or nobody gets the password."""
    fake = Directory({}, starttls_code=code)
    with responder(fake) as url:
        config = _config(url, slapd.url, folder=tmp_path, start_tls=True)
        assert len(read_directory(config, NEEDS, READ_AT).people) == 6
    assert fake.passwords() == 0


def test_a_deaf_server_that_is_read_without_a_bind_is_left_for_the_next(slapd: Slapd) -> None:
    """What it is is the first question to it; where nobody answers that, there is no read."""
    with _listener() as (address, _):
        deaf = f"ldap://{address}"
        assert len(read_directory(ldap_config(deaf, slapd.url, receive_timeout=SHORT), NEEDS, READ_AT).people) == 6
        with pytest.raises(DirectoryError, match=r"no server let us in: the root DSE: .*no answer within the timeout"):
            read_directory(ldap_config(deaf, receive_timeout=SHORT), NEEDS, READ_AT)


@pytest.mark.parametrize(
    ("code", "message"), [(49, "80090308: LdapErr: data 52e"), (8, "00002028: LdapErr"), (53, "no"), (0, "")]
)
def test_a_password_is_in_nothing_that_is_said_or_shown(tmp_path: Path, code: int, message: str) -> None:
    """Neither in the message, nor in what its causes carry, nor in the values that a debugger prints."""
    fake = Directory({}, bind_code=code, bind_message=message)
    with responder(fake) as url:
        bind = Bind("cn=reader", secret(HIDDEN, tmp_path))
        config = ldap_config(url, bind=bind, tls=Tls(allow_plaintext=True), base="dc=nowhere")
        with pytest.raises(DirectoryError) as caught:
            read_directory(config, NEEDS, READ_AT)
    assert fake.passwords() == 1
    error: BaseException | None = caught.value
    while error is not None:
        assert HIDDEN not in f"{error!r} {vars(error)!r} {error.__notes__ if hasattr(error, '__notes__') else ''}"
        error = error.__cause__ or error.__context__
    assert HIDDEN not in "".join(traceback.format_exception(caught.value))
    assert HIDDEN not in repr((config, bind, login(config, addresses(config))))


@pytest.mark.parametrize("code", [49, 8, 0])
@pytest.mark.parametrize("log", [(), ("--log-format", "json")])
def test_a_password_is_in_nothing_that_the_command_line_prints(tmp_path: Path, code: int, log: tuple[str, ...]) -> None:
    """Not even with --debug, which shows where an error came from."""
    work = team(tmp_path)
    (work / "policies" / "password").write_text(HIDDEN)
    fake = Directory({}, bind_code=code, bind_message="no")
    with responder(fake) as url:
        lines = f"kind: ldap\n    servers: [{url}]\n    tls: {{plaintext: true}}\n    bind: {{dn: cn=r, password: {{file: password}}}}"
        edit(work, "policy.yaml", "kind: ldif\n    file: directory.ldif", lines)
        done = reconcile("--debug", *log, "plan", "--out", "plan.json", cwd=work, code=4)
    assert fake.passwords() == 1
    assert "Traceback" in done.stderr
    assert done.stdout == ""
    assert HIDDEN not in done.stderr
    assert not (work / "plan.json").exists()
