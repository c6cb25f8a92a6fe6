"""What the action does after a merge and on a schedule: apply exactly the plan that was approved, and one issue for drift."""

from __future__ import annotations

import os
from pathlib import Path

from tests.e2e.action import FOLDER, TOKEN, Ran, bash, on_main, repository, sourced
from tests.e2e.pull_request import git
from tests.e2e.team import edit
from tests.examples import reconcile
from tests.fakes.forge_server import Asked, Told, serving
from tests.fakes.github import BOT, REPOSITORY, GitHub, Token


def test_exactly_the_approved_plan_is_applied_and_then_nothing_is_left(tmp_path: Path) -> None:
    """Another file and another commit are refused before anything is read; the plan after it is empty."""
    work = repository(tmp_path)
    runner = on_main(work, tmp_path / "temp")
    key = "long-enough-key-of-the-pipeline"
    made = runner.run("plan", comment="false", plan_key=key)
    digest = made.outputs["plan_digest"]

    def apply(digest: str, code: int, commit: str = "") -> Ran:
        plan = made.outputs["plan_path"]
        return runner.run("apply", code=code, plan=plan, plan_key=key, plan_digest=digest, commit=commit)

    assert "not the one that was approved" in apply("0" * 64, 8).log
    assert "plan-digest is the output" in apply("", 64).log
    assert "was asked for (--commit)" in apply(digest, 8, commit="0" * 40).log
    assert not (work / "policies/roster.db").exists()

    ran = apply(digest, 0)
    assert ran.outputs["exit_code"] == "0"
    assert " | Applied: 7 added, 0 changed, 0 removed." in ran.page
    assert runner.run("plan", comment="false").outputs["has_changes"] == "false"


class Merged(GitHub):
    """A GitHub that knows what its commits were merged from."""

    def __init__(self, commit: str) -> None:
        """`commit` was merged from pull request 7, and is part of 8, which is open."""
        super().__init__()
        self.commit = commit
        self.pull(7)

    def handle(self, asked: Asked) -> Told:
        """Answer about commits, too."""
        if asked.path == f"/repos/{REPOSITORY}/commits/{self.commit}/pulls":
            return Told(200, [{"number": 8, "merge_commit_sha": None}, {"number": 7, "merge_commit_sha": self.commit}])
        return super().handle(asked)


def test_the_page_says_whether_the_pull_request_showed_the_same_changes(tmp_path: Path) -> None:
    """By the end of our own last comment there; a comment of somebody else does not count, nor does a broken answer."""
    work = repository(tmp_path)
    hub = Merged(git(work, "rev-parse", "HEAD"))
    with serving(hub) as running:
        runner = on_main(work, tmp_path / "temp", running.url)
        ran = runner.run("plan", comment="false")
        assert ran.page.endswith("\nPull request #7 shows no plan to compare with.\n")
        now = ran.outputs["fingerprint"]

        def said(**env: str) -> str:
            script = f'GITHUB_TOKEN={TOKEN} python3 -I "$GITHUB_ACTION_PATH/reviewed.py" plan {now}'
            return bash(script, work, runner.env | env).stdout.strip()

        body = "<!-- reconcile:plan -->\n### Plan\n\nFingerprint of the changes: <code>{}</code>\n"
        hub.remark(7, body.format(now), "mallory")
        assert said() == "Pull request #7 shows no plan to compare with."
        mine = hub.remark(7, body.format(now), BOT)
        assert said() == "These are exactly the changes that pull request #7 showed before it was merged."
        mine.body = body.format("0" * 12)
        assert said().startswith("**Pull request #7 showed other changes** (fingerprint <code>000000000000</code>).")
        assert "GitHub answered 404" in said(GITHUB_SHA="0" * 40)
        hub.tokens[TOKEN] = Token(pull_requests="")
        assert "GitHub answered 403. The job needs `pull-requests: read`." in said()
    assert said() == "Not compared with a pull request: URLError."


def test_one_issue_is_open_as_long_as_there_is_drift(tmp_path: Path) -> None:
    """It is opened with labels, updated, and closed with the page of the run that found nothing; drift itself is no failure."""
    hub, work = GitHub(), repository(tmp_path)
    with serving(hub) as running:
        runner = on_main(work, tmp_path / "temp", running.url, "schedule")
        ran = runner.run("drift", issue_labels="access\nneeds a look\n")
        assert (ran.outputs["exit_code"], ran.outputs["has_changes"]) == ("2", "true")
        (issue,) = hub.threads.values()
        assert (issue.title, issue.labels) == ("Access is not as the policy says", ["access", "needs a look"])
        assert "7 to add" in str(issue.body)

        edit(work, "policy.yaml", "{cn: leads, access: owner}", "{cn: leads, access: viewer}")
        edit(work, "policy.yaml", "has: {team/app: owner}", "has: {team/app: viewer}")
        runner.run("drift")
        assert "owner" not in str(issue.body)

        reconcile("apply", "--auto-approve", cwd=work)
        assert runner.run("drift").outputs["exit_code"] == "0"
        assert (len(hub.threads), issue.state) == (1, "closed")
        assert "No changes." in hub.bodies(issue.number)[0]


def test_drift_that_cannot_be_looked_for_fails_and_stays_in_the_issue(tmp_path: Path) -> None:
    """A directory that is gone is no drift and no absence of it."""
    hub, work = GitHub(), repository(tmp_path)
    (work / "policies/directory.ldif").write_text("not LDIF")
    with serving(hub) as running:
        runner = on_main(work, tmp_path / "temp", running.url, "schedule")
        ran = runner.run("drift", code=4)
    (issue,) = hub.threads.values()
    assert "No plan could be made (exit code 4)" in str(issue.body)
    assert "plan_path" not in ran.outputs


def test_credentials_are_hidden_from_the_log_and_reach_the_program(tmp_path: Path) -> None:
    """Lines NAME=value; a carriage return of an editor is no part of one, a percent sign is. The token that comments does not."""
    said = sourced(
        'credentials; printf "[%s] [%s] [%s]\\n" "$LDAP_PASSWORD" "$TOKEN" "${IN_CREDENTIALS-gone}"',
        tmp_path,
        IN_CREDENTIALS="# of the reader\r\nLDAP_PASSWORD=a=b c%\r\n\nTOKEN=x",
        GITHUB_ACTIONS="true",
    )
    assert sourced('printf "[%s]" "${IN_TOKEN-gone}"', tmp_path, IN_TOKEN="x").stdout == "[gone]"
    assert said.stdout == "::add-mask::a=b c%25\n::add-mask::x\n[a=b c%] [x] [gone]\n"


def test_credentials_that_are_none_are_refused_by_their_line_alone(tmp_path: Path) -> None:
    """No word of them is printed, and none can take the place of what the runner, bash or Python go by."""
    for line in (
        "secret",
        "lower=secret",
        "A B=secret",
        "EMPTY=",
        "PATH=secret",
        "LD_PRELOAD=secret",
        "PYTHONPATH=secret",
    ):
        done = sourced("credentials", tmp_path, IN_CREDENTIALS=f"FINE=1\n{line}")
        assert done.returncode == 64
        assert done.stdout.startswith("::error title=reconcile::Line 2 of the credentials ")
        assert "secret" not in done.stdout + done.stderr


def test_what_is_printed_or_written_cannot_break_out(tmp_path: Path) -> None:
    """No command of the runner in a log, no line of its own among the outputs, no end of a fence in Markdown."""
    (tmp_path / "said").write_text("::add-path::/evil\n```\n<b>\x1b[2J\n")
    shown = sourced("shown said", tmp_path).stdout.splitlines()
    token = shown[0].removeprefix("::stop-commands::")
    assert len(token) == 32
    assert (shown[1], shown[-1]) == ("::add-path::/evil", f"::{token}::")
    assert sourced("fenced said", tmp_path).stdout == "```text\n | ::add-path::/evil\n | ```\n | <b>[2J\n\n```\n"
    for value in ("a\nrefused=false", "a\rb"):
        assert sourced('output name "$VALUE"', tmp_path, VALUE=value).returncode == 1
    assert (tmp_path / "output").read_text() == ""


def test_only_what_is_known_to_be_ours_is_installed(tmp_path: Path) -> None:
    """A number needs an index of one's own, nothing else is a version, and what is installed already has to be there."""

    def install(**env: str) -> tuple[int, str]:
        done = bash('bash "$GITHUB_ACTION_PATH/install.sh"', tmp_path, {"RUNNER_TEMP": str(tmp_path / "temp"), **env})
        return done.returncode, done.stdout

    assert install(IN_VERSION="1.2.0")[0] == 64
    assert install(IN_VERSION="1.2.0", IN_INDEX_URL="http://pypi.example.com/simple")[0] == 64
    assert install(IN_VERSION="main; id", IN_INDEX_URL="https://pypi.example.com/simple")[0] == 64
    code, said = install(IN_VERSION="installed")
    assert (code, said.startswith("reconcile")) == (0, True)
    assert install(IN_VERSION="installed", PATH="/usr/bin:/bin")[0] == 64


def test_no_other_command_is_run(tmp_path: Path) -> None:
    """The word comes from a workflow; it is compared, and never a file's name."""
    work = repository(tmp_path)
    for word in ("", "install", "../../../etc/passwd", "plan.sh", "plan; id"):
        assert "command is one of" in on_main(work, tmp_path / "temp").run(word, code=64).log


def test_the_fingerprint_names_the_changes_and_not_their_reasons(tmp_path: Path) -> None:
    """A line moved in the policy is the same plan for whoever compares two by eye; another role is not."""
    work = repository(tmp_path)

    def fingerprint() -> str:
        reconcile("plan", "--out", "plan.json", cwd=work)
        done = bash('python3 -I "$GITHUB_ACTION_PATH/facts.py" plan.json', work, {})
        return dict(line.split("=") for line in done.stdout.splitlines())["fingerprint"]

    first = fingerprint()
    edit(work, "policy.yaml", "group_links:", "# moved\ngroup_links:")
    assert fingerprint() == first
    edit(work, "policy.yaml", "{cn: leads, access: owner}", "{cn: leads, access: viewer}")
    assert fingerprint() != first
    (work / "plan.json").write_text('{"summary": {}}')
    assert bash('python3 -I "$GITHUB_ACTION_PATH/facts.py" plan.json', work, {}).returncode == 64


def test_every_script_says_its_purpose_first_and_only_the_common_one_is_sourced() -> None:
    """Their modes say program; the second line tells what it is for."""
    for script in FOLDER.glob("*.sh"):
        lines = script.read_text(encoding="utf-8").splitlines()
        assert os.access(script, os.X_OK) == (script.name != "common.sh")
        if script.name == "common.sh":
            assert lines[0].startswith("# Sourced by the scripts")
        else:
            assert lines[0] == "#!/usr/bin/env bash"
            assert lines[1].startswith("# ")
