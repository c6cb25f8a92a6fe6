"""Plans that pages of them are tested with, and what is read back out of a page."""

from __future__ import annotations

import json
import re
from typing import Any

from reconciler.render.document import PlanData, ReasonData
from reconciler.render.html import plan_html
from tests.unit.render.documents import (
    DEVS,
    GONE,
    LEADS,
    LEFT_LEADS,
    finding,
    flag_change,
    group_change,
    held,
    membership,
    plan,
    reason,
    refusal,
    target,
    user_change,
)

BACKEND = "payments/backend"
DEEP = reason("group_import", 20, ("cn=all", "cn=engineering", "cn=platform"))
GRANT = reason("grant", 31, (), 'until 2027-01-31: "closes the books"')
HOSTILE = "</script><img src=x onerror=alert(1)>\"'&\u202e\x1b[2J\x00\u2028\u200b\ud800\U0001f600\u00e9"


def page(document: PlanData) -> str:
    """Return the whole page."""
    return "".join(plan_html(document))


def data_of(text: str) -> dict[str, Any]:
    """Return what the page's script would read."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    data: dict[str, Any] = json.loads(found)
    return data


def small_plan() -> PlanData:
    """Return two targets with changes of most kinds, refused in one of them."""
    gitlab = target(
        membership(BACKEND, "carol", "maintainer", None, LEFT_LEADS),
        membership(BACKEND, "bob", "developer", "maintainer", LEADS),
        membership(BACKEND, "alice", None, "developer", DEVS),
        membership("platform/core", "alice", None, "reporter", DEEP),
        membership("platform/core", "dan", "reporter", None, LEFT_LEADS),
        user_change("disable", "erin", GONE, have=True, want=False),
        flag_change("frank", "admin", reason("admin_group", 3, ("cn=admins",)), want=True),
        group_change("create", "platform/core", reason("named_by_rule", 20), want={"key": "platform/core"}),
        name="gitlab",
    )
    gitlab["refusals"] = [refusal(412, [BACKEND], "- guard: max_removals\n  target: gitlab")]
    gitlab["withheld"] = [held("protected", membership("secret", "gina", None, "owner", DEVS), "protected: secret")]
    gitlab["diagnostics"] = [finding("note", "USER-DISABLED", "Nobody."), finding("warning", "LINK-EMPTY", "Empty.", 7)]
    roster = target(membership("books", "alice", None, "editor", GRANT), name="roster")
    return plan(gitlab, roster)


def caused_plan() -> PlanData:
    """Return a plan beside a base: one change of each cause."""
    changes = [membership(BACKEND, name, None, "developer", DEVS) for name in ("ann", "ben", "cy")]
    for change, cause in zip(changes, ("policy", "directory", "drift"), strict=True):
        change["cause"] = cause
    document = plan(target(*changes))
    document["base"] = {"root": "policies/acme", "digest": "sha256:22", "git_commit": "0123456789abcdef"}
    document["summary"]["causes"] = {"policy": 1, "directory": 1, "drift": 1}
    return document


def hostile_plan() -> PlanData:
    """Return a plan in which every text from outside tries to be more than text."""
    why: ReasonData = {"why": "group_link", "rule": None, "path": [HOSTILE, f"{HOSTILE}2"], "detail": HOSTILE}
    why["rule"] = {"path": HOSTILE, "line": 1, "column": 1}
    section = target(
        membership(HOSTILE, HOSTILE, HOSTILE, None, {**why, "why": HOSTILE}),
        membership(HOSTILE, f"{HOSTILE}3", None, "maintainer", why),
        user_change("update", HOSTILE, why, have={"email": HOSTILE}, want={"email": f"{HOSTILE}4"}),
        {**group_change(HOSTILE, HOSTILE, why), "type": HOSTILE},
        name=HOSTILE,
    )
    section["error"], section["guards_off"] = HOSTILE, [HOSTILE]
    section["refusals"] = [{**refusal(3, [HOSTILE], HOSTILE), "summary": HOSTILE, "guard": HOSTILE}]
    section["diagnostics"] = [finding("warning", "CODE", HOSTILE), finding("note", "CODE", HOSTILE)]
    section["withheld"] = [held(HOSTILE, membership(HOSTILE, "z", None, HOSTILE, why), HOSTILE)]
    document = plan(section)
    document["policy"] = {"root": HOSTILE, "digest": "", "git_commit": HOSTILE}
    document["only"] = [{"name": HOSTILE, "key": HOSTILE, "dn": HOSTILE}]
    return document


def crowd(removals: int, additions: int, people: int = 20_000) -> PlanData:
    """Return a plan of that many changes of so many people in a thousand groups."""
    reasons = [reason("group_link", 10 + n % 300, (f"cn=group-{n % 300}", f"cn=team-{n % 1500}")) for n in range(2_000)]
    document = plan(
        target(
            *(
                membership(
                    f"dept-{n % 50}/project-{n % 1_000}",
                    f"person-{n % people:05}",
                    "developer" if n < removals else None,
                    None if n < removals else "developer",
                    reasons[n % len(reasons)],
                )
                for n in range(removals + additions)
            )
        )
    )
    document["summary"] |= {"add": additions, "change": 0, "remove": removals}
    return document
