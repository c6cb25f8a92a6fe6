"""The end of an apply as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from reconciler.render.look import Look
from reconciler.render.outcome import outcome_text
from tests.unit.render.documents import DEVS, GONE, membership, plan, target, user_change


@dataclass(frozen=True)
class Ending:
    """What became of one change."""

    status: str
    message: str = ""


@dataclass(frozen=True)
class Target:
    """What became of one target."""

    name: str
    outcomes: tuple[Ending, ...]
    error: str = ""


@dataclass(frozen=True)
class Ends:
    """What became of a whole plan."""

    targets: Sequence[Target]
    plan_id: str = "sha256:0123"
    earlier: int = 0
    resumed: bool = False
    begun: bool = True
    interrupted: bool = False
    stale: bool = False
    finished: bool = False


DOCUMENT = plan(
    target(
        membership("a", "alice", None, "guest"),
        membership("a", "bob", "guest", "owner"),
        user_change("disable", "carol", GONE, have=True, want=False),
        user_change("create", "dora\x1b[2J", DEVS, want={}),
    ),
    target(name="roster"),
)


def text_of(*outcomes: Ending, error: str = "", ends: Ends = Ends(())) -> str:
    return "".join(outcome_text(DOCUMENT, replace(ends, targets=[Target("gitlab", outcomes, error)]), Look()))


def test_applied_plan_ends_with_the_nouns_of_its_last_line() -> None:
    """Add becomes added, change changed, remove removed; nothing else is said."""
    assert text_of(*[Ending("applied")] * 4) == "Applied: 2 added, 1 changed, 1 removed.\n"


def test_failed_stale_and_untried_changes_are_named_with_the_next_step() -> None:
    """Whoever reads it knows which object failed, why, and what to do."""
    text = text_of(
        Ending("applied"), Ending("failed", "409 last owner"), Ending("skipped", "not tried"), Ending("stale", "gone\n")
    )
    assert (
        text
        == r"""gitlab
  failed: ~ a  bob  guest → owner  (409 last owner)
  no longer as planned: + dora\x1b[2J  create  (gone\x0a)
  not tried: - carol  disable

Not everything was applied.
Correct what is named above, and go on with: reconcile apply --resume sha256:0123
Or run `reconcile plan` again: it shows exactly what is left.
Applied: 1 added, 0 changed, 0 removed. 1 failed, 1 no longer as planned and 1 not tried.
"""
    )


def test_what_is_to_be_said_of_an_applied_change_is_said() -> None:
    """It counts as applied, and calls for no next step."""
    text = text_of(Ending("applied"), Ending("applied", "keys left out: \x1b[2J"), *[Ending("applied")] * 2)
    assert text == (
        "gitlab\n"
        "  applied: ~ a  bob  guest → owner  (keys left out: \\x1b[2J)\n"
        "\n"
        "Applied: 2 added, 1 changed, 1 removed.\n"
    )
    text = text_of(Ending("failed", "no"), Ending("applied", "keys left out"), *[Ending("applied")] * 2)
    assert text.startswith(
        "gitlab\n  failed: + a  alice  guest  (no)\n  applied: ~ a  bob  guest → owner  (keys left out)\n\nNot"
    )


def test_stale_plan_says_that_nothing_was_written() -> None:
    """With nothing applied a stale plan is a plan to be made again."""
    text = text_of(Ending("stale", "role is owner, not guest"), *[Ending("skipped")] * 3)
    assert "The plan is stale: the target is not what the plan expected, and nothing was written." in text
    assert text.endswith("Applied: 0 added, 0 changed, 0 removed. 1 no longer as planned and 3 not tried.\n")


def test_target_that_failed_as_a_whole_says_why() -> None:
    """Its error stands before its changes."""
    assert text_of(*[Ending("skipped")] * 4, error="disk I/O error").startswith(
        "gitlab\n  ! disk I/O error\n  not tried: "
    )


def test_untouched_changes_are_counted_after_twenty() -> None:
    """A failed run of 1,000 changes does not bury its cause; the plan has them all, and failures are all named."""
    names = [membership("a", f"u{number}", None, "guest") for number in range(1000)]
    statuses = ["failed"] * 30 + ["stale"] * 30 + ["skipped"] * 940
    endings = [Target("gitlab", tuple(Ending(status) for status in statuses))]
    text = "".join(outcome_text(plan(target(*names)), Ends(endings), Look()))
    assert text.count("failed: +") == 30
    assert text.count("no longer as planned: +") == 20
    assert text.count("not tried: +") == 20
    assert "\n  no longer as planned: 10 more\n" in text
    assert "\n  not tried: 920 more\n" in text
    assert "\nNothing was applied.\n" in text


def test_endings_that_do_not_fit_the_plan_are_a_bug_and_not_silence() -> None:
    """One ending per change, or an error."""
    with pytest.raises(ValueError, match="shorter"):
        text_of(Ending("applied"))


def test_a_stale_plan_can_be_applied_in_part() -> None:
    """What this run looked at before it wrote anything is named, and how to leave it out."""
    text = text_of(Ending("stale", "gone"), *[Ending("skipped")] * 3, ends=Ends((), begun=False, stale=True))
    assert "and nothing was written.\nRun `reconcile plan` again and review what it says now.\n" in text
    assert "Or leave out what is named above, and apply what still holds: --allow-partial.\n" in text


@pytest.mark.parametrize("other", ["skipped", "stale"])
def test_what_got_no_answer_may_have_been_made(other: str) -> None:
    """Nobody is told that nothing was written; resuming finds out."""
    text = text_of(Ending("unknown", "no answer came"), *[Ending(other)] * 3)
    assert "\nIt is not known whether anything was applied.\n" in text
    assert "othing was" not in text
    assert "go on with: reconcile apply --resume sha256:0123\n" in text


def test_an_interrupted_apply_says_how_to_go_on() -> None:
    """Nothing has to be corrected."""
    text = text_of(*[Ending("applied")] * 2, *[Ending("skipped")] * 2, ends=Ends((), interrupted=True))
    assert "\nInterrupted. Not everything was applied.\nGo on with: reconcile apply --resume sha256:0123\n" in text


def test_a_resumed_apply_says_what_had_been_made_before() -> None:
    """The last line counts the whole plan; and a plan that is stale now was written in part before."""
    ends = Ends((), resumed=True, earlier=3)
    text = text_of(*[Ending("applied")] * 4, ends=ends)
    assert text == ("Resumed: 3 of the changes had been made before.\nApplied: 2 added, 1 changed, 1 removed.\n")
    text = text_of(*[Ending("applied")] * 3, Ending("stale"), ends=replace(ends, stale=True))
    assert "and nothing more was written." in text


def test_what_was_left_out_on_purpose_is_not_to_be_resumed() -> None:
    """There is nothing that resuming could do about it, nor where nothing was begun."""
    text = text_of(*[Ending("applied")] * 3, Ending("stale"), ends=Ends((), finished=True))
    assert "--resume" not in text
    assert "--resume" not in text_of(*[Ending("skipped")] * 4, error="no answer", ends=Ends((), begun=False))


def test_what_got_no_answer_is_told_from_what_failed() -> None:
    """It may have been made."""
    assert "  without an answer: ~ a  bob  guest → owner  (timeout)\n" in text_of(
        Ending("applied"), Ending("unknown", "timeout"), *[Ending("applied")] * 2
    )


def test_what_waits_for_somebody_is_not_called_untried() -> None:
    """It was asked for, so the reason is shown."""
    text = text_of(
        Ending("applied"), Ending("skipped", "it waits for an approval"), *[Ending("skipped", "not tried")] * 2
    )
    assert "not in force: " in text
    assert "(it waits for an approval)" in text
    assert text.count("not tried: ") == 2
