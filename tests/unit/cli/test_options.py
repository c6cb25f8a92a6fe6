"""What is refused before a command begins."""

from __future__ import annotations

import pytest

from reconciler.cli.main import run


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["plan", "--out", ""], "--out"),
        (["plan", ""], "[POLICY]"),
        (["plan", "--snapshot", ""], "--snapshot"),
        (["plan", "--snapshot", "a", "--snapshot", ""], "--snapshot"),
        (["plan", "--target", ""], "--target"),
        (["plan", "--user", ""], "--user"),
        (["apply", "--user", "ann", "--user", ""], "--user"),
        (["apply", ""], "[PLAN]"),
        (["apply", "", "--auto-approve"], "[PLAN]"),
        (["apply", "--policy", ""], "--policy"),
        (["apply", "--target", ""], "--target"),
        (["apply", "--snapshot", ""], "--snapshot"),
        (["apply", "--resume", ""], "--resume"),
        (["apply", "--commit", ""], "--commit"),
        (["validate", ""], "[POLICY]"),
        (["test", ""], "[POLICY]"),
        (["show", ""], "PLAN"),
        (["snapshot", "--out", ""], "--out"),
        (["snapshot", "", "--out", "x"], "[POLICY]"),
    ],
)
def test_empty_text_is_refused_by_name(arguments: list[str], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A variable of the shell that is not set never means "all of it" or "the default"."""
    assert run(arguments) == 64
    said = capsys.readouterr()
    assert f"Invalid value for '{name}': it is empty" in said.err
    assert said.out == ""


def test_empty_day_is_no_day(capsys: pytest.CaptureFixture[str]) -> None:
    """It does not mean the real one."""
    assert run(["plan", "--today", ""]) == 64
    assert '"" is no day' in capsys.readouterr().err


def test_apply_takes_no_other_day_than_the_real_one(capsys: pytest.CaptureFixture[str]) -> None:
    """A grant that has ended is not revived by whoever applies."""
    assert run(["apply", "--today", "2026-01-01"]) == 64
    assert "No such option" in capsys.readouterr().err


@pytest.mark.parametrize("value", [None, ""])
def test_a_key_that_is_not_there_is_refused(
    value: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is signed with an empty key, and the variable is named."""
    monkeypatch.delenv("PLAN_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("PLAN_KEY", value)
    for arguments in (["plan", "--out", "x", "--plan-key", "PLAN_KEY"], ["apply", "x", "--plan-key", "PLAN_KEY"]):
        assert run(arguments) == 64
        assert "there is no environment variable PLAN_KEY, or it is empty" in capsys.readouterr().err
