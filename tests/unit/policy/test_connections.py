"""Directories and targets as values, and what cannot be right about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.model.diagnostic import Position
from reconciler.policy.model import (
    Bind,
    Canary,
    DirectoryConfig,
    GroupRules,
    Incremental,
    NamedGroup,
    OnMissing,
    OnMissingGroup,
    SecretRef,
    TargetConfig,
    Tls,
    UserRules,
)
from tests.unit.policy.policies import CONNECTIONS, brief, codes, load, only, refused

LDAP = """\
version: 1
directories:
  corp:
    kind: ldap
    servers: [{server}]
    base: dc=example,dc=com
    {lines}
"""


def directory(folder: Path, lines: str, server: str = "ldaps://dc1") -> DirectoryConfig:
    return load(folder, LDAP.replace("{server}", server).replace("{lines}", lines)).policy.directories["corp"]


def directory_codes(folder: Path, lines: str, server: str = "ldaps://dc1") -> list[str]:
    return codes(folder, LDAP.replace("{server}", server).replace("{lines}", lines))


def target(folder: Path, lines: str) -> TargetConfig:
    return load(folder, f"{CONNECTIONS}  it: {lines}\n").policy.targets["it"]


def test_a_directory_has_documented_defaults(tmp_path: Path) -> None:
    """Groups are searched where people are, and the bind is anonymous."""
    corp = directory(tmp_path, "nested_groups: true")
    where = Position((tmp_path / "policy.yaml").as_posix(), 3, 3)
    base = "dc=example,dc=com"
    explicit = frozenset({"kind", "servers", "base", "nested_groups"})
    assert corp == DirectoryConfig("corp", "ldap", where, ("ldaps://dc1",), bases=(base,), explicit=explicit)


def test_everything_that_a_directory_can_say_arrives(tmp_path: Path) -> None:
    """Each key in its field, paths relative to the file."""
    corp = directory(
        tmp_path,
        """dialect: active_directory
    bind: {dn: cn=r, password: {file: secret.txt}}
    tls: {ca_file: ca.pem, start_tls: true, plaintext: true}
    group_base: [ou=groups, ou=teams]
    member_of: true
    dynamic_groups: true
    decoder: ldap3
    canary: {people: ["cn=boss"], groups: ["cn=all"], min_people: 2, min_groups: 1}
    incremental: {cache: cache, full_every: 3}
    user_filter: (a=b)
    group_filter: (c=d)
    attributes: {username: sAMAccountName, email: mail;lang-en}
    nested_groups: false
    page_size: 50
    connect_timeout: 3
    receive_timeout: 4
    read_timeout: 5""",
        server="ldap://dc1, ldapi:///",
    )
    assert corp.servers == ("ldap://dc1", "ldapi:///")
    assert (corp.dialect, corp.nested_groups) == ("active_directory", False)
    assert (corp.bases, corp.group_bases) == (("dc=example,dc=com",), ("ou=groups", "ou=teams"))
    assert (corp.member_of, corp.dynamic_groups, corp.decoder) == (True, True, "ldap3")
    assert corp.canary == Canary(("cn=boss",), ("cn=all",), 2, 1)
    assert corp.incremental == Incremental(str(tmp_path / "cache" / "corp"), 3)
    assert (corp.page_size, corp.connect_timeout, corp.receive_timeout, corp.read_timeout) == (50, 3, 4, 5)
    assert corp.attributes == {"username": "sAMAccountName", "email": "mail;lang-en"}
    assert corp.tls == Tls(str(tmp_path / "ca.pem"), start_tls=True, allow_plaintext=True)
    assert corp.user_filter is not None
    assert corp.group_filter is not None
    place = Position((tmp_path / "policy.yaml").as_posix(), 8, 22)
    assert corp.bind == Bind("cn=r", SecretRef("file", str(tmp_path / "secret.txt"), place))
    assert {key: (place.line, place.column) for key, place in corp.places.items()} == {
        "user_filter": (16, 18),
        "group_filter": (17, 19),
        "attributes.username": (18, 28),
        "attributes.email": (18, 51),
    }


@pytest.mark.parametrize("kind", ["ldif", "snapshot", "c1z"])
def test_a_directory_can_be_a_file(tmp_path: Path, kind: str) -> None:
    """Its path is relative to the policy file."""
    text = CONNECTIONS.replace("kind: ldif", f"kind: {kind}")
    assert load(tmp_path, text).policy.directories["corp"].file == str(tmp_path / "people.ldif")


@pytest.mark.parametrize(
    "lines",
    [
        "bind: {dn: cn=r, password: {env: X}}",
        "bind: {sasl: gssapi}",
        "bind: {sasl: ntlm, dn: CORP\\r, password: {env: X}}",
    ],
)
def test_a_bind_is_a_name_with_a_password_or_a_mechanism(tmp_path: Path, lines: str) -> None:
    """These are the ways to log in."""
    assert directory(tmp_path, lines).bind is not None


@pytest.mark.parametrize(
    "lines",
    [
        "bind: {dn: cn=r}",
        "bind: {password: {env: X}}",
        "bind: {}",
        "bind: {sasl: ntlm}",
        "bind: {sasl: external, password: {env: X}}",
        "bind: {sasl: gssapi, password: {env: X}}",
        "bind: {sasl: gssapi, dn: cn=r}",
    ],
)
def test_half_a_bind_is_an_error(tmp_path: Path, lines: str) -> None:
    """A simple bind without a password would succeed as nobody (RFC 4513 5.1.2)."""
    assert directory_codes(tmp_path, lines) == ["7:5 BAD-BIND"]


def test_a_password_is_never_sent_in_clear_unless_that_is_said(tmp_path: Path) -> None:
    """Each server that would see it is named; encrypted and local ones are fine."""
    bind = "bind: {dn: cn=r, password: {env: X}}"
    servers = "ldaps://a, ldap://b, ldapi:///, ldap://c"
    assert directory_codes(tmp_path, bind, servers) == ["5:26 PLAINTEXT-BIND", "5:47 PLAINTEXT-BIND"]
    assert directory(tmp_path, f"{bind}\n    tls: {{start_tls: true}}", servers).tls.start_tls
    assert directory(tmp_path, f"{bind}\n    tls: {{plaintext: true}}", servers).tls.allow_plaintext


def test_a_ticket_is_never_used_in_clear_unless_that_is_said(tmp_path: Path) -> None:
    """The login would be safe, but what the server answers could be altered on the way."""
    servers = "ldaps://a, ldap://b, ldapi:///"
    problem = only(tmp_path, LDAP.replace("{server}", servers).replace("{lines}", "bind: {sasl: gssapi}"))
    assert brief(problem) == "5:26 PLAINTEXT-BIND"
    assert "What ldap://b answers would come in clear. Use ldaps://, or tls: {start_tls: true}" in problem.line()
    for allowed in ("start_tls", "plaintext"):
        lines = f"bind: {{sasl: gssapi}}\n    tls: {{{allowed}: true}}"
        assert directory(tmp_path, lines, servers).bind == Bind(sasl="gssapi")


def test_only_a_socket_of_this_machine_proves_who_the_process_is(tmp_path: Path) -> None:
    """Every other server is named."""
    servers = "ldapi://%2Frun%2Fldapi, ldaps://a, ldap://b"
    policy = LDAP.replace("{server}", servers).replace("{lines}", "bind: {sasl: external}")
    problems = refused(tmp_path, policy)
    assert [brief(problem) for problem in problems] == ["5:39 BAD-BIND", "5:50 BAD-BIND"]
    fact = "sasl: external cannot log in to ldaps://a, where nothing proves who this is."
    assert f"{fact} Use an ldapi:// server, or another way to bind." in problems[0].line()
    assert directory(tmp_path, "bind: {sasl: external}", "ldapi:///").bind == Bind(sasl="external")


@pytest.mark.parametrize("name", ["reader", "CORP/reader", "reader@corp.example.com", r"A\B\c"])
def test_a_name_for_ntlm_is_a_domain_and_an_account(tmp_path: Path, name: str) -> None:
    """With a backslash between them, and no other."""
    lines = f"bind: {{sasl: ntlm, dn: '{name}', password: {{env: X}}}}"
    problem = only(tmp_path, LDAP.replace("{server}", "ldaps://a").replace("{lines}", lines))
    assert brief(problem) == "7:28 BAD-BIND"
    assert f'With sasl: ntlm the name is DOMAIN\\account, and "{name}" is none.' in problem.line()


def test_ntlm_in_clear_is_an_error_like_any_password_in_clear(tmp_path: Path) -> None:
    """It does not go itself, but what is made from it can be tried against lists of passwords."""
    bind = r"bind: {sasl: ntlm, dn: 'CORP\reader', password: {env: X}}"
    assert directory_codes(tmp_path, bind, "ldap://a") == ["5:15 PLAINTEXT-BIND"]
    found = directory(tmp_path, bind).bind
    assert found is not None
    assert (found.sasl, found.dn) == ("ntlm", r"CORP\reader")


def test_faulty_filters_of_a_directory_are_placed(tmp_path: Path) -> None:
    """Both are checked."""
    lines = "user_filter: (a=b\n    group_filter: (c"
    assert [code.split()[1] for code in directory_codes(tmp_path, lines)] == ["BAD-FILTER", "BAD-FILTER"]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("group_base: ['ou=a,dc=b', 'DC=B']", "8:31 OVERLAPPING-BASES"),
        ("group_base: ['dc=b', 'ou=c', 'ou=a , DC=B']", "8:34 OVERLAPPING-BASES"),
        ("group_base: ['dc=b', 'groups']", "8:27 BAD-DN"),
        ("canary: {people: [alice]}", "8:23 BAD-DN"),
        ("canary: {groups: ['cn=a', 'cn=a,,']}", "8:37 BAD-DN"),
    ],
)
def test_bases_and_canaries_are_dns_and_bases_lie_apart(tmp_path: Path, lines: str, code: str) -> None:
    """Under two bases of which one holds the other, entries would be read twice."""
    problem = only(
        tmp_path, LDAP.replace("{server}", "ldaps://dc1").replace("{lines}", "nested_groups: true\n    " + lines)
    )
    assert brief(problem) == code


def test_incremental_reads_keep_one_folder_per_directory(tmp_path: Path) -> None:
    """Beside the policy file, under the directory's name, and everything is read anew once a day of hourly runs."""
    assert directory(tmp_path, "incremental: {}").incremental == Incremental(f"{tmp_path}/.reconcile/cache/corp", 24)
    assert directory(tmp_path, "decoder: fast").incremental is None


def test_a_target_has_documented_defaults(tmp_path: Path) -> None:
    """An SQL target has one role and a file beside the policy."""
    it = target(tmp_path, "{kind: sql, directory: corp}")
    where = Position((tmp_path / "policy.yaml").as_posix(), 7, 3)
    options = {"url": "sqlite:///roster.db"}
    assert it == TargetConfig("it", "sql", "corp", where, ("member",), options=options, folder=str(tmp_path))


def test_everything_that_a_target_can_say_arrives(tmp_path: Path) -> None:
    """Each key in its field; keys of the kind are options, with frozen lists."""
    it = target(
        tmp_path,
        """
    kind: sql
    directory: corp
    url: postgresql://roster@db/access
    password: {env: PW}
    roles: [a, b, c]
    privileged_roles: [b, c]
    connect_timeout: 7
    users: {scope: all, create: true, when_missing: keep, when_disabled: remove, username: "{uid}", sync: [name, name], adopt: true,
            email: "{uid}@x", name: "{cn}", kerberos: "{uid}@X"}
    groups: {create: true, when_missing: remove, adopt: true}
    admin_group: admins
    external_groups: [x, y]
    on_missing_group: error
    on_refusal: continue
""",
    )
    path = (tmp_path / "policy.yaml").as_posix()
    assert it.users == UserRules(
        scope="all",
        create=True,
        when_missing=OnMissing.KEEP,
        when_disabled=OnMissing.REMOVE,
        username="{uid}",
        sync=("name",),
        adopt=True,
        email="{uid}@x",
        name="{cn}",
        kerberos="{uid}@X",
        where=Position(path, 15, 5),
    )
    assert it.groups == GroupRules(create=True, when_missing=OnMissing.REMOVE, adopt=True, where=Position(path, 17, 5))
    assert it.admin_group == NamedGroup("admins", Position(path, 18, 18))
    assert [group.cn for group in it.external_groups] == ["x", "y"]
    assert (it.on_missing_group, it.on_refusal, it.roles) == (OnMissingGroup.ERROR, "continue", ("a", "b", "c"))
    assert it.options == {
        "connect_timeout": 7,
        "password": SecretRef("env", "PW", Position(path, 11, 5)),
        "privileged_roles": ("b", "c"),
        "url": "postgresql://roster@db/access",
    }


@pytest.mark.parametrize(
    ("lines", "options"),
    [
        (
            "{kind: baton, directory: corp, file: out.c1z, upload: s3://b/k}",
            {"file": "{folder}/out.c1z", "upload": "s3://b/k"},
        ),
        (
            "{kind: bitwarden, directory: corp, url: https://x, organization: o, client_secret: {env: X}, external_id: '{uid}'}",
            {"external_id": "{uid}", "organization": "o", "url": "https://x"},
        ),
        (
            "{kind: gitlab, directory: corp, url: https://x, token: {env: X}, tls: {ca_file: ca.pem}, membership_lock: true}",
            {"membership_lock": True, "tls": Tls("{folder}/ca.pem"), "url": "https://x"},
        ),
        ("{kind: defguard, directory: corp, url: https://x, token: {env: X}}", {"url": "https://x"}),
        (
            "{kind: dcos, directory: corp, url: https://x, uid: u, private_key: {file: k}}",
            {"uid": "u", "url": "https://x"},
        ),
        (
            "{kind: ldap, directory: corp, servers: [ldapi:///], base: dc=x, bind: {sasl: external}, authority: target}",
            {"authority": "target", "base": "dc=x", "bind": Bind(sasl="external"), "servers": ("ldapi:///",)},
        ),
    ],
)
def test_each_kind_has_its_own_options(tmp_path: Path, lines: str, options: dict[str, object]) -> None:
    """Paths are resolved; secrets are references, left out of this comparison."""
    found = {key: entry for key, entry in target(tmp_path, lines).options.items() if not isinstance(entry, SecretRef)}
    assert str(found) == str(options).replace("{folder}", str(tmp_path))


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("{kind: sql, directory: crop}", "7:30 UNKNOWN-DIRECTORY"),
        ("{kind: sql, directory: corp, roles: [a, b, a]}", "7:50 DUPLICATE-ROLE"),
        ("{kind: sql, directory: corp, privileged_roles: [member, owner]}", "7:63 UNKNOWN-ROLE"),
        ("{kind: sql, directory: corp, url: 'mysql://h/d'}", "7:41 SCHEMA"),
        ("{kind: defguard, directory: corp, url: https://x}", "7:3 BAD-LOGIN"),
        (
            "{kind: dcos, directory: corp, url: https://x, uid: u, password: {env: A}, private_key: {env: B}}",
            "7:3 BAD-LOGIN",
        ),
        ("{kind: sql, directory: corp, users: {username: '{uid'}}", "7:55 BAD-TEMPLATE"),
        (
            "{kind: ldap, directory: corp, servers: ['ldap://x'], base: b, bind: {dn: a, password: {env: A}}}",
            "7:47 PLAINTEXT-BIND",
        ),
    ],
)
def test_what_cannot_be_right_about_a_target_is_an_error(tmp_path: Path, lines: str, code: str) -> None:
    """Each at its place."""
    assert codes(tmp_path, f"{CONNECTIONS}  it: {lines}\n") == [code]


def test_an_unknown_directory_comes_with_the_nearest_name(tmp_path: Path) -> None:
    """The names known are those of all files."""
    problem = only(tmp_path, {"a.yaml": CONNECTIONS.replace("sql, directory: corp", "sql, directory: crop")})
    assert problem.summary == 'No directory is called "crop". Did you mean "corp"?'


@pytest.mark.parametrize("name", ["a b", "-x", '"*"', "ü", "x" * 65])
def test_names_of_directories_and_targets_are_plain_words(tmp_path: Path, name: str) -> None:
    """They are typed on command lines."""
    found = refused(tmp_path, f"{CONNECTIONS}  {name}: {{kind: sql, directory: corp}}\n")
    assert [brief(problem) for problem in found] == ["7:3 BAD-NAME"]
    assert ("all targets" in found[0].summary) == ("*" in name)
