"""How the rights of a credential are judged, and that the documents show it as it is."""

from __future__ import annotations

import pytest

from reconciler.model.check import Status
from reconciler.render.checks import check_lines
from reconciler.render.look import Look
from reconciler.targets.base import Right, Rights
from reconciler.targets.examine import Purpose, rights_checks
from tests.examples import ROOT

READ, WRITE, ADMIN = Right.READ, Right.WRITE, Right.ADMIN


@pytest.mark.parametrize(
    ("purpose", "can", "lacks", "status", "what"),
    [
        (Purpose.PLAN, {READ}, (), Status.OK, "plan needs to read, and this credential can do no more"),
        (Purpose.PLAN, {READ, WRITE}, (), Status.WARNING, "plan needs to read; this credential can also write (x)"),
        (
            Purpose.PLAN,
            {READ, ADMIN},
            (),
            Status.WARNING,
            "plan needs to read; this credential can also do more than any command needs (x)",
        ),
        (Purpose.PLAN, {WRITE}, ("y",), Status.FAILED, "plan needs to read, and this credential cannot"),
        (Purpose.PLAN, set(), (), Status.FAILED, "plan needs to read, and this credential cannot"),
        (
            Purpose.APPLY,
            {READ, WRITE},
            (),
            Status.OK,
            "apply needs to read and write, and this credential can do no more",
        ),
        (
            Purpose.APPLY,
            {READ, WRITE},
            ("y",),
            Status.FAILED,
            "apply needs to read and write, and this credential cannot in full",
        ),
        (Purpose.APPLY, {READ}, (), Status.FAILED, "apply needs to read and write, and this credential cannot in full"),
        (
            Purpose.APPLY,
            {READ, WRITE, ADMIN},
            (),
            Status.WARNING,
            "apply needs to read and write; this credential can do more (x)",
        ),
    ],
)
def test_rights_are_judged_for_a_command(
    purpose: Purpose, can: set[Right], lacks: tuple[str, ...], status: Status, what: str
) -> None:
    """Too little fails, too much is a warning."""
    _, verdict = rights_checks(Rights(frozenset(can), "me", "x", lacks), purpose)
    assert (verdict.status, verdict.what) == (status, what)
    if status is Status.FAILED:
        assert verdict.way_out == ("it lacks y" if lacks else "give it that right")


def test_a_credential_without_a_name_and_without_rights_is_told() -> None:
    """As far as the target says anything."""
    account, _ = rights_checks(Rights(frozenset()), Purpose.PLAN)
    assert account.what == "this credential can do nothing here"


def test_the_page_shows_what_doctor_says() -> None:
    """The example of docs/directories.md, but for what is read."""
    rights = Rights(frozenset({READ, WRITE}), "reconcile", "may write groups, memberships, users")
    lines = check_lines("", list(rights_checks(rights, Purpose.PLAN)), Look())
    page = (ROOT / "docs/directories.md").read_text(encoding="utf-8")
    assert "\n".join(lines) in page
