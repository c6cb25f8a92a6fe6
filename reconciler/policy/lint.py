"""Find in every text of a file what no policy may hold: templating, passwords in addresses, control characters."""

from __future__ import annotations

from reconciler.model.text import shortened
from reconciler.policy.excerpt import has_credentials
from reconciler.policy.findings import Findings
from reconciler.policy.fit import CONTROL, TEMPLATING
from reconciler.policy.secret_attributes import secret_attribute
from reconciler.policy.source import Data, Path, Source

_CONNECTIONS = {("directories",), ("targets",), ("state",)}


def lint(source: Source, findings: Findings) -> None:
    """Add an error for each text that must not stand in a policy."""
    values: list[tuple[Path, Data]] = []
    _gather(source.data, (), values)
    for path, text in values:
        if isinstance(text, str):
            _text(source, path, text, findings)
    for path, _ in values:
        if path and isinstance(key := path[-1], str):
            _key(source, path, key, findings)


def _gather(data: Data, path: Path, values: list[tuple[Path, Data]]) -> None:
    """Add a value, then what is in it; the depth of a source is bounded."""
    values.append((path, data))
    if isinstance(data, dict):
        for key, value in data.items():
            _gather(value, (*path, key), values)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            _gather(value, (*path, index), values)


def _text(source: Source, path: Path, text: str, findings: Findings) -> None:
    if TEMPLATING.search(text):
        _templating(source, path, findings)
    if path[:1] in _CONNECTIONS and has_credentials(text):
        _credentials(source, path, findings)
    if name := secret_attribute(path, text):
        _secret_attribute(source, path, name, findings)
    if not text.isprintable() and CONTROL.search(text):
        message = "This text holds a control character. Remove it."
        findings.error(source, source.value_at(path), "CONTROL-CHARACTER", message)


def _key(source: Source, path: Path, key: str, findings: Findings) -> None:
    if not key.strip():
        findings.error(source, source.key_at(path), "EMPTY-NAME", "A key is empty. Give it a name.")
    elif TEMPLATING.search(key):
        _templating(source, path, findings, shortened(key, 60))
    elif not key.isprintable() and (CONTROL.search(key) or "\n" in key):
        message = f'The key "{shortened(key, 60)}" holds a control character.'
        findings.error(source, source.key_at(path), "CONTROL-CHARACTER", message)


def _templating(source: Source, path: Path, findings: Findings, key: str = "") -> None:
    where = source.key_at(path) if key else source.value_at(path)
    findings.error(
        source,
        where,
        "TEMPLATING",
        "${…} and {{…}} are not filled in: a policy says what it means, so that a reviewer sees it. Write the value out; "
        "a secret is {env: NAME} or {file: PATH}, and a name template has single braces, such as {uid|lower}.",
    )


def _secret_attribute(source: Source, path: Path, name: str, findings: Findings) -> None:
    findings.error(
        source,
        source.value_at(path),
        "SECRET-ATTRIBUTE",
        f'"{shortened(name, 60)}" holds passwords, keys or their hashes, and is never read. Name another attribute.',
    )


def _credentials(source: Source, path: Path, findings: Findings) -> None:
    findings.error(
        source,
        source.value_at(path),
        "LITERAL-SECRET",
        "This address holds a password. Take it out and say password: {env: NAME} or {file: PATH}; "
        "change a secret that has been in a file like this one.",
    )
