"""Say who runs this and where: the account, the machine, and what a CI system's variables tell; believes them, proves nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from reconciler.apply.report import Origin
from reconciler.model.text import shortened
from reconciler.state.lease import this_process

_VARIABLE = re.compile(r"\{(\w+)\}")


class _System(NamedTuple):
    """A CI system: the variable that tells it, and in which ones it says what; the first that is set counts.

    Texts with variables in braces are empty where one of these is.
    """

    name: str
    told_by: str
    run: str
    actor: tuple[str, ...]
    url: tuple[str, ...]


_SYSTEMS = (
    # Forgejo and Gitea set GitHub's variables, too, so they come first
    _System(
        "forgejo",
        "FORGEJO_ACTIONS",
        "{GITHUB_RUN_ID}",
        ("{GITHUB_ACTOR}",),
        ("{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_NUMBER}",),
    ),
    _System(
        "gitea",
        "GITEA_ACTIONS",
        "{GITHUB_RUN_ID}",
        ("{GITHUB_ACTOR}",),
        ("{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_NUMBER}",),
    ),
    _System(
        "github",
        "GITHUB_ACTIONS",
        "{GITHUB_RUN_ID}",
        ("{GITHUB_TRIGGERING_ACTOR}", "{GITHUB_ACTOR}"),
        (
            "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}/attempts/{GITHUB_RUN_ATTEMPT}",
            "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
        ),
    ),
    _System("gitlab", "GITLAB_CI", "{CI_PIPELINE_ID}", ("{GITLAB_USER_LOGIN}",), ("{CI_JOB_URL}", "{CI_PIPELINE_URL}")),
    _System("jenkins", "JENKINS_URL", "{BUILD_TAG}", ("{BUILD_USER_ID}", "{CHANGE_AUTHOR}"), ("{BUILD_URL}",)),
    _System(
        "azure",
        "TF_BUILD",
        "{BUILD_BUILDID}",
        ("{BUILD_REQUESTEDFOR}",),
        ("{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",),
    ),
    _System(
        "bitbucket",
        "BITBUCKET_BUILD_NUMBER",
        "{BITBUCKET_BUILD_NUMBER}",
        ("{BITBUCKET_STEP_TRIGGERER_UUID}",),
        ("{BITBUCKET_GIT_HTTP_ORIGIN}/pipelines/results/{BITBUCKET_BUILD_NUMBER}",),
    ),
    _System("circleci", "CIRCLECI", "{CIRCLE_BUILD_NUM}", ("{CIRCLE_USERNAME}",), ("{CIRCLE_BUILD_URL}",)),
    _System(
        "buildkite", "BUILDKITE", "{BUILDKITE_BUILD_NUMBER}", ("{BUILDKITE_BUILD_CREATOR}",), ("{BUILDKITE_BUILD_URL}",)
    ),
)


def origin(environment: Mapping[str, str] = os.environ) -> Origin:
    """Return who and where this process is, and which CI run it is a part of, if any."""
    process = this_process()
    here = Origin(process.owner, process.host, process.pid)
    system = next((system for system in _SYSTEMS if environment.get(system.told_by)), None)
    if system is None:
        return here
    run, actor, url = (_first(texts, environment) for texts in ((system.run,), system.actor, system.url))
    return Origin(here.user, here.host, here.pid, actor, system.name, run, url)


def _first(texts: tuple[str, ...], environment: Mapping[str, str]) -> str:
    """Return the first text all of whose variables are set, filled in; empty where there is none."""
    for text in texts:
        names = _VARIABLE.findall(text)
        if all(environment.get(name) for name in names):
            return shortened(_VARIABLE.sub(lambda match: environment[match[1]], text))
    return ""
