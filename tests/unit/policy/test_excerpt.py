"""The line that a problem is about, without anything secret in it."""

from __future__ import annotations

import pytest

from reconciler.model.diagnostic import Position
from reconciler.policy.excerpt import HIDDEN, LONGEST, excerpt, has_credentials, looks_secret, masked


def shown(text: str, line: int, column: int = 1) -> str:
    return excerpt(text.splitlines(), Position("p.yaml", line, column))


def test_the_line_is_shown_without_its_indentation_and_with_a_mark() -> None:
    """The mark stands under the column."""
    assert shown("a:\n    access: x\n", 2, 13) == "access: x\n        ^"


def test_control_characters_are_escaped_and_the_mark_moves_with_them() -> None:
    """Nothing from a file reaches a terminal as it is."""
    assert shown("a: \x1b[31m b", 1, 10) == "a: \\x1b[31m b\n            ^"


def test_a_line_that_is_too_long_or_not_there_has_no_excerpt() -> None:
    """A line of megabytes helps nobody."""
    assert shown("x" * LONGEST, 1) != ""
    assert shown("x" * (LONGEST + 1), 1) == ""
    assert shown("x", 9) == ""


def test_an_empty_line_shows_the_mark_alone() -> None:
    """A syntax error at the end of a file stands on an empty line."""
    assert excerpt(["a:", ""], Position("p.yaml", 2)) == "\n^"


@pytest.mark.parametrize(
    "line",
    [
        "password: hunter2",
        "  password: hunter2  # comment",
        'bind: {dn: "cn=a", pasword: hunter2}',
        '{"password":"hunter2"}',
        "token:   'hunter2'",
        "client_secret: {hunter2}",
        "clientSecret: hunter2",
        "db_pwd: hunter2",
        "tokn: [hunter2]",
        "url: postgresql://u:hunter2@h/db",
        "url: postgresql://u@h/db?password=hunter2",
        "url: postgresql://u:hunt/er2 hunter2@h, password: x",
    ],
)
def test_what_may_be_a_secret_is_hidden(line: str) -> None:
    """By the key's name, misspelt or not, and inside addresses."""
    assert "hunter2" in line
    assert "hunter2" not in masked(line)
    assert "hunter2" not in shown(line, 1, len(line))
    assert HIDDEN in masked(line)


@pytest.mark.parametrize(
    "line",
    [
        "password: {env: LDAP_PASSWORD}",
        "password: {file: /run/secrets/x}",
        "cn: devs",
        "url: https://h:8443/x",
        "tokn:",
        "a",
    ],
)
def test_references_and_ordinary_lines_are_shown_as_they_are(line: str) -> None:
    """Names of variables and files are no secrets."""
    assert masked(line) == line


@pytest.mark.parametrize(
    "text",
    [
        "a:\n  password:\n    hunter2",
        "a:\n  password: |\n\n    hunter2",
        'a:\n  password: "x\n    hunter2',
        "a: {b: c, password:\n  hunter2}",
    ],
)
def test_a_line_that_goes_on_with_a_secret_is_hidden(text: str) -> None:
    """Block text, quotes over several lines, and a value on the next line."""
    lines = text.count("\n") + 1
    assert shown(text, lines) == f"{HIDDEN}\n^"


@pytest.mark.parametrize("text", ["a:\n  b: c", "a: {env: x}\n  b: c", "b: c", "\n\n  b: c", "token: {env: x}\n  b: c"])
def test_a_line_below_something_else_is_shown(text: str) -> None:
    """Only a secret's own lines are hidden."""
    assert shown(text, text.count("\n") + 1).startswith("b: c\n")


def test_only_names_that_are_or_resemble_secrets_look_like_them() -> None:
    """Endless names are compared with nothing."""
    assert all(map(looks_secret, ("password", "Passwort", "private-key", "api_key", "tokne", "secert", "pwd")))
    assert not any(map(looks_secret, ("username", "url", "ssh_keys", "access", "group", "x" * 100)))


def test_credentials_are_found_before_the_at_sign_and_in_parameters() -> None:
    """As SQLAlchemy and libpq read addresses."""
    assert has_credentials("postgresql://u:p@h")
    assert has_credentials("postgresql://:p/q@h")
    assert has_credentials("postgresql://h/d?sslpassword=x")
    assert not has_credentials("postgresql://u@h:5432/d?connect_timeout=3")
    assert not has_credentials("a:b@c")
