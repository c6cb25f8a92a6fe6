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


def test_a_plan_for_some_people_says_so_before_anything_else() -> None:
    """One line each; whoever is gone is named by the account. A plan without changes still says that first."""
    document = plan()
    document["only"] = [
        {"name": "ann", "key": "id-ann", "dn": "uid=ann,dc=acme"},
        {"name": "xan\x1b", "key": "id-xan", "dn": ""},
    ]
    document["targets"] = [target(unchanged=(1, 1, 1))]
    lines = text_of(document).splitlines()
    assert lines[0].startswith("No changes.")
    assert lines[1:4] == [
        "Only ann: uid=ann,dc=acme. Nobody else's access is looked at or changed.",
        r"Only xan\x1b: gone from the directory, known by the account id-xan. Nobody else's access is looked at or changed.",
        "",
    ]
