"""`reconcile import`: an existing roster or app becomes policy, and the first plan by it has nothing to do."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.team import PERSON, edit, team
from tests.e2e.teams_world import World, uuid, world
from tests.examples import reconcile
from tests.fakes.teams import App
from tests.fakes.teams_server import Served, serving

RULES = "group_links:\n  roster:\n    team/app:\n"
EMPTY = "The first plan with it is empty.\n"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill a roster, and forget all rules."""
    work = team(tmp_path_factory.mktemp("filled"))
    reconcile("apply", "--auto-approve", cwd=work)
    policy = work / "policies" / "policy.yaml"
    policy.write_text(policy.read_text().partition("group_links:")[0])
    shutil.rmtree(work / "policies" / ".reconcile")
    return work


@pytest.fixture
def live(filled: Path, tmp_path: Path) -> Path:
    """Return a folder of its own with the filled roster and the policy without rules."""
    return shutil.copytree(filled, tmp_path / "work")


@pytest.fixture
def teams(tmp_path: Path, served: Served) -> World:
    """Give a company whose access is in a teams app, and whose policy has no rule."""
    made = world(tmp_path, served)
    policy = made.folder / "policies" / "policy.yaml"
    policy.write_text(policy.read_text().partition("group_links:")[0])
    return made


@pytest.fixture
def served() -> Iterator[Served]:
    """Run the app."""
    with serving() as running:
        yield running


def execute(work: Path, *statements: str) -> None:
    """Change the roster by hand."""
    with sqlite3.connect(work / "policies" / "roster.db") as rows:
        for statement in statements:
            rows.execute(statement)
    rows.close()


def test_rules_are_found_and_their_first_plan_is_empty(live: Path) -> None:
    """Printed, nothing is written anywhere; saved, plan agrees that there is nothing to do."""
    before = sorted(live.rglob("*"))
    printed = reconcile("import", "--target", "roster", "--today", "2026-11-20", cwd=live)
    assert printed.stdout.endswith(
        f"version: 1\n\n{RULES}"
        "      - {cn: leads, access: owner}  # 1 person\n"
        "      - {cn: devs, access: viewer}  # 2 people\n"
    )
    assert printed.stderr == f"Found 1 group, 2 links.\n{EMPTY}"
    assert sorted(live.rglob("*")) == before
    saved = reconcile(
        "import", "--target", "roster", "--today", "2026-11-20", "--out", "policies/imported.yaml", cwd=live
    )
    assert (saved.stdout, saved.stderr) == ("", f"Saved to policies/imported.yaml.\n{printed.stderr}")
    assert (live / "policies" / "imported.yaml").read_text() == printed.stdout
    plan = reconcile("plan", "--detailed-exitcode", cwd=live)
    assert plan.stdout.startswith("No changes. Compared 3 users, 1 group and 3 memberships in 1 target.\n")


def test_a_snapshot_stands_in_for_the_directory(live: Path) -> None:
    """As in every command."""
    reconcile("snapshot", "--out", "corp.jsonl.gz", cwd=live)
    (live / "policies" / "directory.ldif").unlink()
    done = reconcile("import", "--target", "roster", "--snapshot", "corp.jsonl.gz", cwd=live)
    assert "{cn: devs, access: viewer}" in done.stdout
    assert done.stderr.endswith(EMPTY)


def test_what_no_group_explains_is_granted_for_a_while(live: Path) -> None:
    """Bob is an owner by hand: he stays one until somebody decides, and without a day that is 90 days on."""
    execute(live, "UPDATE memberships SET role = 'owner' WHERE user_id = (SELECT id FROM users WHERE username = 'bob')")
    done = reconcile("import", "--target", "roster", "--today", "2026-11-20", cwd=live)
    assert done.stdout.endswith(
        "grants:\n  roster:\n    team/app:\n"
        '      - {user: bob, access: owner, until: 2027-02-18, reason: "imported: held by hand on 2026-11-20"}\n'
    )
    assert "      - {cn: devs, access: viewer}  # 2 people\n" in done.stdout
    assert done.stderr == f"Found 1 group, 2 links; 1 role explained by none, as grants until 2027-02-18.\n{EMPTY}"
    until = reconcile("import", "--target", "roster", "--today", "2026-11-20", "--until", "2026-12-01", cwd=live).stdout
    assert "until: 2026-12-01, reason" in until


def test_leftovers_can_be_listed_in_place_of_granted(live: Path) -> None:
    """Then the first plan takes them away, which is said, and is an exit code where it is asked for."""
    execute(live, "UPDATE memberships SET role = 'owner' WHERE user_id = (SELECT id FROM users WHERE username = 'bob')")
    done = reconcile("import", "--target", "roster", "--leftovers", "list", "--detailed-exitcode", cwd=live, code=2)
    assert "    # No directory group explains owner of bob.\n    team/app:\n" in done.stdout
    assert "grants:" not in done.stdout
    assert "membership.change: 1, such as team/app: bob;" in done.stderr
    assert "and lost with the first plan." in done.stderr


def test_whoever_is_gone_is_protected_until_somebody_decides(live: Path) -> None:
    """No rule keeps them, and nobody loses anything by an import: the plan holds back what it would take."""
    directory = (live / "policies" / "directory.ldif").read_text()
    (live / "policies" / "directory.ldif").write_text(directory.replace(PERSON.format(uid="bob"), ""))
    done = reconcile("import", "--target", "roster", "--out", "policies/imported.yaml", cwd=live)
    text = (live / "policies" / "imported.yaml").read_text()
    assert text.endswith("protected:\n  roster:\n    users:\n      - bob  # nobody of the directory\n")
    assert "    # 1 membership is of accounts behind which nobody of the directory stands" in text
    assert "; 1 account protected.\n" in done.stderr
    assert f"{EMPTY}2 changes are held back in it, such as team/app: bob (protected).\n" in done.stderr
    reconcile("plan", "--detailed-exitcode", cwd=live)


def test_a_group_with_one_wrong_person_is_not_linked(live: Path) -> None:
    """Dan is in devs and holds nothing, so devs explains nobody; where he has no account, he can be ignored."""
    edit(live, "directory.ldif", "member: uid=bob,", "member: uid=dan,dc=example,dc=com\nmember: uid=bob,")
    with (live / "policies" / "directory.ldif").open("a") as directory:
        directory.write(PERSON.format(uid="dan"))
    strict = reconcile("import", "--target", "roster", cwd=live)
    assert "cn: devs" not in strict.stdout
    assert strict.stdout.count("{user: ") == 2
    assert strict.stderr.endswith(EMPTY)
    refused = reconcile("import", "--target", "roster", "--ignore-absent", cwd=live, code=64)
    assert "targets.roster.users.create is true" in refused.stderr
    edit(live, "policy.yaml", "users: {create: true}", "users: {create: false}")
    ignoring = reconcile("import", "--target", "roster", "--ignore-absent", cwd=live)
    assert "{cn: devs, access: viewer}  # 3 people; 1 without an account\n" in ignoring.stdout
    assert f"{EMPTY}2 changes are held back in it" in ignoring.stderr


def test_groups_that_rules_name_already_are_left_to_them(live: Path) -> None:
    """A second import adds nothing, and says why."""
    reconcile("import", "--target", "roster", "--out", "policies/imported.yaml", cwd=live)
    again = reconcile("import", "--target", "roster", cwd=live)
    assert "# Left out: team/app is named by a rule of the policy already.\n" in again.stdout
    assert again.stderr == f"Found 0 groups, 0 links; 1 group left out.\n{EMPTY}"


def test_what_is_corrected_with_the_first_plan_is_said(live: Path) -> None:
    """Being ruled, an account follows the directory: that is no loss, and it is named."""
    edit(live, "policy.yaml", "users: {create: true}", "users: {create: true, sync: [email]}")
    execute(live, "UPDATE users SET email = 'old@example.com' WHERE username = 'alice'")
    done = reconcile("import", "--target", "roster", cwd=live)
    assert "warning: The first plan with it is not empty:\n" in done.stderr
    assert "warning: user.update: 1, such as alice; the directory says otherwise (users.sync, " in done.stderr


def test_more_grants_than_a_policy_can_hold_are_refused_with_a_way_out(live: Path) -> None:
    """Only the listing is left then, which the message says."""
    count = 62_600
    with sqlite3.connect(live / "policies" / "roster.db") as rows:
        rows.executemany(
            "INSERT INTO groups (name, managed_by, external_id) VALUES (?, 'corp', ?)",
            ((f"g{number}", f"g{number}") for number in range(count)),
        )
        rows.execute(
            "INSERT INTO memberships (group_id, user_id, role, managed_by) SELECT groups.id, users.id, 'viewer', 'corp' "
            "FROM groups, users WHERE groups.name LIKE 'g%' AND users.username = 'bob'"
        )
    rows.close()
    done = reconcile("import", "--target", "roster", cwd=live, code=64)
    assert (
        f"error: {count:,} roles are explained by no directory group, and a policy cannot hold as many" in done.stderr
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "policies/policy.yaml"), "is there already, and nothing is overwritten"),
        (("--out", "elsewhere.yaml"), "--out names a file in the policy folder policies"),
        (("--out", "policies/none/a.yaml"), "--out names a file in the policy folder policies"),
        (("--out", "policies/rules.txt"), "policies/rules.txt would not be read"),
        (("--out", "policies/.rules.yaml"), "policies/.rules.yaml would not be read"),
        (("--until", "2020-01-01"), "--until: 2020-01-01 is over"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_read(live: Path, arguments: tuple[str, str], message: str) -> None:
    """Each with its way out, and nothing is written."""
    assert message in reconcile("import", "--target", "roster", *arguments, cwd=live, code=64).stderr
    assert sorted(path.name for path in (live / "policies").glob("*.*")) == [
        "directory.ldif",
        "policy.yaml",
        "roster.db",
    ]


def test_an_unknown_target_is_named_with_the_nearest(live: Path) -> None:
    """As everywhere."""
    assert 'Did you mean "roster"?' in reconcile("import", "--target", "rooster", cwd=live, code=64).stderr


def seeded(teams: World) -> App:
    """Put people of the directory, and one by hand, into two groups of the app; nobody has left."""
    app = App()
    mine = {
        name: app.seed_user(name, provider="corp", external_id=uuid(name), email=f"{name}@example.com", name=name)
        for name in ("ann", "ben", "cleo", "dan", "ida", "eve", "fay")
    }
    bob = app.seed_user("bob")
    rows = {mine[name]: "writer" for name in ("ben", "cleo", "dan", "ida")}
    app.seed_group("app", {**rows, mine["ann"]: "owner", mine["eve"]: "owner", bob: "owner"}, provider="corp")
    app.seed_group("infra", {mine["fay"]: "writer"}, provider="corp")
    teams.served.app = app
    return app


def test_a_target_of_another_package_is_imported_like_any_other(teams: World) -> None:
    """Nested roles, a leftover, somebody made by hand: one read of all groups, and the plan is empty."""
    seeded(teams)
    done = teams.run("import", "--target", "chat", "--today", "2026-11-20", "--out", "policies/imported.yaml")
    assert done.stderr.endswith(EMPTY)
    text = (teams.folder / "policies" / "imported.yaml").read_text()
    assert text.endswith(
        "group_links:\n  chat:\n    app:\n"
        "      - {cn: leads, access: owner}  # 2 people\n"
        "      - {cn: devs, access: writer}  # 5 people\n"
        "\ngrants:\n  chat:\n    infra:\n"
        '      - {user: fay, access: writer, until: 2027-02-18, reason: "imported: held by hand on 2026-11-20"}\n'
    )
    plan = teams.run("plan", "--today", "2026-11-20", "--detailed-exitcode")
    assert plan.stdout.startswith("No changes.")


def test_links_of_the_target_itself_are_taken_over(teams: World) -> None:
    """Where the app says what a group is linked to, nothing is guessed; what it cannot mean is said in a comment."""
    app = seeded(teams)
    app.seed_links(
        "app",
        {"cn": "leads", "role": "owner"},
        {"filter": "(&(objectClass=inetOrgPerson)(!(sn=fay))(sn=*))", "role": "reader"},
        {"cn": "devs", "role": "writer"},
        {"cn": "gone", "role": "writer"},
        {"filter": "(sn=", "role": "writer"},
    )
    app.seed_links("infra", {"cn": "ops", "role": "writer"})
    done = teams.run("import", "--target", "chat", "--today", "2026-11-20", "--detailed-exitcode", code=2)
    assert (
        "    app:\n"
        "      - {cn: leads, access: owner}  # 2 people; the target's own link\n"
        "      - {cn: devs, access: writer}  # 5 people; the target's own link\n"
        '      - {filter: "(&(objectClass=inetOrgPerson)(!(sn=fay))(sn=*))", access: reader}'
        "  # 8 people; the target's own link\n"
        "    infra:\n"
        "      - {cn: ops, access: writer}  # 3 people; the target's own link\n"
    ) in done.stdout
    assert "# The target links it to gone as writer: The group cn=gone is not in the directory.\n" in done.stdout
    assert "# The target links it to (sn= as writer: that is no filter: " in done.stdout
    assert "grants:" not in done.stdout
    assert "membership.add: 4, such as infra: gil; a link of the target's own" in done.stderr
    assert "user.create: 2, such as gil; a link of the target's own" in done.stderr
