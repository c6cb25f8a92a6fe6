"""The command line called wrongly, or with a policy that is wrong: one clear message, the right exit code, no traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler import __version__
from reconciler.cli.main import COMMANDS
from tests.examples import reconcile

POLICY = """\
version: 1
directories:
  corp: {kind: ldif, file: directory.ldif, base: "dc=example,dc=com"}
targets:
  roster: {kind: sql, url: "sqlite:///roster.db", directory: corp}
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "policy.yaml").write_text(POLICY)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["plam"], 'There is no command "plam". Did you mean "plan"?'),
        (["xyz"], 'There is no command "xyz".\nSee `reconcile --help`.'),
        (["plan", "--outt", "x"], "No such option"),
        (["plan", "a", "b"], "unexpected extra argument"),
        (["plan", "--summary", "--verbose"], "--summary makes a plan shorter and --verbose longer: give one of them."),
        (["show", "--verbose", "--summary", "plan.json"], "give one of them."),
        (["plan", "--format", "xml"], "'xml' is not one of 'text', 'json', 'markdown', 'html', 'gitlab'"),
        (["plan", "--today", "tomorrow"], '"tomorrow" is no day'),
        (["plan", "--target", "rooster"], 'no target "rooster". Did you mean "roster"?'),
        (["plan", "--target", "xyz\x1b[2J"], r'no target "xyz\x1b[2J". Its targets: roster.'),
        (["show"], "Missing argument 'PLAN'"),
        (["show", "missing.json"], "missing.json cannot be read: No such file"),
        (["show", "policies"], "policies cannot be read: Is a directory"),
        (["apply", "plan.json", "--target", "roster"], "A saved plan says what it concerns"),
        (["apply", "plan.json", "--user", "alice"], "A saved plan says what it concerns"),
        (["apply", "policies", "--policy", "others"], "policies is a folder, not a plan, and --policy names another."),
        (["snapshot"], "Missing option '--out'"),
        (["schema", "roster"], "'roster' is not one of"),
        ([], "Usage: reconcile"),
    ],
)
def test_wrong_call_is_usage_and_says_what_would_be_right(work: Path, arguments: list[str], fact: str) -> None:
    """Exit 64, on stderr, without a traceback; click's own 2 would read as "changes are present"."""
    done = reconcile(*arguments, cwd=work, code=64)
    assert fact in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("value", ["", "x"])
def test_out_that_cannot_be_written_is_usage(work: Path, value: str) -> None:
    """The folder is named; the plan is not thrown away silently."""
    (work / "policies" / "directory.ldif").write_text("dn: dc=example,dc=com\nobjectClass: domain\ndc: example\n")
    done = reconcile("plan", "--out", f"no/such/folder{value}/plan.json", cwd=work, code=64)
    assert "cannot be written: No such file or directory" in done.stderr


def test_policy_folder_that_is_missing_or_empty_is_one_clear_error(tmp_path: Path) -> None:
    """Every command that reads a policy says which folder it looked for."""
    (tmp_path / "empty").mkdir()
    for command in (["validate"], ["plan"], ["test"], ["snapshot", "--out", "x"]):
        for folder in ("missing", "empty"):
            done = reconcile(*command, folder, cwd=tmp_path, code=3)
            said = done.stdout + done.stderr
            assert folder in said
            assert "Traceback" not in said
    assert "policies" in reconcile("plan", cwd=tmp_path, code=3).stderr


def test_policy_variable_names_the_folder(work: Path) -> None:
    """An argument wins over it."""
    (work / "policies").rename(work / "rules")
    assert "rules: the policy is valid" in reconcile("validate", cwd=work, env={"RECONCILE_POLICY": "rules"}).stdout
    assert (
        "rules: the policy is valid" in reconcile("validate", "rules", cwd=work, env={"RECONCILE_POLICY": "no"}).stdout
    )


def test_valid_policy_is_counted(work: Path) -> None:
    """A glance tells whether the files that one meant were read."""
    assert reconcile("validate", cwd=work).stdout.splitlines()[-1] == (
        "policies: the policy is valid: 1 file, 1 directory, 1 target, 0 groups, 0 links, 0 grants, 0 imports, "
        "0 expectations. With 1 warning."
    )
    found = json.loads(reconcile("validate", "--format", "json", cwd=work).stdout)["problems"]
    assert [one["code"] for one in found] == ["TARGET-WITHOUT-RULE"]


def test_every_problem_of_a_policy_is_shown_with_its_line(work: Path) -> None:
    """The result of validate is on stdout, for a plan the same is a message on stderr."""
    path = work / "policies" / "policy.yaml"
    path.write_text(POLICY.replace("kind: sql,", "kind: sql, usres: {},") + "guard: {}\n")
    done = reconcile("validate", cwd=work, code=3)
    assert "policies/policy.yaml:5:23: error[" in done.stdout
    assert 'Did you mean "users"?' in done.stdout
    assert "policies/policy.yaml:6:1: error[" in done.stdout
    assert "\n    guard: {}\n    ^\n" in done.stdout
    assert done.stdout.endswith("The policy is not valid: 2 errors.\n")
    planned = reconcile("plan", cwd=work, code=3)
    assert planned.stdout == ""
    assert "policies/policy.yaml:5:23: error[" in planned.stderr
    found = json.loads(reconcile("validate", "--format", "json", cwd=work, code=3).stdout)["problems"]
    assert [(problem["path"], problem["line"], problem["column"]) for problem in found] == [
        ("policies/policy.yaml", 5, 23),
        ("policies/policy.yaml", 6, 1),
    ]


def test_ten_thousand_problems_do_not_flood_the_terminal(work: Path) -> None:
    """Fifty are shown, the rest is counted."""
    links = "".join(f"    group{number}: [{{access: member}}]\n" for number in range(10_000))
    (work / "policies" / "links.yaml").write_text(f"version: 1\ngroup_links:\n  roster:\n{links}")
    done = reconcile("validate", cwd=work, code=3)
    assert done.stdout.count("error[") == 50
    assert "… and 9,950 more\n" in done.stdout
    assert done.stdout.endswith("The policy is not valid: 10,000 errors.\n")


def test_messages_can_be_json(work: Path) -> None:
    """One object a line, before or after the command's name."""
    for arguments in (["--log-format", "json", "plan"], ["plan", "--log-format", "json"]):
        done = reconcile(*arguments, "--target", "x", cwd=work, code=64)
        assert json.loads(done.stderr)["level"] == "error"
        assert json.loads(done.stderr)["time"] == "2026-11-20T12:00:00Z"


def test_unusable_clock_is_usage(work: Path) -> None:
    """RECONCILE_NOW is obeyed or refused, never ignored."""
    assert "RECONCILE_NOW" in reconcile("plan", cwd=work, env={"RECONCILE_NOW": "x"}, code=64).stderr


def test_debug_shows_where_an_error_came_from(work: Path) -> None:
    """And nothing else does."""
    assert "Traceback" in reconcile("plan", "--debug", "--target", "x", cwd=work, code=64).stderr
    assert "Traceback" in reconcile("--debug", "plan", "--target", "x", cwd=work, code=64).stderr
    assert "Traceback" not in reconcile("plan", "--target", "x", cwd=work, code=64).stderr


def test_help_lists_every_command_and_every_exit_code(tmp_path: Path) -> None:
    """Its list of commands says what each command's own help says first."""
    text = reconcile("--help", cwd=tmp_path).stdout
    assert all(f"  {code:<3} " in text for code in (*range(11), 64, 130))
    listed = text.partition("Commands:\n")[2].partition("\n\n")[0].split("\n")
    assert len(listed) == len(COMMANDS)
    for line in listed:
        name, words = line.split(maxsplit=1)
        assert words.rstrip(".").split(":")[0].split(",")[0] in reconcile(name, "--help", cwd=tmp_path).stdout


def test_version_is_one_line(tmp_path: Path) -> None:
    """The program's name and its version."""
    assert reconcile("--version", cwd=tmp_path).stdout == f"reconcile {__version__}\n"


@pytest.mark.parametrize("name", ["policy", "plan", "snapshot", "report"])
def test_schema_is_printed_as_json(tmp_path: Path, name: str) -> None:
    """Editors and other programs can fetch it from the program they use."""
    assert json.loads(reconcile("schema", name, cwd=tmp_path).stdout)["$schema"].endswith("/2020-12/schema")


def test_shell_completion_knows_commands_and_options(tmp_path: Path) -> None:
    """As click offers it."""

    def complete(words: str, place: int) -> list[str]:
        env = {"_RECONCILE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(place)}
        return reconcile(cwd=tmp_path, env=env).stdout.split()

    assert complete("reconcile s", 1) == ["plain,show", "plain,snapshot", "plain,schema"]
    assert complete("reconcile plan --det", 2) == ["plain,--detailed-exitcode"]
    script = reconcile(cwd=tmp_path, env={"_RECONCILE_COMPLETE": "bash_source"}).stdout
    assert "_reconcile_completion" in script
