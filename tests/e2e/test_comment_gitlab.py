"""`reconcile comment` against a GitLab: one note on a merge request, whatever is there already and whoever wrote it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.forge_pipeline import MARKER, NOTHING, TEXT, Pipeline, on_gitlab
from tests.examples import environment
from tests.fakes.forge_server import Running, Told, serving
from tests.fakes.gitlab_notes import BASE, GUEST, PROJECT, GitLab, Token

URL = "https://gitlab.example.com/acme/access/-/merge_requests/5#note_"
NEWER = TEXT.replace("1 to add", "2 to add")
HERE = ("merge_requests", 5)
NOTES = f"{BASE}/projects/{PROJECT}/merge_requests/5/notes"
US, OTHER = 900, 31


@pytest.fixture
def lab() -> GitLab:
    """Return a project with one merge request."""
    return GitLab(merge_requests={5})


@pytest.fixture
def running(lab: GitLab) -> Iterator[Running]:
    """Serve it."""
    with serving(lab) as server:
        yield server


@pytest.fixture
def run(running: Running, tmp_path: Path) -> Pipeline:
    """Return a pipeline of the merge request."""
    return on_gitlab(running, tmp_path, 5)


def test_one_note_is_written_then_updated_then_left_alone(lab: GitLab, running: Running, run: Pipeline) -> None:
    """The same text again sends nothing that writes."""
    assert run.said() == f"Comment created: {URL}3001"
    assert run.said(text=NEWER) == f"Comment updated: {URL}3001"
    assert run.said(text=NEWER) == f"Comment unchanged: {URL}3001"
    assert lab.bodies(HERE) == [NEWER]
    assert running.writes() == [f"POST {NOTES}", f"PUT {NOTES}/3001"]


def test_a_label_with_a_comma_is_refused(running: Running, run: Pipeline) -> None:
    """GitLab takes labels as one text between commas: it would be two."""
    said = run.failure("--issue", "Drift", "--label", "access,drift", code=64)
    assert 'GitLab has no label "access,drift": give each its own --label.' in said
    assert running.log == []


def test_notes_of_others_and_of_gitlab_itself_are_left_alone(lab: GitLab, run: Pipeline) -> None:
    """Even with our marker; what GitLab notes in our name is no comment."""
    lab.note(HERE, f"{MARKER}\nNothing to see here.", OTHER)
    lab.note(HERE, MARKER, US, system=True)
    assert run.said() == f"Comment created: {URL}3003"
    assert run.said(text=NEWER) == f"Comment updated: {URL}3003"
    assert lab.bodies(HERE) == [f"{MARKER}\nNothing to see here.", NEWER]


def test_a_note_on_the_third_page_is_found_and_its_copies_go(lab: GitLab, running: Running, run: Pipeline) -> None:
    """Of 251 notes two are ours: the older one stays."""
    for number in range(249):
        lab.note(HERE, f"Comment {number}", OTHER)
    ours = lab.note(HERE, TEXT, US)
    lab.note(HERE, TEXT, US)
    assert run.said() == f"Comment unchanged; 1 later copy deleted: {URL}{ours.number}"
    pages = [asked.query["page"] for asked, _ in running.log if asked.path == NOTES]
    assert pages == ["1", "2", "3"]
    assert running.writes() == [f"DELETE {NOTES}/{ours.number + 1}"]


def test_notes_that_gitlab_counts_and_does_not_show_are_no_trouble(lab: GitLab, run: Pipeline) -> None:
    """A mention in a project that our token cannot see is in X-Total all the same, and may leave a page empty."""
    for _ in range(101):
        lab.note(HERE, "mentioned in merge request secret!1", OTHER, system=True).kept_back = True
    assert run.said() == f"Comment created: {URL}3102"
    assert run.said() == f"Comment unchanged: {URL}3102"


def test_the_text_may_come_from_the_standard_input(lab: GitLab, run: Pipeline) -> None:
    """As a process of its own, in a pipe."""
    env = {**environment(**NOTHING), **run.env}
    said = subprocess.run(
        ["reconcile", "comment", "-"], env=env, input=TEXT.encode(), capture_output=True, timeout=60, check=True
    )
    assert said.stdout.decode() == f"Comment created: {URL}3001\n"
    assert lab.bodies(HERE) == [TEXT]
    for text, fact in ((b"\xff", "The standard input is not UTF-8 text."), (b"", "The standard input is empty: ")):
        bad = subprocess.run(
            ["reconcile", "comment", "-"], env=env, input=text, capture_output=True, timeout=60, check=False
        )
        assert (bad.returncode, fact in bad.stderr.decode()) == (64, True)


def test_a_merge_request_of_a_fork_is_in_the_project_that_it_is_for(lab: GitLab, run: Pipeline) -> None:
    """The pipeline runs in the fork, whose project is another one."""
    page = "https://gitlab.example.com/upstream/access"
    run.env |= {"CI_PROJECT_ID": "1", "CI_MERGE_REQUEST_PROJECT_ID": str(PROJECT), "CI_MERGE_REQUEST_PROJECT_URL": page}
    assert run.said() == f"Comment created: {page}/-/merge_requests/5#note_3001"
    run.env["CI_MERGE_REQUEST_PROJECT_URL"] = ""
    assert run.said() == "Comment unchanged."


def test_a_limit_of_rate_is_waited_for(lab: GitLab, running: Running, run: Pipeline) -> None:
    """Nothing was done, so a POST is sent again, too."""
    running.refusals = [Told(429, {"message": "429 Too Many Requests"}, {"Retry-After": "0"})]
    assert run.said() == f"Comment created: {URL}3001"
    assert [status for _, status in running.log] == [429, 200, 200, 201]


@pytest.mark.parametrize(
    "token", [Token(scopes=frozenset({"read_api"})), Token(role=GUEST), Token(role=0)], ids=["scope", "guest", "none"]
)
def test_a_token_with_too_few_rights_is_told_what_it_needs(lab: GitLab, run: Pipeline, token: Token) -> None:
    """A scope that only reads, a role that does not comment, no role at all."""
    lab.tokens["glpat-bot"] = token
    said = run.failure(code=5)
    assert said.startswith(
        f"error: The token in RECONCILE_GITLAB_TOKEN has too few rights on !5 of project {PROJECT}: "
        "it needs the scope api and the role Reporter there. It must be there, and not locked. GitLab: "
    )
    assert lab.notes == []


def test_the_token_of_the_job_is_not_enough(run: Pipeline) -> None:
    """Given in place of a project's it is none that the API knows; and it is never taken by itself."""
    run.env["RECONCILE_GITLAB_TOKEN"] = "job-token"
    assert "GitLab does not know the token in RECONCILE_GITLAB_TOKEN: " in run.failure(code=5)
    run.env["RECONCILE_GITLAB_TOKEN"] = ""
    said = run.failure(code=64)
    assert "RECONCILE_GITLAB_TOKEN to a project access token with the scope api" in said
    assert "(CI_JOB_TOKEN) may not write comments" in said


def test_outside_of_a_merge_request_there_is_no_number(running: Running, tmp_path: Path) -> None:
    """One can be named."""
    run = on_gitlab(running, tmp_path)
    assert "This pipeline belongs to no merge request: " in run.failure(code=64)
    assert running.log == []
    assert run.said("--number", "5") == f"Comment created: {URL}3001"


def test_an_answer_that_is_no_account_is_an_error(running: Running, run: Pipeline) -> None:
    """Nothing is written before it is known who we are."""
    running.refusals = [Told(200, []), Told(200, {"id": "900"})]
    assert 'answered with an object whose "id" is not there or of another type' in run.failure(code=5)
    assert running.writes() == []


def test_a_gitlab_that_is_broken_or_a_text_that_is_too_long(running: Running, run: Pipeline) -> None:
    """What there is no way out for is said as it is; a text is measured before anything is sent."""
    running.refusals = [Told(400, {"message": "400 Bad request"})]
    assert run.failure(code=5).startswith(
        f"error: GitLab: GET {NOTES.removeprefix(BASE)} at URL{BASE} answered with status 400: "
    )
    running.log.clear()
    assert "and GitLab takes 1,000,000: " in run.failure(text="x" * 1_000_000, code=64)
    assert running.log == []


def test_the_forge_can_be_named_where_the_pipeline_does_not_say_it(run: Pipeline) -> None:
    """Outside of pipelines there is none, and in both there are two."""
    run.env["GITLAB_CI"] = ""
    said = run.failure(code=64)
    assert said == (
        "error: This is no pipeline that is known here, for neither GITHUB_ACTIONS nor GITLAB_CI is set: "
        "say which forge it belongs to, with --forge github or --forge gitlab."
    )
    assert run.said("--forge", "gitlab") == f"Comment created: {URL}3001"
    run.env |= {"GITLAB_CI": "true", "GITHUB_ACTIONS": "true"}
    assert "Both GITHUB_ACTIONS and GITLAB_CI are set" in run.failure(code=64)
    assert "GITHUB_REPOSITORY is not set: " in run.failure("--forge", "github", code=64)
