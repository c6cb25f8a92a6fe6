"""A directory in a file: filters and bases applied as a server would."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from reconciler.directory import ldif_source
from reconciler.directory.read import read_directory
from reconciler.errors import DirectoryUnreachable, ReadIncomplete
from reconciler.model.directory import Readability, Snapshot
from reconciler.model.filter import parse_filter
from tests.servers.directories import BASE, NEEDS, READ_AT, SMALL, ldif_config, people_and_groups


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the small directory as a file."""
    path = tmp_path / "corp.ldif"
    path.write_text(SMALL, encoding="utf-8")
    return path


def _read(file: Path, **changes: object) -> Snapshot:
    return read_directory(ldif_config(file, **changes), NEEDS, READ_AT)


def _logins(snapshot: Snapshot) -> set[str]:
    return {person.attributes["uid"][0] for person in snapshot.people}


def _refusal(file: Path, **changes: object) -> str:
    with pytest.raises(ReadIncomplete) as caught:
        _read(file, **changes)
    return str(caught.value)


def test_people_and_groups_are_found_by_the_usual_filters(file: Path) -> None:
    """With members, disabled accounts and what dangles."""
    snapshot = _read(file)
    assert _logins(snapshot) == {"alice", "jdoe", "rd", "locked", "pause", "expired"}
    assert {person.attributes["uid"][0] for person in snapshot.people if person.disabled} == {"locked", "expired"}
    groups = {group.cn: group for group in snapshot.groups}
    assert set(groups) == {"devs", "all", "circle", "unix", "nobody"}
    assert len(groups["devs"].people) == 3
    assert groups["devs"].dangling == (f"uid=ghost,ou=people,{BASE}",)
    assert [groups["nobody"].readability, snapshot.source] == [Readability.READ, "corp.ldif"]


def test_filters_of_the_policy_are_evaluated_here(file: Path) -> None:
    """By the standard schemas' rules: names without case."""
    snapshot = _read(
        file, user_filter=parse_filter("(&(objectClass=PERSON)(!(uid=Alice)))"), group_filter=parse_filter("(cn=C*)")
    )
    assert _logins(snapshot) == {"jdoe", "rd", "locked", "pause", "expired"}
    assert [group.cn for group in snapshot.groups] == ["circle"]


def test_only_what_is_under_the_bases_counts(file: Path) -> None:
    """People under one, groups under the other; a base is compared as a DN."""
    snapshot = _read(file, base="OU=People , dc=example,dc=com", group_base=f"ou=groups,{BASE}")
    assert [len(snapshot.people), len(snapshot.groups)] == [6, 5]
    snapshot = _read(file, base=f"ou=people,{BASE}")
    assert [len(snapshot.people), len(snapshot.groups)] == [6, 0]
    snapshot = _read(file, base="")
    assert [len(snapshot.people), len(snapshot.groups)] == [6, 5]


def test_an_entry_that_is_both_is_a_group(file: Path) -> None:
    """But only where groups are looked for."""
    both = parse_filter("(objectClass=*)")
    snapshot = _read(file, user_filter=both, group_filter=both, group_base=f"ou=groups,{BASE}")
    assert "uid=alice" in snapshot.people[-3].dn or "alice" in _all_logins(snapshot)
    assert {group.dn for group in snapshot.groups} & {person.dn for person in snapshot.people} == set()
    assert len(snapshot.groups) == 6


def _all_logins(snapshot: Snapshot) -> set[str]:
    return {login for person in snapshot.people for login in person.attributes.get("uid", ())}


@pytest.mark.parametrize("changes", [{"base": "ou=nowhere"}, {"base": BASE, "group_base": "ou=nowhere"}])
def test_a_base_without_entries_is_no_empty_directory(file: Path, changes: dict[str, str]) -> None:
    """A server would say noSuchObject."""
    assert _refusal(file, **changes) == (
        f'policies/corp.yaml:4: directory "corp": {file} holds no entry under "ou=nowhere"'
    )


def test_an_empty_file_is_no_empty_directory(file: Path) -> None:
    """Everybody would seem to have left."""
    file.write_text("")
    assert _refusal(file, base="").endswith("holds no entry")


def test_a_base_that_is_no_dn_is_named(file: Path) -> None:
    """With its place in the policy."""
    assert _refusal(file, base="example.com").startswith(
        'policies/corp.yaml:4: directory "corp": "example.com" is no DN'
    )


def test_a_second_entry_of_the_same_name_is_named_with_both_lines(file: Path) -> None:
    """However its DN is written."""
    lines = SMALL.splitlines()
    first = lines.index(f"dn: uid=alice,ou=people,{BASE}") + 1
    file.write_text(f"{SMALL}\ndn: UID=Alice, ou=people,{BASE}\ncn: x\n")
    assert _refusal(file).startswith(f'{file}:{len(lines) + 2}: a second entry "UID=Alice')
    assert _refusal(file).endswith(f"the first is in line {first}")


@pytest.mark.parametrize("dn", ["dn: nothing", "dn:: /w==", "dn:: Y249/w=="])
def test_a_dn_that_is_none_is_named_with_its_line(file: Path, dn: str) -> None:
    """Also one that is no text."""
    file.write_text(f"{SMALL}\n{dn}\ncn: x\n")
    message = _refusal(file)
    assert message.startswith(f"{file}:{len(SMALL.splitlines()) + 2}: ")
    assert "is no DN" in message


@pytest.mark.parametrize("line", ["entryUUID: none", "uid;range=0-1: a"])
def test_an_entry_that_cannot_be_understood_is_named_with_its_line(file: Path, line: str) -> None:
    """The line of its DN."""
    file.write_text(f"{SMALL}\ndn: uid=z,{BASE}\nobjectClass: person\n{line}\n")
    assert _refusal(file).startswith(f'{file}:{len(SMALL.splitlines()) + 2}: entry "uid=z,{BASE}": ')


def test_one_id_on_two_entries_is_named(file: Path) -> None:
    """A copied entry."""
    uuid = "entryUUID: 11111111-0000-4000-8000-00000000000a"
    file.write_text(f"{SMALL}\ndn: uid=z,{BASE}\nobjectClass: person\n{uuid}\n")
    assert f'policies/corp.yaml:4: directory "corp": {file}: entries "uid=' in _refusal(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Nothing was read at all."""
    with pytest.raises(DirectoryUnreachable, match=r"nowhere\.ldif cannot be read: No such file"):
        _read(tmp_path / "nowhere.ldif")


def test_the_size_of_the_batches_does_not_matter(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups may come before their members."""
    parts = people_and_groups(30, 20).split("\n\n")
    file.write_text("\n\n".join([*parts[:3], *reversed([part.strip("\n") for part in parts[3:]])]) + "\n")
    whole = _read(file)
    monkeypatch.setattr(ldif_source, "_BATCH", 7)
    assert _read(file) == whole
    assert sum(len(group.people) for group in whole.groups) == 60


def test_an_export_of_active_directory_has_its_primary_groups(tmp_path: Path) -> None:
    """Where the policy says what it is an export of; the SID is in base64 there."""
    domain = bytes.fromhex("0105000000000005150000000102030405060708090a0b0c")

    def sid(number: int) -> str:
        return base64.b64encode(domain + number.to_bytes(4, "little")).decode()

    file = tmp_path / "ad.ldif"
    file.write_text(
        "dn: CN=Ann,DC=ad\nobjectClass: user\ncn: Ann\nprimaryGroupID: 513\nobjectSid:: " + sid(1104) + "\n\n"
        "dn: CN=Domain Users,DC=ad\nobjectClass: group\ncn: Domain Users\nobjectSid:: " + sid(513) + "\n",
        encoding="utf-8",
    )
    snapshot = read_directory(ldif_config(file, base="DC=ad", dialect="active_directory"), NEEDS, READ_AT)
    assert [group.people for group in snapshot.groups] == [(0,)]
