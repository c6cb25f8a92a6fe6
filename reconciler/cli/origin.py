"""Say who runs this, and in which run of a CI system; never change anything and never fail a run."""

from __future__ import annotations

import os
from collections.abc import Mapping

from reconciler.apply.report import Origin
from reconciler.model.text import shortened
from reconciler.state.lease import Holder

_ADDRESSES = (
    "CI_JOB_URL",
    "BUILD_URL",
    "CIRCLE_BUILD_URL",
    "BITBUCKET_BUILD_URL",
)  # GitLab, Jenkins, CircleCI, Bitbucket
_GITHUB = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")


def origin(holder: Holder, environment: Mapping[str, str] = os.environ) -> Origin:
    """Return who runs here, and the address of the CI run as its system gives it."""
    return Origin(f"{holder.owner}@{holder.host}", ci_run(environment))


def ci_run(environment: Mapping[str, str]) -> str:
    """Return the address of the CI run, empty where there is none."""
    if all(environment.get(name) for name in _GITHUB):
        server, repository, run = (environment[name] for name in _GITHUB)
        return shortened(f"{server}/{repository}/actions/runs/{run}")
    return shortened(next((environment[name] for name in _ADDRESSES if environment.get(name)), ""))
