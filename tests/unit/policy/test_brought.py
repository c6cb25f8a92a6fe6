"""Kinds of target that installed packages bring: nameable, checked where all targets are alike, free where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from reconciler.model.diagnostic import Position
from reconciler.policy.brought import brought_kinds, installed_kinds, schema_with
from reconciler.policy.model import SecretRef, Tls
from reconciler.policy.schemas import policy_schema
from tests.unit.policy.policies import brief, load, refused

HEAD = "version: 1\ndirectories: {corp: {kind: ldif, file: people.ldif}}\ntargets:\n  app:\n    kind: paper\n"
GOOD = f"{HEAD}    directory: corp\n"
WANTS = (
    "must be a reference to a secret. Write {env: NAME} or {file: PATH}, one of them, and never the secret itself; "
    "change a secret that has been in a file like this one."
)


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a package that brings the kind `paper`, one that no policy can name, and one that is known already."""
    metadata = tmp_path / "site" / "paper_target-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: paper-target\nVersion: 1.0\n", encoding="utf-8")
    points = (
        "[reconciler.targets]\npaper = paper_target:create\na/b = paper_target:create\ngitlab = paper_target:create\n"
    )
    (metadata / "entry_points.txt").write_text(points, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    return tmp_path


def test_a_brought_kind_has_its_own_keys_as_they_are_written(paper: Path) -> None:
    """Lists and maps at any depth, references to secrets as such, the paths of all targets resolved."""
    text = (
        f"{GOOD}    url: https://x\n    size: 3\n    often: [a, [b]]\n    deep: {{user: u, pin: {{file: pin}}, list: []}}\n"
        "    token: {env: T}\n    tls: {ca_file: ca.pem}\n    roles: [low, high]\n"
    )
    app = load(paper / "policy", text).policy.targets["app"]
    path = str(paper / "policy" / "policy.yaml")
    assert (app.kind, app.roles) == ("paper", ("low", "high"))
    assert app.options == {
        "url": "https://x",
        "size": 3,
        "often": ("a", ("b",)),
        "deep": {
            "user": "u",
            "pin": SecretRef("file", str(paper / "policy" / "pin"), Position(path, 10, 21)),
            "list": (),
        },
        "token": SecretRef("env", "T", Position(path, 11, 5)),
        "tls": Tls(str(paper / "policy" / "ca.pem")),
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("token: abc", f'7:5 LITERAL-SECRET "token" {WANTS}'),
        ("token: {env: A, file: b}", f'7:5 SECRET-REFERENCE "token" {WANTS}'),
        ("api_key: abc", f'7:5 LITERAL-SECRET "api_key" {WANTS}'),
        ("deep: {password: 1234}", f'7:12 LITERAL-SECRET "password" {WANTS}'),
        ("deep: {token: {value: abc}}", f'7:12 LITERAL-SECRET "token" {WANTS}'),
        ("tokens: [abc]", f'7:14 LITERAL-SECRET "tokens" {WANTS}'),
        ("url: https://bob:abc@x", "7:10 LITERAL-SECRET "),
        ("users: {crate: true}", '7:13 UNKNOWN-KEY "crate" is not a key of user rules. Did you mean "create"?'),
        ("tls: {plaintext: true}", '7:11 UNKNOWN-KEY "plaintext" is not a key of TLS settings. Known: ca_file.'),
    ],
)
def test_what_all_targets_share_is_checked(paper: Path, line: str, said: str) -> None:
    """A secret is never a value, whatever its key, and a slip of the pen in a common key is found."""
    (problem,) = refused(paper / "policy", f"{GOOD}    {line}\n")
    assert f"{brief(problem)} {problem.summary}".startswith(said)
    assert "abc" not in f"{problem.summary}{problem.excerpt}"


def test_a_number_under_a_key_that_only_sounds_secret_is_a_number(paper: Path) -> None:
    """How long a token lives is no secret."""
    assert load(paper / "policy", f"{GOOD}    token_lifetime: 60\n").policy.targets["app"].options == {
        "token_lifetime": 60
    }


def test_a_brought_kind_needs_a_directory(paper: Path) -> None:
    """As every target does."""
    (problem,) = refused(paper / "policy", f"{HEAD}    url: x\n")
    assert f"{brief(problem)} {problem.summary}" == '4:3 MISSING-KEY "app" lacks the key "directory".'


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("papre", 'Did you mean "paper"?'),
        ("gitlba", 'Did you mean "gitlab"?'),
        ("wiki", "For a kind of your own, install the package that brings it."),
        ("''", ""),
    ],
)
def test_a_kind_that_nobody_brings_is_an_error_with_the_nearest(paper: Path, kind: str, hint: str) -> None:
    """Installed kinds are among those to choose from."""
    (problem,) = refused(paper / "policy", GOOD.replace("kind: paper", f"kind: {kind}"))
    known = "sql, gitlab, bitwarden, defguard, dcos, baton, ldap, paper"
    written = kind.strip("'")
    assert problem.summary == f'"kind" must be one of {known}; it is "{written}". {hint}'.rstrip()


def test_only_kinds_that_a_policy_can_name_are_brought(paper: Path) -> None:
    """Those that the language knows need nothing of it, whoever brings the adapter."""
    assert {"a/b", "gitlab", "paper", "sql"} <= set(installed_kinds())
    assert "paper" in brought_kinds()
    assert not {"a/b", "gitlab", "sql"} & set(brought_kinds())


def test_the_schema_with_more_kinds_is_a_schema() -> None:
    """And without any it is the one that is shipped."""
    Draft202012Validator.check_schema(schema_with(("paper",)))
    assert schema_with(()) == policy_schema()
