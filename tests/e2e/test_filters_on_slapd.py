"""Generated filters select in memory exactly what a real OpenLDAP selects."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.desired.filters import FilterIndex
from reconciler.model.bits import indexes
from reconciler.model.filter import parse_filter, to_text
from reconciler.model.schema import DirectorySchema, parse_schema
from tests.e2e import filter_crowd
from tests.servers.slapd import Slapd

pytestmark = pytest.mark.slapd

SEED = 20261120
COUNT = 1500


@dataclass(frozen=True, slots=True)
class Loaded:
    """A running server with the awkward directory, and what it shows of it."""

    server: Slapd
    entries: list[filter_crowd.Entry]
    schema: DirectorySchema

    def index(self) -> FilterIndex:
        """Return an index over the entries as the server shows them."""
        canonical = self.schema.canonical
        views = [{canonical(name): tuple(values) for name, values in shown.items()} for _, shown in self.entries]
        return FilterIndex(views, self.schema, [dn for dn, _ in self.entries])


@pytest.fixture(scope="module")
def loaded(start_slapd: Callable[..., Slapd]) -> Loaded:
    """Load the directory, and read it and its schema back with the server's own tools."""
    server = start_slapd(filter_crowd.ldif(filter_crowd.directory(filter_crowd.seeded(SEED))))
    everything = _search(server, "-b", server.base, "(objectClass=*)", "*", "+")
    wanted = ("attributeTypes", "objectClasses", "matchingRules")
    ((_, shown),) = _entries(_search(server, "-b", "cn=Subschema", "-s", "base", "(objectClass=*)", *wanted))
    return Loaded(server, list(_entries(everything)), parse_schema(*(shown[name] for name in wanted)))


def test_generated_filters_select_what_the_server_selects(loaded: Loaded, tmp_path: Path) -> None:
    """Of all generated filters not one selects another set of entries here than there."""
    filters = list(dict.fromkeys(filter_crowd.Crowd(filter_crowd.seeded(SEED), loaded.entries).filters(COUNT)))
    index = loaded.index()
    have = [
        frozenset(loaded.entries[place][0] for place in indexes(index.select(parse_filter(text)))) for text in filters
    ]
    want = _selected(loaded.server, filters, tmp_path)
    assert len(filters) >= 1000
    assert sum(map(bool, want)) >= 0.6 * len(filters)
    assert len(set(want)) >= 200
    assert [text for text, mine, theirs in zip(filters, have, want, strict=True) if mine != theirs] == []


def test_canonical_text_means_what_was_written(loaded: Loaded, tmp_path: Path) -> None:
    """The server selects the same entries for a filter and for our canonical text of it."""
    filters = filter_crowd.Crowd(filter_crowd.seeded(SEED + 1), loaded.entries).filters(300)
    rewritten = [to_text(parse_filter(text)) for text in filters]
    assert rewritten != filters
    assert _selected(loaded.server, rewritten, tmp_path) == _selected(loaded.server, filters, tmp_path)


def _selected(server: Slapd, filters: Sequence[str], folder: Path) -> list[frozenset[str]]:
    """Return the DNs that the server selects for each filter."""
    file = folder / "filters"
    file.write_text("".join(f"{text}\n" for text in filters), encoding="utf-8")
    pattern = "(&(objectClass=*)%s)"  # ldapsearch takes no pattern without "="; true AND x is x
    answers = _search(server, "-b", server.base, "-c", "-f", str(file), pattern, "1.1").split("\n# filter: ")[1:]
    assert len(answers) == len(filters)
    assert all("# search result" in answer for answer in answers)
    return [frozenset(dn for dn, _ in _entries(answer.partition("\n")[2])) for answer in answers]


def _search(server: Slapd, *arguments: str) -> str:
    login = ("-x", "-D", server.admin_dn, "-w", server.password, "-H", server.url)
    command = ["ldapsearch", *login, "-L", "-o", "ldif-wrap=no", *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


def _entries(text: str) -> Iterator[filter_crowd.Entry]:
    """Read unwrapped LDIF, the tool's own comments left out."""
    for block in text.split("\n\n"):
        lines = [_read(line) for line in block.splitlines() if ":" in line and not line.startswith(("#", "version:"))]
        if lines and lines[0][0] == "dn":
            shown: dict[str, list[str]] = {}
            for name, value in lines[1:]:
                shown.setdefault(name, []).append(value)
            yield lines[0][1], shown


def _read(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    if value.startswith(":"):
        return name, base64.b64decode(value[1:]).decode(errors="surrogateescape")
    return name, value.removeprefix(" ")
