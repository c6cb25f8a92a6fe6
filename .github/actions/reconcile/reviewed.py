"""Say in a line of Markdown whether a pull request showed the same changes before it was merged; decides nothing.

Asks GitHub which pull request a commit came from, and reads the fingerprint at the end of our comment there. Whoever can run
a workflow of the repository can write such a comment, so that what is said is a hint for reviewers, never a reason to apply.
Numbers and hexadecimal digits are all that is printed of the answers. Standard library only: the Python of the runner does.
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

_BOT = "github-actions[bot]"
_FINGERPRINT = re.compile(r"Fingerprint of the changes: <code>([0-9a-f]{12})</code>\s*\Z")
_PAGE, _PAGES = 100, 30
_TIMEOUT = 20  # seconds


def asked(path: str) -> Any:
    """Return what GitHub answers about the repository. Raises OSError or ValueError."""
    url = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}"
    headers = {"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the address that the runner sets
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
        return json.loads(answer.read())


def pull_of(commit: str) -> int:
    """Return the number of the pull request that was merged as this commit, 0 where there is none."""
    pulls = asked(f"commits/{commit}/pulls")
    return next((int(pull["number"]) for pull in pulls if pull.get("merge_commit_sha") == commit), 0)


def shown_in(number: int, marker: str) -> str:
    """Return the fingerprint of the plan that a pull request showed at last, empty where it showed none."""
    texts = [str(each["body"]) for each in _comments(number) if (each.get("user") or {}).get("login") == _BOT]
    found = [_FINGERPRINT.search(text) for text in texts if text.startswith(f"<!-- reconcile:{marker} -->")]
    return next((match[1] for match in reversed(found) if match), "")


def _comments(number: int) -> Iterator[dict[str, Any]]:
    for page in range(1, _PAGES + 1):
        rows = asked(f"issues/{number}/comments?per_page={_PAGE}&page={page}")
        yield from rows
        if len(rows) < _PAGE:
            return


def said(number: int, then: str, now: str) -> str:
    """Return the line."""
    if not number:
        return "No pull request was merged as this commit, so that there is no earlier plan to compare with."
    if not then:
        return f"Pull request #{number} shows no plan to compare with."
    if then == now:
        return f"These are exactly the changes that pull request #{number} showed before it was merged."
    changed = "Something else was merged, or the directory or a target has changed since."
    return f"**Pull request #{number} showed other changes** (fingerprint <code>{then}</code>). {changed} Review this plan."


def main() -> int:
    """Print the line for the marker and the fingerprint that are given."""
    marker, now = sys.argv[1:]
    try:
        number = pull_of(os.environ["GITHUB_SHA"])
        line = said(number, shown_in(number, marker) if number else "", now)
    except urllib.error.HTTPError as error:
        line = f"Not compared with a pull request: GitHub answered {error.code}. The job needs `pull-requests: read`."
    except (OSError, KeyError, TypeError, ValueError) as error:
        line = f"Not compared with a pull request: {type(error).__name__}."
    sys.stdout.write(f"\n{line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
