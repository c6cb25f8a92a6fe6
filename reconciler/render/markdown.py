"""Show a plan document as Markdown for a pull request or a job summary, never longer than what is allowed there.

What takes access away and what gives privileged access is named whatever the length; everything else is rolled up by cause,
and named in folded details as far as there is room. Text from outside stands in code only: there it cannot be a link, an
image, HTML, or a mention that calls somebody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from reconciler.render.document import FindingData, PlanData, RefusalData, TargetData
from reconciler.render.look import shown
from reconciler.render.rows import Row, Rows, rolled_up
from reconciler.render.text import base_line, heading, obstacles
from reconciler.render.words import CAUSED_BY, HOLDS, counted, finding_line, listed

COMMENT = 65_536
"""How many bytes a comment on a pull request may have (GitHub counts characters, which are never more)."""

SUMMARY = 900_000
"""How many bytes of a job summary are kept clear of GitHub's limit of 1 MiB a step."""

LEAST = 2_000
"""How many bytes a plan needs at least: less holds no head."""

_TICKS = re.compile("`+")
_MOST_CAUSES = 40  # roll-ups of one section where there is little room
_MOST_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class _Entry:
    """One change as a row, and where it happens: a group, ``users`` or ``groups``."""

    place: str
    row: Row
    group: bool = False

    @property
    def line(self) -> str:
        """Return it as a line of a diff."""
        parts = [self.row.sign, self.place, self.row.name, self.row.verb]
        mark = " [privileged]" if self.row.privileged else ""
        reason = "; ".join(filter(None, (self.row.cause, self.row.place)))
        return f"{'  '.join(filter(None, parts))}{mark}  ({reason})"


def plan_markdown(plan: PlanData, most: int = COMMENT, marker: str = "") -> str:
    """Return the plan in at most so many bytes of UTF-8; raises ValueError where so few hold no plan at all.

    `marker` is a word that the comment can be found by later: it stands in a comment that nobody sees.
    """
    if most < LEAST:
        raise ValueError(f"{most} bytes are too few for a plan; the least is {LEAST}")
    parts = _Parts(plan, marker)
    for named, causes in (("full", 0), ("full", _MOST_CAUSES), ("short", _MOST_CAUSES), ("short", 5)):
        text = parts.text(named, causes)
        room = most - _size(text)
        if room >= 0:
            return parts.text(named, causes, details=room)
    return _cut(parts.text("short", 5), most)


def unseen(marker: str) -> str:
    """Return a marker as a comment that nobody sees, empty for none; what could end that comment is not in it."""
    word = re.sub(r"[^A-Za-z0-9_.-]", "-", marker)
    return f"<!-- reconcile:{word} -->" if word else ""


class _Parts:
    """The plan taken apart once, and put together in more or less detail."""

    def __init__(self, plan: PlanData, marker: str) -> None:
        self._plan, self._marker = plan, unseen(marker)
        self._entries = [_entries(target) for target in plan["targets"]]

    def text(self, named: str, causes: int, details: int = 0) -> str:
        """Return the whole; `causes` limits roll-ups (0: all), `details` are the bytes that folded details may add."""
        blocks = [*self._head()]
        for target, entries in zip(self._plan["targets"], self._entries, strict=True):
            blocks += _target(target, entries, named, causes)
            folded = _details(target, entries, details - 2)
            details -= _size(folded) + 2 if folded else 0
            blocks += [folded] if folded else []
        blocks += _findings(self._plan["notes"])
        return "\n\n".join(blocks) + "\n"

    def _head(self) -> Iterator[str]:
        plan, policy = self._plan, self._plan["policy"]
        if self._marker:
            yield self._marker
        yield f"### {heading(plan)}"
        for one in plan.get("only", ()):
            yield f"Only {code(one['name'])}: {code(one['dn'] or one['key'])}. Nobody else's access is looked at or changed."
        if not plan["applyable"]:
            yield f"**This plan cannot be applied**: {listed(obstacles(plan, code, waivers='below'))}."
        commit = f" at {code(policy['git_commit'][:12])}" if policy["git_commit"] else ""
        yield f"Policy {code(policy['root'])}{commit}, judged as of {code(plan['today'])}; plan {code(plan['id'][:19])}."
        if beside := base_line(plan, code):
            yield beside
        if causes := _causes(plan):
            yield causes


def _causes(plan: PlanData) -> str:
    """Return how many changes there are by what brought them about, where the plan tells; empty where it does not."""
    counts = plan["summary"].get("causes")
    if counts is None:
        return ""
    return "\n".join(f"- **{words}**: {counted(counts.get(cause, 0), 'change')}" for cause, words in CAUSED_BY.items())


def _entries(target: TargetData) -> dict[str, list[_Entry]]:
    """Return the changes as rows by what brought them about, each sorted: the gravest first."""
    rows = Rows(target["privileged_roles"])
    found: dict[str, list[_Entry]] = {}
    for change in target["changes"]:
        place = shown(change["group"] or "") if change["user"] else ""
        entry = _Entry(place, rows.row(change), group=not change["user"])
        found.setdefault(change.get("cause", ""), []).append(entry)
    for entries in found.values():
        entries.sort(key=lambda entry: (entry.row.rank, entry.place, entry.row))
    order = ["", *CAUSED_BY]
    return dict(sorted(found.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order)))


def _target(target: TargetData, entries: dict[str, list[_Entry]], named: str, causes: int) -> Iterator[str]:
    yield f"#### {code(target['name'])} {code(target['address']) if target['address'] else ''}".rstrip()
    if target["guards_off"]:
        yield f"Guards switched off: {', '.join(map(code, target['guards_off']))}"
    if target["error"]:
        yield f"**Could not be read**: {code(target['error'])}"
    yield from (_refusal(refusal) for refusal in target["refusals"])
    for cause, mine in entries.items():
        if cause:
            yield f"**{CAUSED_BY.get(cause, shown(cause))}** ({counted(len(mine), 'change')})"
        grave = [entry for entry in mine if entry.row.named]
        if grave:
            yield "Takes access away, or gives privileged access:"
            yield fenced(entry.line for entry in grave) if named == "full" else fenced(_together(grave))
        rest = [entry for entry in mine if not entry.row.named]
        if rest:
            yield "By cause:" if grave else "Adds and changes, by cause:"
            yield fenced(_rolled(rest, causes))
    yield from _held(target)
    yield from _findings(target["diagnostics"])
    same = target["unchanged"]
    yield f"{counted(same['memberships'], 'membership')}, {counted(same['users'], 'user')} and {counted(same['groups'], 'group')} unchanged."


def _rolled(entries: Sequence[_Entry], most: int) -> Iterator[str]:
    """Return roll-ups by place and cause; of more than `most` the largest, and how many are left out."""
    by_place: dict[tuple[str, bool], list[Row]] = {}
    for entry in entries:
        by_place.setdefault((entry.place, entry.group), []).append(entry.row)
    lines = [
        _Entry(place, row).line
        for (place, group), rows in by_place.items()
        for row in rolled_up(rows, "group" if group else "person")
    ]
    kept = lines[:most] if most else lines
    yield from kept
    if len(lines) > len(kept):
        yield f"… and {counted(len(lines) - len(kept), 'more line')} like these"


def _together(entries: Sequence[_Entry]) -> Iterator[str]:
    """Return grave changes with a line for each place and verb, naming everybody and leaving out the reasons."""
    names: dict[tuple[str, str, str], list[str]] = {}
    for entry in entries:
        names.setdefault((entry.row.sign, entry.place, entry.row.verb), []).append(entry.row.name)
    for (sign, place, verb), people in names.items():
        yield f"{'  '.join(filter(None, (sign, place, verb)))}: {', '.join(people)}"


def _details(target: TargetData, entries: dict[str, list[_Entry]], room: int) -> str:
    """Return every change, folded, as far as there is room; empty where nothing is left to name, or no room for it."""
    everything = list(chain.from_iterable(entries.values()))
    if all(entry.row.named for entry in everything):
        return ""
    everything.sort(key=lambda entry: (entry.place, entry.row))
    head = f"<details><summary>All {counted(len(everything), 'change')} of {_html(target['name'])}</summary>\n\n"
    tail, lines, left = "\n\n</details>", list[str](), room - _size(head) - 200
    for entry in everything:
        left -= _size(entry.line) + 1
        if left < 0:
            break
        lines.append(entry.line)
    if not lines:
        return ""
    missing = len(everything) - len(lines)
    if missing:
        tail = f"\n\n{counted(missing, 'more change')} found no room here: `reconcile show PLAN` has them all.{tail}"
        head = head.replace("All ", f"{len(lines):,} of ", 1)
    return f"{head}{fenced(lines)}{tail}"


def _refusal(refusal: RefusalData) -> str:
    objects = refusal["objects"]
    more = refusal["count"] - len(objects)
    rest = f" and {more:,} more" if more > 0 else ""
    named = f"\n>\n> {', '.join(map(code, objects))}{rest}" if objects else ""
    waiver = "\n".join(f"> {line}" for line in fenced(refusal["waiver"].splitlines(), "yaml").splitlines())
    return f"> [!CAUTION]\n> **Refused by {code(refusal['guard'])}**: {code(refusal['summary'])}{named}\n>\n{waiver}"


def _held(target: TargetData) -> Iterator[str]:
    counts: dict[str, int] = {}
    for held in target["withheld"]:
        counts[held["hold"]] = counts.get(held["hold"], 0) + 1
    if counts:
        said = [
            f"- {counted(count, 'change')}: {HOLDS.get(hold, shown(hold))}" for hold, count in sorted(counts.items())
        ]
        yield "Held back:\n\n" + "\n".join(said)


def _findings(findings: Sequence[FindingData]) -> Iterator[str]:
    if findings:
        lines = [finding_line(finding) for finding in findings[:_MOST_FINDINGS]]
        more = len(findings) - len(lines)
        yield fenced([*lines, *([f"… and {counted(more, 'more finding')}"] if more else [])], "text")


def code(text: str) -> str:
    """Return a text from outside as a code span: nothing in it is Markdown any more."""
    plain = shown(text)
    ticks = "`" * (1 + max((len(run) for run in _TICKS.findall(plain)), default=0))
    space = " " if plain.startswith(("`", " ")) or plain.endswith(("`", " ")) or not plain else ""
    return f"{ticks}{space}{plain}{space}{ticks}"


def fenced(lines: Iterable[str], kind: str = "diff") -> str:
    """Return lines as a block of code, with a fence that nothing in them can close."""
    plain = [shown(line) for line in lines]
    ticks = "`" * max(3, 1 + max((len(run) for line in plain for run in _TICKS.findall(line)), default=0))
    return "\n".join([f"{ticks}{kind}", *plain, ticks])


def _html(text: str) -> str:
    plain = shown(text)
    for sign, entity in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("@", "&#64;"),
        ("`", "&#96;"),
        ("*", "&#42;"),
        ("_", "&#95;"),
    ):
        plain = plain.replace(sign, entity)
    return plain


def _size(text: str) -> int:
    return len(text.encode())


def _cut(text: str, most: int) -> str:
    """Return what fits, cut between lines, closed, with a word on what is missing."""
    note = "\n\n**This is not all of it**: it would be too long here. `reconcile show PLAN` has the whole plan.\n"
    kept: list[str] = []
    fence, left = "", most - _size(note) - 20
    for line in text.splitlines():
        left -= _size(line) + 1
        if left < 0:
            break
        kept.append(line)
        if ticks := re.match("`{3,}", line.removeprefix("> ")):
            fence = "" if fence else ticks[0]
    return "\n".join([*kept, *([fence] if fence else [])]) + note
