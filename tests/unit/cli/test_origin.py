"""Who applies, and in which run of a CI system."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from reconciler.cli.origin import ci_run, origin
from reconciler.state.lease import Holder

GITHUB = {"GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "acme/access", "GITHUB_RUN_ID": "42"}


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, ""),
        (GITHUB, "https://github.example/acme/access/actions/runs/42"),
        ({**GITHUB, "GITHUB_RUN_ID": ""}, ""),
        ({"CI_JOB_URL": "https://gitlab.example/acme/access/-/jobs/7"}, "https://gitlab.example/acme/access/-/jobs/7"),
        ({"BUILD_URL": "https://jenkins.example/job/x/1/\n"}, "https://jenkins.example/job/x/1/\\x0a"),
    ],
)
def test_a_ci_run_is_known_by_its_address(environment: Mapping[str, str], address: str) -> None:
    """As its system gives it; what cannot be printed is made so."""
    assert ci_run(environment) == address


def test_who_applies_is_a_user_on_a_host() -> None:
    """The same that a lock names."""
    assert origin(Holder("alice", "ci-1", 7), {}).who == "alice@ci-1"
