"""What is told of a socket that is not encrypted."""

from __future__ import annotations

from reconciler.directory.encryption import encryption_of


def test_what_is_no_tls_socket_is_plain() -> None:
    """Real certificates are looked at by tests/e2e/test_doctor.py."""
    assert encryption_of(object()) is None
