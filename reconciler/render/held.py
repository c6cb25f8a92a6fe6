"""Show what the rules ask for and a plan holds back, by kind of hold; never as something that will be done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.render.document import HeldData
from reconciler.render.layout import aligned
from reconciler.render.look import Look, shown
from reconciler.render.rows import Row, Rows
from reconciler.render.words import HOLDS, counted

_WOULD = {"+": "would add", "~": "would change", "-": "would remove"}
_BARE = {
    "membership.add",
    "membership.change",
    "membership.remove",
    "user.flag",
    "user.update",
    "setting.set",
}  # no verb in their rows


def held_back(withheld: Sequence[HeldData], rows: Rows, look: Look) -> Iterator[str]:
    """Return one block per kind of hold; its lines carry no sign, so that nothing counts or colours them as changes."""
    holds: dict[str, list[HeldData]] = {}
    for held in withheld:
        holds.setdefault(held["hold"], []).append(held)
    for hold, together in sorted(holds.items()):
        yield "  " + look.paint("warning", f"held back: {HOLDS.get(hold, shown(hold))}")
        if look.summary:
            yield f"      {counted(len(together), 'change')}"
        else:
            yield from aligned(sorted(_row(held, rows) for held in together), look)


def _row(held: HeldData, rows: Rows) -> Row:
    """Return the change as a row whose reason is that of the hold, where there is one."""
    change = held["change"]
    row = rows.row(change)
    would = _WOULD[row.sign] if change["type"] in _BARE else "would"
    group = f"{shown(change['group'] or '')}  " if change["type"].startswith("membership.") else ""
    return row._replace(
        name=group + row.name, sign=" ", verb=f"{would} {row.verb}", cause=shown(held["detail"]) or row.cause
    )
