"""A pull request that wants the credentials: whatever it changes, they go where they went, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.pull_request import CANARY, SECRETS, Evil, PullRequest, directory, evil, git, pull_request
from tests.examples import reconcile
from tests.fakes.ldap_responder import Directory, responder
from tests.fakes.teams_server import Served, serving
from tests.plugins.installed import ENVIRONMENT

ATTACK = Callable[[PullRequest], object]


@pytest.fixture(scope="module")
def sides() -> Iterator[tuple[Evil, tuple[Directory, str], Served]]:
    """Run the good directory and app, and the evil listener, for all tests."""
    held = directory()
    with evil() as listener, responder(held) as url, serving() as served:
        yield listener, (held, url), served


@pytest.fixture
def change(tmp_path: Path, sides: tuple[Evil, tuple[Directory, str], Served]) -> PullRequest:
    """Give a branch that has changed nothing yet."""
    found = pull_request(tmp_path / "work", *sides)
    found.evil.heard.clear()
    return found


def _repoint_app(change: PullRequest) -> None:
    change.edit(f"url: {change.app.url}", f"url: http://{change.evil.address}/api/v1")


def _repoint_directory(change: PullRequest) -> None:
    url = change.policy.read_text().partition('servers: ["')[2].partition('"')[0]
    change.edit(url, f"ldap://{change.evil.address}")


def _another_bind(change: PullRequest) -> None:
    change.edit("password: {file: ../secrets/ldap}", "password: {env: OTHER_SECRET}")


def _secret_as_name(change: PullRequest) -> None:
    change.edit("token: {env: TEAMS_TOKEN}", "token: {env: OTHER_SECRET}")


def _another_file(change: PullRequest) -> None:
    change.edit("{file: ../secrets/ldap}", "{file: ../secrets/other}")


def _climb(change: PullRequest) -> None:
    change.edit("{file: ../secrets/ldap}", "{file: ../../../../../../../../etc/passwd}")


def _repoint_roster(change: PullRequest) -> None:
    change.edit("url: sqlite:///roster.db", f"url: postgresql://admin@{change.evil.address}/roster?sslmode=disable")


def _other_roster(change: PullRequest) -> None:
    change.edit("url: sqlite:///roster.db", "url: sqlite:///../../elsewhere.db")


def _other_kind(change: PullRequest) -> None:
    change.edit(
        "kind: sql\n    url: sqlite:///roster.db",
        f"kind: teams\n    url: http://{change.evil.address}/api/v1\n    token: {{env: OTHER_SECRET}}",
    )
    change.edit(
        "    roles: [viewer, owner]\n    users: {create: true}\n    groups: {create: true}\ngroup_links", "group_links"
    )
    change.edit("access: viewer", "access: writer")


def _new_target(change: PullRequest) -> None:
    new = f"targets:\n  thief: {{kind: teams, url: 'http://{change.evil.address}/api/v1', token: {{env: OTHER_SECRET}}, directory: corp}}\n"
    change.edit("targets:\n", new)


def _new_directory(change: PullRequest) -> None:
    new = (
        f"directories:\n  thief:\n    kind: ldap\n    servers: ['ldap://{change.evil.address}']\n    base: dc=x\n"
        "    bind: {dn: cn=x, password: {env: OTHER_SECRET}}\n    tls: {plaintext: true}\n"
    )
    change.edit("directories:\n", new)
    change.edit(
        "    token: {env: TEAMS_TOKEN}\n    directory: corp", "    token: {env: TEAMS_TOKEN}\n    directory: thief"
    )


def _state_store(change: PullRequest) -> None:
    change.edit(
        "guards:",
        f"state: {{kind: sql, url: 'postgresql://a@{change.evil.address}/s?sslmode=disable', password: {{env: OTHER_SECRET}}}}\nguards:",
    )


def _state_folder(change: PullRequest) -> None:
    change.edit("guards:", "state: {kind: file, path: ../stolen}\nguards:")


def _no_tls(change: PullRequest) -> None:
    change.edit("tls: {plaintext: true}", "tls: {start_tls: true, ca_file: evil.pem}")


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        (_repoint_app, "The base has another url of the target chat."),
        (_repoint_directory, "The base has another servers of the directory corp."),
        (_another_bind, "The base has another bind of the directory corp."),
        (_secret_as_name, "The base has another token of the target chat."),
        (_another_file, "The base has another bind of the directory corp."),
        (_climb, "The base has another bind of the directory corp."),
        (_repoint_roster, "The base has another url of the target roster."),
        (_other_roster, "The base has another url of the target roster."),
        (_other_kind, "The target roster is of another kind."),
        (_new_target, "The target thief is new."),
        (_new_directory, "The directory thief is new."),
        (_state_store, "The base has another kind, url, password of the state store."),
        (_state_folder, "The base has another path of the state store."),
        (_no_tls, "The base has another tls of the directory corp."),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_a_changed_connection_is_said_and_not_used(attack: ATTACK, said: str, change: PullRequest) -> None:
    """Nobody new hears anything, the canary is in nothing that is shown or written, and the good servers are asked."""
    attack(change)
    change.commit()
    done = change.plan("--out", "plan.json")
    assert change.evil.heard == []
    assert said in done.stdout
    assert done.stdout.count("take effect after merge") == done.stdout.count("[CONNECTION-CHANGED]")
    shown = done.stdout + done.stderr + change.everything_written()
    assert CANARY not in shown
    assert "reader-password" not in shown
    assert "secret-token" not in shown
    assert b"reader-password" in b"".join(content for _, content in change.ldap.requests)
    assert "secret-token" in repr(change.app.log)
    assert CANARY not in repr(change.app.log)
    assert not (change.folder / "stolen").exists()
    assert CANARY.encode() not in b"".join(content for _, content in change.ldap.requests)


def test_a_plan_over_other_connections_than_its_own_is_never_applied(change: PullRequest) -> None:
    """After the merge the policy points elsewhere: the plan was made over what is there now."""
    _repoint_app(change)
    change.commit()
    change.plan("--out", "plan.json")
    git(change.folder, "checkout", "-q", "main")
    git(change.folder, "merge", "-q", "change")
    done = reconcile("apply", "plan.json", "--auto-approve", cwd=change.folder, env={**ENVIRONMENT, **SECRETS}, code=8)
    assert "The policy has changed since this plan was made" in done.stderr
    assert change.evil.heard == []


def test_files_that_the_branch_replaces_are_read_from_the_base(change: PullRequest) -> None:
    """A directory in a file, tracked in both: the people of the branch's file get nothing."""
    text = "version: 1\n\ndn: dc=example,dc=com\nobjectClass: domain\ndc: example\n\ndn: uid={0},dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: {0}\ncn: {0}\nsn: {0}\n\ndn: cn=devs,dc=example,dc=com\nobjectClass: groupOfNames\ncn: devs\nmember: uid={0},dc=example,dc=com\n"
    git(change.folder, "checkout", "-q", "main")
    head, _, rest = change.policy.read_text().partition("    kind: ldap\n")
    targets = rest[rest.index("targets:") :]
    change.policy.write_text(f"{head}    kind: ldif\n    file: people.ldif\n    base: dc=example,dc=com\n{targets}")
    (change.folder / "policies" / "people.ldif").write_text(text.format("ann"))
    change.commit()
    git(change.folder, "checkout", "-q", "-B", "change")
    (change.folder / "policies" / "people.ldif").write_text(text.format("mallory"))
    change.commit()
    out = change.plan("--target", "roster").stdout
    assert "ann" in out
    assert "mallory" not in out


@pytest.mark.parametrize("how", ["file", "link", "parent", "state"])
def test_files_that_only_the_branch_tracks_are_refused(how: str, change: PullRequest) -> None:
    """A secret file that was put there by the job is one thing; one that the branch brings, or a link to it, another."""
    (change.folder / "secrets" / "ldap").unlink()
    (change.folder / "bait").mkdir()
    (change.folder / "bait" / "ldap").write_text("chosen by the branch\n")
    if how == "file":
        (change.folder / "secrets" / "ldap").write_text("chosen by the branch\n")
    elif how == "link":
        (change.folder / "secrets" / "ldap").symlink_to("../bait/ldap")
    elif how == "parent":
        (change.folder / "secrets" / "other").unlink()
        (change.folder / "secrets").rmdir()
        (change.folder / "secrets").symlink_to("bait")
    else:
        (change.folder / "secrets" / "ldap").write_text("reader-password\n")
        (change.folder / "policies" / ".reconcile" / "seen").mkdir(parents=True)
        (change.folder / "policies" / ".reconcile" / "seen" / "corp").write_text("{}")
        git(change.folder, "add", "-f", "policies/.reconcile")
    git(change.folder, "add", "-f", "bait", *([] if how == "state" else ["secrets"]))
    change.commit()
    done = change.plan(code=64)
    name = "policies/.reconcile" if how == "state" else "secrets/ldap"
    assert f'the connections of main name "{name}", which ' in done.stderr
    assert change.ldap.requests == []
    assert change.evil.heard == []


def test_an_untracked_link_to_what_the_branch_tracks_is_refused(change: PullRequest) -> None:
    """It is the branch's file all the same."""
    (change.folder / "secrets" / "ldap").unlink()
    (change.folder / "bait").write_text("chosen by the branch\n")
    (change.folder / "secrets" / "ldap").symlink_to("../bait")
    change.commit()
    assert 'name "bait", which is tracked in this branch and not there' in change.plan(code=64).stderr


def test_links_out_of_the_policy_are_followed_nowhere(change: PullRequest) -> None:
    """A file of the policy, a folder in it, the policy itself."""
    outside = change.folder.parent / "outside"
    outside.mkdir()
    (outside / "more.yaml").write_text(f"version: 1\n# {CANARY}\nwhat: [\n")
    link = change.folder / "policies" / "more.yaml"
    for target in (outside / "more.yaml", outside):
        link.symlink_to(target)
        done = change.plan(code=3)
        assert "FILE-OUTSIDE" in done.stdout + done.stderr
        assert CANARY not in done.stdout + done.stderr
        link.unlink()
    (change.folder / "policies").rename(change.folder.parent / "moved")
    (change.folder / "policies").symlink_to(change.folder.parent / "moved")
    done = change.plan(code=64)
    assert "policies leads out of the repository" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert change.evil.heard == []


def test_what_is_typed_into_names_is_shown_as_an_escape(change: PullRequest) -> None:
    """Characters that steer a terminal are errors of the policy; those that hide text are written out, here and in Markdown."""
    change.edit("    api: [", '    "api\\e[2J": [')
    done = change.plan(code=3)
    assert "CONTROL-CHARACTER" in done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    change.edit('    "api\\e[2J": [', '    "api\\u202Eevil": [')
    for form in ("text", "markdown"):
        out = change.plan("--format", form).stdout
        assert "api\\u202eevil" in out
        assert "\u202e" not in out


def test_a_file_name_with_control_characters_is_shown_as_an_escape(change: PullRequest) -> None:
    """Paths of policy files are in reasons and in errors."""
    change.edit("  roster:\n    api: [{cn: devs, access: viewer}]\n", "")
    rules = "version: 1\ngroup_links:\n  roster:\n    api: [{cn: devs, access: viewer}]\n"
    (change.folder / "policies" / "a\x1b[2Jb.yaml").write_text(rules)
    for form in ("text", "markdown"):
        out = change.plan("--format", form).stdout
        assert "policies/a\\x1b[2Jb.yaml" in out
        assert "\x1b" not in out


def test_password_hashes_are_not_brought_into_a_plan(change: PullRequest) -> None:
    """Neither as a name nor by a filter that finds them out; nothing is even read."""
    change.edit(
        "users: {create: true}\n    groups: {create: true}\n  roster",
        "users: {create: true, username: '{userPassword}'}\n    groups: {create: true}\n  roster",
    )
    change.edit("{cn: devs, access: viewer}", "{filter: '(userPassword={SSHA}*)', access: viewer}")
    done = change.plan(code=3)
    assert (done.stdout + done.stderr).count("error[SECRET-ATTRIBUTE]") == 2
    assert change.ldap.requests == []


def test_problems_are_placed_in_the_policy_that_has_them(change: PullRequest) -> None:
    """The head's by its path, the base's as git writes it."""
    change.edit('    base: "dc=example,dc=com"\n', '    base: "dc=example,dc=com"\n    user_filter: (noSuch=ann)\n')
    assert "\npolicies/policy.yaml:7:18: error[FILTER-SCHEMA]" in "\n" + change.plan(code=3).stderr
    change.edit("    user_filter: (noSuch=ann)\n", "")
    change.edit("access: viewer", "access: nobody")
    change.commit()
    git(change.folder, "branch", "-f", "main", "change")
    change.edit("access: nobody", "access: viewer")
    assert "main:policies/policy.yaml:29:" in change.plan(code=3).stderr


def test_a_base_that_is_no_commit_or_has_no_policy_is_usage(change: PullRequest) -> None:
    """Nor does a word that looks like an option reach git as one."""
    for ref, said in (
        ("nowhere", "git knows no commit"),
        ("--output=x", "git knows no commit"),
        ("main:policies", "git knows no commit"),
    ):
        assert said in change.plan("--base", ref, code=64).stderr
    git(change.folder, "mv", "policies", "rules")
    change.commit()
    done = change.plan("rules", code=64)
    assert '"rules": there is nothing to compare with' in done.stderr
    assert "give one of them" in change.plan("rules", "--base-policy", "rules", "--base", "main", code=64).stderr
    assert "give one of them" in change.plan("rules", "--user", "ann", code=64).stderr
    assert not (change.folder / "x").exists()
    assert [path.name for path in change.folder.parent.iterdir()] == ["work"]
