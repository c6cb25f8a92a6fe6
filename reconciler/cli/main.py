"""Start the command that was asked for and turn its end into an exit code; never do a command's work.

Commands are loaded when they are called, so that ``--help`` and ``--version`` import nothing heavy.
"""

from __future__ import annotations

import difflib
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from keyword import iskeyword
from typing import cast

import click
from click.shell_completion import CompletionItem, shell_complete

from reconciler import __version__
from reconciler.cli.presentation import presentation
from reconciler.cli.screen import Screen, settle_streams
from reconciler.errors import PolicyError, ReconcileError, UsageError
from reconciler.model.text import shortened

COMMANDS = {
    "init": "Write a first policy for a directory, or for an example.",
    "validate": "Check the policy and say every problem at once.",
    "plan": "Show what would be changed, and why; change nothing.",
    "show": "Show a saved plan.",
    "comment": "Keep one comment of a pipeline up to date.",
    "apply": "Make a plan so: a saved one, or a new one after asking.",
    "unlock": "Show who is at work, or end a lock that was left behind.",
    "log": "Show what was applied, by whom and why; check the reports.",
    "import": "Write rules for what a target holds already.",
    "snapshot": "Save what a directory holds, to plan from it later.",
    "doctor": "Try every directory and target, and say what a run would meet.",
    "explain": "Say what somebody has, should have, or lost, and by which rule.",
    "test": "Check the policy's own expectations.",
    "schema": "Print the JSON Schema of a policy, plan, snapshot or report.",
}

_INTERRUPTED = 130  # as shells say it: 128 and the number of SIGINT
_UNEXPECTED = 1
_COMPLETION = "_RECONCILE_COMPLETE"
_EXIT_CODES = """\b
Exit codes:
  0   success; with --detailed-exitcode, nothing to change
  1   unexpected error
  2   changes are present (--detailed-exitcode)
  3   policy invalid, or its expectations do not hold
  4   directory unreachable or its read incomplete
  5   target unreachable or refused us
  6   a guard refused the plan
  7   applied in part
  8   the saved plan is stale
  9   another run holds the lock
  10  the reports of what was applied were changed (log --verify)
  64  usage
  130 interrupted, or not confirmed
"""


class LazyGroup(click.Group):
    """The commands by name; a command's module is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Return a command; an unknown name is a usage error that names the nearest one."""
        if cmd_name not in COMMANDS:
            close = difflib.get_close_matches(cmd_name, COMMANDS, 1)
            hint = f' Did you mean "{close[0]}"?' if close else ""
            raise click.UsageError(f'There is no command "{shortened(cmd_name, 40)}".{hint}', ctx)
        module = import_module(f"reconciler.cli.{cmd_name}{'_' * iskeyword(cmd_name)}")
        return cast("click.Command", module.command)  # every module of COMMANDS has one; a test calls each

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return what can follow, without loading anything."""
        names = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the list for ``--help`` without loading anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    "reconcile",
    cls=LazyGroup,
    invoke_without_command=True,
    epilog=_EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="reconcile", message="%(prog)s %(version)s")
@presentation
@click.pass_context
def group(context: click.Context) -> None:
    """Access as code for LDAP and Active Directory: plan it, review it, apply exactly that."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(UsageError.exit_code)


def main() -> None:
    """Run the command line and exit."""
    # plans are large and free of cycles: one of 290,000 memberships leaves a thousand objects in some, and looking for them
    # every 100,000 objects takes a tenth of a second
    gc.set_threshold(1_000_000, 50, 50)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; nothing escapes, and what went wrong has been said."""
    settle_streams()
    screen = Screen()
    try:
        if instruction := os.environ.get(_COMPLETION):
            return shell_complete(group, {}, "reconcile", _COMPLETION, instruction)
        return _invoke(arguments, screen)
    except (click.Abort, KeyboardInterrupt):
        screen.message("error", "interrupted; nothing is half-written.")
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last one to hear of it
        return _failed(error, screen)


def _invoke(arguments: Sequence[str], screen: Screen) -> int:
    try:
        with group.make_context("reconcile", list(arguments), obj=screen) as context:
            code = group.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    return code if isinstance(code, int) else 0


def _failed(error: Exception, screen: Screen) -> int:
    """Say what went wrong and return the exit code of its family."""
    if screen.debug:
        import traceback  # noqa: PLC0415 - wanted only here

        screen.message("note", "".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, click.ClickException):
        screen.message("error", f"{error.format_message()}{_help_hint(error)}")
        return UsageError.exit_code
    if isinstance(error, PolicyError):
        screen.problems(error.problems)
        return error.exit_code
    if isinstance(error, ReconcileError):
        screen.message("error", str(error))
        return error.exit_code
    hint = "" if screen.debug else " Run it again with --debug to see where."
    screen.message("error", f"unexpected {type(error).__name__}: {shortened(str(error))}. This is a bug.{hint}")
    return _UNEXPECTED


def _help_hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"\nSee `{context.command_path} --help`." if context else ""
