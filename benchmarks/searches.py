"""Read from slapd's stats log what was asked of it, and ask the same with ldapsearch; never guess what a reader does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Usage, measured

_REQUEST = re.compile(r'(conn=\d+ op=\d+) SRCH base="([^"]*)" scope=(\d) deref=\d filter="(.*)"')
_ATTRIBUTES = re.compile(r"(conn=\d+ op=\d+) SRCH attr=(.*)")
_RESULT = re.compile(r"conn=\d+ op=\d+ SEARCH RESULT .*\bnentries=(\d+)")
_SUBTREE = "2"


@dataclass(frozen=True, slots=True, order=True)
class Question:
    """One search as slapd understood it; a paged search is one question however many pages it takes."""

    base: str
    filter: str
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a server was asked: search requests, each page counted, entries sent, and the different subtree searches."""

    requests: int
    entries: int
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Login:
    """Where and as whom to ask; the password is the whole content of a file, without a line's end."""

    url: str
    bind_dn: str
    password_file: Path


def traffic(lines: Iterable[str]) -> Traffic:
    """Return what stats lines of slapd tell about searches."""
    subtree: dict[str, tuple[str, str]] = {}
    attributes: dict[str, list[str]] = {}
    requests = entries = 0
    for line in lines:
        if found := _REQUEST.search(line):
            requests += 1
            operation, base, scope, text = found.groups()
            if scope == _SUBTREE:
                subtree[operation] = (base, text)
        elif found := _ATTRIBUTES.search(line):
            attributes.setdefault(found[1], []).extend(found[2].split())
        elif found := _RESULT.search(line):
            entries += int(found[1])
    questions = {
        Question(base, text, tuple(sorted(attributes.get(operation, ()))))
        for operation, (base, text) in subtree.items()
    }
    return Traffic(requests, entries, tuple(sorted(questions)))


def dump(login: Login, questions: Iterable[Question], page_size: int, folder: Path) -> tuple[list[Usage], int]:
    """Ask every question again with ldapsearch, one process each; return what each used, and how many entries came."""
    used = [
        measured(
            [
                *("ldapsearch", "-x", "-LLL", "-o", "ldif_wrap=no", "-E", f"pr={page_size}/noprompt", "-H", login.url),
                *("-D", login.bind_dn, "-y", login.password_file, "-b", question.base),
                *(question.filter, *question.attributes),
            ],
            folder,
            f"ldapsearch-{number}",
        )
        for number, question in enumerate(questions)
    ]
    entries = 0
    for number in range(len(used)):
        with (folder / f"ldapsearch-{number}.out").open("rb") as found:
            entries += sum(line.startswith(b"dn:") for line in found)
    return used, entries
