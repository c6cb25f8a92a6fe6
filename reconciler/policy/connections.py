"""Read directories and targets: where they are, how to log in, how accounts and groups are managed; connects to nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, cast

from reconciler.model.diagnostic import Position
from reconciler.model.directory import Dialect
from reconciler.model.names import DnKey, is_under
from reconciler.model.text import shortened
from reconciler.policy.brought import own_option
from reconciler.policy.findings import Findings
from reconciler.policy.kinds import BUILT_IN, ROLES
from reconciler.policy.merge import Sections
from reconciler.policy.model import (
    ALL_TARGETS,
    Bind,
    Canary,
    DirectoryConfig,
    GroupRules,
    Incremental,
    NamedGroup,
    OnMissing,
    OnMissingGroup,
    TargetConfig,
    Tls,
    UserRules,
)
from reconciler.policy.node import Node
from reconciler.policy.places import SQL_URL, check_places
from reconciler.policy.values import SECRET_KEYS, dn_of, filter_of, path_of, secret_of, template_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_COMMON = frozenset(
    {
        "kind",
        "directory",
        "users",
        "groups",
        "admin_group",
        "external_groups",
        "auditor_group",
        "on_missing_group",
        "on_refusal",
        "roles",
    }
)
_TEMPLATES = frozenset({"external_id"})
_CACHE = ".reconcile/cache"


def directories(sections: Sections, findings: Findings) -> dict[str, DirectoryConfig]:
    """Return every sound directory by name, sorted."""
    found = sorted(sections.units["directories"].items())
    return {name: _directory(name, node, findings) for (name,), node in found}


def targets(sections: Sections, findings: Findings) -> dict[str, TargetConfig]:
    """Return every sound target by name, sorted; its directory must be one that some file names."""
    found = sorted(sections.units["targets"].items())
    check_places((node for _, node in found), findings)
    return {name: _target(name, node, sections.named["directories"], findings) for (name,), node in found}


def _directory(name: str, node: Node, findings: Findings) -> DirectoryConfig:
    _check_name(name, node, findings)
    _check_bind(node, findings)
    # the casts: the schema has held these texts against their lists
    return DirectoryConfig(
        name=name,
        kind=cast("Literal['ldap', 'ldif', 'snapshot', 'c1z']", node.text("kind")),
        where=node.key_where,
        servers=node.texts("servers"),
        dialect=cast("Dialect | Literal['auto']", node.text("dialect", "auto")),
        bind=_bind(node),
        tls=_tls(node),
        file=path_of(node.child("file")),
        bases=_bases(node.child("base"), findings) or ("",),
        group_bases=_bases(node.child("group_base"), findings),
        user_filter=filter_of(node.child("user_filter"), findings),
        group_filter=filter_of(node.child("group_filter"), findings),
        attributes={word: str(entry.data) for word, entry in sorted(node.child("attributes").entries())},
        nested_groups=node.flag("nested_groups", default=True),
        member_of=node.flag("member_of"),
        dynamic_groups=node.flag("dynamic_groups"),
        canary=_canary(node.child("canary"), findings),
        incremental=_incremental(name, node.get("incremental")),
        decoder="ldap3" if node.text("decoder") == "ldap3" else "fast",
        explicit=frozenset(key for key, _ in node.entries()),
        page_size=node.whole("page_size", 1000),
        connect_timeout=node.whole("connect_timeout", 10),
        receive_timeout=node.whole("receive_timeout", 60),
        read_timeout=node.whole("read_timeout", 3600),
        places=_places(node),
    )


def _places(node: Node) -> dict[str, Position]:
    """Return where those values stand that only the server can judge."""
    filters = {key: value.where for key, value in node.entries() if key in {"user_filter", "group_filter"}}
    return filters | {f"attributes.{word}": value.where for word, value in node.child("attributes").entries()}


def _bases(node: Node, findings: Findings) -> tuple[str, ...]:
    """Return one DN or a list of them; where one lies under another, its entries would be read twice."""
    written = list(node.items()) if isinstance(node.data, list) else [node] if isinstance(node.data, str) else []
    keys: dict[DnKey, str] = {}
    for each in written if len(written) > 1 else ():
        key = dn_of(each, findings)
        if key is None:
            continue
        other = next((text for known, text in keys.items() if is_under(key, known) or is_under(known, key)), None)
        if other is not None:
            message = (
                f'"{shortened(str(each.data))}" and "{shortened(other)}" lie under one another. Keep the upper one.'
            )
            findings.error(each.source, each.where, "OVERLAPPING-BASES", message)
        keys[key] = str(each.data)
    return tuple(str(each.data) for each in written)


def _canary(node: Node, findings: Findings) -> Canary:
    for key in ("people", "groups"):
        for dn in node.child(key).items():
            dn_of(dn, findings)
    return Canary(node.texts("people"), node.texts("groups"), node.whole("min_people", 0), node.whole("min_groups", 0))


def _incremental(name: str, node: Node | None) -> Incremental | None:
    """Every directory has a folder of its own in the cache, so that two of them never share one."""
    if node is None:
        return None
    folder = path_of(node.child("cache")) or f"{node.source.folder}/{_CACHE}"
    return Incremental(f"{folder}/{name}", node.whole("full_every", 24))


def _bind(node: Node) -> Bind | None:
    bind = node.get("bind")
    if bind is None:
        return None
    sasl = cast("Literal['', 'external', 'gssapi', 'ntlm']", bind.text("sasl"))
    return Bind(bind.text("dn"), secret_of(bind.child("password")), sasl)


def _tls(node: Node) -> Tls:
    tls = node.child("tls")
    return Tls(path_of(tls.child("ca_file")), tls.flag("start_tls"), tls.flag("plaintext"))


def _check_bind(node: Node, findings: Findings) -> None:
    """A bind is whole, its servers can take it, and nothing is sent in clear unless that is said."""
    bind = node.get("bind")
    if bind is None:
        return
    sasl, dn, password = bind.text("sasl"), bind.text("dn"), bind.get("password")
    if sasl in {"external", "gssapi"} and (dn or password):
        extra = "password" if password else "dn"
        _bind_error(
            bind, findings, f"sasl: {sasl} takes no {extra}: who it is, it knows itself. Remove one of the two."
        )
    elif sasl in {"", "ntlm"} and not (dn and password):
        _bind_error(
            bind, findings, "A bind is dn and password, or sasl: external or gssapi. Leave bind out to be anonymous."
        )
    elif sasl == "external":
        _check_local(node, findings)
    elif sasl == "ntlm" and dn.count("\\") != 1:
        name = bind.child("dn")
        fact = f'With sasl: ntlm the name is DOMAIN\\account, and "{shortened(dn)}" is none.'
        way_out = "Write it in single quotes, with one backslash."
        findings.error(name.source, name.where, "BAD-BIND", f"{fact} {way_out}")
    if password or sasl == "gssapi":
        _check_encrypted(node, sasl, findings)


def _check_local(node: Node, findings: Findings) -> None:
    """Only a socket of this machine proves who the process is that asks."""
    for server in node.child("servers").items():
        if not str(server.data).startswith("ldapi://"):
            message = (
                f"sasl: external cannot log in to {shortened(str(server.data))}, where nothing proves who this is."
            )
            way_out = "Use an ldapi:// server, or another way to bind."
            findings.error(server.source, server.where, "BAD-BIND", f"{message} {way_out}")


def _check_encrypted(node: Node, sasl: str, findings: Findings) -> None:
    tls = node.child("tls")
    if tls.flag("start_tls") or tls.flag("plaintext"):
        return
    for server in node.child("servers").items():
        if str(server.data).startswith("ldap://"):
            url = shortened(str(server.data))
            fact = f"What {url} answers would come" if sasl == "gssapi" else f"The password would go to {url}"
            way_out = "Use ldaps://, or tls: {start_tls: true}; tls: {plaintext: true} says that it is wanted."
            findings.error(server.source, server.where, "PLAINTEXT-BIND", f"{fact} in clear. {way_out}")


def _bind_error(bind: Node, findings: Findings, message: str) -> None:
    findings.error(bind.source, bind.key_where, "BAD-BIND", message)


def _target(name: str, node: Node, known: Mapping[str, object], findings: Findings) -> TargetConfig:
    _check_name(name, node, findings)
    _check_bind(node, findings)
    _check_login(node, findings)
    _check_roles(node, findings)
    _check_custom_roles(node, findings)
    _check_directory(node.child("directory"), known, findings)
    kind = node.text("kind")
    return TargetConfig(
        name=name,
        kind=kind,
        directory=node.text("directory"),
        where=node.key_where,
        roles=node.texts("roles") or (("member",) if kind == "sql" else ()),
        users=_user_rules(node.get("users"), findings),
        groups=_group_rules(node.get("groups")),
        admin_group=_named_group(node.get("admin_group")),
        external_groups=tuple(
            NamedGroup(str(group.data), group.where) for group in node.child("external_groups").items()
        ),
        auditor_group=_named_group(node.get("auditor_group")),
        on_missing_group=OnMissingGroup(node.text("on_missing_group", "freeze")),
        on_refusal="continue" if node.text("on_refusal") == "continue" else "stop",
        options={**({"url": SQL_URL} if kind == "sql" else {}), **_options(node, findings)},
        folder=node.source.folder,
        places={key: entry.key_where for key, entry in sorted(node.entries()) if key not in _COMMON},
    )


def _user_rules(node: Node | None, findings: Findings) -> UserRules:
    if node is None:
        return UserRules()
    return UserRules(
        scope="all" if node.text("scope") == "all" else "linked",
        create=node.flag("create"),
        when_missing=OnMissing(node.text("when_missing", "disable")),
        when_disabled=OnMissing(node.text("when_disabled", "disable")),
        username=template_of(node.child("username"), findings),
        email=template_of(node.child("email"), findings),
        name=template_of(node.child("name"), findings),
        kerberos=template_of(node.child("kerberos"), findings),
        sync=tuple(dict.fromkeys(node.texts("sync"))),
        adopt=node.flag("adopt"),
        where=node.key_where,
    )


def _group_rules(node: Node | None) -> GroupRules:
    if node is None:
        return GroupRules()
    when_missing = OnMissing(node.text("when_missing", "keep"))
    return GroupRules(node.flag("create"), when_missing, node.flag("adopt"), node.key_where)


def _named_group(node: Node | None) -> NamedGroup | None:
    return NamedGroup(str(node.data), node.where) if node else None


def _options(node: Node, findings: Findings) -> dict[str, object]:
    """Return the keys that only this kind of target knows, as values: paths resolved, secrets as references, lists frozen."""
    read = _option if node.text("kind") in BUILT_IN else _brought_option
    return {key: read(node, key, entry, findings) for key, entry in sorted(node.entries()) if key not in _COMMON}


def _option(node: Node, key: str, entry: Node, findings: Findings) -> object:
    if key in SECRET_KEYS:
        return secret_of(entry)
    if key == "bind":
        return _bind(node)
    if key == "tls":
        return _tls(node)
    if key == "file":
        return path_of(entry)
    if key in _TEMPLATES:
        return template_of(entry, findings)
    return node.texts(key) if isinstance(entry.data, list) else entry.data


def _brought_option(node: Node, key: str, entry: Node, findings: Findings) -> object:
    return _tls(node) if key == "tls" else own_option(key, entry, findings)


def _check_name(name: str, node: Node, findings: Findings) -> None:
    if not _NAME.fullmatch(name):
        meant = f' "{ALL_TARGETS}" stands for all targets in other sections.' if name == ALL_TARGETS else ""
        message = (
            f'"{shortened(name, 60)}" cannot be a name here. Use up to 64 letters, digits, "_", "." and "-".{meant}'
        )
        findings.error(node.source, node.key_where, "BAD-NAME", message)


def _check_directory(node: Node, known: Mapping[str, object], findings: Findings) -> None:
    name = str(node.data)
    if name not in known:
        message = f'No directory is called "{shortened(name, 60)}". {findings.alternatives(name, known)}'
        findings.error(node.source, node.where, "UNKNOWN-DIRECTORY", message)


def _check_login(node: Node, findings: Findings) -> None:
    """A Defguard or DC/OS target logs in one way."""
    ways = {"defguard": ("password", "token"), "dcos": ("password", "private_key")}.get(node.text("kind"), ())
    said = [way for way in ways if node.get(way)]
    if ways and len(said) != 1:
        found = "both are there" if said else "neither is there"
        message = f"One of {' and '.join(ways)} must say how to log in; {found}. Name one as {{env: NAME}}."
        findings.error(node.source, node.key_where, "BAD-LOGIN", message)


def _check_roles(node: Node, findings: Findings) -> None:
    """Roles of a target are different, and those that count as privileged are among them."""
    roles = node.texts("roles") or ("member",)
    seen: set[str] = set()
    for role in node.child("roles").items():
        if str(role.data) in seen:
            message = f'The role "{shortened(str(role.data), 60)}" stands twice in the order. Keep one.'
            findings.error(role.source, role.where, "DUPLICATE-ROLE", message)
        seen.add(str(role.data))
    for role in node.child("privileged_roles").items():
        if role.data not in roles:
            message = f'"{shortened(str(role.data), 60)}" is none of the roles. {findings.alternatives(str(role.data), roles)}'
            findings.error(role.source, role.where, "UNKNOWN-ROLE", message)


def _check_custom_roles(node: Node, findings: Findings) -> None:
    """Custom roles have names and numbers of their own."""
    numbers: dict[int, str] = {}
    for name, role in node.child("custom_roles").entries():
        if name in ROLES.get(node.text("kind"), ()):
            message = f'"{shortened(name, 60)}" is a role that every server has. Give the custom role another name.'
            findings.error(role.source, role.key_where, "DUPLICATE-ROLE", message)
        number = role.whole("id", 0)
        if number in numbers:
            message = f'The custom roles "{shortened(numbers[number], 60)}" and "{shortened(name, 60)}" have one id. Keep one.'
            findings.error(role.source, role.key_where, "DUPLICATE-ROLE", message)
        numbers[number] = name
