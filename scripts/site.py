"""Make one site of the Markdown in docs/ and of the pages beside it; the documents themselves stay as a forge shows them.

Called by ProperDocs while it builds (properdocs.yml). Pages outside of docs/ become pages of the site, other files of the
project that a page links are copied into it, and every link is changed to where its target is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, normpath, relpath
from typing import TYPE_CHECKING, TypeAlias

from properdocs.structure.files import File, Files

if TYPE_CHECKING:
    from properdocs.config.defaults import MkDocsConfig
    from properdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
OUTER = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
"""Pages outside of docs/, and what they are called in the site."""

FIRST = ("index.md", "tutorial.md")
Section: TypeAlias = dict[str, list[object]]

_COMMENTS = re.compile(r"\A(?:<!--.*?-->\s*)+", re.DOTALL)
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?P<before>\[[^\]]*\]\()(?P<target>[^)\s]+)(?P<after>\))")
_ELSEWHERE = re.compile(r"[a-z]+:|#")
_SOURCE = "source"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give headings the anchors that forges give them, and put every page into the navigation."""
    config.mdx_configs["toc"] = {"slugify": anchor, "permalink": False}
    config.nav = list(navigation())
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages outside of docs/, and the files that pages link."""
    for outer, page in OUTER.items():
        files.append(File.generated(config, page, content=(ROOT / outer).read_text(encoding="utf-8")))
    for path in sorted(linked_files()):
        files.append(File.generated(config, site_path(path), abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Change the links of a page to where their targets are in the site; it starts with its heading, which names it."""
    return _COMMENTS.sub("", rewritten(markdown, _origin(page.file.src_uri)))


def anchor(heading: str, _separator: str = "-") -> str:
    """Return the anchor that forges give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def navigation() -> Iterator[Section | str]:
    """Give the navigation: whatever page is there is in it, in the section of its folder."""
    yield from FIRST
    docs = ROOT / "docs"
    guides = sorted(path.name for path in docs.glob("*.md"))
    yield {"How to": [name for name in guides if name not in FIRST]}
    yield {"Targets": _pages("targets")}
    codes = {"Codes of findings": _pages("reference/codes")}
    yield {"Reference": [*_pages("reference"), codes]}
    others = sorted({path.parent.relative_to(docs).as_posix() for path in docs.rglob("*.md")} - _KNOWN)
    for folder in others:
        yield {folder: _pages(folder)}
    copied = [site_path(path) for path in sorted(linked_files()) if path.endswith(".md")]
    outer = [name for name in OUTER.values() if name not in FIRST]
    yield {"Project": [*outer, *copied, {"Decisions": _pages("decisions")}]}


_KNOWN = {".", "targets", "reference", "reference/codes", "decisions"}


def rewritten(markdown: str, origin: str) -> str:
    """Return a page with its links changed; `origin` is its path in the project. Code stays as it is."""
    here = dirname(site_path(origin))

    def changed(found: re.Match[str]) -> str:
        target, sharp, place = found["target"].partition("#")
        if _ELSEWHERE.match(found["target"]):
            return found[0]
        leads = relpath(site_path(normpath(f"{dirname(origin)}/{target}".lstrip("/"))), here or ".")
        return f"{found['before']}{leads}{sharp}{place}{found['after']}"

    return "".join(part if is_code else _LINK.sub(changed, part) for part, is_code in _parts(markdown))


def site_path(path: str) -> str:
    """Return where a file of the project is in the site."""
    if path in OUTER:
        return OUTER[path]
    return path.removeprefix("docs/") if path.startswith("docs/") else f"{_SOURCE}/{path}"


def _origin(place: str) -> str:
    """Return which file of the project a page of the site is."""
    outer = next((outer for outer, name in OUTER.items() if name == place), "")
    return outer or (place.removeprefix(f"{_SOURCE}/") if place.startswith(f"{_SOURCE}/") else f"docs/{place}")


def linked_files() -> set[str]:
    """Return the files outside of the site's pages that pages link, as paths in the project."""
    pages = [*(ROOT / name for name in OUTER), *(ROOT / "docs").rglob("*.md")]
    found = set()
    for page in pages:
        origin = page.relative_to(ROOT).as_posix()
        for part, is_code in _parts(page.read_text(encoding="utf-8")):
            for link in () if is_code else _LINK.finditer(part):
                if not _ELSEWHERE.match(link["target"]):
                    found.add(normpath(f"{dirname(origin)}/{link['target'].partition('#')[0]}".lstrip("/")))
    return {path for path in found if site_path(path).startswith(f"{_SOURCE}/")}


def _pages(folder: str) -> list[object]:
    """Return the pages of a folder of docs/, its README first."""
    names = sorted((ROOT / "docs" / folder).glob("*.md"), key=lambda path: (path.name != "README.md", path.name))
    return [f"{folder}/{path.name}" for path in names]


def _parts(markdown: str) -> Iterator[tuple[str, bool]]:
    """Split a page into prose and code."""
    start = 0
    for code in _CODE.finditer(markdown):
        yield markdown[start : code.start()], False
        yield code[0], True
        start = code.end()
    yield markdown[start:], False
