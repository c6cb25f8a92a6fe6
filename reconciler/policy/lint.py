"""Find in every text of a file what no policy may hold: templating, passwords in addresses, control characters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.model.text import shortened
from reconciler.policy.excerpt import has_credentials
from reconciler.policy.findings import Findings
from reconciler.policy.source import Data, Path, Source
from reconciler.policy.values import TEMPLATING

_CONNECTIONS = {("directories",), ("targets",), ("state",)}
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def lint(source: Source, findings: Findings) -> None:
    """Add an error for each text that must not stand in a policy."""
    for path, text in _texts(source.data, ()):
        if TEMPLATING.search(text):
            _templating(source, path, findings)
        if path[:1] in _CONNECTIONS and has_credentials(text):
            _credentials(source, path, findings)
        if not text.isprintable() and _CONTROL.search(text):
            findings.error(
                source, source.value_at(path), "CONTROL-CHARACTER", "This text holds a control character. Remove it."
            )
    for path, key in _keys(source.data, ()):
        _key(source, path, key, findings)


def _key(source: Source, path: Path, key: str, findings: Findings) -> None:
    where = source.key_at(path)
    if not key.strip():
        findings.error(source, where, "EMPTY-NAME", "A key is empty. Give it a name.")
    elif TEMPLATING.search(key):
        _templating(source, path, findings, shortened(key, 60))
    elif not key.isprintable() and (_CONTROL.search(key) or "\n" in key):
        findings.error(source, where, "CONTROL-CHARACTER", f'The key "{shortened(key, 60)}" holds a control character.')


def _templating(source: Source, path: Path, findings: Findings, key: str = "") -> None:
    where = source.key_at(path) if key else source.value_at(path)
    findings.error(
        source,
        where,
        "TEMPLATING",
        "${…} and {{…}} are not filled in: a policy says what it means, so that a reviewer sees it. Write the value out; "
        "a secret is {env: NAME} or {file: PATH}, and a name template has single braces, such as {uid|lower}.",
    )


def _credentials(source: Source, path: Path, findings: Findings) -> None:
    findings.error(
        source,
        source.value_at(path),
        "LITERAL-SECRET",
        "This address holds a password. Take it out and say password: {env: NAME} or {file: PATH}; "
        "change a secret that has been in a file like this one.",
    )


def _texts(data: Data, path: Path) -> Iterator[tuple[Path, str]]:
    """Give every text value; the depth of a source is bounded."""
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _texts(value, (*path, index))


def _keys(data: Data, path: Path) -> Iterator[tuple[Path, str]]:
    """Give every key of every map."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*path, key), key
            yield from _keys(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _keys(value, (*path, index))
