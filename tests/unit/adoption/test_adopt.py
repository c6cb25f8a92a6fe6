"""Rules that explain a live target: which links are found, what is left over, and what is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.adoption.adopt import Ground, adopt
from reconciler.adoption.draft import Draft, GroupDraft, Held
from reconciler.desired.links import Directory
from reconciler.model.access import Flag, Group, GroupKey, NameLimits, Role, State
from reconciler.model.directory import Person, Snapshot
from reconciler.model.known_link import KnownLink
from reconciler.policy.model import Naming, NamingRule, Protection
from tests.builders import (
    EDITOR,
    OWNER,
    ROSTER,
    TARGET,
    VIEWER,
    Team,
    World,
    link,
    live,
    named,
    person,
    rule,
    rules,
    snapshot,
    stranger,
    team,
    user,
)

PEOPLE = tuple(map(person, ("ann", "bob", "cy", "dee")))


def drafted(seen: Snapshot, have: State, world: World | None = None, **ground: object) -> Draft:
    """Return what is found for a live state; `world` brings the policy, `ground` what else is known."""
    world = replace(world, seen=seen) if world else World(seen, rules())
    base = Ground(world.said, world.protected, world.want(), Directory(seen), ROSTER, {})
    return adopt(have, replace(base, **ground))  # type: ignore[arg-type]


def said(group: GroupDraft) -> list[tuple[str, str]]:
    """Return the links of a group as (name, role)."""
    return [(one.text, str(one.role)) for one in group.links]


def only(draft: Draft) -> GroupDraft:
    (group,) = draft.groups
    return group


def test_each_role_is_explained_and_the_higher_one_wins() -> None:
    """Leads are in devs, too: devs may give editor, for all in it hold at least that."""
    seen = snapshot(PEOPLE, (team("devs", "ann", "bob", "cy"), team("leads", "cy")))
    group = only(drafted(seen, live({"api": {"ann": EDITOR, "bob": EDITOR, "cy": OWNER}})))
    assert said(group) == [("leads", "owner"), ("devs", "editor")]
    assert not group.held


def test_a_group_with_somebody_who_holds_less_explains_nobody() -> None:
    """Not even those who hold the role: a link would give it to the others."""
    seen = snapshot(PEOPLE, (team("devs", "ann", "bob"),))
    group = only(drafted(seen, live({"api": {"ann": EDITOR, "bob": VIEWER}})))
    assert said(group) == [("devs", "viewer")]
    assert group.held == (Held("ann", EDITOR),)
    assert only(drafted(seen, live({"api": {"ann": EDITOR}}))).links == ()


def test_nested_people_count_and_unreadable_groups_do_not() -> None:
    """What cannot be seen proves nothing."""
    nested = snapshot(PEOPLE, (team("all", groups=("devs",)), team("devs", "ann", "bob"), team("ops", "ann")))
    group = only(drafted(nested, live({"api": {"ann": VIEWER, "bob": VIEWER}})))
    assert said(group) == [("all", "viewer")]
    assert group.links[0].twins == ("devs",)
    dark = snapshot(PEOPLE, (team("all", groups=("devs",)), team("devs", "ann", readable=False)))
    assert only(drafted(dark, live({"api": {"ann": VIEWER}}))).links == ()


def test_of_groups_with_the_same_people_the_one_with_the_better_name_is_linked() -> None:
    """The others are named beside it, for whoever knows better."""
    seen = snapshot(PEOPLE, (team("coffee", "ann", "bob"), team("payments-devs", "ann", "bob")))
    group = only(drafted(seen, live({"payments/backend": {"ann": VIEWER, "bob": VIEWER}})))
    assert said(group) == [("payments-devs", "viewer")]
    assert group.links[0].twins == ("coffee",)


def test_a_group_is_linked_by_its_dn_where_its_cn_is_not_its_own() -> None:
    """A CN that two groups have would be an error in the policy."""
    twice = Team("devs2", ("bob",), attributes={"cn": ("devs2", "devs")})
    seen = snapshot(PEOPLE, (team("devs", "ann"), twice))
    (one,) = only(drafted(seen, live({"api": {"ann": VIEWER}}))).links
    assert (one.selector, one.text) == ("dn", "cn=devs,ou=groups,dc=acme")


def test_rows_by_hand_stay_out_of_links_of_another_role() -> None:
    """With the same role they count as present; with another one the plan would have something to say."""
    seen = snapshot(PEOPLE, (team("devs", "ann", "bob"),))
    same = drafted(seen, live({"api": {"ann": EDITOR}}, by_hand={"api": {"bob": EDITOR}}))
    assert said(only(same)) == [("devs", "editor")]
    other = drafted(seen, live({"api": {"ann": EDITOR}}, by_hand={"api": {"bob": OWNER}}))
    assert only(other).held == (Held("ann", EDITOR),)


@pytest.mark.parametrize(
    "entry", [person("ann", uid=()), person("ann", uid="bob")], ids=["no username", "somebody else's"]
)
def test_whom_no_grant_can_name_is_noted(entry: Person) -> None:
    """A grant that may mean somebody else gives nothing."""
    seen = snapshot((entry, person("bob")))
    draft = drafted(seen, live({"api": {"ann": EDITOR, "cy": VIEWER}}))
    assert draft.groups == ()
    draft = drafted(snapshot((entry, person("bob")), (team("b", "bob"),)), live({"api": {"ann": EDITOR, "bob": OWNER}}))
    (note,) = only(draft).notes
    assert note == f"{entry.dn} holds editor, and no grant can name them: the username is not theirs alone."


def test_accounts_of_nobody_are_counted_and_explain_nothing() -> None:
    """Somebody else's account of a person's name is not that person's."""
    seen = snapshot(PEOPLE, (team("devs", "ann", "bob"),))
    have = live(
        {"api": {"ann": EDITOR, "xan": EDITOR, "yul": EDITOR}}, stranger("bob"), by_hand={"api": {"bob": EDITOR}}
    )
    group = only(drafted(seen, have))
    assert group.held == (Held("ann", EDITOR),)
    assert group.notes == (
        "2 memberships are of accounts behind which nobody of the directory stands, or not certainly one.",
    )


def test_two_accounts_of_one_person_are_nobodys() -> None:
    """It is not clear which one a rule would mean; one with the person's id is certain."""
    seen = snapshot((person("ann", stable=False), person("bob")))
    by_name, shouted = user("ann", key="local:ann"), user("ANN", key="local:ANN")
    by_dn = user("ann2", key="dn:uid=ann,ou=people,dc=acme")
    assert drafted(seen, live({"api": {"ann": EDITOR, "ANN": EDITOR}}, by_name, shouted)).groups == ()
    assert only(drafted(seen, live({"api": {"ann": EDITOR}}, by_name))).held == (Held("ann", EDITOR),)
    certain = only(drafted(seen, live({"api": {"ann": EDITOR, "ann2": OWNER}}, by_name, by_dn)))
    assert certain.held == (Held("ann", OWNER),)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ruled", "is named by a rule of the policy already"),
        ("closed", "is protected by the policy"),
        ("theirs", "is not ours"),
        ("elsewhere", "is linked by the target, and is not among its groups"),
        ("a{{b}}", "has a name that no policy can hold"),
        ("admin", "has a name that the policy does not allow: it is reserved"),
        ("former", "holds roles that the policy does not know: boss, chief"),
    ],
)
def test_a_group_that_cannot_be_ruled_without_changing_it_is_left_out(name: str, why: str) -> None:
    """And the reason is said."""
    naming = Naming(groups=NamingRule(NameLimits(reserved=("admin",))))
    world = World(
        snapshot(), rules(rule("ruled", link("devs")), naming=naming), protected=Protection(groups=("closed",))
    )
    roles = {"ann": Role("boss"), "bob": Role("chief")} if name == "former" else {"ann": VIEWER}
    have = live({} if name == "elsewhere" else {name: roles}, groups=(Group(GroupKey("theirs"), managed=False),))
    known = {GroupKey("elsewhere"): (KnownLink(VIEWER, cn="devs"),)} if name == "elsewhere" else {}
    draft = drafted(snapshot(PEOPLE, (team("devs", "ann"),)), have, world, known=known)
    assert (draft.groups, draft.left_out) == ((), {name: why})


def test_people_without_an_account_can_be_ignored() -> None:
    """Those whose name another account has are not without one."""
    seen = snapshot(PEOPLE, (team("devs", "ann", "bob"), team("ops", "ann", "cy")))
    have = live({"api": {"ann": EDITOR}}, stranger("cy"))
    assert only(drafted(seen, have)).links == ()
    (one,) = only(drafted(seen, have, ignore_absent=True)).links
    assert (one.text, one.people, one.absent) == ("devs", 2, 1)


def test_the_targets_own_links_are_taken_in_place_of_guesses() -> None:
    """What they do not explain is held by hand; a role that they give too low is, too."""
    seen = snapshot(PEOPLE, (team("devs", "ann", "bob"), team("exact", "ann", "bob", "cy")))
    known = {GroupKey("api"): (KnownLink(EDITOR, cn="devs"), KnownLink(VIEWER, dn="cn=exact,ou=groups,dc=acme"))}
    group = only(drafted(seen, live({"api": {"ann": EDITOR, "bob": OWNER, "cy": VIEWER, "dee": VIEWER}}), known=known))
    assert said(group) == [("devs", "editor"), ("cn=exact,ou=groups,dc=acme", "viewer")]
    assert all(one.known for one in group.links)
    assert group.held == (Held("bob", OWNER), Held("dee", VIEWER))


@pytest.mark.parametrize(
    ("bad", "note"),
    [
        (KnownLink(Role("boss"), cn="devs"), "devs as boss: boss is no role here."),
        (KnownLink(EDITOR, cn="none"), "none as editor: The group cn=none is not in the directory."),
        (KnownLink(EDITOR, cn="dark"), "dark as editor: The members of cn=dark,ou=groups,dc=acme cannot be read."),
        (KnownLink(EDITOR, cn="${x}"), "${x} as editor: "),
        (KnownLink(EDITOR, filter="(uid~=a"), "(uid~=a as editor: that is no filter: "),
    ],
)
def test_a_link_of_the_target_that_no_rule_can_say_is_noted_and_guessed_for(bad: KnownLink, note: str) -> None:
    """Nobody loses anything because a link cannot be read."""
    seen = snapshot(PEOPLE, (team("devs", "ann", "bob"), team("dark", "cy", readable=False)))
    group = only(drafted(seen, live({"api": {"ann": EDITOR, "bob": EDITOR}}), known={GroupKey("api"): (bad,)}))
    assert said(group) == [("devs", "editor")]
    assert [one[: len(note) + 24].partition("links it to ")[2][: len(note)] for one in group.notes] == [note]


def test_marks_are_proposed_where_a_group_is_just_their_carriers() -> None:
    """One group for administrators, several for external people; the keys are the target's, so they are only proposed."""
    seen = snapshot(PEOPLE, (team("gitlab-admins", "ann"), team("interns", "bob"), team("partners", "cy")))
    marked = [user("ann", flags=(Flag.ADMIN,)), *(user(name, flags=(Flag.EXTERNAL,)) for name in ("bob", "cy"))]
    assert drafted(seen, live({}, *marked)).proposals == (
        "To manage the one account with the admin mark, put this into the target: admin_group: gitlab-admins",
        "To manage the 2 accounts with the external mark, put this into the target: external_groups: [interns, partners]",
    )
    settled = replace(TARGET, admin_group=named("gitlab-admins"), external_groups=(named("interns"),))
    assert drafted(seen, live({}, *marked), World(seen, rules(target=settled))).proposals == ()


def test_the_mark_of_auditors_is_proposed_where_one_group_is_just_they() -> None:
    """A policy names one group for them, so two that are they together are none."""
    auditors = [user(name, flags=(Flag.AUDITOR,)) for name in ("ann", "bob")]
    one = snapshot(PEOPLE, (team("audit", "ann", "bob"), team("half", "ann")))
    said = "To manage the 2 accounts with the auditor mark, put this into the target: auditor_group: audit"
    assert drafted(one, live({}, *auditors)).proposals == (said,)
    two = snapshot(PEOPLE, (team("half", "ann"), team("rest", "bob")))
    [none] = drafted(two, live({}, *auditors)).proposals
    assert none.endswith("so auditor_group is not proposed and the mark stays unmanaged.")
    settled = World(one, rules(target=replace(TARGET, auditor_group=named("audit"))))
    assert drafted(one, live({}, *auditors), settled).proposals == ()


def test_a_mark_that_no_group_explains_exactly_is_not_proposed() -> None:
    """One too many would become an administrator, one too few would be none any more; who is gone is in no group."""
    seen = snapshot(PEOPLE, (team("admins", "ann", "bob"), team("interns", "cy")))
    have = live(
        {}, user("ann", flags=(Flag.ADMIN,)), user("cy", flags=(Flag.EXTERNAL,)), user("xan", flags=(Flag.EXTERNAL,))
    )
    admins, external = drafted(seen, have).proposals
    end = "is not proposed and the mark stays unmanaged."
    assert admins == f"No directory group holds exactly the one account with the admin mark, so admin_group {end}"
    assert (
        external == f"No directory group holds exactly the 2 accounts with the external mark, so external_groups {end}"
    )


def test_groups_come_by_name_and_an_empty_target_is_an_empty_draft() -> None:
    """The same rules in the same order, whatever order the target answers in."""
    seen = snapshot(PEOPLE)
    assert [one.name for one in drafted(seen, live({"web": {"ann": VIEWER}, "api": {"ann": VIEWER}})).groups] == [
        "api",
        "web",
    ]
    empty = drafted(seen, State())
    assert (empty.groups, empty.left_out, empty.proposals) == ((), {}, ())
