"""`reconcile comment`: keep one comment on a pull or merge request, or one issue, up to date; reads no policy and no target."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TypedDict, Unpack, assert_never

import click

from reconciler.cli.files import read_text
from reconciler.cli.options import filled
from reconciler.cli.presentation import presentation
from reconciler.cli.screen import Screen
from reconciler.errors import UsageError
from reconciler.forge import github, gitlab
from reconciler.forge.base import Forge, Thread
from reconciler.forge.place import GitHubPlace, GitLabPlace, Kind, Place, kind_of, place_of
from reconciler.forge.upsert import Done, close_issue, marker_of, upsert_comment, upsert_issue
from reconciler.model.text import printable, shortened
from reconciler.render.markdown import unseen

_MOST = {"github": github.MOST, "gitlab": gitlab.MOST}
_NAMES = {"github": "GitHub", "gitlab": "GitLab"}
_BYTE_ORDER = "\ufeff"  # some shells start a text with it
_LONGEST_TITLE = 255  # GitLab; GitHub takes one more


class CommentOptions(TypedDict):
    """What the command takes."""

    file: str
    marker: str | None
    number: int | None
    issue: str | None
    label: tuple[str, ...]
    close: bool
    forge: Kind | None


@click.command("comment")
@click.argument("file", callback=filled)
@click.option(
    "--marker",
    callback=filled,
    metavar="WORD",
    help="What our comment is found by, unseen, where FILE does not hold it already; by default `plan`.",
)
@click.option(
    "--number",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="The pull or merge request, in place of the pipeline's own.",
)
@click.option("--issue", callback=filled, metavar="TITLE", help="Open or update one issue of this title instead.")
@click.option("--label", multiple=True, callback=filled, metavar="NAME", help="For a new issue; may be repeated.")
@click.option("--close", is_flag=True, help="Close that issue where it is open, with FILE as its last comment.")
@click.option(
    "--forge", type=click.Choice(["github", "gitlab"]), help="Where to write, in place of what the pipeline says."
)
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[CommentOptions]) -> int:
    """Keep one comment of a pipeline up to date: on its pull or merge request, or one issue.

    FILE is Markdown, as `reconcile plan --format markdown` writes it; `-` is the standard input. The comment is found again
    by its marker and by its author, which must be us: it is written once, updated later, and left alone where it says the
    same already.

    On GitHub the token is in $GITHUB_TOKEN or $GH_TOKEN, on GitLab in $RECONCILE_GITLAB_TOKEN; the rest is what a pipeline's
    environment says.
    """
    _refuse_contradictions(given)
    kind = kind_of(os.environ, given["forge"])
    _refuse_labels(given["label"], kind)
    own = _text(given["file"])
    text, marker = _marked(own, given)
    _refuse_long(text, given["file"], kind, added=len(text) - len(own))
    place = place_of(os.environ, kind, number=given["number"] or 0, issue=bool(given["issue"]))
    forge = _forge(place)
    try:
        with screen.working(f"Writing to {_NAMES[kind]}"):
            done = _written(forge, place, text, marker, given)
    finally:
        forge.close()
    screen.line(_said(done, issue=given["issue"] is not None))
    return 0


def _refuse_contradictions(given: CommentOptions) -> None:
    title = given["issue"]
    if title is None:
        if given["label"] or given["close"]:
            raise UsageError("--label and --close are about an issue: name it with --issue.")
        return
    if given["number"]:
        raise UsageError("--number names a pull or merge request, and --issue an issue by its title: give one of them.")
    if not title.strip():
        raise UsageError("--issue is blank: give the issue a title.")
    if printable(title) != title:
        raise UsageError("--issue holds what no title can: a line end, a control or an invisible character.")
    if len(title) > _LONGEST_TITLE:
        raise UsageError(f"--issue has {len(title)} characters, and a title at most {_LONGEST_TITLE}.")


def _refuse_labels(labels: Sequence[str], kind: Kind) -> None:
    """Refuse what GitLab would take for several: it has labels as one text, between commas."""
    for label in labels if kind == "gitlab" else ():
        if "," in label:
            raise UsageError(f'GitLab has no label "{shortened(label)}": give each its own --label.')


def _written(forge: Forge, place: Place, text: str, marker: str, given: CommentOptions) -> Done:
    title = given["issue"]
    if title is None:
        return upsert_comment(forge, Thread("change", place.number), text, marker)
    if given["close"]:
        return close_issue(forge, title.strip(), text, marker)
    return upsert_issue(forge, title.strip(), given["label"], text, marker)


def _forge(place: Place) -> Forge:
    match place:
        case GitHubPlace():
            return github.GitHub(place)
        case GitLabPlace():
            return gitlab.GitLab(place)
        case _:
            assert_never(place)


def _text(name: str) -> str:
    if name != "-":
        return read_text(name).removeprefix(_BYTE_ORDER)
    if sys.stdin is None:
        raise UsageError("The standard input is closed: name a file.")
    try:
        return sys.stdin.buffer.read().decode().removeprefix(_BYTE_ORDER)
    except UnicodeDecodeError as error:
        raise UsageError("The standard input is not UTF-8 text.") from error


def _marked(text: str, given: CommentOptions) -> tuple[str, str]:
    """Return the text with its marker, and the marker: the text's own, or one put before it."""
    if not text.strip():
        raise UsageError(f"{_called(given['file'])} is empty: there is nothing to write.")
    own, wanted = marker_of(text), unseen(given["marker"] or "plan")
    if not own:
        return f"{wanted}\n\n{text}", wanted
    if given["marker"] and own != wanted:
        raise UsageError(
            f"{_called(given['file'])} holds the marker {own}, and --marker says {wanted}: leave --marker out, "
            "or give the same one to `reconcile plan`."
        )
    return text, own


def _refuse_long(text: str, name: str, kind: Kind, *, added: int) -> None:
    """Refuse what the forge does not take, with the size that it would take, before we have added our marker."""
    if len(text) > _MOST[kind]:
        raise UsageError(
            f"{_called(name)} has {len(text):,} characters with its marker, and {_NAMES[kind]} takes {_MOST[kind]:,}: "
            f"write it with `reconcile plan --format markdown --max-bytes {_MOST[kind] - added}`."
        )


def _called(name: str) -> str:
    return "The standard input" if name == "-" else shortened(name)


def _said(done: Done, *, issue: bool) -> str:
    """Return what was done and where it is to be seen."""
    if not done.word:
        return "No issue is open: nothing to close."
    copies = f"; {done.copies} later {'copy' if done.copies == 1 else 'copies'} {'closed' if issue else 'deleted'}"
    where = f": {shortened(done.url)}" if done.url else "."
    return f"{'Issue' if issue else 'Comment'} {done.word}{copies if done.copies else ''}{where}"
