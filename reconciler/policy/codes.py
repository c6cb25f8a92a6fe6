"""Say what each code of a finding means: the registry that documentation and other programs read; judges nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Code:
    """One code: how bad its findings are, what they say in a sentence, why that matters, what to do.

    `wrong` and `right` are examples, of policy most often; both are empty for what no policy brings about.
    """

    name: str
    severity: tuple[str, ...]
    title: str
    why: str
    way_out: str
    wrong: str = ""
    right: str = ""


@cache
def registry() -> Mapping[str, Code]:
    """Return every code that a finding can have, sorted by name."""
    text = files("reconciler.policy").joinpath("codes.toml").read_text(encoding="utf-8")
    return {name: _code(name, entry) for name, entry in sorted(tomllib.loads(text).items())}


def titles() -> dict[str, str]:
    """Return what each code says, in one sentence."""
    return {name: code.title for name, code in registry().items()}


def page(code: Code) -> str:
    """Return the page of a code, as Markdown."""
    parts = [f"# {code.name}", f"{' or '.join(code.severity).capitalize()}: {code.title}", code.why]
    if code.wrong:
        parts += ["## Wrong", _block(code.wrong), "## Right", _block(code.right)]
    return "\n\n".join([*parts, "## The way out", code.way_out]) + "\n"


def index() -> str:
    """Return the page that lists all codes, as Markdown."""
    rows = [
        f"| [{code.name}]({code.name}.md) | {' or '.join(code.severity)} | {code.title} |"
        for code in registry().values()
    ]
    intro = (
        "Every finding has a code that stays the same from version to version.\n"
        "`reconcile validate --explain CODE` prints the page of one."
    )
    return "\n".join(["# Codes", "", intro, "", "| code | severity | meaning |", "|---|---|---|", *rows]) + "\n"


def _block(example: str) -> str:
    return f"```yaml\n{example.strip()}\n```"


def _code(name: str, entry: Mapping[str, str]) -> Code:
    return Code(
        name,
        tuple(entry["severity"].split(" ")),
        entry["title"],
        entry["why"],
        entry["fix"],
        entry.get("wrong", ""),
        entry.get("right", ""),
    )
