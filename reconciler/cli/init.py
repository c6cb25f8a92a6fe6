"""`reconcile init`: write a first policy, with comments, for a directory that can be reached; overwrites nothing, keeps no secret."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Unpack

import click

from reconciler.cli.clock import iso, now
from reconciler.cli.files import is_folder, is_missing, write_all_new
from reconciler.cli.options import filled, policy_argument
from reconciler.cli.presentation import presentation
from reconciler.cli.progress import Progress
from reconciler.cli.questions import questions
from reconciler.cli.schema import policy_schema_text
from reconciler.cli.screen import Screen
from reconciler.cli.wishes import SERVICES, TARGETS, VARIABLE, InitOptions, Wishes, check_options
from reconciler.errors import UsageError
from reconciler.model.directory import DIALECTS
from reconciler.model.text import shortened
from reconciler.policy.files import Unusable, find_files
from reconciler.render.words import counted
from reconciler.starting.files import outer_files, policy_files
from reconciler.starting.look import Place, look_at, look_at_example, naming_contexts
from reconciler.starting.seen import Seen

_IGNORE = "it should keep .reconcile/, *.db and saved plans out of git"


@click.command("init")
@policy_argument
@click.option("--server", metavar="URL", callback=filled, help="The directory's server: ldaps://, ldap:// or ldapi://.")
@click.option("--bind-dn", metavar="DN", callback=filled, help="The account that reads; without it nobody logs in.")
@click.option(
    "--password-env",
    metavar="NAME",
    callback=filled,
    help=f"The environment variable that holds its password.  [default: {VARIABLE}]",
)
@click.option("--password-file", metavar="FILE", callback=filled, help="The file that holds its password, instead.")
@click.option("--ca-file", metavar="FILE", callback=filled, help="The authorities to trust, in place of the system's.")
@click.option("--start-tls", is_flag=True, help="Encrypt an ldap:// connection.")
@click.option("--dialect", type=click.Choice(DIALECTS), help="What the directory is, where it does not say so itself.")
@click.option(
    "--base", metavar="DN", callback=filled, help="Where people and groups are; else what the directory says."
)
@click.option("--ldif", metavar="FILE", callback=filled, help="An LDIF file in place of a server.")
@click.option("--target", type=click.Choice(TARGETS), help="The application.  [default: sql]")
@click.option("--gitlab-url", metavar="URL", callback=filled, help="With --target gitlab: its address.")
@click.option("--ci", "service", type=click.Choice(SERVICES), help="Whose pipeline to write.  [default: github]")
@click.option(
    "--action",
    metavar="ACTION",
    callback=filled,
    help="With --ci github: call this project's workflows, by OWNER/REPO/.github/actions/reconcile@COMMIT.",
)
@click.option("--package", metavar="WHAT", callback=filled, help="What pip installs in the pipeline, to be trusted.")
@presentation
@click.pass_obj
def command(screen: Screen, **given: Unpack[InitOptions]) -> int:
    """Write a first policy for a directory, or for an example.

    With --server or --ldif the directory is read, and what it holds goes into the policy: its base, the attributes that it
    uses, names of groups as examples of rules. Without, the policy is a small made-up company that plans at once. On a
    terminal, what no option says is asked for. Nothing is overwritten, and a password is never asked for or written.

    POLICY is the folder to make: `policies`, or what $RECONCILE_POLICY says.
    """
    folder = given["policy"]
    _refuse_taken(folder)
    check_options(given)
    wishes = Wishes(given, questions())
    place = wishes.place()
    seen, found = _seen(place, wishes, screen)
    inside = policy_files(wishes.wanted(place, seen), policy_schema_text(), example=not found)
    service = wishes.service
    outside = outer_files(service, wishes.pipeline(place))
    texts = _to_write(folder, wishes.root, inside, outside)
    write_all_new(texts)
    screen.result(f"Wrote {_shown(path)}\n" for path in texts)
    if found:
        screen.message("note", found)
    _say_what_is_left(wishes.root, outside, texts, screen)
    name = "" if folder == "policies" else f" {shortened(folder)}"
    screen.message("note", f"Next: reconcile validate{name}, reconcile plan{name}, and docs/tutorial.md.")
    return 0


def _refuse_taken(folder: str) -> None:
    """Raise UsageError where there is a policy already, or no folder can be."""
    if not is_missing(folder) and not is_folder(folder):
        raise UsageError(f"{shortened(folder)} is no folder: name one that is empty or not there yet.")
    try:
        files, _ = find_files(folder)
    except Unusable:
        return
    raise UsageError(
        f"{shortened(folder)} holds a policy already ({files[0].shown if files else 'links'}), and nothing is overwritten: "
        "name another folder."
    )


def _seen(place: Place, wishes: Wishes, screen: Screen) -> tuple[Seen, str]:
    """Return what the directory holds and a sentence about it; nothing is said of the example."""
    moment = iso(now())
    if not (place.server or place.ldif):
        return look_at_example(moment), ""
    observer = Progress(screen)
    if place.server and wishes.asks_base:
        with screen.working("Asking the directory what it holds"):
            contexts = naming_contexts(place, observer)
        place = wishes.with_base(place, contexts)
    with screen.working("Looking at the directory"):
        seen = look_at(place, moment, observer)
    more = "" if seen.all_people else " or more"
    counts = f"{counted(seen.people, 'person')}{more}, {counted(len(seen.groups), 'group')}"
    return seen, f"Found {counts} below {shortened(seen.base) or 'the top'}, read like {seen.dialect}."


def _to_write(folder: str, root: Path, inside: Mapping[str, str], outside: Mapping[str, str]) -> dict[Path, str]:
    """Return the files by path, those of the repository only where they are not there.

    Raises UsageError where one of the policy's is there: it would not be the one that the others rest on.
    """
    texts = {Path(folder, name): text for name, text in inside.items()}
    for path in texts:
        if _is_there(path):
            raise UsageError(f"{_shown(path)} is there already, and nothing is overwritten: name another folder.")
    return texts | {root / name: text for name, text in outside.items() if not _is_there(root / name)}


def _say_what_is_left(root: Path, outside: Mapping[str, str], written: Collection[Path], screen: Screen) -> None:
    for name in outside:
        if root / name not in written:
            hint = f"; {_IGNORE}" if name == ".gitignore" else ""
            screen.message("note", f"{_shown(root / name)} was there already and is as it was{hint}.")


def _is_there(path: Path) -> bool:
    return path.is_symlink() or not is_missing(str(path))


def _shown(path: Path) -> str:
    """Return a path as seen from here, where it is below."""
    here = Path.cwd()
    return shortened(str(path.relative_to(here) if path.is_relative_to(here) else path))
