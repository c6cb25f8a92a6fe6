"""What no text of a policy may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.policy.policies import CONNECTIONS, codes, load, refused


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("protected: {roster: {users: [a, '${USER}']}}", "7:33 TEMPLATING"),
        ("protected: {roster: {users: ['{{ user }}']}}", "7:30 TEMPLATING"),
        ("group_links: {roster: {'${x}': []}}", "7:24 TEMPLATING"),
        ("group_links: {roster: {'': []}}", "7:24 EMPTY-NAME"),
        ("group_links: {roster: {' ': []}}", "7:24 EMPTY-NAME"),
        (r'group_links: {roster: {"a\nb": []}}', "7:24 CONTROL-CHARACTER"),
        (r'group_links: {roster: {"a\u001bb": []}}', "7:24 CONTROL-CHARACTER"),
        (r'protected: {roster: {users: ["a\0"]}}', "7:30 CONTROL-CHARACTER"),
        ("expect: [{user: a, target: roster, lacks: [a, '${b}']}]", "7:47 TEMPLATING"),
        ("expect: [{user: a, target: roster, has: {'${b}': owner}}]", "7:42 TEMPLATING"),
    ],
)
def test_templating_control_characters_and_empty_names_are_refused(tmp_path: Path, lines: str, code: str) -> None:
    """In values and in keys, on every level."""
    assert codes(tmp_path, f"{CONNECTIONS}{lines}\n") == [code]


def test_text_of_several_lines_in_any_script_is_fine(tmp_path: Path) -> None:
    """Reasons may be long, and names are not all ASCII."""
    lines = r"""group_links: {roster: {"équipe 一": [{cn: "Jos\u00e9\u3000x", access: owner}]}}
grants: {roster: {g: [{user: a, access: owner, until: 2027-01-01, reason: "one\ntwo\tthree"}]}}
"""
    groups = load(tmp_path, CONNECTIONS + lines).policy.groups["roster"]
    assert groups["g"].grants[0].reason == "one\ntwo\tthree"
    assert groups["équipe 一"].links[0].cn == "José\u3000x"


@pytest.mark.parametrize(
    "text",
    [
        CONNECTIONS.replace("url: sqlite:///team.db", "url: 'postgresql://u:hunter2@h/d'"),
        CONNECTIONS.replace("url: sqlite:///team.db", "url: 'postgresql://u@h/d?password=hunter2'"),
        CONNECTIONS.replace("https://", "https://u:hunter2@"),
        CONNECTIONS.replace(
            "kind: ldif, file: people.ldif", "kind: ldap, base: b, servers: ['ldaps://a', 'ldaps://u:hunter2@h']"
        ),
    ],
)
def test_a_password_inside_an_address_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    """Wherever the address stands among the connections."""
    (problem,) = refused(tmp_path, text)
    assert problem.code == "LITERAL-SECRET"
    assert "hunter2" not in problem.line() + problem.excerpt
    assert "•••" in problem.excerpt


def test_an_address_in_a_reason_is_not_looked_into(tmp_path: Path) -> None:
    """A link to a ticket is no connection."""
    lines = "grants: {roster: {g: [{user: a, access: owner, until: 2027-01-01, reason: 'https://x:1/a@b'}]}}\n"
    assert load(tmp_path, CONNECTIONS + lines).warnings == ()


def test_a_file_that_is_one_text_is_no_policy_and_no_crash(tmp_path: Path) -> None:
    """Even where the text is an address with a password."""
    (problem,) = refused(tmp_path, "https://u:hunter2@h\n")
    assert problem.code == "SCHEMA"
    assert "hunter2" not in problem.line() + problem.excerpt
