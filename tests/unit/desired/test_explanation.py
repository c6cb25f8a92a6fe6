"""Why somebody has, gains or loses something."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from reconciler.desired.build import Desired
from reconciler.model.access import Flag, GroupKey, Role, UserKey
from reconciler.model.reason import Reason, Why
from reconciler.policy.model import OnMissing
from tests.builders import (
    EDITOR,
    OWNER,
    TARGET,
    TODAY,
    USERS,
    VIEWER,
    at,
    desired,
    grant,
    imported,
    key,
    link,
    named,
    person,
    rule,
    rules,
    snapshot,
    team,
)

API, WEB = GroupKey("api"), GroupKey("web")
PEOPLE = (person("ann"), person("bob"), person("cy"), person("dee", disabled=True), person("eve"))
TEAMS = (
    team("outer", "cy", groups=("middle",)),
    team("middle", groups=("inner", "outer")),
    team("inner", "ann"),
    team("leads", "bob", "dee"),
    team("app-a", "ann"),
    team("other", "eve"),
)
SAID = (
    rule(
        "api",
        link("outer", VIEWER, 10),
        link("leads", OWNER, 11),
        link("other", EDITOR, 12),
        grant("eve", OWNER, TODAY, 30),
        grant("ann", EDITOR, TODAY - timedelta(days=1), 31),
    ),
    rule("web", link("(uid=eve)", VIEWER, 20)),
)
TARGETED = replace(TARGET, admin_group=named("leads"), external_groups=(named("inner", 41), named("other", 42)))


def of() -> Desired:
    return desired(snapshot(PEOPLE, TEAMS), rules(*SAID, imports=[imported("(cn=app-*)")], target=TARGETED))


def test_a_gained_role_names_the_rule_and_the_whole_nested_way() -> None:
    """From the rule's group down to the person's own; people who come the same way share one object."""
    explain = of().explain
    assert explain.gained(API, key("ann")) == Reason(Why.GROUP_LINK, at(10), ("cn=outer", "cn=middle", "cn=inner"))
    assert explain.gained(API, key("cy")) == Reason(Why.GROUP_LINK, at(10), ("cn=outer",))
    assert explain.gained(API, key("bob")) is explain.gained(API, key("dee"))


def test_a_role_by_filter_shows_the_filter_and_one_by_grant_the_grant() -> None:
    """Neither has a path."""
    explain = of().explain
    assert explain.gained(WEB, key("eve")) == Reason(Why.GROUP_LINK, at(20), (), "(uid=eve)")
    assert explain.gained(API, key("eve")) == Reason(Why.GRANT, at(30), (), 'until 2026-11-20: "INC-1 handover"')


def test_a_lost_role_names_what_gave_it() -> None:
    """The links of that role, and not that somebody has left what never gave it: then no rule gives it any more."""
    explain = of().explain
    assert explain.lost(WEB, key("ann"), "ann", VIEWER) == Reason(Why.LEFT_GROUP, at(20), ("(uid=eve)",))
    assert explain._without(API, key("bob"), "bob", VIEWER) == Reason(Why.LEFT_GROUP, at(10), ("cn=outer",))
    former = explain._without(API, key("bob"), "bob", Role("former"))
    assert former == Reason(Why.LEFT_GROUP, at(11))


def test_somebody_who_left_the_directory_left_it() -> None:
    """Whatever groups there were."""
    assert of().explain.lost(API, UserKey("id-zoe"), "zoe", OWNER) == Reason(Why.LEFT_DIRECTORY, at(11))


def test_a_role_by_a_grant_that_is_over_ended_with_it() -> None:
    """Only that role, only that person."""
    explain = of().explain
    assert explain._without(API, key("ann"), "Ann", EDITOR) == Reason(Why.GRANT_ENDED, at(31), detail="on 2026-11-19")
    assert explain._without(API, key("ann"), "ann", OWNER).why is Why.LEFT_GROUP


def test_a_group_with_grants_only_has_no_link_to_name() -> None:
    """The reason says just that no rule gives the role."""
    wanted = desired(snapshot(PEOPLE), rules(rule("api", grant("ann"))))
    assert wanted.explain.lost(API, key("bob"), "bob", VIEWER) == Reason(Why.LEFT_GROUP)


def test_a_demotion_says_what_is_left() -> None:
    """By its path, or by the filter or grant; after the end of a grant both are said."""
    explain = of().explain
    assert explain.demoted(API, key("cy"), "cy", OWNER) == Reason(
        Why.LEFT_GROUP, at(11), ("cn=leads",), "still cn=outer"
    )
    ended = explain.demoted(API, key("ann"), "ann", EDITOR)
    assert ended.detail == "on 2026-11-19; still cn=outer via cn=middle via cn=inner"
    assert explain.demoted(WEB, key("eve"), "eve", OWNER).detail == "still (uid=eve)"


def test_a_disabled_person_whose_account_goes_loses_roles_for_that() -> None:
    """The rule and the way are those that gave the role."""
    removing = replace(TARGET, users=replace(USERS, when_disabled=OnMissing.REMOVE))
    wanted = desired(snapshot(PEOPLE, TEAMS), rules(*SAID, target=removing))
    assert wanted.explain.lost(API, key("dee"), "dee", OWNER) == Reason(Why.DISABLED, at(11), ("cn=leads",))


def test_an_account_is_wanted_for_the_first_group_else_a_mark_else_the_scope() -> None:
    """By the group's name."""
    assert of().explain.account(key("ann")) == Reason(Why.GROUP_LINK, at(10), ("cn=outer", "cn=middle", "cn=inner"))
    seen = snapshot(PEOPLE, TEAMS)
    marked = desired(seen, rules(target=TARGETED)).explain
    assert marked.account(key("bob")) == Reason(Why.ADMIN_GROUP, at(40), ("cn=leads",))
    assert marked.account(key("eve")) == Reason(Why.EXTERNAL_GROUP, at(42), ("cn=other",))
    assert marked.account(key("cy")) == Reason(Why.SCOPE, at(6))


def test_marks_are_explained_like_roles() -> None:
    """Gained by a group, lost by leaving all of them, or the directory."""
    explain = of().explain
    assert explain.carries(Flag.EXTERNAL, key("eve"))
    assert not explain.carries(Flag.EXTERNAL, key("bob"))
    assert not explain.carries(Flag.EXTERNAL, UserKey("id-zoe"))
    assert explain.flagged(Flag.EXTERNAL, key("ann")) == Reason(Why.EXTERNAL_GROUP, at(41), ("cn=inner",))
    assert explain.unflagged(Flag.EXTERNAL, key("bob")) == Reason(Why.LEFT_GROUP, at(41), ("cn=inner or cn=other",))
    assert explain.unflagged(Flag.ADMIN, UserKey("id-zoe")) == Reason(Why.LEFT_DIRECTORY, at(40), ("cn=leads",))


def test_a_group_is_wanted_for_its_rule_or_its_directory_group() -> None:
    """With the place of either."""
    explain = of().explain
    assert explain.group(API) == Reason(Why.NAMED_BY_RULE, at(9))
    assert explain.group(GroupKey("app-a")) == Reason(Why.GROUP_IMPORT, at(50), ("cn=app-a",))


def test_of_equal_roles_the_rule_written_first_is_the_reason() -> None:
    """The order in the file decides."""
    both = snapshot(PEOPLE, (team("one", "ann"), team("two", "ann")))
    said = rules(rule("api", link("two", VIEWER, 10), link("one", VIEWER, 11)))
    assert desired(both, said).explain.gained(API, key("ann")).path == ("cn=two",)


def test_somebody_without_a_name_is_called_by_dn() -> None:
    """There is nothing else to call them."""
    assert of().explain.dn_of(key("ann")) == "uid=ann,ou=people,dc=acme"
