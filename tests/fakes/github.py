"""A GitHub without GitHub: comments and issues of one repository, as its REST API answers; not one line of the client's.

docs.github.com/rest/issues. The token of a workflow is told apart as GitHub does it: `GET /user` refuses it, GraphQL knows
it as ``github-actions[bot]``, and each right is `write`, `read` or none. With `prefix` it is an own server: REST below
/api/v3, GraphQL at /api/graphql.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from tests.fakes.forge_server import Asked, Refusal, Told

Right = Literal["write", "read", ""]
BOT = "github-actions[bot]"
LONGEST = 65_536
REPOSITORY = "acme/access"
_DOCS = "https://docs.github.com/rest"


@dataclass(frozen=True, slots=True)
class Token:
    """Whose a token is, and what it may do; `workflow`: an installation's, not a person's."""

    login: str = BOT
    pull_requests: Right = "write"
    issues: Right = "write"
    workflow: bool = True


@dataclass
class Thread:
    """An issue, or a pull request, which is one, too."""

    number: int
    title: str
    body: str | None
    author: str
    pull: bool = False
    state: str = "open"
    locked: bool = False
    labels: list[str] = field(default_factory=list)


@dataclass
class Remark:
    """A comment; `author` is None where the account is gone."""

    number: int
    thread: int
    body: str
    author: str | None


@dataclass
class GitHub:
    """One repository: its threads by number, and all comments."""

    prefix: str = ""
    tokens: dict[str, Token] = field(default_factory=lambda: {"ghs-workflow": Token()})
    threads: dict[int, Thread] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    has_issues: bool = True
    last: int = 1000

    def pull(self, number: int) -> Thread:
        """Open a pull request."""
        thread = Thread(number, f"Change {number}", "", "ann", pull=True)
        self.threads[number] = thread
        return thread

    def issue(self, title: str, body: str | None, author: str) -> Thread:
        """Open an issue, with the next number."""
        number = max(self.threads, default=0) + 1
        self.threads[number] = Thread(number, title, body, author)
        return self.threads[number]

    def remark(self, thread: int, body: str, author: str | None) -> Remark:
        """Write a comment."""
        self.last += 1
        self.remarks.append(Remark(self.last, thread, body, author))
        return self.remarks[-1]

    def bodies(self, thread: int) -> list[str]:
        """Return the comments of a thread, the oldest first."""
        return [remark.body for remark in self.remarks if remark.thread == thread]

    def handle(self, asked: Asked) -> Told:
        """Answer a request."""
        token = self.tokens.get(asked.headers.get("authorization", "").removeprefix("Bearer "))
        if token is None:
            raise Refusal(401, {"message": "Bad credentials", "documentation_url": _DOCS, "status": "401"})
        rest = f"{self.prefix}/v3" if self.prefix else ""
        if asked.path == f"{self.prefix}/graphql" and asked.method == "POST":
            return Told(200, {"data": {"viewer": {"login": token.login}}})
        if asked.path == f"{rest}/user":
            if token.workflow:
                raise _forbidden()
            return Told(200, {"login": token.login})
        named = re.fullmatch(rf"{rest}/(?:repos/{REPOSITORY}|repositories/77)/issues(/.*)?", asked.path)
        if not named:
            raise _absent()
        return self._issues(asked, (named[1] or "").strip("/").split("/"), token)

    def _issues(self, asked: Asked, parts: list[str], token: Token) -> Told:
        match (asked.method, *parts):
            case ("GET", ""):
                return self._list(asked, token)
            case ("POST", ""):
                return self._open(asked, token)
            case (_, "comments", number):
                return self._remarks(asked, self._remark(number, token))
            case (_, number, "comments"):
                return self._comments(asked, int(number), token)
            case ("PATCH", number):
                return self._change(asked, self._thread(number, token, "write"))
            case _:
                raise _absent()

    def _comments(self, asked: Asked, number: int, token: Token) -> Told:
        reads = asked.method == "GET"
        thread = self._thread(str(number), token, "read" if reads else "write")
        if reads:
            return _page(asked, [_remark_json(self, remark) for remark in self.remarks if remark.thread == number])
        if thread.locked:
            raise Refusal(403, {"message": "Unable to create comment because issue is locked."})
        return Told(201, _remark_json(self, self.remark(number, _text(asked), token.login)))

    def _remarks(self, asked: Asked, remark: Remark) -> Told:
        if asked.method == "DELETE":
            self.remarks.remove(remark)
            return Told(204)
        remark.body = _text(asked)
        return Told(200, _remark_json(self, remark))

    def _thread(self, number: str, token: Token, right: Right) -> Thread:
        thread = self.threads.get(int(number))
        if thread is None:
            raise _absent()
        _allow(token.pull_requests if thread.pull else token.issues, right)
        return thread

    def _remark(self, number: str, token: Token) -> Remark:
        """Return a comment to be changed: whoever may write may change those of others, too."""
        found = next((remark for remark in self.remarks if remark.number == int(number)), None)
        if found is None:
            raise _absent()
        self._thread(str(found.thread), token, "write")
        return found

    def _list(self, asked: Asked, token: Token) -> Told:
        _allow(token.issues, "read")
        if not self.has_issues:
            raise Refusal(410, {"message": "Issues has been disabled in this repository."})
        state, creator = asked.query.get("state", "open"), asked.query.get("creator")
        found = [
            _thread_json(thread)
            for thread in sorted(self.threads.values(), key=lambda each: each.number)
            if state in {"all", thread.state} and creator in {None, thread.author}
        ]
        return _page(asked, found if asked.query.get("direction") == "asc" else found[::-1])

    def _open(self, asked: Asked, token: Token) -> Told:
        _allow(token.issues, "write")
        if not self.has_issues:
            raise Refusal(410, {"message": "Issues has been disabled in this repository."})
        thread = self.issue(str(asked.fields["title"]), _text(asked), token.login)
        labels = asked.fields.get("labels", [])
        thread.labels = [str(label) for label in labels] if isinstance(labels, list) else []
        return Told(201, _thread_json(thread))

    def _change(self, asked: Asked, thread: Thread) -> Told:
        if "body" in asked.fields:
            thread.body = _text(asked)
        thread.state = str(asked.fields.get("state", thread.state))
        return Told(200, _thread_json(thread))


def _allow(has: Right, needs: Right) -> None:
    if not has or (needs == "write" and has == "read"):
        raise _forbidden()


def _forbidden() -> Refusal:
    return Refusal(403, {"message": "Resource not accessible by integration", "documentation_url": _DOCS})


def _absent() -> Refusal:
    return Refusal(404, {"message": "Not Found", "documentation_url": _DOCS, "status": "404"})


def _text(asked: Asked) -> str:
    text = str(asked.fields.get("body", ""))
    if not text.strip() or len(text) > LONGEST:
        why = f"Body is too long (maximum is {LONGEST} characters)" if text.strip() else "Body cannot be blank"
        raise Refusal(422, {"message": "Validation Failed", "errors": [{"code": "unprocessable", "message": why}]})
    return text


def _page(asked: Asked, rows: list[dict[str, object]]) -> Told:
    """Return one page; the next one is named by the number of the repository, not by its name."""
    size, number = min(int(asked.query.get("per_page", 30)), 100), int(asked.query.get("page", 1))
    headers = {}
    if number * size < len(rows):
        path = asked.path.replace(f"/repos/{REPOSITORY}", "/repositories/77")
        query = "&".join(f"{key}={value}" for key, value in {**asked.query, "page": str(number + 1)}.items())
        headers["Link"] = f'<{asked.url}{path}?{query}>; rel="next", <{asked.url}{path}?page=9>; rel="last"'
    return Told(200, rows[(number - 1) * size : number * size], headers)


def _remark_json(app: GitHub, remark: Remark) -> dict[str, object]:
    kind = "pull" if app.threads[remark.thread].pull else "issues"
    return {
        "id": remark.number,
        "html_url": f"https://github.com/{REPOSITORY}/{kind}/{remark.thread}#issuecomment-{remark.number}",
        "body": remark.body,
        "user": None if remark.author is None else {"login": remark.author},
    }


def _thread_json(thread: Thread) -> dict[str, object]:
    kind = "pull" if thread.pull else "issues"
    url = f"https://github.com/{REPOSITORY}/{kind}/{thread.number}"
    return {
        "id": 500_000 + thread.number,
        "number": thread.number,
        "title": thread.title,
        "body": thread.body,
        "state": thread.state,
        "html_url": url,
        "user": {"login": thread.author},
        **({"pull_request": {"html_url": url}} if thread.pull else {}),
    }
