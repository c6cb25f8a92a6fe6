"""What `reconcile init` does not accept."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cli.main import run


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--server", "ldaps://a", "--ldif", "b"], "two directories"),
        (["--server", "dc1.example.com"], "expected ldaps://host"),
        (["--bind-dn", "cn=a"], "give --server URL, too"),
        (["--base", "dc=x"], "--base says something of a server"),
        (["--ldif", "a", "--base", "example.com"], '--base: "example.com" is no DN'),
        (["--server", "ldaps://a", "--password-env", "A"], "give --bind-dn DN"),
        (["--server", "ldaps://a", "--bind-dn", "cn=a"], "The environment variable LDAP_PASSWORD is not set"),
        (["--server", "ldaps://a", "--bind-dn", "cn=a", "--password-env", "hunter-2"], "never the password itself"),
        (["--server", "ldaps://a", "--password-env", "A", "--password-file", "b"], "two passwords"),
        (["--gitlab-url", "https://a"], "needs --target gitlab"),
        (["--target", "gitlab", "--gitlab-url", "a"], "https:// address"),
        (["--target", "gitlab", "--gitlab-url", "https://u:pw@host/"], "a name or a password before the @"),
        (["--target", "gitlab", "--gitlab-url", "https://"], "https:// address of a host"),
        (["--server", "ldaps://u:pw@host"], "a name or a password before the @"),
        (["--action", "a/b@v1"], "a tag can be moved"),
        (["--action", f"a/b@{'0' * 40}", "--ci", "gitlab"], "for GitHub"),
        (["--package", "a", "--ci", "none"], "writes none"),
        (["--package", "--index-url=http://a"], "one thing that pip installs"),
        (["--package", "${{ github.head_ref }}"], "one thing that pip installs"),
        (["--base", ""], "it is empty"),
        (["file"], "is no folder"),
    ],
)
def test_options_that_cannot_be_are_refused(
    options: list[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 64 before anything is asked or read, with nothing written."""
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RECONCILE_POLICY", raising=False)
    monkeypatch.delenv("LDAP_PASSWORD", raising=False)
    assert run(["init", *options]) == 64
    assert reason in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
