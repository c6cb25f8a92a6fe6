"""Plan documents written by hand, as small as each test needs."""

from __future__ import annotations

from reconciler.render.document import (
    ChangeData,
    DirectoryData,
    FindingData,
    HeldData,
    PlaceData,
    PlanData,
    ReasonData,
    RefusalData,
    TargetData,
)

RULES = "policies/acme/gitlab.yaml"


def place(line: int, path: str = RULES) -> PlaceData:
    return {"path": path, "line": line, "column": 9}


def reason(why: str, line: int = 0, path: tuple[str, ...] = (), detail: str = "") -> ReasonData:
    return {"why": why, "rule": place(line) if line else None, "path": list(path), "detail": detail}


DEVS = reason("group_link", 13, ("cn=payments-devs", "cn=payments-all"))
LEADS = reason("group_link", 14, ("cn=payments-leads",))
LEFT_LEADS = reason("left_group", 14, ("cn=payments-leads",))
GONE = reason("left_directory")


def user_change(kind: str, name: str, why: ReasonData, *, have: object = None, want: object = None) -> ChangeData:
    return {
        "type": f"user.{kind}",
        "user": {"username": name, "key": f"key-{name}"},
        "group": None,
        "have": have,
        "want": want,
        "reason": why,
    }


def flag_change(name: str, flag: str, why: ReasonData, *, want: bool) -> ChangeData:
    change = user_change("flag", name, why, have=not want, want=want)
    change["flag"] = flag
    return change


def group_change(kind: str, name: str, why: ReasonData, *, have: object = None, want: object = None) -> ChangeData:
    return {"type": f"group.{kind}", "user": None, "group": name, "have": have, "want": want, "reason": why}


def membership(group: str, name: str, have: str | None, want: str | None, why: ReasonData = DEVS) -> ChangeData:
    kind = "add" if have is None else "remove" if want is None else "change"
    return {
        "type": f"membership.{kind}",
        "user": {"username": name, "key": f"key-{name}"},
        "group": group,
        "have": have,
        "want": want,
        "reason": why,
    }


def finding(severity: str, code: str, summary: str, line: int = 0) -> FindingData:
    where = place(line) if line else None
    return {"severity": severity, "code": code, "summary": summary, "detail": "", "where": where, "subject": ""}


def held(hold: str, change: ChangeData, detail: str = "") -> HeldData:
    return {"hold": hold, "detail": detail, "change": change}


def refusal(count: int, objects: list[str], waiver: str) -> RefusalData:
    return {
        "guard": "max_removals",
        "summary": f"Removes {count} of 1000 memberships; the limit is 50 (10 %, at most 50).",
        "count": count,
        "limit": 50,
        "total": 1000,
        "group": None,
        "objects": objects,
        "waiver": waiver,
    }


def target(*changes: ChangeData, name: str = "gitlab", unchanged: tuple[int, int, int] = (0, 0, 0)) -> TargetData:
    users, groups, memberships = unchanged
    return {
        "name": name,
        "kind": "gitlab",
        "address": f"https://{name}.example.com",
        "directory": "corp",
        "error": "",
        "privileged_roles": ["maintainer", "owner"],
        "guards_off": [],
        "unchanged": {"users": users, "groups": groups, "memberships": memberships},
        "changes": list(changes),
        "refusals": [],
        "withheld": [],
        "diagnostics": [],
    }


def plan(*targets: TargetData, notes: tuple[FindingData, ...] = ()) -> PlanData:
    refused = sum(len(found["refusals"]) for found in targets)
    errored = any(found["error"] for found in targets)
    findings = [*notes, *(finding for found in targets for finding in found["diagnostics"])]
    facts: DirectoryData = {
        "name": "corp",
        "source": "directory.ldif",
        "read_at": "2026-11-20T04:00:00Z",
        "digest": "sha256:00",
        "people": 61,
        "groups": 1,
        "complete": True,
    }
    return {
        "id": "sha256:0123456789abcdef0123456789abcdef",
        "format_version": "1.0",
        "created_at": "2026-11-20T04:05:06Z",
        "today": "2026-11-20",
        "complete": not errored,
        "applyable": not (refused or errored or any(found["severity"] == "error" for found in findings)),
        "errored": errored,
        "policy": {"root": "policies/acme", "digest": "sha256:11", "git_commit": ""},
        "directories": [facts],
        "targets": list(targets),
        "notes": list(notes),
        "summary": {
            "add": 1,
            "change": 1,
            "remove": 1,
            "people": 3,
            "privileged_grants": 1,
            "withheld": sum(len(found["withheld"]) for found in targets),
            "refused": refused,
        },
    }
