"""What a session looks at before it connects to anything: addresses, certificates, secrets, proxies."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import TargetError
from reconciler.model.diagnostic import Position
from reconciler.policy.model import SecretRef
from reconciler.policy.secrets import Secret
from reconciler.targets.http import Login, Session, Site, login_of

HTTPS = "https://chat.example.com/api"


@pytest.mark.parametrize(
    ("url", "fact"),
    [
        ("chat.example.com", "must be https://HOST, with a path where the app has one."),
        ("ftp://chat.example.com", "must be https://HOST, with a path where the app has one."),
        ("https://", "must be https://HOST, with a path where the app has one."),
        ("https://h:0", "must be https://HOST, with a path where the app has one."),
        ("https://h:99999", "is no address: Port out of range 0-65535."),
        ("https://[::1", "is no address: Invalid IPv6 URL."),
        ("https://bob@h", "must be just https://HOST and a path: take out the user, ? and #."),
        ("https://h/?a=b", "must be just https://HOST and a path: take out the user, ? and #."),
        ("https://h/#a", "must be just https://HOST and a path: take out the user, ? and #."),
        ("http://h", "would send the credential in clear. Use https://, or say that it is wanted."),
        ("http://127.0.0.1.example.com", "would send the credential in clear. Use https://, or say that it is wanted."),
    ],
)
def test_an_address_that_no_credential_should_go_to_is_refused(url: str, fact: str) -> None:
    """With the target's name and the way out."""
    with pytest.raises(TargetError) as caught:
        Session(Site("chat", url))
    assert str(caught.value) == f"target chat: the url {fact}"


@pytest.mark.parametrize(
    "site",
    [
        Site("x", f"{HTTPS}/"),
        Site("x", "http://localhost"),
        Site("x", "http://[::1]:80"),
        Site("x", "http://h", plaintext=True),
    ],
)
def test_other_addresses_are_fine(site: Site) -> None:
    """In clear to this machine, or anywhere where that is said."""
    assert Session(site).url == site.url.rstrip("/")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_used_are_named(tmp_path: Path, content: str | None) -> None:
    """Nobody is trusted in their place."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TargetError, match=rf"target chat: the certificates in {path} cannot be used: "):
        Session(Site("chat", HTTPS, ca_file=str(path)))


def test_a_secret_that_no_header_can_carry_is_refused_unseen() -> None:
    """A line end in it would be another header."""
    for text in ("abc\r\nX: y", "gehe\u00edm"):
        with pytest.raises(TargetError, match="the secret holds characters") as caught:
            Session(Site("chat", HTTPS), Login("Authorization", Secret(text)))
        assert text not in str(caught.value)


def test_a_login_prints_no_secret() -> None:
    """Neither as text nor for people who debug."""
    login = Login("Authorization", Secret("t0p-secret"), "Bearer ")
    assert "t0p-secret" not in f"{login} {login!r}"


def test_a_login_is_what_its_reference_stands_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or an error of that target."""
    reference = SecretRef("env", "CHAT_TOKEN", Position("p.yaml", 3, 5))
    monkeypatch.setenv("CHAT_TOKEN", "t0p-secret")
    assert login_of("chat", reference, "Private-Token").secret.reveal() == "t0p-secret"
    monkeypatch.delenv("CHAT_TOKEN")
    with pytest.raises(
        TargetError, match=r'target chat cannot be logged in to: p\.yaml:3:5: .*"CHAT_TOKEN" is not set'
    ):
        login_of("chat", reference, "Private-Token")
    with pytest.raises(TargetError, match="target chat: a reference to a secret is missing"):
        login_of("chat", "abc", "Private-Token")


def test_a_proxy_that_is_none_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message holds no password of it."""
    monkeypatch.setenv("HTTPS_PROXY", "socks9://bob:t0p-secret@proxy")
    with pytest.raises(TargetError, match="the proxy that the environment names for https cannot be used") as caught:
        Session(Site("chat", HTTPS))
    assert "t0p-secret" not in str(caught.value)
    monkeypatch.setenv("NO_PROXY", "chat.example.com")
    Session(Site("chat", HTTPS))
