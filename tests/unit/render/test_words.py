"""The words for reasons."""

from __future__ import annotations

import pytest

from reconciler.model.plan import Hold
from reconciler.model.reason import Why
from reconciler.render.document import ReasonData
from reconciler.render.words import HOLDS, cause, place
from tests.unit.render.documents import reason

LEADS = ("cn=leads",)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (reason("group_link", path=("cn=devs", "cn=all")), "cn=devs via cn=all"),
        (reason("group_link", detail="(title=Staff Engineer)"), "matches (title=Staff Engineer)"),
        (reason("group_link"), "named by the rule"),
        (reason("grant", detail='until 2026-12-31: "INC-1"'), 'grant until 2026-12-31: "INC-1"'),
        (reason("left_group", path=LEADS), "no longer in cn=leads"),
        (reason("left_group", path=("(title=x)",)), "no longer matches (title=x)"),
        (reason("left_group", path=LEADS, detail="still cn=devs"), "no longer in cn=leads; still cn=devs"),
        (reason("left_group"), "no rule gives it any more"),
        (
            reason("rule_taken", path=LEADS, detail="p.yaml:3 of the base"),
            "no longer given by cn=leads; p.yaml:3 of the base",
        ),
        (
            reason("rule_taken", detail="(title=x); p.yaml:3 of the base"),
            "no longer given; (title=x); p.yaml:3 of the base",
        ),
        (reason("grant_ended", detail="on 2026-01-01"), "grant ended on 2026-01-01"),
        (reason("left_directory"), "left the directory"),
        (reason("left_directory", path=LEADS), "left the directory and cn=leads"),
        (reason("disabled", path=LEADS), "disabled in the directory; cn=leads"),
        (reason("disabled", detail="(title=x)"), "disabled in the directory; (title=x)"),
        (reason("admin_group", path=LEADS), "admin group cn=leads"),
        (reason("scope"), "in the directory"),
        (reason("group_gone", path=LEADS), "cn=leads is gone"),
    ],
)
def test_reason_is_said_in_words_of_the_field(given: ReasonData, said: str) -> None:
    """The person's own group first, then the way outwards to the rule's group."""
    assert cause(given) == said


@pytest.mark.parametrize("why", list(Why))
def test_every_cause_has_words(why: Why) -> None:
    """No reason is shown by the name that the code has for it."""
    assert cause(reason(str(why))) != ""
    assert "_" not in cause(reason(str(why)))


@pytest.mark.parametrize("hold", list(Hold))
def test_every_hold_has_words(hold: Hold) -> None:
    """No hold is shown by the name that the code has for it."""
    assert HOLDS[hold]


def test_reason_without_a_rule_has_no_place() -> None:
    """The brackets then hold the cause only."""
    assert place(reason("left_directory")) == ""
    assert place(reason("group_link", 14)) == "policies/acme/gitlab.yaml:14"
