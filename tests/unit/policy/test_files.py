"""Which files make a policy, and what is said of those that cannot be used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.errors import PolicyError
from reconciler.policy import files
from reconciler.policy.files import PolicyFile, digest_of, find_files
from reconciler.policy.load import load_policy
from tests.unit.policy.policies import CONNECTIONS, TODAY, brief, codes, load, only, refused


def names(folder: Path) -> list[str]:
    found, problems = find_files(str(folder))
    assert problems == []
    return [file.name for file in found]


def test_a_folder_is_read_to_any_depth_in_order_of_names(tmp_path: Path) -> None:
    """YAML files count, by any case of their ending; hidden ones and others do not."""
    for name in (
        "b.yaml",
        "a/z.yml",
        "a/b/C.YAML",
        ".hidden.yaml",
        ".git/x.yaml",
        "notes.txt",
        "people.ldif",
        "x.yaml.bak",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert names(tmp_path) == ["a/b/C.YAML", "a/z.yml", "b.yaml"]


def test_one_file_is_a_policy_too(tmp_path: Path) -> None:
    """Whatever its ending."""
    file = tmp_path / "policy.txt"
    file.write_text(CONNECTIONS)
    loaded = load_policy(str(file), TODAY)
    assert loaded.policy.files == (file.as_posix(),)


def test_a_missing_folder_is_said_in_one_line(tmp_path: Path) -> None:
    """The error names the folder as it was given and the way out."""
    with pytest.raises(
        PolicyError, match=r'^error\[POLICY-MISSING\] There is no policy folder or file ".*nowhere"'
    ) as caught:
        load_policy(str(tmp_path / "nowhere"), TODAY)
    assert caught.value.exit_code == 3
    assert "`reconcile init`" in str(caught.value)


def test_an_empty_folder_is_said_in_one_line(tmp_path: Path) -> None:
    """A folder without YAML manages nothing, and that is never what is meant."""
    (tmp_path / "README.md").touch()
    assert codes(tmp_path, {}) == ["POLICY-EMPTY"]


def test_a_folder_that_cannot_be_looked_at_is_an_error() -> None:
    """A name that is too long is one that the system refuses to look up."""
    with pytest.raises(PolicyError, match=r"POLICY-MISSING.*cannot be read: File name too long"):
        load_policy("x" * 300, TODAY)


def test_paths_are_printed_as_given_with_forward_slashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative stays relative, so that a plan reads the same on every machine."""
    monkeypatch.chdir(tmp_path)
    load(Path("policies/acme"), CONNECTIONS)
    policy = load_policy("./policies/", TODAY).policy
    assert (policy.root, policy.files) == ("policies", ("policies/acme/policy.yaml",))
    assert str(policy.targets["roster"].where) == "policies/acme/policy.yaml:5"
    assert (policy.targets["roster"].folder, policy.directories["corp"].file) == (
        "policies/acme",
        "policies/acme/people.ldif",
    )


def test_text_that_is_not_utf8_is_placed_at_its_byte(tmp_path: Path) -> None:
    """The column counts characters."""
    (tmp_path / "p.yaml").write_bytes(b"version: 1\n# \xc3\xa9\xff\n")
    problem = only(tmp_path, {})
    assert brief(problem) == "2:4 FILE-ENCODING"
    assert "0xff" in problem.summary


def test_a_byte_order_mark_is_refused(tmp_path: Path) -> None:
    """It would become part of the first key for other readers."""
    (tmp_path / "p.yaml").write_bytes(b"\xef\xbb\xbfversion: 1\n")
    assert codes(tmp_path, {}) == ["1:1 FILE-BOM"]


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A pull request must not read what lies beside the repository."""
    (tmp_path / "secret.yaml").write_text("version: 1\n")
    folder = tmp_path / "policies"
    load(folder, CONNECTIONS)
    (folder / "linked.yaml").symlink_to("../secret.yaml")
    assert codes(folder, {}) == ["1:1 FILE-OUTSIDE"]


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    """Mounted configuration is made of such links."""
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "p.yaml").write_text(CONNECTIONS)
    (tmp_path / "p.yaml").symlink_to("..data/p.yaml")
    assert names(tmp_path) == ["p.yaml"]
    assert load(tmp_path, {}).policy.targets.keys() == {"gitlab", "roster"}


def test_a_link_to_a_folder_is_refused_rather_than_overlooked(tmp_path: Path) -> None:
    """Following it could go in circles; leaving it out would silently drop rules."""
    (tmp_path / "loop").symlink_to(".")
    assert codes(tmp_path, CONNECTIONS) == ["1:1 FILE-OUTSIDE"]


def test_a_link_that_leads_nowhere_cannot_be_read(tmp_path: Path) -> None:
    """The system's own words are given."""
    (tmp_path / "gone.yaml").symlink_to("nothing.yaml")
    problem = only(tmp_path, {})
    assert problem.code == "FILE-UNREADABLE"
    assert "No such file" in problem.summary


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Reading a pipe would hang a pipeline."""
    os.mkfifo(tmp_path / "p.yaml")
    assert codes(tmp_path, {}) == ["1:1 FILE-UNREADABLE"]


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in it is unknown, so nothing may be concluded from the rest."""
    (tmp_path / "a").mkdir()
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("a"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    problem = only(tmp_path, {})
    assert (problem.code, problem.summary) == ("FILE-UNREADABLE", "The folder cannot be read: Permission denied.")


def test_a_line_of_fifty_megabytes_is_refused_unread(tmp_path: Path) -> None:
    """The size decides, before a byte is read."""
    file = tmp_path / "p.yaml"
    with file.open("wb") as opened:
        opened.write(b"version: ")
        opened.truncate(50 * 2**20)
    problem = only(tmp_path, {})
    assert brief(problem) == "1:1 FILE-TOO-LARGE"
    assert problem.summary == "The file has 50.0 MiB; the limit is 16 MiB. Split it."


def test_a_folder_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops at the file that goes beyond the limit."""
    monkeypatch.setattr("reconciler.policy.load.MAX_FOLDER", 20)
    assert codes(tmp_path, {"a.yaml": "version: 1\n", "b.yaml": "version: 1\n", "c.yaml": "\xff"}) == [
        "1:1 POLICY-TOO-LARGE"
    ]


def test_a_folder_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody named the wrong folder."""
    monkeypatch.setattr(files, "MAX_FILES", 1)
    assert codes(tmp_path, {"a.yaml": "", "b.yaml": ""}) == ["POLICY-TOO-LARGE"]


def test_all_unusable_files_are_named_at_once(tmp_path: Path) -> None:
    """And nothing is said about references, since a file is missing."""
    (tmp_path / "b.yaml").write_bytes(b"\xff")
    (tmp_path / "c.yaml").write_bytes(b"\xef\xbb\xbf")
    found = refused(tmp_path, {"a.yaml": "version: 1\ngroup_links: {nope: {}}\n"})
    assert [problem.code for problem in found] == ["FILE-ENCODING", "FILE-BOM"]


def test_names_with_control_characters_are_escaped(tmp_path: Path) -> None:
    """A file name is text from outside."""
    problem = only(tmp_path, {"a\x1b[31m.yaml": "version: 2\n"})
    assert "\x1b" not in problem.line()
    assert "a\\x1b[31m.yaml:1:10" in problem.line()


def test_the_digest_depends_on_names_and_bytes_alone() -> None:
    """Not on the folder, not on the order; and a byte moved from a name to a content changes it."""
    one, two = PolicyFile("a.yaml", "/x/a.yaml", b"1"), PolicyFile("b.yaml", "/x/b.yaml", b"2")
    digest = digest_of([one, two])
    assert digest == digest_of([PolicyFile("b.yaml", "y/b.yaml", b"2"), PolicyFile("a.yaml", "y/a.yaml", b"1")])
    assert digest.startswith("sha256:")
    assert len({digest, digest_of([one]), digest_of([one, PolicyFile("b.yaml", "", b"3")])}) == 3
    assert digest_of([PolicyFile("ab", "", b"c")]) != digest_of([PolicyFile("a", "", b"bc")])
