"""A GitLab without GitLab, for notes and issues of one project alone, as its REST API answers; not one line of the client's.

doc/api/notes.md, issues.md, rest/authentication.md: the token of a job is none that this API knows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tests.fakes.forge_server import Asked, Refusal, Told

PROJECT = 42
BASE = "/api/v4"
REPORTER, GUEST = 20, 10


@dataclass(frozen=True, slots=True)
class Token:
    """The account of a token, its scopes, and its role in the project; a role of 0 sees nothing."""

    account: int = 900
    scopes: frozenset[str] = frozenset({"api"})
    role: int = REPORTER


@dataclass
class Note:
    """A comment, or what GitLab noted itself; `kept_back` from us, as a mention in a project that we cannot see.

    GitLab takes such notes out of a page once it has counted them all (lib/api/notes.rb).
    """

    number: int
    thread: tuple[str, int]
    body: str
    author: int
    system: bool = False
    kept_back: bool = False


@dataclass
class Issue:
    """An issue; `iid` is its number in the project, `number` that of the whole server."""

    iid: int
    title: str
    description: str | None
    author: int
    state: str = "opened"
    labels: list[str] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Return the number that is unique in the whole server."""
        return 70_000 + self.iid


@dataclass
class GitLab:
    """One project: the numbers of its merge requests, its issues and all notes."""

    tokens: dict[str, Token] = field(default_factory=lambda: {"glpat-bot": Token()})
    merge_requests: set[int] = field(default_factory=set)
    issues: list[Issue] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    locked: bool = False
    last: int = 3000

    def note(self, thread: tuple[str, int], body: str, author: int, *, system: bool = False) -> Note:
        """Write a note."""
        self.last += 1
        self.notes.append(Note(self.last, thread, body, author, system))
        return self.notes[-1]

    def issue(self, title: str, description: str | None, author: int) -> Issue:
        """Open an issue."""
        self.issues.append(Issue(len(self.issues) + 1, title, description, author))
        return self.issues[-1]

    def bodies(self, thread: tuple[str, int]) -> list[str]:
        """Return what people and programs wrote there, the oldest first."""
        return [note.body for note in self.notes if note.thread == thread and not note.system]

    def handle(self, asked: Asked) -> Told:
        """Answer a request."""
        token = self.tokens.get(asked.headers.get("private-token", ""))
        if token is None:
            raise Refusal(401, {"message": "401 Unauthorized"})
        if not token.scopes & ({"api", "read_api"} if asked.method == "GET" else {"api"}):
            body = {"error": "insufficient_scope", "error_description": "The request requires higher privileges."}
            raise Refusal(403, {**body, "scope": "api"})
        if asked.path == f"{BASE}/user":
            return Told(200, {"id": token.account, "username": f"project_{PROJECT}_bot_1"})
        root = f"{BASE}/projects/{PROJECT}/"
        if not asked.path.startswith(root) or not token.role:
            raise Refusal(404, {"message": "404 Project Not Found"})
        return self._project(asked, asked.path.removeprefix(root).split("/"), token)

    def _project(self, asked: Asked, parts: list[str], token: Token) -> Told:
        match (asked.method, *parts):
            case ("GET", "issues"):
                return self._list(asked)
            case ("POST", "issues"):
                issue = self.issue(str(asked.fields["title"]), str(asked.fields["description"]), token.account)
                issue.labels = [label for label in str(asked.fields.get("labels", "")).split(",") if label]
                return Told(201, _issue_json(issue))
            case ("PUT", "issues", iid):
                return self._change(asked, int(iid), token)
            case (_, "merge_requests" | "issues" as kind, iid, "notes", *rest):
                return self._notes(asked, (kind, int(iid)), rest, token)
            case _:
                raise Refusal(404, {"error": "404 Not Found"})

    def _list(self, asked: Asked) -> Told:
        state, author = asked.query.get("state", "all"), asked.query.get("author_id")
        found = [
            _issue_json(issue)
            for issue in self.issues
            if state in {"all", issue.state} and author in {None, str(issue.author)}
        ]
        return _page(asked, found if asked.query.get("sort") == "asc" else found[::-1])

    def _change(self, asked: Asked, iid: int, token: Token) -> Told:
        issue = next((issue for issue in self.issues if issue.iid == iid), None)
        if issue is None:
            raise Refusal(404, {"message": "404 Not found"})
        if token.role < REPORTER and token.account != issue.author:
            raise Refusal(403, {"message": "403 Forbidden"})
        issue.description = str(asked.fields.get("description", issue.description))
        if asked.fields.get("state_event") == "close":
            issue.state = "closed"
            self.note(("issues", iid), "closed", token.account, system=True)
        return Told(200, _issue_json(issue))

    def _notes(self, asked: Asked, thread: tuple[str, int], rest: list[str], token: Token) -> Told:
        known = self.merge_requests if thread[0] == "merge_requests" else {issue.iid for issue in self.issues}
        if thread[1] not in known:
            raise Refusal(404, {"message": "404 Not found"})
        if not rest and asked.method == "GET":
            found = [_note_json(note) for note in self.notes if note.thread == thread]
            told = _page(asked, found if asked.query.get("sort") == "asc" else found[::-1])
            secret = {note.number for note in self.notes if note.kept_back}
            rows = told.body if isinstance(told.body, list) else []
            return replace(told, body=[row for row in rows if row["id"] not in secret])
        if token.role < REPORTER or self.locked:
            raise Refusal(403, {"message": "403 Forbidden"})
        if not rest:
            return Told(201, _note_json(self.note(thread, str(asked.fields["body"]), token.account)))
        note = next((note for note in self.notes if (note.thread, str(note.number)) == (thread, rest[0])), None)
        if note is None:
            raise Refusal(404, {"message": "404 Note Not Found"})
        if note.author != token.account:
            raise Refusal(403, {"message": "403 Forbidden"})
        if asked.method == "DELETE":
            self.notes.remove(note)
            return Told(204)
        note.body = str(asked.fields["body"])
        return Told(200, _note_json(note))


def _page(asked: Asked, rows: list[dict[str, object]]) -> Told:
    size, number = min(int(asked.query.get("per_page", 20)), 100), int(asked.query.get("page", 1))
    more = str(number + 1) if number * size < len(rows) else ""
    headers = {"X-Page": str(number), "X-Next-Page": more, "X-Total": str(len(rows))}
    return Told(200, rows[(number - 1) * size : number * size], headers)


def _note_json(note: Note) -> dict[str, object]:
    author = {"id": note.author, "username": f"user{note.author}"}
    return {"id": note.number, "body": note.body, "author": author, "system": note.system}


def _issue_json(issue: Issue) -> dict[str, object]:
    return {
        "id": issue.number,
        "iid": issue.iid,
        "title": issue.title,
        "description": issue.description,
        "state": issue.state,
        "author": {"id": issue.author},
        "web_url": f"https://gitlab.example.com/acme/access/-/issues/{issue.iid}",
    }
