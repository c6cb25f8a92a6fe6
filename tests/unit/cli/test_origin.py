"""Who ran it, as the machine and the CI system's variables say."""

from __future__ import annotations

import os
import socket

import pytest

from reconciler.apply.report import Origin
from reconciler.cli.origin import origin

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_RUN_ID": "4711",
    "GITHUB_RUN_NUMBER": "12",
    "GITHUB_SERVER_URL": "https://git.example",
    "GITHUB_REPOSITORY": "acme/access",
    "GITHUB_ACTOR": "alice",
}


def said(environment: dict[str, str]) -> tuple[str, str, str, str]:
    found = origin(environment)
    return found.system, found.run, found.actor, found.url


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (GITHUB, ("github", "4711", "alice", "https://git.example/acme/access/actions/runs/4711")),
        (
            {**GITHUB, "GITHUB_RUN_ATTEMPT": "2", "GITHUB_TRIGGERING_ACTOR": "bob"},
            ("github", "4711", "bob", "https://git.example/acme/access/actions/runs/4711/attempts/2"),
        ),
        (
            {**GITHUB, "GITEA_ACTIONS": "true"},
            ("gitea", "4711", "alice", "https://git.example/acme/access/actions/runs/12"),
        ),
        (
            {**GITHUB, "GITEA_ACTIONS": "true", "FORGEJO_ACTIONS": "true"},
            ("forgejo", "4711", "alice", "https://git.example/acme/access/actions/runs/12"),
        ),
        (
            {
                "GITLAB_CI": "true",
                "CI_PIPELINE_ID": "9",
                "CI_PIPELINE_URL": "https://gl/9",
                "CI_JOB_URL": "https://gl/j/1",
                "GITLAB_USER_LOGIN": "carol",
            },
            ("gitlab", "9", "carol", "https://gl/j/1"),
        ),
        ({"GITLAB_CI": "true", "CI_PIPELINE_URL": "https://gl/9"}, ("gitlab", "", "", "https://gl/9")),
        (
            {"JENKINS_URL": "https://j", "BUILD_TAG": "jenkins-access-3", "BUILD_URL": "https://j/access/3"},
            ("jenkins", "jenkins-access-3", "", "https://j/access/3"),
        ),
        (
            {
                "TF_BUILD": "True",
                "BUILD_BUILDID": "5",
                "BUILD_REQUESTEDFOR": "Dave",
                "SYSTEM_COLLECTIONURI": "https://az/",
                "SYSTEM_TEAMPROJECT": "p",
            },
            ("azure", "5", "Dave", "https://az/p/_build/results?buildId=5"),
        ),
        (
            {"BITBUCKET_BUILD_NUMBER": "6", "BITBUCKET_GIT_HTTP_ORIGIN": "https://bb/acme/access"},
            ("bitbucket", "6", "", "https://bb/acme/access/pipelines/results/6"),
        ),
        (
            {"CIRCLECI": "true", "CIRCLE_BUILD_NUM": "7", "CIRCLE_USERNAME": "erin", "CIRCLE_BUILD_URL": "https://c/7"},
            ("circleci", "7", "erin", "https://c/7"),
        ),
        (
            {"BUILDKITE": "true", "BUILDKITE_BUILD_NUMBER": "8", "BUILDKITE_BUILD_CREATOR": "Finn"},
            ("buildkite", "8", "Finn", ""),
        ),
        ({"GITHUB_ACTIONS": "true"}, ("github", "", "", "")),
        ({"GITHUB_RUN_ID": "1"}, ("", "", "", "")),
    ],
)
def test_the_run_of_a_ci_system_is_told_by_its_variables(
    environment: dict[str, str], expected: tuple[str, str, str, str]
) -> None:
    """What is not set is empty; nothing is guessed."""
    assert said(environment) == expected


def test_the_account_and_the_machine_are_always_said() -> None:
    """Also where there is no CI system."""
    found = origin({})
    assert (found.host, found.pid) == (socket.gethostname(), os.getpid())
    assert found.user
    assert found.who == f"{found.user}@{found.host}"
    assert Origin("ci", "runner", actor="alice").who == "alice (ci@runner)"


def test_what_variables_hold_is_made_safe_to_print_and_cut() -> None:
    """Whoever opens a pull request may have a say in them."""
    found = origin({**GITHUB, "GITHUB_ACTOR": "al\x1b[31mice" + "x" * 1000})
    assert found.actor.startswith("al\\x1b[31mice")
    assert len(found.actor) < 300
