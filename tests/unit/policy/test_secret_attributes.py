"""Attributes that hold passwords, keys and their hashes: no policy may name one, anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import PolicyError
from reconciler.policy.load import load_policy
from reconciler.policy.secret_attributes import is_secret, secret_attribute
from tests.builders import TODAY

POLICY = """version: 1
directories:
  corp:
    kind: ldif
    file: people.ldif
    DIRECTORY
targets:
  roster: {kind: sql, directory: corp, users: {create: true, USERS}}
group_links:
  roster: {api: [LNK]}
group_imports:
  roster: [IMPORT]
"""
SOUND = {"DIRECTORY": "nested_groups: true", "USERS": "adopt: false", "LNK": "{cn: a, access: member}"}
SOUND["IMPORT"] = "{filter: (cn=a*), name: '{cn}', access: member}"


def codes(folder: Path, **said: str) -> list[str]:
    """Return the codes of the problems of a policy that says this."""
    text = POLICY
    for word, sound in SOUND.items():
        text = text.replace(word, said.get(word, sound))
    (folder / "policy.yaml").write_text(text, encoding="utf-8")
    try:
        load_policy(str(folder), TODAY)
    except PolicyError as error:
        return [problem.line().partition("[")[2].partition("]")[0] for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("DIRECTORY", "attributes: {name: userPassword}"),
        ("DIRECTORY", "attributes: {email: unicodePwd}"),
        ("DIRECTORY", "attributes: {ssh_keys: 2.5.4.35}"),
        ("DIRECTORY", "user_filter: (&(objectClass=person)(!(UserPassword=*)))"),
        ("DIRECTORY", "group_filter: (sambaNTPassword;x-old=A*)"),
        ("DIRECTORY", "user_filter: '(:octetStringOrderingMatch:=a)'"),
        ("USERS", "username: '{uid}-{krbPrincipalKey|lower}'"),
        ("USERS", "email: '{uid}-{userPassword}'"),
        ("USERS", "kerberos: '{unicodePwd}@EXAMPLE.COM'"),
        ("LNK", "{filter: (ms-Mcs-AdmPwd>=P), access: member}"),
        ("IMPORT", "{filter: (msLAPS-EncryptedPassword=*), name: '{cn}', access: member}"),
        ("IMPORT", "{filter: (cn=a*), name: '{cn}{pwdHistory}', access: member}"),
    ],
)
def test_a_secret_attribute_is_a_problem_wherever_it_is_named(place: str, text: str, tmp_path: Path) -> None:
    """In attributes, filters and templates; with options, as an OID, and by a rule that needs no attribute."""
    assert codes(tmp_path, **{place: text}) == ["SECRET-ATTRIBUTE"]


def test_what_only_sounds_like_one_is_none(tmp_path: Path) -> None:
    """Times of passwords and locks are no secrets, and a value or a name is no attribute."""
    assert codes(tmp_path) == []
    times = "(|(pwdAccountLockedTime=*)(pwdLastSet=0)(msLAPS-PasswordExpirationTime=*)(cn=userPassword))"
    assert codes(tmp_path, DIRECTORY=f"user_filter: {times}") == []
    assert codes(tmp_path, LNK="{cn: userPassword, access: member}") == []


@pytest.mark.parametrize("name", ["userPassword", "USERPASSWORD;binary", "OID.2.5.4.35", "1.2.840.113556.1.6.44.1.2"])
def test_names_compare_as_servers_compare_them(name: str) -> None:
    """Without case, options or the old prefix of OIDs."""
    assert is_secret(name)


def test_what_cannot_be_understood_is_left_to_whoever_says_so() -> None:
    """A filter or template that is none is a problem of its own."""
    assert secret_attribute(("a", "filter"), "(userPassword=*") == ""
    assert secret_attribute(("users", "username"), "{userPassword") == ""
    assert secret_attribute(("groups", 0), "userPassword") == ""
    assert secret_attribute((), "userPassword") == ""
