"""The documents as a site: built without a warning, whole, without a broken link, and without anything from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.examples import ROOT, environment

_LOADS = {
    "script": "src",
    "img": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "object": "data",
}
_UNMADE = re.compile(r"(?:^|\n)\s*(?:[-*] |\d+\. |#+ |\||```)")  # Markdown that was left as it was written


@dataclass
class Page(HTMLParser):
    """What one page leads to, loads, can be led to, and what its paragraphs say; code counts as nothing."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start as a parser does."""
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take notice of one tag."""
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if (wanted := _LOADS.get(tag)) in given and given.get("rel") != "canonical":
            self.loads.append(given[str(wanted)])
        if tag in {"p", "code"}:
            self.inside.append(tag)
        if tag == "p":
            self.paragraphs.append("")

    def handle_endtag(self, tag: str) -> None:
        """Leave a paragraph, or code in it."""
        if tag in self.inside:
            self.inside.remove(tag)

    def handle_data(self, data: str) -> None:
        """Keep what a paragraph says."""
        if self.inside == ["p"]:
            self.paragraphs[-1] += data


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as scripts/docs does, elsewhere."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        ["scripts/docs", "--site-dir", folder],
        cwd=ROOT,
        env=environment(RECONCILE_VENV=sys.prefix),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), f"{done.stdout}{done.stderr}"
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> Mapping[str, Page]:
    """Return every page by its path in the site."""
    return dict(_parsed(site))


def _parsed(site: Path) -> Iterator[tuple[str, Page]]:
    for path in sorted(site.rglob("*.html")):
        page = Page()
        page.feed(path.read_text(encoding="utf-8"))
        yield path.relative_to(site).as_posix(), page


def test_every_document_is_a_page(pages: Mapping[str, Page]) -> None:
    """Those in docs/, the reference of every code among them, and those beside it; a README is the index of its folder."""
    documents = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    named = {name.removesuffix(".md").replace("README", "index") + ".html" for name in documents}
    outer = {"index.html", "contributing.html", "security.html", "changelog.html"}
    assert (named | outer) - pages.keys() == set()
    assert sum(name.startswith("reference/codes/") for name in pages) > 100


def test_every_page_is_in_the_navigation(pages: Mapping[str, Page], site: Path) -> None:
    """From the first page, whoever goes on from page to page by the navigation's links meets every page."""
    reached, waiting = set[str](), ["index.html"]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in pages:
            continue
        reached.add(name)
        waiting += [place for place, _ in _inside(name, pages[name].links)]
    assert pages.keys() - reached == {"404.html", "search.html"}


def test_pages_are_named_by_their_headings(site: Path) -> None:
    """Generated pages start with a comment, and are named like any other."""
    shown = (site / "index.html").read_text(encoding="utf-8")
    names = re.findall(r'href="(reference/[^"#]+)"[^>]*>([^<]+)</a>', shown)
    assert ("reference/cli.html", "Commands") in names
    assert ("reference/codes/LINK-EMPTY.html", "LINK-EMPTY") in names


def test_every_link_inside_the_site_leads_somewhere(pages: Mapping[str, Page], site: Path) -> None:
    """Files are there, and pages have the anchors."""
    broken = [
        f"{name}: {place}#{anchor}"
        for name, page in pages.items()
        for place, anchor in _inside(name, [*page.links, *page.loads])
        if not (site / place).is_file() or (anchor and place in pages and anchor not in pages[place].ids)
    ]
    assert broken == []


def test_no_page_loads_anything_from_elsewhere(pages: Mapping[str, Page], site: Path) -> None:
    """Neither scripts nor styles nor pictures, and no style sheet fetches a font."""
    assert {load for page in pages.values() for load in page.loads if re.match(r"(?:[a-z]+:)?//", load)} == set()
    for sheet in site.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", sheet.read_text(encoding="utf-8")) == []


def test_no_list_or_table_is_shown_as_it_was_written(pages: Mapping[str, Page]) -> None:
    """What a forge shows as a list, a table or a heading is one in the site, too."""
    unmade = [
        f"{name}: {text[:80]}" for name, page in pages.items() for text in page.paragraphs if _UNMADE.search(text)
    ]
    assert unmade == []


def _inside(name: str, links: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the links of a page that stay in the site, as a path there and an anchor."""
    for link in links:
        if re.match(r"(?:[a-z]+:|//)", link):
            continue
        path, _, anchor = link.partition("#")
        path = unquote(path.partition("?")[0])
        place = (
            path.lstrip("/") if path.startswith("/") else os.path.normpath(Path(name).parent / path) if path else name
        )
        yield ("index.html" if place in {"", "."} else place), unquote(anchor)
