"""Memberships of a GitLab through the command line: who is in scope, which role counts, what is kept and what goes, and why."""

from __future__ import annotations

from tests.e2e.gitlab_lab import Lab, told, who

ALL = ("minimal", "guest", "planner", "reporter", "auditing", "developer", "shipping", "maintainer", "owner")
CUSTOM = "custom_roles: {auditing: {id: 7, base: reporter}, shipping: {id: 8, base: developer}}"


def test_only_direct_members_with_an_identity_of_the_provider_are_in_scope(lab: Lab) -> None:
    """Roles go up and down to the highest link; the expiry stays; what goes is of that group alone; others stay as they are."""
    world = lab.world
    lab.someone("ann", "ben", "cid", "dan", "fay")
    lab.groups = {"devs": "ann ben dan", "leads": "ann"}
    app, guests = world.add_group("acme/app"), world.add_group("guests")
    root, olga = world.add_user("root", admin=True), lab.account("olga", identities={"ldapother": "uid=olga,dc=other"})
    for other in (
        root,
        olga,
        world.add_user("bob"),
        world.add_user("sam", identities={"saml": "sam"}),
        world.add_user("bot", bot="project_bot"),
    ):
        world.add_member(app, other, 40)
    lab.join(app, ann=30, ben=40)
    app.members[world.user("ben").id].expires_at = "2035-01-01"
    world.add_member(app, world.user("cid"), 30, created_by=root.id)
    lab.join(world.add_group("acme/app/sub"), cid=40)
    lab.join(world.add_project("acme/app/site"), cid=20)
    lab.join(guests, fay=30)
    app.shared[guests.id] = 30
    lab.policy("acme/app: [{cn: devs, access: developer}, {cn: leads, access: maintainer}]")

    text, section = lab.plan()
    assert who(section["changes"]) == [
        "membership.add acme/app dan None→developer",
        "membership.change acme/app ann developer→maintainer",
        "membership.change acme/app ben maintainer→developer",
        "membership.remove acme/app cid developer→None",
    ]
    assert {
        "+ dan developer (cn=devs)",
        "~ ann developer -> maintainer (cn=leads)",
        "~ ben maintainer -> developer (no longer in cn=leads; still cn=devs)",
        "- cid developer (added by hand by root; not in cn=devs)",
    } <= set(told(text))
    lab.apply()
    assert set(lab.sent()) == {
        f"POST /groups/{app.id}/members user_id={world.user('dan').id} access_level=30 expires_at=None",
        f"PUT /groups/{app.id}/members/{world.user('ann').id} access_level=40",
        f"PUT /groups/{app.id}/members/{world.user('ben').id} access_level=30",
        f"DELETE /groups/{app.id}/members/{world.user('cid').id} skip_subresources=true unassign_issuables=false",
    }
    others = dict.fromkeys(("root", "olga", "bob", "sam", "bot"), 40)
    assert world.levels("acme/app") == {**others, "ann": 40, "ben": 30, "dan": 30}
    assert app.members[world.user("ben").id].expires_at == "2035-01-01"
    assert (world.levels("acme/app/sub"), world.levels("acme/app/site")) == ({"cid": 40}, {"cid": 20})
    assert (world.levels("guests"), lab.served.counts["members.all"]) == ({"fay": 30}, 0)
    lab.settled()


def test_several_added_at_once_or_changed_at_once_keep_each_their_expiry(lab: Lab) -> None:
    """GitLab takes away what is not sent along, so whoever has an end keeps it, up and down."""
    world = lab.world
    lab.someone("ann", "ben", "cid", "dan")
    lab.groups = {"devs": "ann ben cid dan"}
    acme = world.add_group("acme")
    lab.join(acme, ann=20, ben=20, cid=40)
    acme.members[world.user("ann").id].expires_at = "2035-01-01"
    acme.members[world.user("cid").id].expires_at = "2036-01-01"
    lab.policy("acme: [{cn: devs, access: developer}]")
    _, section = lab.plan()
    assert len(section["changes"]) == 4
    lab.apply()
    ends = {member.user.username: (member.level, member.expires_at) for member in acme.members.values()}
    assert ends == {"ann": (30, "2035-01-01"), "ben": (30, None), "cid": (30, "2036-01-01"), "dan": (30, None)}
    lab.settled()


def test_a_role_above_is_a_floor_below(lab: Lab) -> None:
    """Above the rules, by a rule, and of groups for projects; what will be gone above is none, what stays there is one."""
    world = lab.world
    lab.someone("ann", "ben", "cid", "dan", "eve")
    lab.groups = {"devs": "ann ben cid dan eve", "leads": "ben"}
    acme, app, site = world.add_group("acme"), world.add_group("acme/app"), world.add_project("acme/app/site")
    lab.join(acme, ann=40)
    lab.join(app, ben=40, cid=50, dan=40, eve=30)
    lab.join(site, cid=50, dan=40)
    lab.policy(
        "acme/app: [{cn: devs, access: developer}, {cn: leads, access: owner}]",
        "acme/app/site: [{cn: devs, access: reporter}]",
    )
    text, section = lab.plan()
    lines = told(text)
    assert lines.count("+ ann maintainer (cn=devs; at least maintainer, as in acme)") == 2
    assert "+ ben owner (cn=devs; at least owner, as in acme/app)" in lines
    assert "+ eve developer (cn=devs; at least developer, as in acme/app)" in lines
    below = "(no rule gives it any more; still cn=devs; at least developer, as in acme/app)"
    assert {f"~ cid owner -> developer {below}", f"~ dan maintainer -> developer {below}"} <= set(lines)
    assert not any(change["group"] == "acme" for change in section["changes"])
    lab.apply()
    assert 400 not in lab.served.statuses
    levels = {"ann": 40, "ben": 50, "cid": 30, "dan": 30, "eve": 30}
    assert (world.levels("acme"), world.levels("acme/app")) == ({"ann": 40}, levels)
    assert world.levels("acme/app/site") == levels
    lab.settled()


def test_the_last_owner_stays_with_a_word_and_the_rest_goes_on(lab: Lab) -> None:
    """Neither lowered nor removed; who owns the group above counts below, as a bot or a blocked owner does not."""
    world = lab.world
    lab.someone("ann", "ben", "cid")
    lab.groups = {"devs": "ann cid"}
    acme, other = world.add_group("acme"), world.add_group("other")
    lab.join(acme, ann=50)
    lab.join(world.add_group("acme/sub"), ben=50, cid=50)
    lab.join(other, ben=50)
    world.add_member(other, world.add_user("bot", bot="project_bot"), 50)
    world.add_member(other, world.add_user("gone", state="blocked"), 50)
    lab.policy(*(f"{name}: [{{cn: devs, access: developer}}]" for name in ("acme", "acme/sub", "other")))
    text, section = lab.plan()
    assert who(one["change"] for one in section["withheld"]) == [
        "membership.change acme ann owner→developer",
        "membership.remove other ben owner→None",
    ]
    assert {
        "held back: the group keeps its last owners",
        "acme ann would change owner -> developer (min_owners is 1)",
        "other ben would remove owner (min_owners is 1)",
        "2 changes held back, see above.",
    } <= set(told(text))
    lab.apply()
    assert 403 not in lab.served.statuses
    assert world.levels("acme") == {"ann": 50, "cid": 30}
    assert world.levels("acme/sub") == {"ann": 50, "cid": 30}  # ann stays an owner above, and ben and cid can go
    assert world.levels("other") == {"ann": 30, "ben": 50, "bot": 50, "gone": 50, "cid": 30}
    assert "the group keeps its last owners" in lab.settled()


def test_every_role_that_gitlab_has_and_custom_ones(lab: Lab) -> None:
    """Given, taken for the next lower one and given again: from 5 to 50, and custom roles by their numbers."""
    world = lab.world
    world.instance.custom_roles = {7: ("Auditor of code", 20), 8: ("Shipping", 30)}
    people = [f"p{number}" for number in range(len(ALL))]
    lab.someone(*people)
    acme = world.add_group("acme")
    lab.policy(f"acme: [{', '.join(f'{{cn: {role}, access: {role}}}' for role in ALL)}]", target=[CUSTOM])
    have = [(5, 0), (10, 0), (15, 0), (20, 0), (20, 7), (30, 0), (30, 8), (40, 0), (50, 0)]
    for turned in (people, [*people[1:], people[0]], people):
        lab.groups = dict(zip(ALL, turned, strict=True))
        _, section = lab.plan()
        assert len(section["changes"]) == len(ALL)
        lab.apply()
        found = {member.user.username: (member.level, member.role) for member in acme.members.values()}
        assert found == dict(zip(turned, have, strict=True))
        lab.settled()


def test_projects_are_targets_as_groups_are_and_what_is_missing_is_made_only_where_that_is_asked(lab: Lab) -> None:
    """A project is no group to be made; groups come with those above them, as visible as the policy says, and never go."""
    world = lab.world
    lab.someone("ann", "ben", "cid")
    lab.groups = {"devs": "ann ben", "ops": "cid"}
    site = world.add_project("acme/site")
    lab.join(site, ann=20, cid=40)
    links = ("acme/site: [{cn: devs, access: developer}]", "acme/new/deep: [{cn: ops, access: maintainer}]")
    lab.policy(*links)
    text, section = lab.plan()
    assert "held back: no such group, and groups.create is off" in told(text)
    assert who(one["change"] for one in section["withheld"]) == [
        "group.create acme/new/deep",
        "membership.add acme/new/deep cid None→maintainer",
    ]
    assert {change["group"] for change in section["changes"]} == {"acme/site"}
    lab.apply()
    assert lab.sent() == [
        f"POST /projects/{site.id}/members user_id={world.user('ben').id} access_level=30 expires_at=None",
        f"PUT /projects/{site.id}/members/{world.user('ann').id} access_level=30",
        f"DELETE /projects/{site.id}/members/{world.user('cid').id} skip_subresources=true unassign_issuables=false",
    ]
    lab.settled()

    lab.policy(*links, target=["groups: {create: true}", "group_visibility: internal"])
    world.source("acme").visibility = "public"
    text, _ = lab.plan()
    assert "+ acme/new create (named by a rule for acme/new/deep, which lies below)" in told(text)
    lab.apply()
    made = {
        group.full_path: (group.parent and group.parent.full_path, group.visibility) for group in world.groups.values()
    }
    assert made == {
        "acme": (None, "public"),
        "acme/new": ("acme", "internal"),
        "acme/new/deep": ("acme/new", "internal"),
    }
    assert world.levels("acme/new/deep")["cid"] == 40
    lab.settled()

    lab.policy(links[0], target=["groups: {create: true}"])
    lab.settled()
    assert "acme/new/deep" in world.paths


def test_a_role_above_that_the_policy_does_not_know_is_the_floor_that_it_is_based_on(lab: Lab) -> None:
    """GitLab compares levels, so whoever has a custom role above has at least its level below."""
    world = lab.world
    world.instance.custom_roles = {9: ("Unknown to us", 40)}
    lab.someone("ann", "ben")
    lab.groups = {"devs": "ann ben"}
    world.add_member(world.add_group("acme"), world.user("ann"), 40, role=9)
    world.add_group("acme/app")
    lab.policy("acme/app: [{cn: devs, access: developer}]")
    text, _ = lab.plan()
    assert "+ ann maintainer (cn=devs; at least maintainer, as in acme)" in told(text)
    lab.apply()
    assert world.levels("acme/app") == {"ann": 40, "ben": 30}
    lab.settled()


def test_a_role_that_gitlab_does_not_have_in_that_place_is_said_to_be_that(lab: Lab) -> None:
    """Minimal access is for groups at the top of an Enterprise Edition alone; the others get what they are to have."""
    world = lab.world
    lab.someone("ann", "ben", "cid")
    lab.groups = {"devs": "ann ben", "ops": "cid"}
    world.add_group("acme/app")
    lab.policy(
        "acme: [{cn: devs, access: minimal}]", "acme/app: [{cn: devs, access: minimal}, {cn: ops, access: guest}]"
    )
    lab.plan()
    said = lab.apply(code=7)
    assert (
        said.count("This GitLab has no role minimal here: only groups at the top have it, on an Enterprise Edition.")
        == 2
    )
    assert world.levels("acme") == {"ann": 5, "ben": 5}
    assert world.levels("acme/app") == {"cid": 10}


def test_nothing_is_planned_that_a_gitlab_never_does(lab: Lab) -> None:
    """Accounts are blocked and not removed, so that a policy that wants otherwise is refused before anybody relies on it."""
    lab.someone("ann")
    lab.groups = {"devs": "ann"}
    lab.world.add_group("acme")
    link = "acme: [{cn: devs, access: guest}]"
    for key in ("users: {when_missing: remove}", "users: {when_disabled: remove}", "groups: {when_missing: remove}"):
        lab.policy(link, target=[key])
        text, section = lab.plan(code=3)
        assert [one["code"] for one in section["diagnostics"]] == ["REMOVAL-UNKNOWN"]
        assert "policies/policy.yaml:12:" in text


def test_custom_roles_are_an_error_where_gitlab_has_none(lab: Lab) -> None:
    """A Community Edition would give the role below without a word."""
    lab.world.instance.enterprise = False
    lab.someone("ann")
    lab.groups = {"devs": "ann"}
    lab.world.add_group("acme")
    lab.policy("acme: [{cn: devs, access: shipping}]", target=[CUSTOM])
    text, section = lab.plan(code=3)
    assert [one["code"] for one in section["diagnostics"]] == ["GITLAB-NO-CUSTOM-ROLES"]
    assert "This GitLab is a Community Edition, which has no custom roles." in text
    assert lab.world.levels("acme") == {}
