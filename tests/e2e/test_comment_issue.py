"""`reconcile comment --issue` on both forges: one issue while something drifts, closed when nothing does any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.forge_pipeline import MARKER, TEXT, Pipeline, on_github, on_gitlab
from tests.fakes.forge_server import Running, serving
from tests.fakes.github import BOT, GitHub
from tests.fakes.github import Token as HubToken
from tests.fakes.gitlab_notes import GUEST, GitLab
from tests.fakes.gitlab_notes import Token as LabToken

TITLE = "Access drifts"
NEWER = TEXT.replace("1 to add", "2 to add")
DONE = f"{MARKER}\n\n### No changes.\n"


@dataclass
class World:
    """One repository or project without issues, and a scheduled run of its forge."""

    app: GitHub | GitLab
    running: Running
    run: Pipeline

    def url(self, number: int) -> str:
        """Return where people see an issue."""
        if isinstance(self.app, GitHub):
            return f"https://github.com/acme/access/issues/{number}"
        return f"https://gitlab.example.com/acme/access/-/issues/{number}"

    def open(self, title: str, text: str | None, *, ours: bool) -> None:
        """Open an issue."""
        if isinstance(self.app, GitHub):
            self.app.issue(title, text, BOT if ours else "ann")
        else:
            self.app.issue(title, text, 900 if ours else 31)

    def state(self) -> list[tuple[str, bool, str | None]]:
        """Return title, whether it is open, and text of every issue."""
        if isinstance(self.app, GitHub):
            return [(each.title, each.state == "open", each.body) for each in self.app.threads.values()]
        return [(each.title, each.state == "opened", each.description) for each in self.app.issues]

    def reopen(self) -> None:
        """Open the first issue again, with a word, as a person does."""
        if isinstance(self.app, GitHub):
            self.app.threads[1].state = "open"
            self.app.remark(1, "Not yet.", "ann")
        else:
            self.app.issues[0].state = "opened"
            self.app.note(("issues", 1), "Not yet.", 31)

    def labels(self) -> list[str]:
        """Return those of the first issue."""
        return self.app.threads[1].labels if isinstance(self.app, GitHub) else self.app.issues[0].labels

    def comments(self, number: int) -> list[str]:
        """Return the comments on an issue."""
        return self.app.bodies(number) if isinstance(self.app, GitHub) else self.app.bodies(("issues", number))


@pytest.fixture(params=["github", "gitlab"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Serve a forge, with a run that belongs to no request."""
    hub = request.param == "github"
    app: GitHub | GitLab = GitHub() if hub else GitLab()
    with serving(app) as running:
        yield World(app, running, (on_github if hub else on_gitlab)(running, tmp_path))


def test_one_issue_is_opened_then_updated_then_left_alone(world: World) -> None:
    """Labels are given to a new one only."""
    run = world.run
    assert run.said("--issue", TITLE, "--label", "access", "--label", "drift") == f"Issue opened: {world.url(1)}"
    assert world.labels() == ["access", "drift"]
    assert run.said("--issue", TITLE, "--label", "more", text=NEWER) == f"Issue updated: {world.url(1)}"
    assert run.said("--issue", f" {TITLE} ", text=NEWER) == f"Issue unchanged: {world.url(1)}"
    assert world.state() == [(TITLE, True, NEWER)]
    assert world.labels() == ["access", "drift"]
    assert len(world.running.writes()) == 2


def test_when_nothing_drifts_any_more_the_issue_is_closed_with_a_word(world: World) -> None:
    """The text is its last comment; where none is open, there is nothing to do. What drifts later is a new issue."""
    run = world.run
    run.said("--issue", TITLE)
    assert run.said("--issue", TITLE, "--close", text=DONE) == f"Issue closed: {world.url(1)}"
    assert world.state() == [(TITLE, False, TEXT)]
    assert world.comments(1) == [DONE]
    writes = len(world.running.writes())
    assert run.said("--issue", TITLE, "--close", text=DONE) == "No issue is open: nothing to close."
    assert len(world.running.writes()) == writes
    assert run.said("--issue", TITLE, text=NEWER) == f"Issue opened: {world.url(2)}"
    assert world.state() == [(TITLE, False, TEXT), (TITLE, True, NEWER)]


def test_a_close_that_was_cut_short_is_made_good_without_a_second_word(world: World) -> None:
    """The comment was written, and the issue is still open."""
    world.run.said("--issue", TITLE)
    if isinstance(world.app, GitHub):
        world.app.remark(1, DONE, BOT)
    else:
        world.app.note(("issues", 1), DONE, 900)
    assert world.run.said("--issue", TITLE, "--close", text=DONE) == f"Issue closed: {world.url(1)}"
    assert world.comments(1) == [DONE]


def test_an_issue_that_was_opened_again_is_closed_with_a_word_below_what_was_said(world: World) -> None:
    """The older word stays where it stands: nobody would read it anew."""
    later = f"{DONE}\nSince noon.\n"
    world.run.said("--issue", TITLE)
    for text in (DONE, later, later):
        assert world.run.said("--issue", TITLE, "--close", text=text) == f"Issue closed: {world.url(1)}"
        world.reopen()
    assert world.comments(1) == [DONE, "Not yet.", later, "Not yet.", later, "Not yet."]


def test_issues_of_others_titles_of_others_and_texts_without_the_marker_are_left_alone(world: World) -> None:
    """A title that somebody took before us is not in the way; an issue without a text is none of ours."""
    world.open(TITLE, TEXT, ours=False)
    world.open("Access drifts in production", TEXT, ours=True)
    world.open(TITLE, None, ours=True)
    before = world.state()
    assert world.run.said("--issue", TITLE, "--close") == "No issue is open: nothing to close."
    assert world.run.said("--issue", TITLE, text=NEWER) == f"Issue opened: {world.url(4)}"
    assert world.state() == [*before, (TITLE, True, NEWER)]


def test_copies_of_two_runs_at_once_are_closed_by_the_next(world: World) -> None:
    """The oldest stays; an issue cannot be deleted. Closing closes them all."""
    for _ in range(2):
        world.open(TITLE, TEXT, ours=True)
    assert world.run.said("--issue", TITLE, text=NEWER) == f"Issue updated; 1 later copy closed: {world.url(1)}"
    assert world.state() == [(TITLE, True, NEWER), (TITLE, False, TEXT)]
    world.open(TITLE, TEXT, ours=True)
    world.open(TITLE, TEXT, ours=True)
    assert world.run.said("--issue", TITLE, "--close") == f"Issue closed; 2 later copies closed: {world.url(1)}"
    assert not any(is_open for _, is_open, _ in world.state())


def test_a_token_with_too_few_rights_is_told_what_it_needs(world: World) -> None:
    """GitHub has a right of its own for issues; with the pull request's alone they can be neither read nor written."""
    if isinstance(world.app, GitHub):
        needs = "the job needs `permissions: {issues: write}`."
        world.app.tokens["ghs-workflow"] = HubToken(issues="read")
    else:
        needs = "too few rights on issues of project 42: it needs the scope api and the role Reporter there."
        world.app.tokens["glpat-bot"] = LabToken(role=GUEST, scopes=frozenset({"read_api"}))
    assert needs in world.run.failure("--issue", TITLE, code=5)
    assert world.state() == []


def test_a_repository_without_issues_says_so(tmp_path: Path) -> None:
    """They are switched off in its settings; pull requests are no issues of ours."""
    app = GitHub()
    app.pull(1).author = BOT
    app.threads[1].title, app.threads[1].body = TITLE, TEXT
    with serving(app) as running:
        run = on_github(running, tmp_path)
        assert run.said("--issue", TITLE).startswith("Issue opened: ")
        app.has_issues = False
        assert "acme/access has no issues: switch them on in its settings." in run.failure("--issue", TITLE, code=5)
