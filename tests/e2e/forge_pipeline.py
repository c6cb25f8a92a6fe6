"""A pipeline of a forge, as the command sees it: its environment, its event and a text to write."""

from __future__ import annotations

import json
import os
import re
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import BytesIO, TextIOWrapper
from pathlib import Path
from unittest.mock import patch

from reconciler.cli.main import run
from tests.examples import environment
from tests.fakes.forge_server import Running
from tests.fakes.github import REPOSITORY
from tests.fakes.gitlab_notes import BASE, PROJECT

MARKER = "<!-- reconcile:plan -->"
TEXT = f"{MARKER}\n\n### Plan: 1 to add.\n"
TOKENS = ("ghs-workflow", "glpat-bot", "ghp-person", "job-token")
NOTHING = dict.fromkeys(
    (
        *("GITHUB_ACTIONS", "GITHUB_API_URL", "GITHUB_EVENT_PATH", "GITHUB_REPOSITORY", "GITHUB_TOKEN", "GH_TOKEN"),
        *("GITLAB_CI", "CI_API_V4_URL", "CI_PROJECT_ID", "CI_PROJECT_URL", "CI_JOB_TOKEN", "CI_SERVER_TLS_CA_FILE"),
        *("CI_MERGE_REQUEST_IID", "CI_MERGE_REQUEST_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_URL"),
    ),
    "",
)
"""What a pipeline that runs these tests may have set."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command said."""

    stdout: str
    stderr: str


@dataclass
class Pipeline:
    """One run; `env` is what the forge puts there. What the command says holds no token, ever."""

    running: Running
    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def comment(self, *arguments: str, text: str | None = TEXT, code: int = 0) -> Ended:
        """Write this text, from a file named plan.md: the whole command line, in this process, where it starts at once."""
        if text is not None:
            (self.folder / "plan.md").write_text(text, encoding="utf-8")
        named = arguments if text is None else ("plan.md", *arguments)
        out, err = (TextIOWrapper(BytesIO(), "utf-8", write_through=True) for _ in range(2))
        env = {**environment(**NOTHING), **self.env}
        with patch.dict(os.environ, env), chdir(self.folder), redirect_stdout(out), redirect_stderr(err):
            found = run(["comment", *named])
        done = Ended(_written(out), _written(err))
        assert found == code, f"exit {found}\n{done.stdout}\n{done.stderr}"
        assert not any(token in done.stdout + done.stderr for token in TOKENS)
        assert ("Traceback" in done.stderr) == ("--debug" in arguments and code != 0)
        return done

    def said(self, *arguments: str, text: str = TEXT) -> str:
        """Return the one line that a success prints."""
        done = self.comment(*arguments, text=text)
        assert done.stderr == ""
        assert done.stdout.count("\n") == 1
        return done.stdout.strip()

    def failure(self, *arguments: str, code: int, text: str | None = TEXT) -> str:
        """Return what a failure says, without the address that differs from run to run."""
        done = self.comment(*arguments, text=text, code=code)
        assert done.stdout == ""
        assert re.findall("^error: ", done.stderr, re.MULTILINE) == ["error: "]
        return done.stderr.strip().replace(self.running.url, "URL")


def _written(stream: TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def on_github(running: Running, folder: Path, event: object = None, api: str = "") -> Pipeline:
    """Return a run of GitHub Actions, for this event."""
    (folder / "event.json").write_text(json.dumps({} if event is None else event), encoding="utf-8")
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": running.url + api,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        "GITHUB_TOKEN": "ghs-workflow",
    }
    return Pipeline(running, folder, env)


def pull_request(number: int, head: str | None = REPOSITORY) -> dict[str, object]:
    """Return the event of a pull request, from the repository of this name, or from one that is gone."""
    repo = None if head is None else {"full_name": head}
    return {"action": "synchronize", "number": number, "pull_request": {"number": number, "head": {"repo": repo}}}


def on_gitlab(running: Running, folder: Path, number: int = 0) -> Pipeline:
    """Return a pipeline of GitLab, for the merge request of this number, or a scheduled one."""
    project = "https://gitlab.example.com/acme/access"
    env = {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": running.url + BASE,
        "CI_PROJECT_ID": str(PROJECT),
        "CI_PROJECT_URL": project,
        "CI_JOB_TOKEN": "job-token",
        "RECONCILE_GITLAB_TOKEN": "glpat-bot",
    }
    if number:
        env |= {"CI_MERGE_REQUEST_IID": str(number)}
    return Pipeline(running, folder, env)
