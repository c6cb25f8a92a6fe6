"""What is said of a file that does not follow the schema: where, in which words, and never with a secret in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.policy.schemas import policy_schema
from reconciler.policy.values import SECRET_KEYS
from tests.unit.policy.policies import CONNECTIONS, brief, codes, only, refused

WAIVABLE = (
    "max_removals, max_removals_per_group, empty_group, empty_admin_group, empty_external_group, max_privileged_grants, "
    "max_created_users, max_disabled_users, max_directory_shrink, missing_group"
)
NOTHING_TO_WAIVE = "IT refuses no plan, it holds changes back, so there is nothing to waive. Remove the waiver, or set IT under guards."


def said(folder: Path, lines: str) -> list[str]:
    """Return ``line:column CODE summary`` of the problems in lines that follow line 6."""
    return [f"{brief(problem)} {problem.summary}" for problem in refused(folder, CONNECTIONS + lines)]


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ("group_link: {}", '7:1 UNKNOWN-KEY "group_link" is not a key of a policy file. Did you mean "group_links"?'),
        ("Guards: {}", '7:1 UNKNOWN-KEY "Guards" is not a key of a policy file. Did you mean "guards"?'),
        ("grants:", '7:1 SCHEMA "grants" has no value. Write one, or remove the key.'),
        ("grants: []", '7:9 SCHEMA "grants" must be a map of targets; it is an empty list.'),
        ("waivers: {a: b}", '7:10 SCHEMA "waivers" must be a list of waivers; it is a map.'),
        ("waivers: [x]", '7:11 SCHEMA Item 1 of "waivers" must be a waiver; it is "x".'),
        (
            "group_links: {gitlab: {g: [{cn: 0.50, access: owner}]}}",
            '7:33 SCHEMA "cn" must be text, and 0.50 is read as a number. Write "0.50" in quotes.',
        ),
        (
            "group_links: {gitlab: {g: [{cn: true, access: owner}]}}",
            '7:33 SCHEMA "cn" must be text, and true is read as a truth value. Write "true" in quotes.',
        ),
        ("group_links: {gitlab: {g: [{cn: '', access: owner}]}}", '7:33 SCHEMA "cn" must not be empty.'),
        ("group_links: {gitlab: {g: [{cn: [a], access: owner}]}}", '7:33 SCHEMA "cn" must be text; it is a list.'),
        (
            "group_links: {gitlab: {g: [{cn: a, acess: owner}]}}",
            '7:36 UNKNOWN-KEY "acess" is not a key of a group link. Did you mean "access"?',
        ),
        (
            "group_links: {gitlab: {g: [{cn: a, x: 1}]}}",
            '7:36 UNKNOWN-KEY "x" is not a key of a group link. Known: cn, dn, filter, access.',
        ),
        ("grants: {gitlab: {g: [{user: a}]}}", '7:23 MISSING-KEY Item 1 of "g" lacks the keys "until", "reason".'),
        (
            'guards: {"*": {empty_group: refuze}}',
            '7:29 SCHEMA "empty_group" must be one of refuse, allow, off; it is "refuze". Did you mean "refuse"?',
        ),
        ('guards: {"*": {empty_group: {}}}', '7:29 SCHEMA "empty_group" must be text; it is an empty map.'),
        ('guards: {"*": {empty_group: ""}}', '7:29 SCHEMA "empty_group" must be one of refuse, allow, off; it is "".'),
        (
            'guards: {"*": {min_owners: -1}}',
            '7:28 SCHEMA "min_owners" must be a whole number of at least 0, or off; it is -1.',
        ),
        (
            'guards: {"*": {min_owners: of}}',
            '7:28 SCHEMA "min_owners" must be a whole number of at least 0, or off; it is "of".',
        ),
        (
            'guards: {"*": {max_removals: {percent: 101}}}',
            '7:40 SCHEMA "percent" must be a number of percent from 0 to 100; it is 101.',
        ),
        (
            'guards: {"*": {max_removals: {}}}',
            '7:30 SCHEMA "max_removals" must be a map with percent or count, or off; it is an empty map.',
        ),
        (
            'guards: {"*": {max_removals: 5%}}',
            '7:30 SCHEMA "max_removals" must be a map with percent or count, or off; it is "5%".',
        ),
        *(
            (
                f"waivers: [{{guard: {name}, target: gitlab, until: 2027-01-01, approved_by: a, reason: b}}]",
                f'7:19 SCHEMA "guard" must be one of {WAIVABLE}; it is "{name}". {way_out.replace("IT", name)}',
            )
            for name, way_out in (
                ("min_owners", NOTHING_TO_WAIVE),
                ("protect_self", NOTHING_TO_WAIVE),
                ("empty_directory", "IT cannot be waived: it says itself what has to be corrected. Remove the waiver."),
                ("max_remowals", 'Did you mean "max_removals"?'),
            )
        ),
        ('guards: {"*": {protect_self: no}}', '7:30 SCHEMA "protect_self" must be true, false or off; it is "no".'),
        (
            'naming: {"*": {groups: {max_length: 0}}}',
            '7:37 SCHEMA "max_length" must be a whole number of at least 1; it is 0.',
        ),
    ],
)
def test_each_error_has_its_place_and_its_words(tmp_path: Path, lines: str, wanted: str) -> None:
    """The text is quoted as written, and the way out is given where there is one."""
    assert said(tmp_path, lines) == [wanted]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "1:1 SCHEMA The file is empty. Start it with: version: 1"),
        ("# nothing\n", "1:1 SCHEMA The file is empty. Start it with: version: 1"),
        ("- a\n", "1:1 SCHEMA The file must be a policy file; it is a list."),
        (
            "targets: {}\n",
            '1:1 MISSING-KEY The file lacks the key "version". Every policy file starts with: version: 1',
        ),
        ("version: 2\n", '1:10 SCHEMA "version" must be 1, the version of the policy language; it is 2.'),
        ('version: "1"\n', '1:10 SCHEMA "version" must be 1, the version of the policy language; it is "1".'),
    ],
)
def test_every_file_is_a_policy_file_of_version_1(tmp_path: Path, text: str, wanted: str) -> None:
    """The first line of each says so."""
    problem = only(tmp_path, text)
    assert f"{brief(problem)} {problem.summary}" == wanted


def test_keys_of_another_kind_are_unknown_keys(tmp_path: Path) -> None:
    """What a key means depends on the kind, so each kind has its own list."""
    text = CONNECTIONS.replace("kind: sql,", "kind: sql, provider: ldapmain,").replace(
        "kind: ldif,", "kind: ldif, servers: [],"
    )
    assert codes(tmp_path, text) == ["3:22 UNKNOWN-KEY", "5:23 UNKNOWN-KEY"]


def test_an_unknown_kind_is_the_only_error_of_its_target(tmp_path: Path) -> None:
    """Its keys are nobody's, so nothing can be said about them."""
    problem = only(tmp_path, CONNECTIONS.replace("kind: gitlab", "kind: gitlba"))
    assert problem.summary.endswith('it is "gitlba". Did you mean "gitlab"?')


def test_a_target_that_is_wrong_is_not_called_unknown(tmp_path: Path) -> None:
    """One mistake, one message: references to it, and the rest of the file, are judged as if it were right."""
    text = (
        CONNECTIONS.replace("directory: corp, url", "directory: corp, ulr")
        + "group_links: {gitlab: {g: [{filter: x, access: a}]}}\n"
    )
    assert codes(tmp_path, text) == ["6:3 MISSING-KEY", "6:43 UNKNOWN-KEY", "7:37 BAD-FILTER"]


@pytest.mark.parametrize(
    "written", ["hunter2", "'hunter2'", "[hunter2]", "{hunter2: x}", "{hunter2}", "{env: x, hunter2: y}"]
)
def test_a_literal_secret_is_refused_and_never_repeated(tmp_path: Path, written: str) -> None:
    """Whatever stands where a reference is wanted may be the secret."""
    problem = only(tmp_path, CONNECTIONS.replace("{env: GITLAB_TOKEN}", written))
    assert problem.code == ("SECRET-REFERENCE" if written.startswith("{") else "LITERAL-SECRET")
    assert brief(problem).startswith("6:78 ")
    assert "{env: NAME} or {file: PATH}" in problem.summary
    assert "hunter2" not in problem.line() + problem.excerpt


@pytest.mark.parametrize("written", ["{}", "{env: A, file: b}", "{env: '1 x'}", "{env: [x]}", "{evn: A}"])
def test_a_reference_to_a_secret_has_exactly_one_sound_key(tmp_path: Path, written: str) -> None:
    """And a reference that is not sound is one error, however many rules it breaks."""
    assert codes(tmp_path, CONNECTIONS.replace("{env: GITLAB_TOKEN}", written)) == ["6:78 SECRET-REFERENCE"]


def test_an_address_is_quoted_without_its_password(tmp_path: Path) -> None:
    """Also where the address is wrong in another way."""
    text = CONNECTIONS.replace("https://gitlab.example.com", "ftp://u:hunter2@x")
    found = refused(tmp_path, text)
    assert [problem.code for problem in found] == ["LITERAL-SECRET", "SCHEMA"]
    assert all("hunter2" not in problem.line() + problem.excerpt for problem in found)
    assert 'it is "ftp://u:•••@x".' in found[1].summary


def test_a_value_under_a_name_that_looks_secret_is_not_quoted(tmp_path: Path) -> None:
    """The list of attributes is not the place for a password, but somebody will try."""
    text = CONNECTIONS.replace("file: people.ldif", "file: people.ldif, attributes: {username: 'uid secret'}")
    assert 'it is "uid secret".' in only(tmp_path, text).summary
    text = CONNECTIONS.replace("  corp:", "  passwords: {kind: hunter2}\n  corp:")
    assert '"hunter2"' in only(tmp_path, text).summary


def test_a_group_that_is_called_like_a_secret_is_an_ordinary_group(tmp_path: Path) -> None:
    """Only directories and targets have secrets."""
    assert codes(tmp_path, CONNECTIONS + "group_links: {gitlab: {token: [{cn: 5, access: owner}]}}\n") == [
        "7:37 SCHEMA"
    ]


def test_ten_thousand_errors_are_all_found(tmp_path: Path) -> None:
    """Every one has its place, in order."""
    links = "".join(f"    g{n}: [{{cn: x, acces: owner}}]\n" for n in range(10_000))
    found = refused(tmp_path, f"{CONNECTIONS}group_links:\n  gitlab:\n{links}")
    assert len(found) == 10_000
    assert [problem.where.line for problem in found if problem.where] == list(range(9, 10_009))
    assert all(problem.code == "UNKNOWN-KEY" for problem in found)


def test_endless_errors_end_with_the_number_kept(tmp_path: Path) -> None:
    """Memory and time are bounded by what anybody would read."""
    found = refused(tmp_path, f"{CONNECTIONS}waivers: [{'1,' * 25_000}]\n")
    assert len(found) == 20_001
    assert found[-1].line() == "error[TOO-MANY] There are more than 20,000 problems; the others are not listed."


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (CONNECTIONS + "  t: {kind: sql, directory: corp, roles: [" + "r," * 101 + "]}\n", "a list of 1 to 100 roles"),
        (
            CONNECTIONS + "".join(f"  t{n}: {{kind: sql, directory: corp}}\n" for n in range(199)),
            "a map of at most 200 targets",
        ),
    ],
)
def test_what_is_compared_with_everything_else_is_bounded(tmp_path: Path, text: str, wanted: str) -> None:
    """Nobody has as many roles or targets, and no policy can make the checks slow with them."""
    assert wanted in only(tmp_path, text).summary


def test_the_keys_that_hold_secrets_are_those_of_the_schema() -> None:
    """A new secret in the schema must be known where messages are made."""
    assert set(_secret_keys(policy_schema())) == SECRET_KEYS


def _secret_keys(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if isinstance(value, dict) and value.get("$ref") == "#/$defs/secret":
                yield key
            yield from _secret_keys(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _secret_keys(value)
