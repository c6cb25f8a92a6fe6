"""The generated files: the same bytes every time, valid LDIF, awkward where they should be."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.entries import ADMIN_GROUP, departments, entries, group_cn, person_dn
from benchmarks.generate import LDIF, POLICY, main, write_directory, write_policy
from benchmarks.policy_files import Server, connections, link_files
from benchmarks.shape import Shape
from reconciler.directory.ldif import LdifEntry, read_entries

ROOT = Path(__file__).parents[3]
SMALL = Shape(people=2_100, groups=1_100, mean=12.0, nested=40, target_groups=120)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[LdifEntry]:
    """The small directory, written and read again by the project's own LDIF reader."""
    path = tmp_path_factory.mktemp("generated") / LDIF
    write_directory(SMALL, path)
    with path.open("rb") as stream:
        return list(read_entries(stream, LDIF))


def _of_class(found: list[LdifEntry], name: bytes) -> list[LdifEntry]:
    return [entry for entry in found if name in entry.attributes["objectclass"]]


def test_the_same_parameters_give_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    """Two runs with different hash seeds write identical files."""
    options = ["--people", "60", "--groups", "40", "--target-groups", "8", "--nested", "10"]
    for name, seed in (("one", "1"), ("two", "2")):
        subprocess.run(
            [sys.executable, "-m", "benchmarks.generate", *options, "--out", tmp_path / name],
            check=True,
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
        )
    assert _files(tmp_path / "one") == _files(tmp_path / "two")
    assert LDIF in _files(tmp_path / "one")


def test_another_seed_gives_other_bytes() -> None:
    """The seed decides about everything."""
    assert "".join(entries(Shape(people=20, groups=9, seed=1))) != "".join(entries(Shape(people=20, groups=9, seed=2)))


def test_every_person_and_group_is_there_once(written: list[LdifEntry]) -> None:
    """The counts are those of the parameters, every DN and every entryUUID is another one."""
    people = _of_class(written, b"inetOrgPerson")
    groups = [entry for entry in written if b"gid" in entry.dn or entry.dn.endswith(b",ou=groups,dc=example,dc=com")]
    assert (len(people), len(groups)) == (SMALL.people, SMALL.groups)
    assert len({entry.dn for entry in written}) == len(written)
    assert len({entry.attributes["entryuuid"][0] for entry in (*people, *groups)}) == SMALL.people + SMALL.groups


def test_memberships_have_the_mean_that_was_asked_for(written: list[LdifEntry]) -> None:
    """All member values together, nested groups included, are about mean times groups."""
    values = sum(
        len(entry.attributes.get(name, [])) for entry in written for name in ("member", "uniquemember", "memberuid")
    )
    assert values / SMALL.groups == pytest.approx(SMALL.mean, rel=0.05)


def test_members_are_held_in_all_three_ways(written: list[LdifEntry]) -> None:
    """Each kind of group is there and uses its own attribute."""
    for name, attribute in (
        ("groupOfNames", "member"),
        ("groupOfUniqueNames", "uniquemember"),
        ("posixGroup", "memberuid"),
    ):
        groups = _of_class(written, name.encode())
        assert len(groups) > SMALL.groups // 20
        assert all(entry.attributes.get(attribute) for entry in groups)


def test_every_member_dn_names_an_entry_but_the_ghost(written: list[LdifEntry]) -> None:
    """One member value dangles on purpose; a unique member may carry a UID behind its DN."""
    dns = {entry.dn for entry in written}
    values = Counter(
        value.removesuffix(b"#'0101'B")
        for entry in written
        for name in ("member", "uniquemember")
        for value in entry.attributes.get(name, [])
    )
    assert {value for value in values if value not in dns} == {b"uid=ghost,ou=people,dc=example,dc=com"}
    assert any(value.endswith(b"#'0101'B") for entry in written for value in entry.attributes.get("uniquemember", []))


def test_some_names_are_awkward(written: list[LdifEntry]) -> None:
    """Commas, plus signs, quotes and letters outside ASCII stand in DNs, escaped as RFC 4514 says."""
    text = b"\n".join(entry.dn for entry in written).decode()
    for part in ("cn=Doe\\, Jörg 5,", "cn=R\\+D #1002,", "cn=\\#lead 1999,", 'cn=R\\+D\\, \\"Köln\\" #7,'):
        assert part in text


def test_a_change_of_one_percent_moves_people_between_departments() -> None:
    """Only departments and memberships differ; nobody is renamed and no entry comes or goes."""
    before = list(entries(SMALL))
    after = list(entries(Shape(people=2_100, groups=1_100, mean=12.0, nested=40, target_groups=120, changed=1.0)))
    people = range(3, 3 + SMALL.people)
    moved = [index for index in people if before[index] != after[index]]
    assert 5 <= len(moved) <= 50
    for index in moved:
        lines = set(before[index].splitlines()) ^ set(after[index].splitlines())
        assert all(line.startswith("departmentNumber: ") for line in lines)
    assert [entry.split("\n")[0] for entry in before] == [entry.split("\n")[0] for entry in after]


def test_every_target_group_has_its_links_and_a_fifth_of_them_are_filters() -> None:
    """120 groups of ten links: seven names, one DN and two filters each; every big group is linked."""
    text = "".join(text for _, text in link_files(SMALL))
    counts = [text.count(f"- {{{key}: ") for key in ("cn", "dn", "filter")]
    assert counts == [7 * 120, 120, 2 * 120]
    assert all(f'"{group_cn(SMALL, group)}"' in text for group in range(SMALL.big))
    assert all(
        text.count(f"access: {role}}}") == share * 120 for role, share in (("viewer", 5), ("editor", 3), ("owner", 2))
    )


def test_links_stand_in_files_of_a_hundred_groups() -> None:
    """A policy of a large company is not one file."""
    assert [name for name, _ in link_files(SMALL)] == ["links-000.yaml", "links-001.yaml"]


def test_a_policy_reads_the_server_that_it_is_given() -> None:
    """With a server the directory is LDAP with a bind and a password file; without one it is the LDIF file."""
    text = connections(Server("ldap://127.0.0.1:3890", "cn=reader,dc=example,dc=com", "password"))
    assert 'servers: ["ldap://127.0.0.1:3890"]' in text
    assert 'bind: {dn: "cn=reader,dc=example,dc=com", password: {file: "password"}}' in text
    assert "bind:" not in connections(Server("ldap://127.0.0.1:3890"))
    assert "file: ../directory.ldif" in connections(None)


def test_the_command_line_writes_directory_and_policy(tmp_path: Path) -> None:
    """All parameters reach the shape."""
    options = (
        "--people",
        "30",
        "--groups",
        "9",
        "--mean",
        "4",
        "--nested",
        "5",
        "--target-groups",
        "2",
        "--links",
        "3",
    )
    main([*options, "--seed", "9", "--changed", "50", "--out", str(tmp_path)])
    shape = Shape(people=30, groups=9, mean=4.0, nested=5, target_groups=2, links=3, seed=9, changed=50.0)
    assert (tmp_path / LDIF).read_text(encoding="utf-8") == "".join(entries(shape))
    expected = tmp_path / "expected"
    write_policy(shape, expected)
    assert _files(tmp_path / POLICY) == _files(expected)


@pytest.mark.parametrize("option", ["--people", "--groups", "--target-groups", "--links"])
def test_an_empty_company_is_refused(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written for a number below one; the message names option and number."""
    with pytest.raises(SystemExit, match="2"):
        main([option, "0", "--out", str(tmp_path / "none")])
    assert f"argument {option}: 0 is not 1 or more" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_the_last_group_is_the_admin_group() -> None:
    """The policy's admin group exists whatever the size."""
    assert group_cn(SMALL, SMALL.groups - 1) == ADMIN_GROUP
    assert group_cn(Shape(groups=2), 1) == ADMIN_GROUP


def test_small_companies_have_one_department() -> None:
    """Filters name departments that exist."""
    assert departments(Shape(people=10)) == 1
    assert person_dn(0) == "uid=user00000,ou=people,dc=example,dc=com"


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
