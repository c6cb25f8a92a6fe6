"""Write the parts of a plan's page that stand without a script: the head, refusals, findings, grave changes; never its data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from reconciler.render.document import FindingData, PlanData, RefusalData, TargetData
from reconciler.render.html_data import GIVES, PLAIN, TAKES, Entry
from reconciler.render.look import shown
from reconciler.render.text import base_line, directory_line, heading, moment, obstacles, only_words
from reconciler.render.words import CAUSED_BY, counted, finding_line, listed

MOST_FINDINGS = 500
MOST_GRAVE = 5_000

_SIGNS = {"+": "add", "~": "change", "-": "remove"}
_MARKS = {PLAIN: "", GIVES: ", privileged grant", TAKES: ", privileged removal"}
_GRAVITY = {"error": 0, "warning": 1}


def escaped(text: str) -> str:
    """Return text from outside for an element or an attribute: no markup in it, and nothing that hides or reorders."""
    return escape(shown(text))


def ascii_only(markup: str) -> str:
    """Return markup with a reference in place of every character that is not ASCII."""
    return markup.encode("ascii", "xmlcharrefreplace").decode("ascii")


def head_parts(plan: PlanData) -> Iterator[str]:
    """Return what stands above the changes: what the plan is, what stands in its way, what is worth knowing."""
    yield f"<header>\n<h1>{escaped(heading(plan))}</h1>"
    yield _verdict(plan)
    yield from _facts(plan)
    yield "</header>"
    refused = [(target, refusal) for target in plan["targets"] for refusal in target["refusals"]]
    if refused:
        yield '<section class="refused" aria-labelledby="refused">\n<h2 id="refused">Refused</h2>'
        yield from (_refusal(target, refusal) for target, refusal in refused)
        yield "</section>"
    yield from _findings(plan)
    yield from _targets(plan["targets"])


def _verdict(plan: PlanData) -> str:
    refused = [escaped(target["name"]) for target in plan["targets"] if target["refusals"]]
    if not plan["applyable"]:
        why = listed(obstacles(plan, escaped, waivers="below"))
        return f'<p class="verdict bad"><strong>This plan cannot be applied</strong>: {why}.</p>'
    if refused:
        return f'<p class="verdict bad">Nothing will be applied to {listed(refused)}, which a guard refused; the rest can be applied.</p>'
    return '<p class="verdict">This plan can be applied.</p>'


def _facts(plan: PlanData) -> Iterator[str]:
    policy = plan["policy"]
    commit = f" at {policy['git_commit'][:12]}" if policy["git_commit"] else ""
    facts = [("Plan", plan["id"]), ("Made", moment(plan["created_at"])), ("Policy", f"{policy['root']}{commit}")]
    facts += [
        ("Judged as of", plan["today"]),
        *(("Only", f"{one['name']}: {only_words(one)}") for one in plan.get("only", ())),
    ]
    if beside := base_line(plan):
        facts.append(("Base", beside))
    facts += [("Directory", directory_line(directory)) for directory in plan["directories"]]
    counts = plan["summary"].get("causes")
    for cause, words in CAUSED_BY.items() if counts is not None else ():
        facts.append((words, counted((counts or {}).get(cause, 0), "change")))
    yield "<dl>"
    yield from (f"<div><dt>{escaped(name)}</dt><dd>{escaped(value)}</dd></div>" for name, value in facts)
    yield "</dl>"


def _refusal(target: TargetData, refusal: RefusalData) -> str:
    objects = refusal["objects"]
    more = refusal["count"] - len(objects)
    rest = f" and {more:,} more" if more > 0 else ""
    named = f"\n<p>{escaped(', '.join(map(shown, objects)))}{rest}</p>" if objects else ""
    waiver = "\n".join(map(escaped, refusal["waiver"].splitlines()))
    way_out = f'\n<pre tabindex="0" aria-label="The way out">{waiver}</pre>' if waiver else ""
    return (
        f"<h3>Refused in {escaped(target['name'])} by {escaped(refusal['guard'])}</h3>\n"
        f"<p>{escaped(refusal['summary'])}</p>{named}{way_out}"
    )


def _findings(plan: PlanData) -> Iterator[str]:
    """Return errors and warnings in full view, notes folded, each with the target that it is about."""
    found = [(finding, "") for finding in plan["notes"]]
    for target in plan["targets"]:
        found += [(finding, target["name"]) for finding in target["diagnostics"]]
    grave = [each for each in found if each[0]["severity"] in _GRAVITY]
    grave.sort(key=lambda each: _GRAVITY[each[0]["severity"]])
    notes = [each for each in found if each[0]["severity"] not in _GRAVITY]
    if grave:
        counts = Counter(finding["severity"] for finding, _ in grave)
        title = listed([counted(counts[severity], severity) for severity in _GRAVITY if counts[severity]])
        yield f'<section class="findings" aria-labelledby="findings">\n<h2 id="findings">{title.capitalize()}</h2>'
        yield from _list(grave)
        yield "</section>"
    if notes:
        title = counted(len(notes), "note")
        yield f'<details aria-label="{title}">\n<summary>{title}</summary>'
        yield from _list(notes)
        yield "</details>"


def _list(findings: Sequence[tuple[FindingData, str]]) -> Iterator[str]:
    yield "<ul>"
    for finding, target in findings[:MOST_FINDINGS]:
        about = f" ({target})" if target else ""
        yield f"<li>{escaped(finding_line(finding) + about)}</li>"
    yield "</ul>"
    if len(findings) > MOST_FINDINGS:
        yield f"<p>{counted(len(findings) - MOST_FINDINGS, 'more finding')}: <code>reconcile show PLAN</code> has them all.</p>"


def _targets(targets: Sequence[TargetData]) -> Iterator[str]:
    heads = ("Target", "Address", "Changes", "Held back", "Unchanged", "To know")
    yield from _table("Targets", heads, (_target(target) for target in targets))


def _target(target: TargetData) -> Sequence[str]:
    same = target["unchanged"]
    alike = [(same["memberships"], "membership"), (same["users"], "user"), (same["groups"], "group")]
    know = [
        f"could not be read: {target['error']}" if target["error"] else "",
        "refused" if target["refusals"] else "",
        f"guards switched off: {', '.join(target['guards_off'])}" if target["guards_off"] else "",
    ]
    return (
        target["name"],
        target["address"],
        f"{len(target['changes']):,}",
        f"{len(target['withheld']):,}",
        "" if target["error"] else ", ".join(counted(count, noun) for count, noun in alike),
        "; ".join(filter(None, know)),
    )


def without_script(plan: PlanData, changes: Sequence[Entry]) -> Iterator[str]:
    """Return what is shown where no script runs: everything that takes access away or gives privileged access."""
    grave = [entry for entry in changes if entry.row.named and not entry.hold]
    held = sum(bool(entry.hold) for entry in changes)
    rest = len(changes) - held - len(grave)
    yield "<noscript>\n<h2>Removals and privileged grants</h2>"
    yield "<p>Scripts are off, so these cannot be filtered and no picture is drawn.</p>"
    heads = ("Change", "Who or what", "Group", "Target", "Detail", "Why")
    yield from _table(
        f"{counted(len(grave), 'grave change')}", heads, (_row(plan, entry) for entry in grave[:MOST_GRAVE])
    )
    if len(grave) > MOST_GRAVE:
        yield f"<p>{counted(len(grave) - MOST_GRAVE, 'more grave change')}: <code>reconcile show PLAN</code> has them all.</p>"
    back = f" and {counted(held, 'change')} that {'is' if held == 1 else 'are'} held back" if held else ""
    verb = "is" if rest == 1 and not held else "are"
    yield f"<p>{counted(rest, 'other change')}{back} {verb} not listed here.</p>\n</noscript>"


def _row(plan: PlanData, entry: Entry) -> Sequence[str]:
    row = entry.row
    group = entry.group if entry.change["user"] else ""
    why = "; ".join(filter(None, (row.cause, row.place)))
    return (
        f"{_SIGNS[row.sign]}{_MARKS[entry.mark]}",
        row.name,
        group,
        plan["targets"][entry.target]["name"],
        row.verb,
        why,
    )


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Return a table whose first column names its rows."""
    yield f'<div class="scroll" role="region" tabindex="0" aria-label="{escaped(caption)}">'
    yield f"<table>\n<caption>{escaped(caption)}</caption>\n<thead><tr>"
    yield "".join(f'<th scope="col">{escaped(head)}</th>' for head in heads) + "</tr></thead>\n<tbody>"
    for first, *others in rows:
        cells = "".join(f"<td>{escaped(cell)}</td>" for cell in others)
        yield f'<tr><th scope="row">{escaped(first)}</th>{cells}</tr>'
    yield "</tbody>\n</table>\n</div>"
