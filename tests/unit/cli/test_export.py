"""A commit's policy in a private folder, and which files its connections may be given."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.cli.export import Export, exported, inside_of, located, told_as
from reconciler.errors import PolicyError, UsageError
from reconciler.model.diagnostic import Diagnostic, Position, Severity
from tests.e2e.pull_request import git

Prepare = Callable[[Path], object]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose main has a policy, a CA, and links; the working folder is its top, on another branch."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    top = tmp_path / "work"
    for folder in ("policies", "certs"):
        (top / folder).mkdir(parents=True)
    (top / "policies" / "policy.yaml").write_text("version: 1\n")
    (top / "certs" / "ca.pem").write_text("of main")
    (top / "policies" / "ca.pem").symlink_to("../certs/ca.pem")
    (top / "policies" / "loop").symlink_to("loop")
    (top / "shared").symlink_to("certs")
    git(top, "init", "-q", "-b", "main")
    save(top)
    git(top, "checkout", "-q", "-b", "change")
    (top / "certs" / "ca.pem").write_text("of the branch")
    save(top)
    monkeypatch.chdir(top)
    return top


def save(top: Path) -> None:
    git(top, "add", "-A")
    git(top, "commit", "-qm", "some")


def read(export: Export, name: str) -> str:
    """Return what a connection of the base would get that names this path from the policy's folder."""
    return Path(export.trusted(os.path.normpath(Path(export.policy, name)))).read_text(encoding="utf-8")


def test_what_the_commit_tracks_comes_from_the_commit(work: Path) -> None:
    """By name, by ``..``, by a link, and by its absolute path in the working tree; the folder is private and goes."""
    with exported("policies", "main") as export:
        private = Path(export.private)
        assert private.stat().st_mode & 0o077 == 0
        for name in ("../certs/ca.pem", "ca.pem", f"{work}/certs/ca.pem"):
            assert read(export, name) == "of main"
        assert export.trusted(f"{export.policy}/../certs") == str(export.root / "certs")
        assert Path(export.policy, "policy.yaml").read_text() == "version: 1\n"
    assert not private.exists()


def test_what_nobody_tracks_is_where_it_lies(work: Path) -> None:
    """In the working tree, or outside of the repository, also by way of more ``..`` than there are folders."""
    (work / "policies" / "token").write_text("of the job")
    (work.parent / "outside").write_text("of the machine")
    (work / "linked").symlink_to(work.parent / "outside")
    with exported("policies", "main") as export:
        assert read(export, "token") == "of the job"
        assert read(export, "../../outside") == "of the machine"
        assert read(export, "../linked") == "of the machine"
        assert export.trusted(f"{export.policy}/not-yet.db") == str(work / "policies" / "not-yet.db")
        assert export.trusted("/etc/ssl/ca.pem") == "/etc/ssl/ca.pem"


def _file(top: Path) -> None:
    (top / "policies" / "new").write_text("of the branch")


def _link(top: Path) -> None:
    (top / "policies" / "new").symlink_to("/etc/passwd")


def _folder(top: Path) -> None:
    (top / "policies" / "new").mkdir()
    (top / "policies" / "new" / "below").write_text("of the branch")


@pytest.mark.parametrize("bring", [_file, _link, _folder])
def test_what_only_the_branch_tracks_is_refused(bring: Prepare, work: Path) -> None:
    """A file, a link to anywhere, a folder; and by a way that leads out of the repository and back."""
    bring(work)
    save(work)
    (work.parent / "back").symlink_to(work / "policies")
    with exported("policies", "main") as export:
        for path in (f"{export.policy}/new", f"{export.policy}/new/below", str(work.parent / "back" / "new")):
            with pytest.raises(UsageError, match="tracked in this branch and not there"):
                export.trusted(path)


def test_links_of_the_commit_that_lead_nowhere_are_errors(work: Path) -> None:
    """A link to itself; a path below a link, which the branch could turn."""
    with exported("policies", "main") as export:
        with pytest.raises(UsageError, match="a link that leads to itself"):
            export.trusted(f"{export.policy}/loop")
        with pytest.raises(UsageError, match='lies below "shared", which is a link'):
            export.trusted(f"{export.policy}/../shared/ca.pem")
    (work / "round").symlink_to("around")
    (work / "around").symlink_to("round")
    with exported("policies", "main") as export, pytest.raises(UsageError, match="a link that leads to itself"):
        export.trusted(f"{export.policy}/../round")


def test_another_repository_in_the_commit_is_refused(work: Path) -> None:
    """Its files are of a commit that the branch names."""
    head = git(work, "rev-parse", "HEAD")
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{head},module")
    git(work, "commit", "-qm", "module")
    git(work, "branch", "-f", "main")
    with exported("policies", "main") as export:
        with pytest.raises(UsageError, match='name "module", which is another repository'):
            export.trusted(f"{export.policy}/../module")
        with pytest.raises(UsageError, match='lies below "module"'):
            export.trusted(f"{export.policy}/../module/ca.pem")


def test_what_attributes_keep_out_of_an_export_is_missed(work: Path) -> None:
    """A rule that is left out would make its effect look like the branch's."""
    (work / ".gitattributes").write_text("certs export-ignore\npolicies/*.yaml export-ignore\n")
    save(work)
    with pytest.raises(UsageError, match=r"policies/policy.yaml\", which is left out of archives"):
        located_and_taken("policies")
    (work / ".gitattributes").write_text("certs/* export-ignore\n")
    save(work)
    with exported("policies", "change") as export, pytest.raises(UsageError, match="left out of archives"):
        export.trusted(f"{export.policy}/../certs/ca.pem")


def located_and_taken(folder: str) -> None:
    with exported(folder, "change"):
        pass


def test_a_link_out_of_the_repository_is_not_taken_out_of_git(work: Path) -> None:
    """Not even from a trusted commit."""
    (work / "policies" / "out").symlink_to("/etc/passwd")
    save(work)
    with pytest.raises(UsageError, match="A link in it that leads out of the repository must go"):
        located_and_taken("policies")


def test_a_policy_may_be_a_file_or_the_whole_repository(work: Path) -> None:
    """Its place in the repository is found all the same; a link to it is not followed."""
    assert located("policies/policy.yaml")[1] == "policies/policy.yaml"
    assert located(".")[1] == ""
    assert located(str(work / "policies"))[1] == "policies"
    git(work, "rm", "-q", "policies/loop")
    save(work)
    with exported(".", "change") as export:
        assert read(export, "certs/ca.pem") == "of the branch"
    (work / "rules").symlink_to("policies")
    assert located("rules")[1] == "rules"
    with pytest.raises(UsageError, match='main has no policy "rules"'), exported("rules", "main"):
        pass
    (work / "rules").unlink()
    (work / "rules").symlink_to(work.parent)
    with pytest.raises(UsageError, match="leads out of the repository"):
        located("rules")


def test_no_repository_and_no_git_are_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do instead."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError, match="not a git repository"):
        located(str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="Use --base-policy DIR instead"):
        located(str(tmp_path))


def test_problems_of_the_base_are_placed_as_git_writes_it(work: Path) -> None:
    """What has no place stays without one."""
    with exported("policies", "main") as export:
        placed = Diagnostic(Severity.ERROR, "A", "So.", where=Position(f"{export.policy}/policy.yaml", 1, 1))
        with pytest.raises(PolicyError) as found, told_as(export):
            raise PolicyError([placed, Diagnostic(Severity.ERROR, "B", "So.")])
    assert [problem.line() for problem in found.value.problems] == [
        "main:policies/policy.yaml:1:1: error[A] So.",
        "error[B] So.",
    ]
    assert inside_of(str(work), "/elsewhere") is None
