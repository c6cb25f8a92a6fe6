"""Show a plan document as text that a person reviews; know nothing but the document.

The grammar, a contract of its own: ``+`` add, ``~`` change, ``-`` remove, ``!`` refused or unreadable, in a gutter of two
spaces; the address first, what happens second, the reason in brackets. Sections of a target: ``settings:``, ``users:`` and
``groups:`` for switches, accounts and groups, then each group with its memberships, by name. Inside a section: privileged
access taken away, removals, changes, additions, each by name. A plan that has a base has them under each cause, what is
under review first. Then how much is unchanged, what is held back, findings, refusals.
The last line is stable. A plan without changes starts with ``No changes.``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from textwrap import wrap

from reconciler.render.document import (
    ChangeData,
    DirectoryData,
    FindingData,
    OnlyData,
    PlanData,
    RefusalData,
    TargetData,
)
from reconciler.render.held import held_back
from reconciler.render.layout import section
from reconciler.render.look import Look, chunked, shown
from reconciler.render.rows import Rows, rolled_up
from reconciler.render.words import CAUSED_BY, counted, finding_line, listed

_SEVERITIES = ("error", "warning")


def plan_text(plan: PlanData, look: Look) -> Iterator[str]:
    """Return the plan in pieces, each worth one write."""
    return (look.drawn(piece) for piece in chunked(plan_lines(plan, look)))


def origin_line(plan: PlanData) -> str:
    """Return where a saved plan comes from: its id, when it was made, from which policy."""
    policy = plan["policy"]
    short = shown(plan["id"])[: len("sha256:") + 12]
    source = f"{shown(policy['root'])} at {shown(policy['git_commit'])[:12]}".removesuffix(" at ")
    return f"Plan {short}, made {moment(plan['created_at'])} from {source}, judged as of {shown(plan['today'])}"


def moment(iso: str) -> str:
    """Return an ISO 8601 UTC time the way people write it: ``2026-11-20 04:00 UTC``."""
    day, separator, time = shown(iso).partition("T")
    utc = time.endswith(("Z", "+00:00"))
    return f"{day} {time[:5]} UTC" if separator and utc else shown(iso)


def plan_lines(plan: PlanData, look: Look) -> Iterator[str]:
    """Return the lines of the whole plan."""
    idle = is_idle(plan)
    if idle:
        yield _no_changes(plan, look)
    about = [f"Only {shown(one['name'])}: {only_words(one)}" for one in plan.get("only", ())]
    about += filter(None, [base_line(plan)])
    yield from (look.paint("strong", line) for line in about)
    facts = {facts["name"]: facts for facts in plan["directories"]}
    for number, target in enumerate(plan["targets"]):
        if number or idle or about:
            yield ""
        yield from _target(target, facts.get(target["directory"]), look)
    if plan["notes"]:
        yield ""
        yield from (_finding(note, "", look) for note in plan["notes"])
    if not idle:
        yield ""
        yield from _verdict(plan, look)
        yield from _causes(plan)
        yield last_line(plan)


def is_idle(plan: PlanData) -> bool:
    """Tell whether everything was compared and nothing is to change; what could not be read or was refused is no such plan."""
    return plan["applyable"] and not any(target["changes"] or target["refusals"] for target in plan["targets"])


def heading(plan: PlanData) -> str:
    """Return what a plan comes to, in one line, for views that start with it."""
    return "No changes." if is_idle(plan) else last_line(plan)


def last_line(plan: PlanData) -> str:
    """Return the stable line that ends every plan with changes."""
    counts = plan["summary"]
    grants = counts["privileged_grants"]
    return (
        f"Plan: {counts['add']} to add, {counts['change']} to change, {counts['remove']} to remove. "
        f"{counts['people']} {'person' if counts['people'] == 1 else 'people'} affected, "
        f"{grants} privileged grant{'' if grants == 1 else 's'}."
    )


def _no_changes(plan: PlanData, look: Look) -> str:
    compared = [target["unchanged"] for target in plan["targets"]]
    parts = [
        counted(sum(found["users"] for found in compared), "user"),
        counted(sum(found["groups"] for found in compared), "group"),
        counted(sum(found["memberships"] for found in compared), "membership"),
    ]
    return f"{look.paint('good', 'No changes.')} Compared {listed(parts)} in {counted(len(compared), 'target')}."


def only_words(one: OnlyData) -> str:
    """Return where the one person is whom a plan is about, and what that means for everybody else."""
    where = shown(one["dn"]) if one["dn"] else f"gone from the directory, known by the account {shown(one['key'])}"
    return f"{where}. Nobody else's access is looked at or changed."


def _target(target: TargetData, facts: DirectoryData | None, look: Look) -> Iterator[str]:
    yield f"{look.paint('strong', shown(target['name']))}  {shown(target['address'])}".rstrip()
    if facts:
        yield f"  directory {directory_line(facts)}"
    if target["guards_off"]:
        yield look.paint("warning", f"  guards switched off: {', '.join(map(shown, target['guards_off']))}")
    if target["error"]:
        yield look.paint("refused", f"  ! could not be read: {shown(target['error'])}")
    rows = Rows(target["privileged_roles"], verbose=look.verbose)
    for cause, mine in by_cause(target["changes"]).items():
        if cause:
            yield look.paint("strong", f"  {CAUSED_BY.get(cause, shown(cause))} ({counted(len(mine), 'change')})")
        for title, changes in _sections(mine):
            found = sorted(map(rows.row, changes))
            if look.summary:
                found = rolled_up(found, "person" if changes[0]["user"] else "group")
            yield from section(title, found, look)
    if not target["error"]:
        yield from _unchanged(target)
    yield from held_back(target["withheld"], rows, look)
    yield from (_finding(finding, "  ", look) for finding in target["diagnostics"])
    for refusal in target["refusals"]:
        yield from _refusal(refusal, look)


def by_cause(changes: list[ChangeData]) -> dict[str, list[ChangeData]]:
    """Return the changes by what brought them about, what is under review first; under no cause where the plan tells none."""
    found: dict[str, list[ChangeData]] = {cause: [] for cause in ("", *CAUSED_BY)}
    for change in changes:
        found.setdefault(change.get("cause", ""), []).append(change)
    return {cause: mine for cause, mine in found.items() if mine}


def base_line(plan: PlanData, name: Callable[[str], str] = shown) -> str:
    """Return what a plan was laid beside; empty where it stands alone. `name` says how a name from outside is written."""
    if "base" not in plan:
        return ""
    base = plan["base"]
    commit = f" at {name(base['git_commit'][:12])}" if base["git_commit"] else ""
    return f"Beside {name(base['root'])}{commit}, whose connections it uses."


def _causes(plan: PlanData) -> Iterator[str]:
    """Say how many changes each cause brought about, where the plan tells."""
    counts = plan["summary"].get("causes", {})
    yield from (f"  {counts.get(cause, 0):,}  {words}" for cause, words in CAUSED_BY.items() if counts)


def directory_line(facts: DirectoryData) -> str:
    """Return which directory it is, how and when it was read, and how much it holds."""
    whole = "read completely" if facts["complete"] else "NOT read completely"
    since = f" by its changes since {moment(facts['confirmed_at'])}" if "confirmed_at" in facts else ""
    return (
        f"{shown(facts['name'])}: {shown(facts['source'])}, {whole} at {moment(facts['read_at'])}{since}, "
        f"{counted(facts['people'], 'person')}, {counted(facts['groups'], 'group')}"
    )


def _sections(changes: list[ChangeData]) -> Iterator[tuple[str, list[ChangeData]]]:
    """Return settings, accounts, groups, then each group's memberships by the group's name."""
    settings: list[ChangeData] = []
    accounts: list[ChangeData] = []
    groups: list[ChangeData] = []
    members: dict[str, list[ChangeData]] = {}
    for change in changes:
        if change["type"].startswith("membership."):
            members.setdefault(change["group"] or "", []).append(change)
        elif "setting" in change:
            settings.append(change)
        elif change["user"]:
            accounts.append(change)
        else:
            groups.append(change)
    titled = ("settings:", settings), ("users:", accounts), ("groups:", groups)
    yield from (named for named in titled if named[1])
    yield from ((shown(name), members[name]) for name in sorted(members))


def _unchanged(target: TargetData) -> Iterator[str]:
    same = target["unchanged"]
    parts = [(same["memberships"], "membership"), (same["users"], "user"), (same["groups"], "group")]
    said = [counted(count, noun) for count, noun in parts if count]
    if said:
        yield f"  {listed(said)} unchanged"


def _finding(finding: FindingData, margin: str, look: Look) -> str:
    severity = finding["severity"]
    return margin + look.paint(severity if severity in _SEVERITIES else "note", finding_line(finding))


def _refusal(refusal: RefusalData, look: Look) -> Iterator[str]:
    yield "  " + look.paint("refused", f"! {shown(refusal['guard'])}: {shown(refusal['summary'])}")
    if refusal["objects"]:
        more = refusal["count"] - len(refusal["objects"])
        rest = f" and {more:,} more" if more > 0 else ""
        yield from _wrapped(f"{', '.join(map(shown, refusal['objects']))}{rest}", look)
    way_out = [shown(line) for line in refusal["waiver"].splitlines()]
    if way_out and not way_out[0].startswith("#"):
        yield "      to let it pass, a reviewed change adds under `waivers:` in the policy:"
        yield from (f"        {line}" for line in way_out)
    else:
        yield from (f"      {line.lstrip('# ')}" for line in way_out)


def _wrapped(text: str, look: Look) -> list[str]:
    margin = " " * 6
    return (
        wrap(text, max(look.width, 20), initial_indent=margin, subsequent_indent=margin)
        if look.width
        else [margin + text]
    )


def _verdict(plan: PlanData, look: Look) -> Iterator[str]:
    """Say before the last line what is not in it: held back changes, and why a plan cannot be applied."""
    held = plan["summary"]["withheld"]
    if held:
        yield f"{counted(held, 'change')} held back, see above."
    refused = [shown(target["name"]) for target in plan["targets"] if target["refusals"]]
    if plan["applyable"] and refused:
        yield look.paint(
            "refused", f"Nothing will be applied to {listed(refused)}, which a guard refused; the rest can be applied."
        )
    if not plan["applyable"]:
        yield look.paint("refused", f"This plan cannot be applied: {listed(obstacles(plan))}.")


def obstacles(plan: PlanData, name: Callable[[str], str] = shown, *, waivers: str = "above") -> list[str]:
    """Return why a plan cannot be applied, as parts of one sentence; `name` says how a name from outside is written.

    `waivers` says where they stand: above the sentence or below it.
    """
    refused = plan["summary"]["refused"]
    unread = [name(target["name"]) for target in plan["targets"] if target["error"]]
    findings = [*plan["notes"], *(finding for target in plan["targets"] for finding in target["diagnostics"])]
    errors = sum(finding["severity"] == "error" for finding in findings)
    partial = [name(facts["name"]) for facts in plan["directories"] if not facts["complete"]]
    said = [
        f"{counted(refused, 'refusal')} (correct the cause, or add the waiver shown {waivers})" if refused else "",
        f"{counted(errors, 'error')} to correct" if errors else "",
        f"{listed(unread)} could not be read" if unread else "",
        f"the read of {listed(partial)} was not complete" if partial else "",
    ]
    return [part for part in said if part] or ["its own mark says so"]
