"""The calls of GitLab's REST API that one comment and one issue need; never decides what is written.

doc/api/notes.md, issues.md, users.md. Notes that GitLab makes itself ("changed the description") are no comments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from reconciler.errors import TargetRejected
from reconciler.forge.base import Comment, Issue, Thread, page_of, text_of
from reconciler.forge.place import GitLabPlace
from reconciler.targets.answers import Answer, Map, Method, Refused, Request, path_of
from reconciler.targets.http import Login, Patience, Session, Site
from reconciler.targets.pace import REAL, Timing
from reconciler.targets.pages import Item, Listing, read_list

MOST = 1_000_000
"""How many characters a note, and an issue's description, may have."""

_UNKNOWN, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_ABSENT = frozenset({_NOT_FOUND})
_PATIENCE = Patience(receive=30, whole=120)
_KINDS = {"change": "merge_requests", "issue": "issues"}


class GitLab:
    """One project, through one session."""

    def __init__(self, place: GitLabPlace, patience: Patience = _PATIENCE, timing: Timing = REAL) -> None:
        """Connect to nothing. Raises TargetError for an address that no token should go to."""
        self._place = place
        site = Site("", place.api, place.ca_file, noun="GitLab")
        self._session = Session(site, Login("PRIVATE-TOKEN", place.token), patience, timing)
        self._root = path_of("projects", place.project)

    @property
    def url(self) -> str:
        """Return the base address of the API."""
        return self._session.url

    def close(self) -> None:
        """Give back connections; may be called twice."""
        self._session.close()

    def me(self) -> str:
        """Return our number, as a text; a project access token is an account of its own."""
        answer = self.send(Request("GET", "/user"))
        return str(answer.value(answer.map(), "id", int))

    def comments(self, thread: Thread) -> list[Comment]:
        """Return the comments, the oldest first, without what GitLab notes itself."""
        request = Request("GET", self._notes(thread), (("order_by", "created_at"), ("sort", "asc")))
        listing = Listing(request, _number, counted=False)  # GitLab counts mentions in projects that are closed to us
        found = [item for item in read_list(self, listing) if not item.value("system", bool)]
        return sorted((self._comment(thread, item) for item in found), key=lambda comment: comment.number)

    def add(self, thread: Thread, text: str) -> Comment:
        """Write one more comment: not a call to repeat."""
        answer = self._write("POST", self._notes(thread), {"body": text})
        return self._comment(thread, Item(answer.map(), answer))

    def edit(self, comment: Comment, text: str) -> None:
        """Put another text in place of a comment's."""
        self._write("PUT", comment.path, {"body": text})

    def drop(self, comment: Comment) -> None:
        """Take a comment away; one that is not there is gone."""
        self._write("DELETE", comment.path, None)

    def issues(self, author: str) -> list[Issue]:
        """Return the open issues of this author, the oldest first."""
        query = (("state", "opened"), ("scope", "all"), ("author_id", author), ("order_by", "created_at"))
        request = Request("GET", f"{self._root}/issues", (*query, ("sort", "asc")))
        return sorted(map(_issue, read_list(self, Listing(request, _number))), key=lambda issue: issue.number)

    def open_issue(self, title: str, text: str, labels: Sequence[str]) -> Issue:
        """Open one more issue: not a call to repeat."""
        body = {"title": title, "description": text, "labels": ",".join(labels)}
        answer = self._write("POST", f"{self._root}/issues", body)
        return _issue(Item(answer.map(), answer))

    def edit_issue(self, number: int, text: str) -> None:
        """Put another text in place of an issue's."""
        self._write("PUT", f"{self._root}/issues/{number}", {"description": text})

    def close_issue(self, number: int) -> None:
        """Close an issue."""
        self._write("PUT", f"{self._root}/issues/{number}", {"state_event": "close"})

    def send(self, request: Request) -> Answer:
        """Return the answer to a request; raises TargetRejected with the way out where GitLab refuses."""
        try:
            return self._session.send(request)
        except Refused as error:
            raise TargetRejected(f"{self._way_out(error)} {error}".strip()) from error

    def _notes(self, thread: Thread) -> str:
        return f"{self._root}/{_KINDS[thread.kind]}/{thread.number}/notes"

    def _comment(self, thread: Thread, item: Item) -> Comment:
        number = _number(item)
        page = f"{self._place.url}/-/{_KINDS[thread.kind]}/{thread.number}#note_{number}" if self._place.url else ""
        return Comment(number, _author(item), text_of(item, "body"), f"{self._notes(thread)}/{number}", page)

    def _write(self, method: Method, path: str, body: Map | None) -> Answer:
        expects = _ABSENT if method == "DELETE" else frozenset()
        return self.send(Request(method, path, body=body, repeatable=method != "POST", expects=expects))

    def _way_out(self, error: Refused) -> str:
        """Return what to do about a refusal; empty where its own words say all there is."""
        place = self._place
        if error.status == _UNKNOWN:
            return (
                "GitLab does not know the token in RECONCILE_GITLAB_TOKEN: it has ended, or it is the token of a job, "
                "which may not write comments. Make a project access token with the scope api."
            )
        if error.status not in {_FORBIDDEN, _NOT_FOUND}:
            return ""
        what = f"!{place.number}" if place.number else "issues"
        there = " It must be there, and not locked." if place.number else ""
        return (
            f"The token in RECONCILE_GITLAB_TOKEN has too few rights on {what} of project {place.project}: "
            f"it needs the scope api and the role Reporter there.{there}"
        )


def _issue(item: Item) -> Issue:
    url = page_of(item, "web_url")
    return Issue(item.value("iid", int), _author(item), item.value("title", str), text_of(item, "description"), url)


def _number(item: Item) -> int:
    return item.value("id", int)


def _author(item: Item) -> str:
    """Return the number of the account that wrote it, as a text."""
    author = item.data.get("author")
    return str(item.answer.value(cast("Map", author), "id", int)) if isinstance(author, dict) else ""
