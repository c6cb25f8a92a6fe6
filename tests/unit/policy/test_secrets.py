"""Secrets are found when asked for, and given away by one method alone."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path

import pytest

from reconciler.errors import PolicyError
from reconciler.model.diagnostic import Position
from reconciler.policy.model import SecretRef
from reconciler.policy.secrets import MAX_SECRET, Secret, resolve

WHERE = Position("p.yaml", 3, 7)


def env(name: str = "RECONCILE_TEST_SECRET") -> SecretRef:
    return SecretRef("env", name, WHERE)


def file(path: Path) -> SecretRef:
    return SecretRef("file", str(path), WHERE)


def refused(ref: SecretRef) -> str:
    with pytest.raises(PolicyError) as caught:
        resolve(ref)
    assert caught.value.__suppress_context__  # what the system quoted is not shown either
    return str(caught.value)


def test_a_secret_shows_itself_only_when_asked() -> None:
    """Not in text, not in a format, not in a container, not in its fields."""
    secret = Secret("hunter2")
    assert secret.reveal() == "hunter2"
    shown = f"{secret} {secret!s} {secret!r} {secret:>20} {[secret]} {'%s' % secret} {dir(secret)}"  # noqa: UP031 - a way to print
    assert "hunter2" not in shown
    assert str(secret) == "•••"
    assert not hasattr(secret, "__dict__")


def test_a_secret_is_neither_written_nor_copied() -> None:
    """Pickles end up in caches."""
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not written anywhere"):
            leak(Secret("hunter2"))


def test_a_secret_cannot_be_guessed_by_comparing() -> None:
    """Equality and hash are those of the object."""
    assert Secret("x") != Secret("x")
    assert hash(Secret("x")) != hash("x")


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is, spaces included."""
    monkeypatch.setenv("RECONCILE_TEST_SECRET", " hunter2 ")
    assert resolve(env()).reveal() == " hunter2 "


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_unset_or_empty_is_an_error(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty password would bind as nobody."""
    monkeypatch.delenv("RECONCILE_TEST_SECRET", raising=False)
    if value is not None:
        monkeypatch.setenv("RECONCILE_TEST_SECRET", value)
    assert refused(env()) == (
        'p.yaml:3:7: error[SECRET-UNSET] The environment variable "RECONCILE_TEST_SECRET" is not set or empty. '
        "Set it where this program runs."
    )


@pytest.mark.parametrize("content", [b"hunter2", b"hunter2\n", b"hunter2\r\n", b"hunter2\nsecond line\n"])
def test_a_secret_comes_from_the_first_line_of_a_file(tmp_path: Path, content: bytes) -> None:
    """Without the end of the line."""
    (tmp_path / "secret").write_bytes(content)
    assert resolve(file(tmp_path / "secret")).reveal() == "hunter2"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "error[SECRET-UNSET] The first line of the file"),
        (b"\nhunter2", "error[SECRET-UNSET] The first line of the file"),
        (b"hunter2\xff", "error[SECRET-UNREADABLE] The secret in the file"),
        (b"h" * (MAX_SECRET + 1), "error[SECRET-UNREADABLE] The first line of the file"),
    ],
)
def test_a_file_without_a_usable_first_line_is_an_error(tmp_path: Path, content: bytes, said: str) -> None:
    """The message never holds what was read."""
    (tmp_path / "secret").write_bytes(content)
    message = refused(file(tmp_path / "secret"))
    assert message.startswith(f"p.yaml:3:7: {said}")
    assert "hunter2" not in message


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """Missing, a folder, a pipe, or no path at all."""
    os.mkfifo(tmp_path / "pipe")
    assert "cannot be read: No such file or directory." in refused(file(tmp_path / "missing"))
    assert "is not a regular file." in refused(file(tmp_path))
    assert "is not a regular file." in refused(file(tmp_path / "pipe"))
    assert "cannot be read: that is not a path." in refused(SecretRef("file", "a\0b", WHERE))
