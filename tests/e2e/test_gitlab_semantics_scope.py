"""Whose accounts are whose in a GitLab, through the command line: DNs in any spelling, entries that move, several providers."""

from __future__ import annotations

import pytest

from tests.e2e.gitlab_lab import Entry, Lab, home, told, who
from tests.e2e.gitlab_reading import PROVIDER, VARIABLE
from tests.e2e.gitlab_writing import stable

DEVS = "acme: [{cn: devs, access: developer}]"
SPELLED = {
    "ann": ("uid=ann,ou=People, dc=Example ,dc=com", "UID=ANN,OU=people,DC=example,DC=com"),
    "ben": (r"cn=O\, Neil\, Ben,dc=example,dc=com", r"cn=o\2c neil\2c ben,dc=example,dc=com"),
    "cid": ("cn=Jörg Müßig,dc=example,dc=com", r"cn=j\c3\b6rg m\c3\bc\c3\9fig,dc=example,dc=com"),
    "dan": ("uid=dan,cn=Two Words,dc=example,dc=com", "UID = dan , cn= two words ,dc=example,dc=com"),
    "eve": (r"cn=\#eve \+ co\ ,dc=example,dc=com", 'cn="#eve + co ",dc=example,dc=com'),
}
_SECOND = """\
version: 1
directories:
  other: {{kind: ldif, file: other.ldif, base: "dc=other,dc=org"}}
targets:
  second:
    kind: gitlab
    url: {url}
    token: {{env: {variable}}}
    directory: other
    provider: ldapother
    delete_rate: 60000
group_links:
  second:
    acme: [{{cn: staff, access: maintainer}}]
"""


def identities(lab: Lab) -> dict[str, str]:
    """Return where GitLab has each account of the provider in the directory."""
    return {
        user.username: user.identities[PROVIDER] for user in lab.world.users.values() if PROVIDER in user.identities
    }


def test_dns_are_one_in_whatever_way_they_are_spelled(lab: Lab) -> None:
    """Case, spaces, escapes by character, by hexadecimal and by quotes: the accounts are theirs, and nothing is rewritten."""
    lab.world.add_group("acme")
    for name, (there, identity) in SPELLED.items():
        lab.people[name] = Entry(name, there)
        lab.account(name, identities={}).identities = {PROVIDER: identity}  # as an old version has stored it
    lab.groups = {"devs": " ".join(SPELLED)}
    lab.policy(DEVS)
    _, section = lab.plan()
    assert who(section["changes"]) == [f"membership.add acme {name} None→developer" for name in SPELLED]
    lab.apply()
    assert lab.world.levels("acme") == dict.fromkeys(SPELLED, 30)
    assert identities(lab) == {name: identity for name, (_, identity) in SPELLED.items()}
    lab.settled()


@pytest.mark.parametrize("remember", ["true", "false"])
def test_an_entry_that_moved_keeps_its_account_and_the_identity_follows(lab: Lab, remember: str) -> None:
    """By the id that is noted; without one by username and address, which have to agree, or the plan is refused."""
    lab.someone("ann", "ben", "cid")
    lab.groups = {"devs": "ann ben cid"}
    lab.join(lab.world.add_group("acme"), ann=30, ben=30, cid=30)
    lab.world.user("cid").attributes["reconcile_id"] = stable("cid")  # as of an account that we have made
    lab.policy(DEVS, target=[f"remember: {remember}"])
    _, section = lab.plan()
    assert len(section["changes"]) == (2 if remember == "true" else 0)
    lab.apply()
    noted = [name for name in ("ann", "ben", "cid") if "reconcile_id" in lab.world.user(name).attributes]
    assert noted == (["ann", "ben", "cid"] if remember == "true" else ["cid"])
    lab.settled()

    moved = {name: f"uid={name},ou=moved,dc=example,dc=com" for name in lab.people}
    for name, there in moved.items():
        lab.people[name].dn = there
    lab.world.user("cid").email = "another@example.com"
    text, section = lab.plan()
    assert who(section["changes"]) == [f"user.update {name}" for name in ("ann", "ben", "cid")]
    assert f"~ ann dn {home('ann')} -> {moved['ann']} (differs from the directory)" in told(text)
    lab.apply()
    assert identities(lab) == moved
    assert lab.world.levels("acme") == dict.fromkeys(moved, 30)
    lab.settled()

    if remember == "false":
        lab.people["ben"].dn = home("ben")
        user = lab.world.user("ben")
        user.email = "another.ben@example.com"
        user.attributes.pop("reconcile_id", None)
        text, section = lab.plan(code=6)
        assert [one["guard"] for one in section["refusals"]] == ["not_ours_user"]
        assert '! not_ours_user: The user "ben" is wanted, but the account belongs to another directory entry' in text


def test_two_providers_are_two_targets_and_neither_touches_the_others_accounts(lab: Lab) -> None:
    """In one group, by one apply; an account with two identities is the first one's, a name in both directories stops nobody."""
    world = lab.world
    lab.someone("ann", "ben", "sam")
    lab.someone("both", account=False)
    lab.groups = {"devs": "ann ben sam both"}
    others = {name: f"uid={name},dc=other,dc=org" for name in ("olga", "pia", "zoe", "both")}
    for name, there in others.items():
        lab.account(name, identities={"ldapother": there, **({PROVIDER: home(name)} if name == "both" else {})})
    acme = world.add_group("acme")
    lab.join(acme, ben=20, sam=30, olga=30, zoe=40)
    lab.join(world.add_group("apart"), ann=50, zoe=50)
    lab.policy(DEVS)
    lab.write("second.yaml", _SECOND.format(url=lab.served.url, variable=VARIABLE))
    lab.write("other.ldif", _other({name: others[name] for name in ("olga", "pia", "both")}))

    lab.served.forget()
    text = lab.run("plan", "--out", "plan.json")
    assert lab.served.writes() == []
    first, second = (
        [line for line in told(part) if line[:2] in {"+ ", "~ ", "- "}] for part in text.split("\nsecond  ")
    )
    assert first == ["~ ben reporter -> developer (cn=devs)", "+ ann developer (cn=devs)"]
    assert second == [
        "- zoe disable (left the directory)",
        "- zoe maintainer (left the directory)",
        "~ olga developer -> maintainer (cn=staff)",
        "+ both maintainer (cn=staff)",
        "+ pia maintainer (cn=staff)",
    ]
    why = "(users.create is false; an account of this name is there, and it is not ours)"
    assert [line for line in told(text) if " would create" in line] == [
        f"both would create {why}",
        f"sam would create {why}",
    ]
    lab.apply()
    assert world.levels("acme") == {"ann": 30, "ben": 30, "sam": 30, "olga": 40, "pia": 40, "both": 40}
    assert world.levels("apart") == {"ann": 50, "zoe": 50}
    assert {user.username for user in world.users.values() if user.state != "active"} == {"zoe"}
    lab.settled()

    alone = lab.run("plan", "--target", "second", "--detailed-exitcode")
    assert alone.startswith("No changes. Compared 4 users, 1 group and 3 memberships in 1 target.")


def _other(people: dict[str, str]) -> str:
    """Return the other directory: these people, all of them staff, and somebody whose name the first one has, too."""
    blocks = ["version: 1\n\ndn: dc=other,dc=org\nobjectClass: domain\ndc: other\n"]
    everybody = {**people, "sam": "uid=sam,dc=other,dc=org"}
    blocks += [
        f"dn: {there}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\nsn: {name}\nmail: {name}@other.org\n"
        f"entryUUID: {stable(f'other {name}')}\n"
        for name, there in everybody.items()
    ]
    members = "".join(f"member: {there}\n" for there in everybody.values())
    return "\n".join([*blocks, f"dn: cn=staff,dc=other,dc=org\nobjectClass: groupOfNames\ncn: staff\n{members}"])


def test_the_membership_lock_is_set_and_held_where_there_is_one_and_else_a_warning(lab: Lab) -> None:
    """Somebody who turns it off is drift; a policy that says nothing leaves it alone; false turns it off."""
    lab.someone("ann")
    lab.groups = {"devs": "ann"}
    lab.join(lab.world.add_group("acme"), ann=30)
    instance = lab.world.instance
    lab.policy(DEVS, target=["membership_lock: true"])
    for _ in range(2):
        instance.lock_memberships = False
        text, section = lab.plan()
        assert [one["type"] for one in section["changes"]] == ["setting.set"]
        assert "~ membership_lock off -> on (set by the policy)" in told(text)
        lab.apply()
        assert lab.sent() == ["PUT /application/settings lock_memberships_to_ldap=True"]
        assert instance.lock_memberships
        lab.settled()
    lab.policy(DEVS)
    assert lab.settled()
    assert lab.served.counts["settings.get"] == 0
    lab.policy(DEVS, target=["membership_lock: false"])
    assert "~ membership_lock on -> off (set by the policy)" in told(lab.plan()[0])
    lab.apply()
    assert not instance.lock_memberships

    instance.enterprise = False
    lab.policy(DEVS, target=["membership_lock: true"])
    said = lab.settled()
    assert (
        "warning[SETTING-UNSUPPORTED] The target has no setting membership_lock, so it is neither turned on nor" in said
    )


def test_what_somebody_added_by_hand_is_drift_and_says_who_did(lab: Lab) -> None:
    """In groups and projects, more than once; what our own account gave is no drift by hand, and unknown makers have no name."""
    world = lab.world
    lab.someone("ann", "ben", "cid", "dan")
    lab.groups = {"devs": "ann"}
    mia, sync = world.add_user("mia"), world.user("sync")
    acme, site = world.add_group("acme"), world.add_project("acme/site")
    for source in (acme, site):
        lab.join(source, ann=30, dan=30)
        world.add_member(source, world.user("ben"), 40, created_by=mia.id)
        world.add_member(source, world.user("cid"), 20, created_by=sync.id)
    lab.policy(DEVS, "acme/site: [{cn: devs, access: developer}]")
    text, section = lab.plan()
    lines = told(text)
    assert lines.count("- ben maintainer (added by hand by mia; no rule gives it)") == 2
    assert lines.count("- cid reporter (no rule gives it any more)") == 2
    assert lines.count("- dan developer (no longer in cn=devs)") == 2
    whys = {change["user"]["username"]: change["reason"]["why"] for change in section["changes"]}
    assert whys == {"ben": "by_hand", "cid": "left_group", "dan": "left_group"}
    lab.apply()
    assert world.levels("acme") == world.levels("acme/site") == {"ann": 30}
    lab.settled()


def test_what_is_there_is_imported_with_marks_and_projects(lab: Lab) -> None:
    """The first plan by the rules that were written has nothing to do."""
    world = lab.world
    lab.someone("ann", "ben", "cid")
    lab.groups = {"devs": "ann ben", "audit": "cid", "contractors": "ben"}
    world.user("cid").auditor = world.user("ben").external = True
    lab.join(world.add_group("acme"), ann=30, ben=30)
    lab.join(world.add_project("acme/site"), cid=20)
    lab.join(world.add_project("acme/old", archived=True), cid=20)
    lab.policy()
    policy = lab.folder / "policies" / "policy.yaml"
    policy.write_text(policy.read_text().partition("group_links:")[0])
    said = lab.run("import", "--target", "lab", "--out", "policies/imported.yaml")
    assert "Found 2 groups, 2 links.\nThe first plan with it is empty." in said
    text = (lab.folder / "policies" / "imported.yaml").read_text()
    assert "put this into the target: auditor_group: audit\n" in text
    assert "put this into the target: external_groups: [contractors]\n" in text
    assert "    acme:\n      - {cn: devs, access: developer}  # 2 people\n" in text
    assert "    acme/site:\n      - {cn: audit, access: reporter}  # 1 person\n" in text
    assert (lab.served.writes(), "acme/old" in text) == ([], False)
    lab.settled()
