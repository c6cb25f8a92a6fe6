"""Where a pipeline runs, from its environment: what is missing is named, and nothing is guessed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from reconciler.errors import UsageError
from reconciler.forge import github, gitlab
from reconciler.forge.place import GitHubPlace, GitLabPlace, Kind, Place, kind_of, place_of
from tests.examples import ROOT

HUB = {"GITHUB_REPOSITORY": "acme/access", "GITHUB_TOKEN": "t"}
LAB = {
    "CI_API_V4_URL": "https://git.example.com/api/v4/",
    "CI_PROJECT_ID": "42",
    "CI_MERGE_REQUEST_IID": "5",
    "RECONCILE_GITLAB_TOKEN": "t",
}


def event(folder: Path, content: object) -> dict[str, str]:
    """Return the variable that names an event."""
    path = folder / "event.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return {"GITHUB_EVENT_PATH": str(path)}


def hub(place: Place) -> GitHubPlace:
    """Return a place of GitHub."""
    assert isinstance(place, GitHubPlace)
    return place


def lab(place: Place) -> GitLabPlace:
    """Return a place of GitLab."""
    assert isinstance(place, GitLabPlace)
    return place


@pytest.mark.parametrize(
    ("environment", "wanted", "kind"),
    [
        ({"GITHUB_ACTIONS": "true"}, None, "github"),
        ({"GITLAB_CI": "true"}, None, "gitlab"),
        ({"GITHUB_ACTIONS": "true"}, "gitlab", "gitlab"),
        ({}, "github", "github"),
        ({"GITHUB_ACTIONS": "true", "GITLAB_CI": "true"}, "github", "github"),
    ],
)
def test_the_forge_is_the_pipeline_s_or_the_one_that_is_named(
    environment: dict[str, str], wanted: Kind | None, kind: str
) -> None:
    """What is named on the command line comes first."""
    assert kind_of(environment, wanted) == kind


@pytest.mark.parametrize("environment", [{}, {"GITLAB_CI": ""}, {"GITHUB_ACTIONS": "true", "GITLAB_CI": "true"}])
def test_no_forge_is_guessed(environment: dict[str, str]) -> None:
    """Outside of a pipeline, or in what looks like two."""
    with pytest.raises(UsageError, match="with --forge github or --forge gitlab"):
        kind_of(environment)


@pytest.mark.parametrize(
    ("content", "number", "fork"),
    [
        ({"pull_request": {"number": 7, "head": {"repo": {"full_name": "acme/access"}}}}, 7, False),
        ({"pull_request": {"number": 7, "head": {"repo": {"full_name": "mallory/access"}}}}, 7, True),
        ({"pull_request": {"number": 7, "head": {"repo": None}}}, 7, True),
        ({"issue": {"number": 8, "pull_request": {"url": "…"}}}, 8, False),
    ],
)
def test_the_pull_request_is_the_event_s(tmp_path: Path, content: object, number: int, *, fork: bool) -> None:
    """Its number, and whether it comes from another repository."""
    place = hub(place_of({**HUB, **event(tmp_path, content)}, "github"))
    assert (place.number, place.fork, place.repository) == (number, fork, "acme/access")
    assert place.api == "https://api.github.com"
    assert place.token.reveal() == "t"


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        {"issue": {"number": 8}},
        {"pull_request": {"number": "7"}},
        {"pull_request": {"number": 0}},
        {"pull_request": {"number": True}},
        {"pull_request": 7},
    ],
)
def test_an_event_of_something_else_has_no_number(tmp_path: Path, content: object) -> None:
    """One can be named, and an issue needs none."""
    environment = {**HUB, **event(tmp_path, content)}
    with pytest.raises(UsageError, match="This run belongs to no pull request"):
        place_of(environment, "github")
    named = hub(place_of(environment, "github", number=9))
    assert (named.number, named.fork) == (9, False)
    assert hub(place_of(environment, "github", issue=True)).number == 0


def test_another_pull_request_than_the_event_s_is_not_judged_by_it(tmp_path: Path) -> None:
    """Whether it comes from a fork is not known."""
    content = {"pull_request": {"number": 7, "head": {"repo": None}}}
    assert not hub(place_of({**HUB, **event(tmp_path, content)}, "github", number=9)).fork


def test_an_event_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """Not one without a number; an issue does not look at it."""
    gone = {**HUB, "GITHUB_EVENT_PATH": str(tmp_path / "gone.json")}
    with pytest.raises(UsageError, match=r"GITHUB_EVENT_PATH: .*gone.json cannot be read: No such file"):
        place_of(gone, "github")
    assert hub(place_of(gone, "github", issue=True)).number == 0
    with pytest.raises(UsageError, match=r"GITHUB_EVENT_PATH: .*event.json is not JSON\."):
        place_of({**HUB, **event(tmp_path, "{")}, "github")


@pytest.mark.parametrize(
    ("more", "fact"),
    [
        ({"GITHUB_REPOSITORY": ""}, "GITHUB_REPOSITORY is not set"),
        ({"GITHUB_REPOSITORY": "acme/access/../other"}, 'GITHUB_REPOSITORY is "acme/access/../other"'),
        ({"GITHUB_TOKEN": ""}, "No token: "),
    ],
)
def test_what_github_does_not_say_is_named(more: dict[str, str], fact: str) -> None:
    """A repository is OWNER/NAME and leads nowhere else."""
    with pytest.raises(UsageError) as caught:
        place_of({**HUB, **more}, "github", number=1)
    assert fact in str(caught.value)


def test_the_second_name_of_the_token_serves_and_an_own_server_s_address() -> None:
    """As the program `gh` takes them."""
    own = {**HUB, "GITHUB_TOKEN": "", "GH_TOKEN": "g", "GITHUB_API_URL": "https://git.example.com/api/v3/"}
    place = hub(place_of(own, "github", number=1))
    assert (place.token.reveal(), place.api) == ("g", "https://git.example.com/api/v3")
    assert "g'" not in repr(place)


def test_a_merge_request_is_where_gitlab_says_it_is() -> None:
    """Of a fork it is in the project that it is for; an issue is always in the pipeline's own."""
    page, ca_file = "https://git.example.com/a/b", "/builds/ca.pem"
    place = lab(place_of({**LAB, "CI_PROJECT_URL": page, "CI_SERVER_TLS_CA_FILE": ca_file}, "gitlab"))
    assert (place.api, place.project, place.number) == ("https://git.example.com/api/v4", "42", 5)
    assert (place.url, place.ca_file) == (page, ca_file)
    fork = {**LAB, "CI_MERGE_REQUEST_PROJECT_ID": "41", "CI_PROJECT_URL": page}
    assert (lab(place_of(fork, "gitlab")).project, lab(place_of(fork, "gitlab")).url) == ("41", "")
    issue = lab(place_of(fork, "gitlab", issue=True))
    assert (issue.project, issue.url, issue.number) == ("42", page, 0)


@pytest.mark.parametrize(
    ("more", "fact"),
    [
        ({"CI_API_V4_URL": ""}, "CI_API_V4_URL is not set"),
        ({"CI_PROJECT_ID": ""}, "CI_PROJECT_ID is not set"),
        ({"RECONCILE_GITLAB_TOKEN": "", "CI_JOB_TOKEN": "j"}, "(CI_JOB_TOKEN) may not write comments"),
        ({"CI_MERGE_REQUEST_IID": ""}, "This pipeline belongs to no merge request"),
        ({"CI_MERGE_REQUEST_IID": "5/../6"}, "This pipeline belongs to no merge request"),
    ],
)
def test_what_gitlab_does_not_say_is_named(more: dict[str, str], fact: str) -> None:
    """The token of the job is none."""
    with pytest.raises(UsageError) as caught:
        place_of({**LAB, **more}, "gitlab")
    assert fact in str(caught.value)


def test_the_page_names_every_variable_and_every_limit() -> None:
    """The table of docs/comment.md is what place.py reads, and no more."""
    page = (ROOT / "docs/comment.md").read_text(encoding="utf-8")
    table = page.partition("| | GitHub | GitLab |")[2].partition("\n\n")[0]
    source = (ROOT / "reconciler/forge/place.py").read_text(encoding="utf-8")
    read = set(re.findall(r'"((?:GITHUB|GH|GITLAB|CI|RECONCILE)_[A-Z0-9_]+)"', source))
    pages = {"CI_PROJECT_URL", "CI_MERGE_REQUEST_PROJECT_URL"}  # for the line that is printed alone
    assert set(re.findall(r"\b(?:GITHUB|GH|GITLAB|CI|RECONCILE)_[A-Z0-9_]+", table)) == read - pages
    assert f"| {github.MOST:,} | {gitlab.MOST:,} |" in table
