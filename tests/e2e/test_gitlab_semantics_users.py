"""Accounts of a GitLab through the command line: made, blocked, followed and marked, and what people did there stays theirs."""

from __future__ import annotations

import json
from collections import Counter

from tests.e2e.gitlab_lab import OFF, Lab, home, told, who
from tests.e2e.gitlab_reading import PROVIDER
from tests.e2e.gitlab_writing import key, stable
from tests.fakes.gitlab_keys import read_key
from tests.fakes.gitlab_world import Key

MARKS = ("admin_group: admins", "external_groups: [interns, partners]", "auditor_group: auditors")
ALLOWED = f"{OFF}, empty_admin_group: allow, empty_external_group: allow, max_directory_shrink: off"


def marks(lab: Lab) -> dict[str, str]:
    """Return who carries which marks, by their first letters."""
    return {
        user.username: "".join(
            letter for letter, on in (("a", user.admin), ("e", user.external), ("u", user.auditor)) if on
        )
        for user in lab.world.users.values()
        if user.username != "sync"
    }


def noted(lab: Lab, name: str) -> tuple[str, bool]:
    """Return the state of an account, and whether it is noted there that we have blocked it."""
    user = lab.world.user(name)
    return user.state, "reconcile_blocked" in user.attributes


def test_accounts_are_made_where_that_is_asked_with_everything_by_template(lab: Lab) -> None:
    """With a password that nobody is told, without a mail to confirm, with the identity; who lacks an address is named."""
    lab.someone("ann", "ben", account=False)
    lab.people["ann"].more = ["givenName: Ann", "displayName: Ann Smith"]
    lab.people["ben"].mail = None
    lab.groups = {"devs": "ann ben"}
    lab.world.add_group("acme")
    link = "acme: [{cn: devs, access: developer}]"
    lab.policy(link)
    text, section = lab.plan()
    assert section["changes"] == []
    assert "ann would create (users.create is false)" in told(text)

    lab.policy(
        link,
        target=[
            'users: {create: true, username: "{uid|upper}-x", email: "{uid}@Corp.Example", name: "{givenName} of us",',
            '  kerberos: "{uid}@CORP.EXAMPLE"}',
        ],
    )
    _, section = lab.plan()
    assert len(section["withheld"]) == 2  # ben has no givenName
    lab.policy(link, target=["users: {create: true}"])
    text, section = lab.plan()
    assert who(section["changes"]) == ["membership.add acme ann None→developer", "user.create ann"]
    assert "ben would create (the entry has no e-mail address, which an account needs)" in told(text)

    lab.policy(
        link,
        target=[
            'users: {create: true, username: "{uid}-x", email: "{uid}@Corp.Example", name: "{cn} of us",',
            '  kerberos: "{uid}@CORP.EXAMPLE"}',
        ],
    )
    text, section = lab.plan()
    assert "+ ann-x create (cn=devs)" in told(text)
    lab.apply()
    made = [request for request in lab.sent() if request.startswith("POST /users ")]
    assert sorted(made) == [
        f"POST /users force_random_password=True skip_confirmation=True username={name}-x email={name}@corp.example "
        f"name={name} of us provider={PROVIDER} extern_uid={home(name)}"
        for name in ("ann", "ben")
    ]
    ann = lab.world.user("ann-x")
    assert ann.identities == {PROVIDER: home("ann"), "kerberos": "ann@CORP.EXAMPLE"}
    assert (ann.confirmed, ann.attributes) == (True, {"reconcile_id": stable("ann")})
    assert lab.world.levels("acme").items() >= {"ann-x": 30, "ben-x": 30}.items()
    lab.settled()


def test_only_what_we_have_blocked_ourselves_is_unblocked(lab: Lab) -> None:
    """Missing and disabled people are blocked and come back; blocks of people and of GitLab's own sync are told and left."""
    world = lab.world
    names = ("ann", "ben", "cid", "dan", "eve", "gil")
    lab.someone(*names)
    lab.groups = {"devs": " ".join(names)}
    lab.join(world.add_group("acme"), **dict.fromkeys(names, 30))
    for name, state in {"cid": "ldap_blocked", "dan": "blocked", "eve": "deactivated", "gil": "banned"}.items():
        world.user(name).state = state
    lab.policy("acme: [{cn: devs, access: developer}]")
    said = lab.settled()
    assert "1 ldap_blocked account: cid. What is ldap_blocked was blocked by GitLab's own LDAP sync" in said
    assert "1 deactivated account: eve." in said
    assert "dan would enable (it was disabled by hand)" in told(said)

    gone = {name: lab.people.pop(name) for name in ("ann", "dan")}
    lab.groups["devs"] = "ben cid eve gil"
    lab.people["ben"].more = ["pwdAccountLockedTime: 000001010000Z"]
    text, section = lab.plan()
    assert {"- ann disable (left the directory)", "- ben disable (disabled in the directory)"} <= set(told(text))
    assert who(section["changes"])[2:] == ["user.disable ann", "user.disable ben"]
    lab.apply()
    assert [noted(lab, name) for name in ("ann", "ben", "dan")] == [("blocked", True)] * 2 + [("blocked", False)]
    assert world.levels("acme") == dict.fromkeys(("ben", "cid", "eve", "gil"), 30)
    lab.settled()

    lab.people |= gone
    lab.people["ben"].more = []
    lab.groups["devs"] = " ".join(names)
    text, section = lab.plan()
    assert {"~ ann enable (back in the directory)", "~ ben enable (back in the directory)"} <= set(told(text))
    lab.apply()
    assert [noted(lab, name) for name in ("ann", "ben")] == [("active", False)] * 2
    states = {name: noted(lab, name) for name in ("cid", "dan", "eve", "gil")}
    assert states == {
        "cid": ("ldap_blocked", False),
        "dan": ("blocked", False),
        "eve": ("deactivated", False),
        "gil": ("banned", False),
    }
    assert lab.served.counts["users.unblock"] == 2
    lab.settled()


def test_a_block_that_a_person_has_lifted_is_ours_no_more(lab: Lab) -> None:
    """The note goes with the next apply, so a later block by a person is that person's."""
    world = lab.world
    lab.someone("ann", "ben")
    lab.groups = {"devs": "ben"}
    world.add_group("acme")
    lab.policy("acme: [{cn: devs, access: guest}]")
    gone = lab.people.pop("ann")
    lab.plan()
    lab.apply()
    assert noted(lab, "ann") == ("blocked", True)
    world.user("ann").state, lab.people["ann"] = "active", gone
    _, section = lab.plan()
    assert who(section["changes"]) == ["user.update ann"]
    lab.apply()
    assert noted(lab, "ann") == ("active", False)
    world.user("ann").state = "blocked"
    assert "ann" not in lab.settled()  # no rule names her, and the block is not ours
    lab.groups["devs"] = "ann ben"
    text, _ = lab.plan()
    assert "ann would enable (it was disabled by hand)" in told(text)
    lab.apply()
    assert noted(lab, "ann") == ("blocked", False)


def test_whoever_is_back_is_unblocked_though_no_rule_names_them_yet(lab: Lab) -> None:
    """As GitLab's own synchronisation does: being there is enough for the account, links are about groups."""
    lab.someone("ann", "ben")
    lab.groups = {"devs": "ben"}
    lab.world.add_group("acme")
    lab.policy("acme: [{cn: devs, access: guest}]")
    gone = lab.people.pop("ann")
    lab.plan()
    lab.apply()
    assert noted(lab, "ann") == ("blocked", True)
    lab.people["ann"] = gone
    text, section = lab.plan()
    assert who(section["changes"]) == ["user.enable ann"]
    assert "~ ann enable (back in the directory)" in told(text)
    lab.apply()
    assert noted(lab, "ann") == ("active", False)
    lab.settled()


def test_addresses_names_and_kerberos_identities_follow_and_what_is_not_named_stays(lab: Lab) -> None:
    """Case of an address alone is no difference; nobody is asked to confirm anything."""
    world = lab.world
    lab.someone("ann", "ben")
    lab.people["ann"].more, lab.people["ann"].mail = ["displayName: Ann New"], "Ann.New@Example.com"
    lab.people["ben"].mail = "BEN@example.com"
    world.identify(world.user("ann"), "kerberos", "old@EXAMPLE.COM")
    lab.groups = {"devs": "ann ben"}
    lab.join(world.add_group("acme"), ann=30, ben=30)
    link = "acme: [{cn: devs, access: developer}]"
    lab.policy(link)
    lab.settled()
    lab.policy(link, target=['users: {sync: [email], kerberos: "{uid}@EXAMPLE.COM"}'])
    text, section = lab.plan()
    assert who(section["changes"]) == ["user.update ann", "user.update ben"]
    assert "~ ann email ann@example.com -> ann.new@example.com, kerberos old@EXAMPLE.COM -> ann@EXAMPLE.COM" in "".join(
        told(text)
    )
    lab.apply()
    ann = world.user("ann")
    assert (ann.email, ann.name, ann.unconfirmed_email) == ("ann.new@example.com", "ann", "")
    assert ann.identities == {PROVIDER: home("ann"), "kerberos": "ann@EXAMPLE.COM"}
    assert (world.user("ben").email, world.user("ben").identities["kerberos"]) == ("ben@example.com", "ben@EXAMPLE.COM")
    lab.settled()
    lab.policy(link, target=["users: {sync: [email, name]}"])
    text, _ = lab.plan()
    assert "~ ann name ann -> Ann New (differs from the directory)" in told(text)
    lab.apply()
    assert world.user("ann").name == "Ann New"
    assert world.user("ann").identities["kerberos"] == "ann@EXAMPLE.COM"
    lab.settled()


def test_ssh_keys_of_ours_follow_and_bad_ones_are_named_in_what_was_applied_and_in_every_plan(lab: Lab) -> None:
    """The user's own stay; a run without a change asks for nobody's keys; a key can go from one account to another."""
    world = lab.world
    lab.someone("ann", "ben")
    own, one, two, taken = (key(mark, f"{mark}@work") for mark in ("own", "one", "two", "taken"))
    lab.people["ann"].more = [f"sshPublicKey: {text}" for text in (own, one, taken, "ssh-rsa AAAA bad")]
    lab.people["ben"].more = [f"sshPublicKey: {two}"]
    for name, title, text in (("ann", "laptop", own), ("ben", "mine", taken)):
        _add_key(lab, name, title, text)
    lab.groups = {"devs": "ann ben"}
    lab.join(world.add_group("acme"), ann=30, ben=30)
    lab.policy("acme: [{cn: devs, access: developer}]", target=["users: {sync: [ssh_keys]}"])
    text, _ = lab.plan()
    assert "~ ann ssh_keys nothing -> 4 values (differs from the directory)" in told(text)
    said = lab.apply()
    assert Counter(titles(lab, "ann") + titles(lab, "ben")) == Counter(
        ["laptop", "reconcile: one@work", "mine", "reconcile: two@work"]
    )
    bad, other = '"ssh-rsa …AAAA bad" is no SSH public key', 'taken@work" belongs to another account'
    [line] = [
        line for line in told(said) if line.startswith("applied: ~ ann ssh_keys nothing -> 4 values (SSH keys left")
    ]
    assert bad in line
    assert other in line
    report = lab.run("log", "1")
    assert bad in report
    assert other in report

    again = lab.settled()
    assert (
        'warning[GITLAB-REFUSED-KEY] GitLab has refused the SSH key "ssh-rsa …AAAA bad" of ann: is no SSH public key.'
        in again
    )
    assert 'taken@work" of ann: belongs to another account.' in again
    assert (lab.served.counts["keys.list"], lab.served.counts["users.get"]) == (0, 0)

    lab.people["ann"].more = [
        f"sshPublicKey: {text}" for text in (own, two.replace("two@", "third@"), key("new", "new@work"))
    ]
    lab.people["ben"].more = []
    text, _ = lab.plan()
    assert "~ ben ssh_keys +0 -1 (differs from the directory)" in told(text)
    lab.apply()
    assert sorted(titles(lab, "ann")) == ["laptop", "reconcile: new@work", "reconcile: third@work"]
    assert titles(lab, "ben") == ["mine"]
    assert "GITLAB-REFUSED-KEY" not in lab.settled()


def titles(lab: Lab, name: str) -> list[str]:
    """Return the titles of somebody's SSH keys."""
    return [one.title for one in lab.world.user(name).keys.values()]


def _add_key(lab: Lab, name: str, title: str, text: str) -> None:
    """Put a key of the user's own."""
    _, fingerprint, body = read_key(text)
    number = lab.world.number("key")
    lab.world.user(name).keys[number] = Key(number, title, body, fingerprint, lab.world.now())
    lab.world.fingerprints[fingerprint] = number


def test_marks_follow_their_groups_and_an_empty_group_is_refused_until_the_policy_allows_it(lab: Lab) -> None:
    """Several external groups are one; marks of other accounts stay; missing and empty groups are two different things."""
    lab.someone("ann", "ben", "cid", "dan")
    for name, mark in {"ben": "admin", "cid": "external", "dan": "auditor"}.items():
        setattr(lab.world.user(name), mark, True)
    lab.world.add_user("root", admin=True)
    lab.world.add_user("guest", external=True, auditor=True)
    lab.groups = {"admins": "ann", "interns": "ben", "partners": "dan", "auditors": "cid"}
    lab.policy(target=MARKS)
    text, section = lab.plan()
    assert {
        "~ ann admin no -> yes (admin group cn=admins)",
        "~ ben admin yes -> no (no longer in cn=admins)",
        "~ cid external yes -> no (no longer in cn=interns or cn=partners)",
        "~ dan external no -> yes (external group cn=partners)",
        "~ cid auditor no -> yes (auditor group cn=auditors)",
        "~ dan auditor yes -> no (no longer in cn=auditors)",
    } <= set(told(text))
    lab.apply()
    others = {"root": "a", "guest": "eu"}
    assert marks(lab) == {"ann": "a", "ben": "e", "cid": "u", "dan": "e", **others}
    lab.settled()

    lab.groups = dict.fromkeys(lab.groups, "")
    text, section = lab.plan(code=6)
    assert [one["guard"] for one in section["refusals"]] == ["empty_admin_group", "empty_external_group"]
    external = "Nobody is in the external groups cn=interns, cn=partners. Nobody is in the auditor group cn=auditors."
    assert f"! empty_external_group: {external}" in told(text)
    assert json.dumps(section["refusals"]).count("Nobody is in the admin group cn=admins.") == 1
    lab.apply(code=6)
    assert lab.sent() == []

    lab.groups = {"auditors": "cid", "partners": "dan"}
    text, section = lab.plan(code=6)
    assert {"empty_admin_group", "empty_external_group"} <= {one["guard"] for one in section["refusals"]}
    assert section["changes"] == []  # nobody is let in because a group was renamed

    lab.groups = dict.fromkeys(("admins", "interns", "partners", "auditors"), "")
    lab.policy(target=MARKS, guards=ALLOWED)
    lab.plan()
    lab.apply()
    assert marks(lab) == {**dict.fromkeys(("ann", "ben", "cid", "dan"), ""), **others}
    lab.settled()


def test_auditors_are_an_error_where_gitlab_has_none(lab: Lab) -> None:
    """A Community Edition has no such mark: the plan says to remove the key, and nothing is made."""
    lab.world.instance.enterprise = False
    lab.someone("ann")
    lab.groups = {"auditors": "ann"}
    lab.policy(target=["auditor_group: auditors"])
    text, section = lab.plan(code=3)
    assert [one["code"] for one in section["diagnostics"]] == ["FLAG-UNKNOWN"]
    assert "This target cannot mark anybody as auditor. Remove the key." in text
