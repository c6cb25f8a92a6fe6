"""How one person stands to one group: what is given, what counts, what is nearly given."""

from __future__ import annotations

from datetime import timedelta

from reconciler.desired.standing import standing_in, standing_of
from reconciler.model.access import Flag, GroupKey, Role, UserKey
from reconciler.model.reason import Reason, Why
from tests.builders import EDITOR, OWNER, TODAY, VIEWER, at, grant, imported, key, link, rule, rules, snapshot, team
from tests.builders import desired as render
from tests.unit.desired.test_explanation import of

API, WEB = GroupKey("api"), GroupKey("web")
ROLES = (VIEWER, EDITOR, OWNER)


def test_the_highest_role_counts_and_the_others_are_outranked() -> None:
    """Each with its own path; what would give more is missed, what would give less is not."""
    want = render(
        snapshot(of().roll.people, (team("all", groups=("devs",)), team("devs", "ann"), team("leads", "bob"))),
        rules(rule("api", link("all", VIEWER, 10), link("devs", EDITOR, 11), link("leads", OWNER, 12))),
    )
    found = standing_in(API, want, key("ann"), ROLES)
    assert found.role == EDITOR
    assert [(one.role, one.reason) for one in found.given] == [
        (EDITOR, Reason(Why.GROUP_LINK, at(11), ("cn=devs",))),
        (VIEWER, Reason(Why.GROUP_LINK, at(10), ("cn=all", "cn=devs"))),
    ]
    assert [(source.role, source.label) for source in found.missed] == [(OWNER, "cn=leads")]
    assert standing_in(API, want, key("bob"), ROLES).missed == ()


def test_somebody_whom_no_rule_names_has_missed_all_of_them() -> None:
    """And so has an account whose person is gone."""
    want = of()
    for who in (key("cy"), UserKey("id-gone")):
        found = standing_in(WEB, want, who, ROLES)
        assert (found.role, found.given) == (None, ())
        assert [source.label for source in found.missed] == ["(uid=eve)"]


def test_a_grant_that_is_over_is_named_to_its_person_only() -> None:
    """The grant of ann ended yesterday."""
    want = of()
    assert [grant.until for grant in standing_in(API, want, key("ann"), ROLES).ended] == [TODAY - timedelta(days=1)]
    assert standing_in(API, want, key("eve"), ROLES).ended == ()


def test_doubts_are_said() -> None:
    """A missing group freezes everybody; a grant that may mean one of two says so to both."""
    people = (*of().roll.people[:1], *snapshot(of().roll.people).people[1:2])
    want = render(
        snapshot(people, (team("devs", "ann"),)), rules(rule("api", link("devs"), link("nowhere", OWNER, 12)))
    )
    found = standing_in(API, want, key("ann"), ROLES)
    assert "cn=nowhere" in found.frozen
    assert not found.unsure
    assert found.missed[0].gap


def test_marks_have_their_rules_too() -> None:
    """Who carries one is told why, who does not is told of all that would give it."""
    want = of()
    found = standing_of(Flag.ADMIN, want, key("bob"))
    assert (found.role, found.missed) == (Role("admin"), ())
    assert found.given[0].reason.why is Why.ADMIN_GROUP
    without = standing_of(Flag.EXTERNAL, want, key("bob"))
    assert (without.role, without.given) == (None, ())
    assert [source.label for source in without.missed] == ["cn=other", "cn=inner"]


def test_a_grant_and_an_import_are_ways_like_links() -> None:
    """With the grant's reason and the imported group."""
    want = render(
        snapshot(of().roll.people, (team("app-a", "ann"),)),
        rules(rule("app-a", grant("ann", OWNER, TODAY, 30)), imports=[imported("(cn=app-*)")]),
    )
    found = standing_in(GroupKey("app-a"), want, key("ann"), ROLES)
    assert [one.reason.why for one in found.given] == [Why.GRANT, Why.GROUP_IMPORT]
