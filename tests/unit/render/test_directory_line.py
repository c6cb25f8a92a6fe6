"""What a plan says of each directory that it was made from."""

from __future__ import annotations

from tests.unit.render.documents import plan, target
from tests.unit.render.test_text import text_of


def test_a_directory_read_by_its_changes_says_since_when() -> None:
    """The whole read is the one that absence rests on."""
    document = plan()
    document["directories"][0]["confirmed_at"] = "2026-11-20T01:00:00Z"
    document["targets"] = [target(unchanged=(1, 1, 1))]
    assert (
        "corp: directory.ldif, read completely at 2026-11-20 04:00 UTC by its changes since 2026-11-20 01:00 UTC, 61 people"
    ) in text_of(document)
