"""Say where a pipeline runs, and on what, from what its forge puts into the environment; never asks anybody, reads no policy."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast

from reconciler.errors import UsageError
from reconciler.model.text import shortened
from reconciler.policy.secrets import Secret

Kind: TypeAlias = Literal["github", "gitlab"]
Environment: TypeAlias = Mapping[str, str]

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_NUMBER = re.compile("[1-9][0-9]{0,14}")


@dataclass(frozen=True, slots=True)
class GitHubPlace:
    """A repository of GitHub. `api` is the base of its REST API; `number` of the pull request, 0 where there is none.

    `fork`: the pull request comes from another repository, so that its runs get a token that only reads.
    """

    api: str
    repository: str
    number: int
    token: Secret
    fork: bool = False


@dataclass(frozen=True, slots=True)
class GitLabPlace:
    """A project of GitLab. `api` is the base of its REST API; `number` (IID) of the merge request, 0 where there is none.

    `url` is the project's page, empty where that is not known; `ca_file` what is trusted in place of the system's.
    """

    api: str
    project: str
    number: int
    token: Secret
    url: str = ""
    ca_file: str = ""


Place: TypeAlias = GitHubPlace | GitLabPlace


def kind_of(environment: Environment, wanted: Kind | None = None) -> Kind:
    """Return which forge's pipeline this is. Raises UsageError outside of one, where none is wanted by name."""
    if wanted:
        return wanted
    found: list[Kind] = []
    if environment.get("GITHUB_ACTIONS") == "true":
        found.append("github")
    if environment.get("GITLAB_CI") == "true":
        found.append("gitlab")
    if len(found) == 1:
        return found[0]
    fact = "This is no pipeline that is known here, for neither GITHUB_ACTIONS nor GITLAB_CI is set"
    if found:
        fact = "Both GITHUB_ACTIONS and GITLAB_CI are set"
    raise UsageError(f"{fact}: say which forge it belongs to, with --forge github or --forge gitlab.")


def place_of(environment: Environment, kind: Kind, *, number: int = 0, issue: bool = False) -> Place:
    """Return where to write. `number` takes the place of the pipeline's own; for an `issue` none is needed.

    Raises UsageError where the environment does not say it.
    """
    return _github(environment, number, issue=issue) if kind == "github" else _gitlab(environment, number, issue=issue)


def _github(environment: Environment, number: int, *, issue: bool) -> GitHubPlace:
    repository = _needed(environment, "GITHUB_REPOSITORY")
    if not _REPOSITORY.fullmatch(repository):
        raise UsageError(f'GITHUB_REPOSITORY is "{shortened(repository, 100)}", and must be OWNER/NAME.')
    token = environment.get("GITHUB_TOKEN") or environment.get("GH_TOKEN")
    if not token:
        raise UsageError("No token: give the step `env: {GITHUB_TOKEN: ${{ github.token }}}`.")
    event = {} if issue else _event(environment)
    found = 0 if issue else number or _numbered(event)
    if not found and not issue:
        raise UsageError(
            "This run belongs to no pull request: run it on `pull_request`, name one with --number, or use --issue."
        )
    api = environment.get("GITHUB_API_URL") or "https://api.github.com"
    fork = found == _numbered(event) and _is_fork(event, repository)
    return GitHubPlace(api.rstrip("/"), repository, found, Secret(token), fork)


def _gitlab(environment: Environment, number: int, *, issue: bool) -> GitLabPlace:
    api = _needed(environment, "CI_API_V4_URL").rstrip("/")
    own, url = "CI_PROJECT_ID", "CI_PROJECT_URL"
    if not issue and environment.get(
        "CI_MERGE_REQUEST_PROJECT_ID"
    ):  # of a fork, the merge request is in another project
        own, url = "CI_MERGE_REQUEST_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_URL"
    project = _needed(environment, own)
    token = environment.get("RECONCILE_GITLAB_TOKEN")
    if not token:
        raise UsageError(
            "No token: set the variable RECONCILE_GITLAB_TOKEN to a project access token with the scope api and the role "
            "Reporter. The token of the job (CI_JOB_TOKEN) may not write comments."
        )
    said = environment.get("CI_MERGE_REQUEST_IID", "")
    found = 0 if issue else number or (int(said) if _NUMBER.fullmatch(said) else 0)
    if not found and not issue:
        raise UsageError(
            "This pipeline belongs to no merge request: run the job in merge request pipelines, "
            "name one with --number, or use --issue."
        )
    page = environment.get(url, "").rstrip("/")
    return GitLabPlace(api, project, found, Secret(token), page, environment.get("CI_SERVER_TLS_CA_FILE", ""))


def _needed(environment: Environment, name: str) -> str:
    """Return a variable that every pipeline has."""
    value = environment.get(name, "")
    if not value:
        raise UsageError(f"{name} is not set: run this in a pipeline, or set what a pipeline sets.")
    return value


def _event(environment: Environment) -> Mapping[str, object]:
    """Return what has started the run, empty where that is not said."""
    name = environment.get("GITHUB_EVENT_PATH", "")
    if not name:
        return {}
    try:
        found = json.loads(Path(name).read_bytes())
    except OSError as error:
        raise UsageError(f"GITHUB_EVENT_PATH: {shortened(name)} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"GITHUB_EVENT_PATH: {shortened(name)} is not JSON.") from error
    return _map(found)


def _numbered(event: Mapping[str, object]) -> int:
    """Return the number of the pull request that an event is about, 0 where it is about none."""
    pull, issue = _map(event.get("pull_request")), _map(event.get("issue"))
    # a comment on an issue is no event of a pull request
    found = pull.get("number") or (issue.get("number") if issue.get("pull_request") else None)
    return found if type(found) is int and found > 0 else 0  # a truth value is no number here


def _is_fork(event: Mapping[str, object], repository: str) -> bool:
    pull = _map(event.get("pull_request"))
    head = _map(_map(pull.get("head")).get("repo")).get("full_name")
    return bool(pull) and head != repository  # of a fork that is gone, none is named


def _map(found: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else {}  # JSON: keys are texts
