"""The calls of GitHub's REST API that one comment and one issue need; never decides what is written.

docs.github.com/rest: issues, issues/comments, using-the-rest-api/rate-limits. Comments on a pull request are those of the
issue of its number. Who a token is only GraphQL tells for all kinds: `GET /user` refuses the token of a workflow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from reconciler.errors import TargetRejected
from reconciler.forge.base import Comment, Issue, Thread, page_of, text_of
from reconciler.forge.place import GitHubPlace
from reconciler.targets.answers import Answer, Map, Method, Refused, Request, path_of
from reconciler.targets.http import Login, Patience, Session, Site
from reconciler.targets.pace import REAL, Timing
from reconciler.targets.pages import Item, Listing, read_list

MOST = 65_536
"""How many characters a comment, and an issue's description, may have."""

_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_UNKNOWN, _FORBIDDEN, _NOT_FOUND, _GONE = 401, 403, 404, 410
_MOVED = range(300, 400)
_ABSENT = frozenset({_NOT_FOUND})
_PATIENCE = Patience(receive=30, whole=120)
_ENTERPRISE = "/v3"  # an own server has REST at /api/v3 and GraphQL at /api/graphql


class GitHub:
    """One repository, through one session."""

    def __init__(self, place: GitHubPlace, patience: Patience = _PATIENCE, timing: Timing = REAL) -> None:
        """Connect to nothing. Raises TargetError for an address that no token should go to."""
        self._place = place
        own = place.api.endswith(_ENTERPRISE)
        site = Site("", place.api.removesuffix(_ENTERPRISE), noun="GitHub", headers=_HEADERS)
        self._session = Session(site, Login("Authorization", place.token, "Bearer "), patience, timing)
        owner, name = place.repository.split("/")
        self._root = f"{_ENTERPRISE if own else ''}{path_of('repos', owner, name)}"

    @property
    def url(self) -> str:
        """Return the base address, below which the next page of a list must be."""
        return self._session.url

    def close(self) -> None:
        """Give back connections; may be called twice."""
        self._session.close()

    def me(self) -> str:
        """Return our login, as REST names authors; that of a workflow's token is ``github-actions[bot]``."""
        query = {"query": "query { viewer { login } }"}
        answer = self.send(Request("POST", "/graphql", body=query, repeatable=True))
        data = answer.map().get("data")
        viewer = cast("Map", data).get("viewer") if isinstance(data, dict) else None
        return (
            answer.value(viewer, "login", str)
            if isinstance(viewer, dict)
            else answer.fail(f"did not say who we are{answer.quote()}")
        )

    def comments(self, thread: Thread) -> list[Comment]:
        """Return the comments, the oldest first."""
        path = f"{self._root}/issues/{thread.number}/comments"
        found = read_list(self, Listing(Request("GET", path), _number, by="link"))
        return sorted(map(self._comment, found), key=lambda comment: comment.number)

    def add(self, thread: Thread, text: str) -> Comment:
        """Write one more comment: not a call to repeat."""
        answer = self._write("POST", f"{self._root}/issues/{thread.number}/comments", {"body": text})
        return self._comment(Item(answer.map(), answer))

    def edit(self, comment: Comment, text: str) -> None:
        """Put another text in place of a comment's."""
        self._write("PATCH", comment.path, {"body": text})

    def drop(self, comment: Comment) -> None:
        """Take a comment away; one that is not there is gone."""
        self._write("DELETE", comment.path, None)

    def issues(self, author: str) -> list[Issue]:
        """Return the open issues of this author, the oldest first; a pull request is none."""
        query = (("state", "open"), ("creator", author), ("sort", "created"), ("direction", "asc"))
        found = read_list(self, Listing(Request("GET", f"{self._root}/issues", query), _number, by="link"))
        real = [_issue(item) for item in found if not item.data.get("pull_request")]
        return sorted(real, key=lambda issue: issue.number)

    def open_issue(self, title: str, text: str, labels: Sequence[str]) -> Issue:
        """Open one more issue: not a call to repeat."""
        body = {"title": title, "body": text, "labels": list(labels)}
        answer = self._write("POST", f"{self._root}/issues", body)
        return _issue(Item(answer.map(), answer))

    def edit_issue(self, number: int, text: str) -> None:
        """Put another text in place of an issue's."""
        self._write("PATCH", f"{self._root}/issues/{number}", {"body": text})

    def close_issue(self, number: int) -> None:
        """Close an issue as done."""
        self._write("PATCH", f"{self._root}/issues/{number}", {"state": "closed", "state_reason": "completed"})

    def send(self, request: Request) -> Answer:
        """Return the answer to a request; raises TargetRejected with the way out where GitHub refuses."""
        try:
            return self._session.send(replace(request, limited=_limited))
        except Refused as error:
            raise TargetRejected(f"{self._way_out(error)} {error}".strip()) from error

    def _comment(self, item: Item) -> Comment:
        number, url = _number(item), page_of(item, "html_url")
        return Comment(number, _author(item), text_of(item, "body"), f"{self._root}/issues/comments/{number}", url)

    def _write(self, method: Method, path: str, body: Map | None) -> Answer:
        expects = _ABSENT if method == "DELETE" else frozenset()
        return self.send(Request(method, path, body=body, repeatable=method != "POST", expects=expects))

    def _way_out(self, error: Refused) -> str:
        """Return what to do about a refusal; empty where its own words say all there is."""
        where = self._place.repository
        if error.status == _UNKNOWN:
            return "GitHub does not know the token: it has ended, or it is of another server."
        if error.status in _MOVED:
            return f"{where} is elsewhere now: see GITHUB_REPOSITORY and GITHUB_API_URL."
        if error.status == _GONE:
            return f"{where} has no issues: switch them on in its settings."
        if error.status not in {_FORBIDDEN, _NOT_FOUND} or _limit_words(str(error).encode()):
            return ""
        if "is locked" in str(error):
            return f"The conversation is locked: nobody can comment on {where}#{self._place.number}."
        return self._right(absent=error.status == _NOT_FOUND)

    def _right(self, *, absent: bool) -> str:
        """Return which right is missing, and how a job gets it."""
        place = self._place
        if place.fork:
            return (
                "The pull request comes from a fork, whose runs get a token that only reads, whatever the workflow says: "
                "write the plan to the job summary there."
            )
        right = "pull-requests: write" if place.number else "issues: write"
        there = f", and #{place.number} must be there" if place.number and absent else ""
        return f"The token has too few rights in {place.repository}: the job needs `permissions: {{{right}}}`{there}."


def _issue(item: Item) -> Issue:
    url = page_of(item, "html_url")
    return Issue(_number(item, "number"), _author(item), item.value("title", str), text_of(item, "body"), url)


def _number(item: Item, key: str = "id") -> int:
    return item.value(key, int)


def _author(item: Item) -> str:
    """Return who wrote it, empty where the account is gone."""
    user = item.data.get("user")
    return item.answer.value(cast("Map", user), "login", str) if isinstance(user, dict) else ""


def _limited(answer: Answer) -> bool:
    """Tell whether a 403 says that we ask too often, and not that we may not: GitHub has the same status for both."""
    if answer.status != _FORBIDDEN:
        return False
    spent = answer.headers.get("x-ratelimit-remaining", "").strip() == "0"
    return spent or "retry-after" in answer.headers or _limit_words(answer.body[:4096])


def _limit_words(text: bytes) -> bool:
    return b"rate limit" in text.lower()
