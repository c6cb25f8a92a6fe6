"""Two directories whose people would be one account."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.change import CreateUser
from reconciler.model.plan import TargetPlan
from reconciler.plan.clashes import with_clashes
from tests.builders import user
from tests.unit.model.changes import EVERY, WHY

CORP = TargetPlan("staff", "sql", "sqlite:///roster.db", "corp", (CreateUser(user("ann"), WHY), EVERY["group.create"]))
PARTNERS = replace(CORP, name="guests", directory="partners", changes=(CreateUser(user("ANN"), WHY),))


def test_one_account_for_two_people_is_an_error_of_both() -> None:
    """Logins compare without case; each section says it in its own words."""
    first, second = with_clashes([CORP, PARTNERS])
    assert [finding.code for finding in (*first.diagnostics, *second.diagnostics)] == ["DIRECTORY-CLASH"] * 2
    assert first.diagnostics[0].summary == '"ann" would be made for somebody of corp and for somebody of partners.'
    assert second.diagnostics[0].summary == '"ANN" would be made for somebody of partners and for somebody of corp.'
    assert first.diagnostics[0].severity == "error"


def test_the_same_name_elsewhere_is_another_account() -> None:
    """In another application, of another kind, or made for the same directory."""
    elsewhere = replace(PARTNERS, address="sqlite:///other.db")
    other_kind = replace(PARTNERS, kind="gitlab")
    same = replace(CORP, name="again")
    for others in ([CORP, elsewhere], [CORP, other_kind], [CORP, same], [CORP], []):
        assert with_clashes(others) == tuple(others)
