"""`reconcile comment` against a GitHub: one comment on a pull request, whatever is there already and whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.forge.github import GitHub as Client
from reconciler.forge.place import GitHubPlace
from reconciler.policy.secrets import Secret
from tests.e2e.forge_pipeline import MARKER, TEXT, Pipeline, on_github, pull_request
from tests.examples import ROOT, reconcile, scratch_copy
from tests.fakes.forge_server import Running, Told, serving
from tests.fakes.github import BOT, LONGEST, REPOSITORY, GitHub, Token
from tests.fakes.time import NOON, StandingClock

URL = f"https://github.com/{REPOSITORY}/pull/7#issuecomment-"
NEWER = TEXT.replace("1 to add", "2 to add")
REST = f"/repos/{REPOSITORY}/issues"


@pytest.fixture
def hub() -> GitHub:
    """Return a repository with one pull request."""
    app = GitHub()
    app.pull(7)
    return app


@pytest.fixture
def running(hub: GitHub) -> Iterator[Running]:
    """Serve it."""
    with serving(hub) as server:
        yield server


@pytest.fixture
def run(running: Running, tmp_path: Path) -> Pipeline:
    """Return a run of Actions for the pull request."""
    return on_github(running, tmp_path, pull_request(7))


def test_one_comment_is_written_then_updated_then_left_alone(hub: GitHub, running: Running, run: Pipeline) -> None:
    """The same text again sends nothing that writes; every request is GitHub's kind of request."""
    assert run.said() == f"Comment created: {URL}1001"
    assert run.said(text=NEWER) == f"Comment updated: {URL}1001"
    assert run.said(text=NEWER) == f"Comment unchanged: {URL}1001"
    assert hub.bodies(7) == [NEWER]
    assert running.writes() == [f"POST {REST}/7/comments", f"PATCH {REST}/comments/1001"]
    for asked, status in running.log:
        assert status in {200, 201}
        assert asked.headers["accept"] == "application/vnd.github+json"
        assert asked.headers["x-github-api-version"] == "2022-11-28"


def test_the_page_shows_the_line_that_is_printed(run: Pipeline) -> None:
    """docs/comment.md, with its own numbers."""
    run.said()
    line = run.said(text=NEWER)
    shown = re.findall(r"^```text\n(.*)\n```$", (ROOT / "docs/comment.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [re.sub(r"\d+", "0", each) for each in shown] == [re.sub(r"\d+", "0", line)]


def test_a_comment_of_somebody_else_is_neither_edited_nor_in_the_way(hub: GitHub, run: Pipeline) -> None:
    """Whoever has seen the marker can write it, and a token of a workflow could edit what they wrote."""
    for author in ("mallory", "github-actions", None):
        hub.remark(7, f"{MARKER}\nNothing to see here.", author)
    hub.remark(7, f"As it said:\n{MARKER}\nright?", BOT)
    assert run.said() == f"Comment created: {URL}1005"
    assert run.said(text=NEWER) == f"Comment updated: {URL}1005"
    assert [body for body in hub.bodies(7) if "Nothing to see" in body or "As it said" in body] == hub.bodies(7)[:4]


def test_a_comment_on_the_third_page_is_found(hub: GitHub, running: Running, run: Pipeline) -> None:
    """Of 250 comments the last is ours: every page is read, 100 at a time, by the links that GitHub gives."""
    for number in range(249):
        hub.remark(7, f"Comment {number}", "ann")
    ours = hub.remark(7, f"Old text\r\n\r\n{MARKER}\r\n", BOT)
    assert run.said() == f"Comment updated: {URL}{ours.number}"
    pages = [asked for asked, _ in running.log if asked.path.endswith("/7/comments")]
    assert [asked.query.get("page") for asked in pages] == [None, "2", "3"]
    assert {asked.query["per_page"] for asked in pages} == {"100"}
    assert len(hub.remarks) == 250


def test_copies_of_two_runs_at_once_are_deleted_by_the_next(hub: GitHub, run: Pipeline) -> None:
    """The oldest stays, and keeps its place in the conversation."""
    first, other, second = (hub.remark(7, TEXT, author) for author in (BOT, "ann", BOT))
    assert run.said(text=NEWER) == f"Comment updated; 1 later copy deleted: {URL}{first.number}"
    assert [(each.number, each.body) for each in hub.remarks] == [(first.number, NEWER), (other.number, TEXT)]
    hub.remark(7, TEXT, BOT)
    hub.remark(7, TEXT, BOT)
    assert run.said(text=NEWER) == f"Comment unchanged; 2 later copies deleted: {URL}{first.number}"
    assert second not in hub.remarks


def test_line_ends_that_a_browser_has_put_there_are_no_difference(hub: GitHub, running: Running, run: Pipeline) -> None:
    """Nor what is white at the end."""
    hub.remark(7, TEXT.replace("\n", "\r\n").strip(), BOT)
    assert run.said() == f"Comment unchanged: {URL}1001"
    assert running.writes() == []


def test_a_mark_of_the_byte_order_hides_no_marker(hub: GitHub, run: Pipeline) -> None:
    """Some shells write one before a text; the forge gets the text."""
    assert run.said(text=f"\ufeff{TEXT}") == f"Comment created: {URL}1001"
    assert hub.bodies(7) == [TEXT]


def test_a_standard_input_that_is_closed_is_an_error(run: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a runner starts the command without one."""
    monkeypatch.setattr("sys.stdin", None)
    assert "The standard input is closed: name a file." in run.failure("-", text=None, code=64)


def test_comments_with_another_marker_are_others(hub: GitHub, run: Pipeline) -> None:
    """The text's own marker, or the one that is asked for where the text has none."""
    bare = "### Plan of production\n"
    assert run.said() == f"Comment created: {URL}1001"
    assert run.said("--marker", "prod east", text=bare) == f"Comment created: {URL}1002"
    assert run.said("--marker", "prod east", text=bare) == f"Comment unchanged: {URL}1002"
    assert hub.bodies(7) == [TEXT, f"<!-- reconcile:prod-east -->\n\n{bare}"]
    assert run.said(text=f"### Again\n\n{MARKER}\n") == f"Comment updated: {URL}1001"
    said = run.failure("--marker", "prod", code=64)
    assert "plan.md holds the marker <!-- reconcile:plan -->, and --marker says <!-- reconcile:prod -->" in said


def test_a_plan_is_found_by_the_marker_that_it_was_written_with(hub: GitHub, run: Pipeline) -> None:
    """The renderer's marker is the command's; both take the same word."""
    scratch_copy(run.folder)
    words = ("--format", "markdown", "--marker", "acme prod")
    plan = reconcile("plan", "policies/acme", *words, cwd=run.folder).stdout
    assert run.said(text=plan) == f"Comment created: {URL}1001"
    assert run.said("--marker", "acme prod", text=plan) == f"Comment unchanged: {URL}1001"
    assert hub.bodies(7) == [plan]
    assert plan.startswith("<!-- reconcile:acme-prod -->\n\n### Plan: ")


def test_a_person_s_token_writes_as_that_person(hub: GitHub, run: Pipeline) -> None:
    """Who we are is asked: a comment of the workflow is then somebody else's."""
    hub.tokens["ghp-person"] = Token("carol", workflow=False)
    hub.remark(7, TEXT, BOT)
    run.env |= {"GITHUB_TOKEN": "", "GH_TOKEN": "ghp-person"}
    assert run.said() == f"Comment created: {URL}1002"
    assert [remark.author for remark in hub.remarks] == [BOT, "carol"]


def test_an_own_server_has_graphql_beside_rest(tmp_path: Path) -> None:
    """GitHub Enterprise Server: /api/v3 and /api/graphql; pages are followed there, too."""
    app = GitHub(prefix="/api")
    app.pull(7)
    for number in range(101):
        app.remark(7, f"Comment {number}", "ann")
    with serving(app) as server:
        run = on_github(server, tmp_path, pull_request(7), api="/api/v3")
        assert run.said().startswith("Comment created: ")
        assert run.said().startswith("Comment unchanged: ")


def test_a_limit_of_rate_is_waited_for(hub: GitHub, running: Running, run: Pipeline) -> None:
    """GitHub's secondary limit is a 403, and no lack of a right: nothing was done, so a POST is sent again, too."""
    slow = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
    running.refusals = [Told(403, slow, {"Retry-After": "0"}), Told(429, slow, {"Retry-After": "0"})]
    assert run.said() == f"Comment created: {URL}1001"
    assert [status for _, status in running.log] == [403, 429, 200, 200, 201]
    running.refusals = [Told(403, slow, {"Retry-After": "900"})]
    said = run.failure(code=5)
    assert "It asks to come back in 900 seconds" in said
    assert "too few rights" not in said
    assert hub.bodies(7) == [TEXT]


def test_a_token_that_only_reads_names_the_right_that_it_lacks(hub: GitHub, run: Pipeline) -> None:
    """And how a job gets it; whether GitHub says 403 or hides the repository behind a 404."""
    hub.tokens["ghs-workflow"] = Token(pull_requests="read")
    said = run.failure(code=5)
    assert said.startswith(
        f"error: The token has too few rights in {REPOSITORY}: the job needs `permissions: {{pull-requests: write}}`. "
        f"GitHub: POST {REST}/7/comments at URL answered with status 403: "
    )
    assert "Resource not accessible by integration" in said
    hub.tokens["ghs-workflow"] = Token(pull_requests="")
    assert "`permissions: {pull-requests: write}`. " in run.failure(code=5)
    assert "`permissions: {pull-requests: write}`, and #8 must be there. " in run.failure("--number", "8", code=5)
    assert hub.remarks == []


@pytest.mark.parametrize("head", ["mallory/access", None])
def test_a_pull_request_from_a_fork_says_the_way_out(
    hub: GitHub, running: Running, tmp_path: Path, head: str | None
) -> None:
    """No permission in the workflow gives its token more; of a fork that is gone, GitHub names none."""
    hub.tokens["ghs-workflow"] = Token(pull_requests="read", issues="read")
    said = on_github(running, tmp_path, pull_request(7, head)).failure(code=5)
    assert "The pull request comes from a fork, whose runs get a token that only reads, " in said
    assert "job summary" in said
    assert "too few rights" not in said


def test_what_else_github_refuses_is_said_in_one_sentence(hub: GitHub, running: Running, run: Pipeline) -> None:
    """A locked conversation, a token that has ended, a GitHub that is broken or not there."""
    hub.threads[7].locked = True
    assert f"The conversation is locked: nobody can comment on {REPOSITORY}#7." in run.failure(code=5)
    run.env["GITHUB_TOKEN"] = "ghp-person"
    assert "GitHub does not know the token: it has ended" in run.failure(code=5)
    running.refusals = [Told(422, {"message": "Validation Failed"})]
    assert run.failure(code=5).startswith(f"error: GitHub: GET {REST}/7/comments at URL answered with status 422: ")
    running.refusals = [Told(200, []), Told(200, {"data": None, "errors": [{"message": "Something went wrong"}]})]
    assert "did not say who we are" in run.failure(code=5)
    running.refusals = [Told(301, {"message": "Moved Permanently"}, {"Location": "https://github.example.com/"})]
    said = run.failure(code=5)
    assert said.startswith(
        f"error: {REPOSITORY} is elsewhere now: see GITHUB_REPOSITORY and GITHUB_API_URL. GitHub: GET"
    )
    run.env["GITHUB_API_URL"] = "http://github.example.com"
    assert run.failure(code=5) == "error: GitHub: the url would send the credential in clear. Use https://."


def test_no_output_holds_the_token(running: Running, run: Pipeline) -> None:
    """Not with --debug, and not where the server sends it back; every other test looks, too."""
    for arguments in ((), ("--debug",)):
        running.refusals = [Told(422, {"message": f"bad header: {run.env['GITHUB_TOKEN']}"})]
        assert 'answered with status 422: "{"message": "bad header: •••"}"' in run.failure(*arguments, code=5)
    run.env["GITHUB_TOKEN"] = "ghs-workflow\nX-Evil: 1"
    assert "GitHub: the secret holds characters that no HTTP header can carry." in run.failure(code=5)
    assert len(running.log) == 2
    run.env["GITHUB_TOKEN"] = "ghs-workflow"
    written = {"id": 1, "html_url": "https://git.example.com/?access_token=ghs-workflow", "body": TEXT, "user": None}
    running.refusals = [Told(200, []), Told(200, {"data": {"viewer": {"login": BOT}}}), Told(201, written)]
    assert run.said() == "Comment created: https://git.example.com/?access_token=•••"


def test_a_text_that_is_too_long_is_not_sent(hub: GitHub, running: Running, run: Pipeline) -> None:
    """The way out is the option of the plan; characters are counted, as GitHub does, and not bytes."""
    said = run.failure(text=f"{TEXT}{'x' * LONGEST}", code=64)
    assert f"plan.md has {LONGEST + len(TEXT):,} characters with its marker, and GitHub takes 65,536: " in said
    assert "--max-bytes 65536" in said
    bare = run.failure(text="x" * LONGEST, code=64)
    (most,) = re.findall("--max-bytes ([0-9]+)", bare)
    assert int(most) + len(f"{MARKER}\n\n") == LONGEST
    assert running.log == []
    run.said(text=f"{TEXT}{'ü' * (LONGEST - len(TEXT))}")
    assert len(hub.bodies(7)[0]) == LONGEST


def test_outside_of_a_pull_request_there_is_no_number(running: Running, tmp_path: Path) -> None:
    """A push has none; one can be named. A comment on an issue is no pull request's."""
    for event in ({"ref": "refs/heads/main"}, {"issue": {"number": 7}}):
        said = on_github(running, tmp_path, event).failure(code=64)
        assert "This run belongs to no pull request: " in said
        assert "--number" in said
    on_review = {"issue": {"number": 7, "pull_request": {"url": "…"}}}
    assert on_github(running, tmp_path, on_review).said() == f"Comment created: {URL}1001"
    assert on_github(running, tmp_path).said("--number", "7") == f"Comment unchanged: {URL}1001"


@pytest.mark.parametrize(
    ("arguments", "text", "fact"),
    [
        (("--label", "access"), TEXT, "--label and --close are about an issue: name it with --issue."),
        (("--close",), TEXT, "--label and --close are about an issue: name it with --issue."),
        (("--issue", "Drift", "--number", "7"), TEXT, "--number names a pull or merge request, and --issue an issue"),
        (("--issue", "x" * 256), TEXT, "--issue has 256 characters, and a title at most 255."),
        (("--issue", " "), TEXT, "--issue is blank"),
        (
            ("--issue", "Access\ndrifts"),
            TEXT,
            "--issue holds what no title can: a line end, a control or an invisible character.",
        ),
        ((), " \n", "plan.md is empty: there is nothing to write."),
        (("gone.md",), None, "gone.md cannot be read: No such file or directory."),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    running: Running, run: Pipeline, arguments: tuple[str, ...], text: str | None, fact: str
) -> None:
    """Before anything is sent."""
    assert fact in run.failure(*arguments, text=text, code=64)
    assert running.log == []


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"X-RateLimit-Remaining": "4711", "X-RateLimit-Reset": str(int(NOON) + 3000)}, 60),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOON) + 90)}, 90),
        ({"Retry-After": "7", "X-RateLimit-Remaining": "4711", "X-RateLimit-Reset": str(int(NOON) + 3000)}, 7),
    ],
    ids=["secondary", "primary", "said"],
)
def test_how_long_a_limit_lasts(running: Running, headers: dict[str, str], wait: float) -> None:
    """As GitHub's documentation says: what it asks for, else until requests remain again, else a minute."""
    clock = StandingClock()
    place = GitHubPlace(running.url, REPOSITORY, 7, Secret("ghs-workflow"))
    client = Client(place, timing=clock.timing())
    running.refusals = [Told(403, {"message": "You have exceeded a secondary rate limit."}, headers)]
    assert client.me() == BOT
    assert clock.waits == [wait]
    client.close()
