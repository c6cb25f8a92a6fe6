"""Show a plan document as one HTML file that needs nothing else: no network, no other file, and for what matters no script.

Text from outside is escaped here, or inserted by the page's script as text; the page's own policy allows no script, style
or address but those that are inlined here. The same plan yields the same bytes, all of them ASCII.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files

from reconciler.render.document import PlanData
from reconciler.render.html_data import data_block, entries
from reconciler.render.html_parts import ascii_only, escaped, head_parts, without_script
from reconciler.render.text import heading

SCRIPTS = ("data.js", "changes.js", "why.js", "picture.js", "start.js")
"""The parts of the page's script, in the order in which they run."""

STYLE = "page.css"
BODY = "body.html"


def plan_html(plan: PlanData) -> Iterator[str]:
    """Return the page in pieces, each worth one write."""
    changes = entries(plan)
    style, script = part(STYLE), "".join(map(part, SCRIPTS))
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{content_policy(style, script)}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield '<meta name="referrer" content="no-referrer">\n'
    yield ascii_only(f"<title>{escaped(heading(plan))}</title>\n")
    yield f"<style>{style}</style>\n</head>\n<body>\n"
    before, _, after = part(BODY).partition("<!-- without script -->\n")
    yield '<a class="skip" href="#main">Skip to the changes</a>\n'
    yield ascii_only("\n".join(head_parts(plan)) + "\n")
    yield before
    yield ascii_only("\n".join(without_script(plan, changes)) + "\n")
    yield after
    yield f'<script type="application/json" id="data">{data_block(plan, changes)}</script>\n'
    yield f"<script>{script}</script>\n</body>\n</html>\n"


def content_policy(style: str, script: str) -> str:
    """Return what the page may do: run this script and no other, look like this, and reach nobody."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hashed(script)}",
            f"style-src {_hashed(style)}",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


@cache
def part(name: str) -> str:
    """Return a part of the page that is the same for every plan."""
    return files("reconciler.render").joinpath("page", name).read_text(encoding="ascii")


def _hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
