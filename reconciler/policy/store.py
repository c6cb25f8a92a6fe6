"""Read where runs keep what the next one has to know; opens no store and looks up no secret."""

from __future__ import annotations

from reconciler.policy.findings import Findings
from reconciler.policy.merge import Sections
from reconciler.policy.model import StateConfig
from reconciler.policy.node import Node
from reconciler.policy.values import path_of, secret_of

_SQLITE = "sqlite:"


def state(sections: Sections, findings: Findings) -> StateConfig:
    """Return the state store of the policy; without such a section the folder `.reconcile` in the policy folder."""
    node = sections.units["state"].get(())
    if node is None:
        return StateConfig()
    match node.text("kind"):
        case "s3":
            return _s3(node, findings)
        case "sql":
            return _sql(node, findings)
        case _:
            return StateConfig("file", path=path_of(node.child("path")))


def _s3(node: Node, findings: Findings) -> StateConfig:
    access_key, secret_key = (node.get(key) for key in ("access_key", "secret_key"))
    if (access_key is None) != (secret_key is None):
        missing = "access_key" if access_key is None else "secret_key"
        message = f'"state" lacks the key "{missing}". Name both keys, or neither where boto3 finds a login by itself.'
        findings.error(node.source, node.key_where, "MISSING-KEY", message)
    return StateConfig(
        "s3",
        bucket=node.text("bucket"),
        prefix=node.text("prefix"),
        endpoint=node.text("endpoint"),
        region=node.text("region"),
        access_key=secret_of(node.child("access_key")),
        secret_key=secret_of(node.child("secret_key")),
        path_style=node.flag("path_style"),
    )


def _sql(node: Node, findings: Findings) -> StateConfig:
    url, password = node.text("url"), node.get("password")
    if password is not None and url.startswith(_SQLITE):
        message = 'A SQLite file has no use for "password". Remove it.'
        findings.error(password.source, password.key_where, "BAD-LOGIN", message)
    return StateConfig("sql", url=url, password=secret_of(node.child("password")), folder=node.source.folder)
