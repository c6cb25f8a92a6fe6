"""Write docs/reference/ from the program's own help, the schema of policies and the registry of codes; invent nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from reconciler.policy.codes import index, page, registry

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs" / "reference"
Schema: TypeAlias = dict[str, Any]
"""JSON Schema as json reads it; `Any` stays in this file."""

_LIMIT = "Limit"
_MADE_BY = "<!-- Written by scripts/reference; a test holds it to what the program says. -->\n"


def command_names() -> list[str]:
    """Return the commands that `reconcile --help` lists, in its order."""
    listed = _help().partition("Commands:\n")[2]
    return re.findall(r"^  ([a-z]+)\b", listed, re.MULTILINE)


def cli_page() -> str:
    """Return the page of commands: the help of the program and of each command, as printed 80 columns wide."""
    parts = [_MADE_BY, "# Commands\n", _fenced(_help())]
    for name in command_names():
        parts += [f"## reconcile {name}\n", _fenced(_help(name))]
    return "\n".join(parts)


def policy_page() -> str:
    """Return the page of policy keys: one section per kind of map, in the order in which a reader meets them."""
    root: Schema = json.loads((ROOT / "schemas" / "policy.schema.json").read_text(encoding="utf-8"))
    page = _PolicyPage(root["$defs"])
    page.section("A policy file", root)
    intro = f"# Policy\n\n{root['description']}\n\nA name in angle brackets is yours to choose; `[]` is each item of a list.\n"
    return "\n".join([_MADE_BY, intro, *page.sections])


def code_pages() -> dict[str, str]:
    """Return the page of each code of a finding, and the list of them, by file name."""
    pages = {f"{code.name}.md": page(code) for code in registry().values()}
    return {name: f"{_MADE_BY}\n{text}" for name, text in {"README.md": index(), **pages}.items()}


def main() -> None:
    """Write all pages; those of codes that are gone are removed."""
    PAGES.mkdir(exist_ok=True)
    (PAGES / "codes").mkdir(exist_ok=True)
    for gone in {file.name for file in (PAGES / "codes").iterdir()} - set(code_pages()):
        (PAGES / "codes" / gone).unlink()
    for name, text in code_pages().items():
        (PAGES / "codes" / name).write_text(text, encoding="utf-8")
    (PAGES / "cli.md").write_text(cli_page(), encoding="utf-8")
    (PAGES / "policy.md").write_text(policy_page(), encoding="utf-8")


class _PolicyPage:
    """Sections as they are found; a definition that several keys share has one section."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._written: set[str] = set()
        self.sections: list[str] = []

    def section(self, heading: str, schema: Schema) -> None:
        """Add the section of one map, and after it those of the maps in it."""
        if heading in self._written:
            return
        self._written.add(heading)
        about = schema["description"] if heading != _LIMIT else f"{schema['title'].capitalize()}."
        lines = [f"## {_titled(heading)}\n", f"{_cell(about)}\n"]
        inner = list(self._inner(heading, schema))
        if "allOf" in schema:
            links = ", ".join(_link(name, name) for name, _ in inner)
            lines.append(f"`kind` decides which keys there are: {links}.\n")
        else:
            lines += ["| key | value | meaning |", "|---|---|---|", *self._rows(heading, schema), ""]
        self.sections.append("\n".join(lines))
        for name, found in inner:
            self.section(name, found)

    def _rows(self, heading: str, schema: Schema) -> Iterator[str]:
        required = schema.get("required", [])
        for key, value in schema["properties"].items():
            name, found = self._resolve(_below(heading, key), value)
            shape = _link(_shape(value, found), name) if "properties" in found else _shape(value, found)
            notes = ["Required." if key in required else "", _default(found)]
            meaning = value.get("description") or found["description"]
            yield f"| `{key}` | {shape} | {' '.join(filter(None, [_cell(meaning), *notes]))} |"

    def _inner(self, heading: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
        for rule in schema.get("allOf", []):
            yield self._resolve("", rule["then"])
        if "allOf" not in schema:
            for key, value in schema["properties"].items():
                name, found = self._resolve(_below(heading, key), value)
                if "properties" in found:
                    yield name, found

    def _resolve(self, path: str, schema: Schema) -> tuple[str, Schema]:
        """Go through maps with free names, lists and references to what is said about the single thing."""
        if "$ref" in schema:
            name = str(schema["$ref"]).rpartition("/")[2]
            return self._resolve(name.replace("_", " ").capitalize(), self._definitions[name])
        if isinstance(schema.get("additionalProperties"), dict):
            return self._resolve(f"{path}.<{_singular(str(schema.get('title')))}>", schema["additionalProperties"])
        if "items" in schema:
            return self._resolve(f"{path}[]", schema["items"])
        # a map of numbers, or the word `off`: the same for several guards
        return (_LIMIT if "properties" in schema and "pattern" in schema else path), schema


def _titled(heading: str) -> str:
    """A path is code; a word is a title."""
    return f"`{heading}`" if re.search(r"[.<]|^[a-z]", heading) else heading


def _below(heading: str, key: str) -> str:
    return key if " " in heading else f"{heading}.{key}"


def _singular(title: str) -> str:
    words = re.sub(r"a map of |,.*| to .*", "", title)
    return words.removesuffix("s").removeprefix("target ").replace("directorie", "directory")


def _shape(written: Schema, found: Schema) -> str:
    """Say in a few words what may stand as the value."""
    if "const" in written:
        return f"`{written['const']}`"
    if "enum" in written:
        return ", ".join(f"`{word}`" for word in written["enum"])
    return _cell(
        str(written.get("title") or found.get("title") or {"string": "text", "boolean": "true or false"}[found["type"]])
    )


def _default(found: Schema) -> str:
    if "default" not in found:
        return ""
    value = found["default"]
    return f"Default: `{value if isinstance(value, str) else json.dumps(value)}`."


def _link(text: str, heading: str) -> str:
    return f"[{text}](#{re.sub(r'[^a-z0-9_ -]', '', heading.lower()).replace(' ', '-')})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "\\<")


def _fenced(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```\n"


def _help(*command: str) -> str:
    program = Path(sys.executable).parent / "reconcile"
    fixed = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    return subprocess.run(
        [program, *command, "--help"], env=fixed, capture_output=True, encoding="utf-8", check=True
    ).stdout


if __name__ == "__main__":
    main()
