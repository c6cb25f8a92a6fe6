"""The text plan: golden texts over documents written by hand."""

from __future__ import annotations

import json
import re

import pytest

from reconciler.render.document import PlanData
from reconciler.render.look import Look, cells
from reconciler.render.text import moment, origin_line, plan_lines, plan_text
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
    place,
    plan,
    reason,
    refusal,
    target,
    user_change,
)

GROUP = "payments/backend"


def text_of(document: PlanData, look: Look | None = None) -> str:
    return "".join(plan_text(document, look or Look()))


def example() -> PlanData:
    return plan(
        target(
            membership(GROUP, "alice", None, "developer", DEVS),
            membership(GROUP, "bob", "developer", "maintainer", LEADS),
            membership(GROUP, "carol", "maintainer", None, LEFT_LEADS),
            unchanged=(0, 0, 412),
        )
    )


def test_plan_follows_the_grammar_of_the_design() -> None:
    """Header, facts, group, signs, columns, reasons with place, unchanged count, last line."""
    assert (
        text_of(example())
        == """\
gitlab  https://gitlab.example.com
  directory corp: directory.ldif, read completely at 2026-11-20 04:00 UTC, 61 people, 1 group
  payments/backend
    - carol  maintainer              (no longer in cn=payments-leads; policies/acme/gitlab.yaml:14)
    ~ bob    developer → maintainer  (cn=payments-leads; policies/acme/gitlab.yaml:14)
    + alice  developer               (cn=payments-devs via cn=payments-all; policies/acme/gitlab.yaml:13)
  412 memberships unchanged

Plan: 1 to add, 1 to change, 1 to remove. 3 people affected, 1 privileged grant.
"""
    )


def test_privileged_losses_come_first_then_removals_changes_additions() -> None:
    """A section's order is stable and puts what hurts most at its top, whatever the order of the document."""
    document = plan(
        target(
            membership(GROUP, "adam", None, "guest"),
            membership(GROUP, "berta", "guest", "developer"),
            membership(GROUP, "cesar", "guest", None),
            membership(GROUP, "dora", "owner", "guest"),
            membership(GROUP, "emil", "owner", None),
        )
    )
    names = re.findall(r"^    ([-+~] \w+)", text_of(document), re.MULTILINE)
    assert names == ["~ dora", "- emil", "- cesar", "~ berta", "+ adam"]


def test_accounts_and_groups_have_sections_of_their_own() -> None:
    """Every type of change of an account or a group has a line that says what happens."""
    differs = reason("attribute")
    document = plan(
        target(
            user_change("create", "alice", DEVS, want={"flags": {"admin": True, "external": False}, "active": False}),
            user_change("adopt", "bob", DEVS, have={"flags": {}}),
            user_change("enable", "dora", reason("returned"), have=False, want=True),
            user_change("disable", "emil", reason("disabled"), have=True, want=False),
            user_change("remove", "fritz", GONE, have={"flags": {}}),
            user_change("update", "carl", differs, have={"email": None}, want={"email": "carl@example.com"}),
            user_change("update", "gerd", differs, have={"ssh_keys": ["a", "b"]}, want={"ssh_keys": ["b", "c", "d"]}),
            flag_change("hugo", "external", reason("external_group", 9, ("cn=interns",)), want=True),
            group_change("create", "a", reason("named_by_rule", 3), want={"key": "a"}),
            group_change("adopt", "b", reason("named_by_rule", 4), want={"key": "b"}),
            group_change("rename", "c", reason("group_import", 5, ("cn=c2",)), have={"key": "c"}, want={"key": "c2"}),
            group_change("remove", "d", reason("group_gone"), have={"key": "d"}),
        )
    )
    assert text_of(document).split("\n")[2:16] == [
        "  users:",
        "    - emil   disable                           (disabled in the directory)",
        "    - fritz  remove                            (left the directory)",
        "    ~ bob    adopt                             (cn=payments-devs via cn=payments-all; policies/acme/gitlab.yaml:13)",
        "    ~ carl   email nothing → carl@example.com  (differs from the directory)",
        "    ~ dora   enable                            (back in the directory)",
        "    ~ gerd   ssh_keys +2 -1                    (differs from the directory)",
        "    ~ hugo   external no → yes                 (external group cn=interns; policies/acme/gitlab.yaml:9)",
        "    + alice  create, admin, disabled           (cn=payments-devs via cn=payments-all; policies/acme/gitlab.yaml:13)",
        "  groups:",
        "    - d  remove       (its directory group is gone)",
        "    ~ b  adopt        (named by a rule; policies/acme/gitlab.yaml:4)",
        "    ~ c  rename → c2  (cn=c2; policies/acme/gitlab.yaml:5)",
        "    + a  create       (named by a rule; policies/acme/gitlab.yaml:3)",
    ]


def test_no_changes_is_the_first_line_and_says_how_much_was_compared() -> None:
    """An empty plan needs no last line."""
    document = plan(target(unchanged=(60, 1, 412)), target(name="roster", unchanged=(40, 1, 1000)))
    lines = text_of(document).split("\n")
    assert lines[0] == "No changes. Compared 100 users, 2 groups and 1,412 memberships in 2 targets."
    assert lines[4] == "  412 memberships, 60 users and 1 group unchanged"
    assert "Plan:" not in text_of(document)


def test_plan_that_refuses_without_changes_does_not_say_no_changes() -> None:
    """What could not be looked at is not in order."""
    broken = target()
    broken["error"] = "db.example.com:5432 did not answer"
    assert text_of(plan(broken)).split("\n")[2:-1] == [
        "  ! could not be read: db.example.com:5432 did not answer",
        "",
        "This plan cannot be applied: gitlab could not be read.",
        "Plan: 1 to add, 1 to change, 1 to remove. 3 people affected, 1 privileged grant.",
    ]


def test_refusal_shows_numbers_objects_and_a_waiver_to_paste() -> None:
    """Whoever reads a refusal can decide, and knows what to write."""
    refused = target()
    refused["refusals"] = [
        refusal(412, ["payments/backend: carol", "payments/backend: dora"], "- guard: x\n  target: y")
    ]
    assert text_of(plan(refused)).split("\n")[2:] == [
        "  ! max_removals: Removes 412 of 1000 memberships; the limit is 50 (10 %, at most 50).",
        "      payments/backend: carol, payments/backend: dora and 410 more",
        "      to let it pass, a reviewed change adds under `waivers:` in the policy:",
        "        - guard: x",
        "          target: y",
        "",
        "This plan cannot be applied: 1 refusal (correct the cause, or add the waiver shown above).",
        "Plan: 1 to add, 1 to change, 1 to remove. 3 people affected, 1 privileged grant.",
        "",
    ]


def test_refusal_that_no_waiver_lifts_says_what_does() -> None:
    """A comment in place of a waiver is said as a sentence, and nothing is offered to paste."""
    refused = target()
    refused["refusals"] = [refusal(1, [], "# No waiver lifts this: rename one.")]
    lines = text_of(plan(refused)).split("\n")
    assert lines[3] == "      No waiver lifts this: rename one."


def test_objects_of_a_refusal_are_wrapped_on_a_terminal() -> None:
    """Twenty names do not run over the edge in the middle of a word."""
    refused = target()
    refused["refusals"] = [refusal(20, [f"payments/backend: user-{number:02}" for number in range(20)], "")]
    lines = [line for line in plan_lines(plan(refused), Look(width=60)) if "user-" in line]
    assert len(lines) > 5
    assert all(cells(line) <= 60 and line.startswith("      ") for line in lines)


def test_held_back_changes_carry_no_sign_and_say_why() -> None:
    """Nothing that greps or colours signs takes a held back change for one that is made."""
    holding = target(membership("a", "zoe", None, "guest"))
    holding["withheld"] = [
        held("protected", membership("payments/backend", "root", "owner", None, GONE)),
        held("no_account", user_change("create", "zoe", DEVS, want={}), "users.create is false"),
        held("frozen_user", flag_change("yan", "admin", GONE, want=False), "has no mail"),
    ]
    lines = text_of(plan(holding)).split("\n")
    assert lines[4:-2] == [
        "  held back: the directory entry cannot be used",
        "      yan  would change admin yes → no  (has no mail)",
        "  held back: no account, and users.create is off",
        "      zoe  would create  (users.create is false; policies/acme/gitlab.yaml:13)",
        "  held back: protected by the policy",
        "      payments/backend  root  would remove owner  (left the directory)",
        "",
        "3 changes held back, see above.",
    ]


def test_findings_keep_the_form_that_tools_parse() -> None:
    """``path:line:col: severity[CODE] message``, errors counted where the plan says that it cannot be applied."""
    warned = target()
    warned["diagnostics"] = [finding("warning", "GRANT-ENDED", "The grant is over.", 40)]
    document = plan(
        warned, notes=(finding("error", "LINK-AMBIGUOUS", "Two groups.", 7), finding("note", "DANGLING", "One."))
    )
    lines = text_of(document).split("\n")
    assert lines[2:8] == [
        "  policies/acme/gitlab.yaml:40:9: warning[GRANT-ENDED] The grant is over.",
        "",
        "policies/acme/gitlab.yaml:7:9: error[LINK-AMBIGUOUS] Two groups.",
        "note[DANGLING] One.",
        "",
        "This plan cannot be applied: 1 error to correct.",
    ]


def test_incomplete_read_is_said_in_the_header_and_at_the_end() -> None:
    """A plan that somebody else's tool marked incomplete is not taken for whole."""
    document = plan(target())
    document["applyable"] = document["directories"][0]["complete"] = False
    assert "NOT read completely" in text_of(document)
    assert "This plan cannot be applied: the read of corp was not complete." in text_of(document)
    document["directories"] = []
    assert "This plan cannot be applied: its own mark says so." in text_of(document)


def test_guards_that_are_switched_off_stand_in_the_header() -> None:
    """Nobody reviews a plan without seeing which limits do not hold."""
    unguarded = target()
    unguarded["guards_off"] = ["max_removals", "min_owners"]
    assert text_of(plan(unguarded)).split("\n")[4] == "  guards switched off: max_removals, min_owners"


@pytest.mark.parametrize("field", ["name", "group", "role", "reason", "address", "note"])
def test_control_characters_from_outside_never_reach_the_terminal(field: str) -> None:
    """An escape sequence, a newline or a bidirectional mark in any field is shown, not obeyed."""
    bad = "x\x1b[2J\n\r\u202e\u009b"
    values = dict.fromkeys(["name", "group", "role", "reason", "address", "note"], "fine") | {field: bad}
    hostile = target(
        membership(values["group"], values["name"], None, values["role"], reason("grant", detail=values["reason"]))
    )
    hostile["address"] = values["address"]
    text = text_of(plan(hostile, notes=(finding("note", "N", values["note"]),)))
    assert r"x\x1b[2J\x0a\x0d\u202e\x9b" in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)


def test_markup_of_other_tools_is_left_alone() -> None:
    """Names in square brackets or between colons are names."""
    document = plan(target(membership("[bold]team[/bold]", ":smile:", None, "guest")))
    assert "  [bold]team[/bold]\n    + :smile:  guest" in text_of(document)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_rows_fit_the_width_of_a_terminal(width: int) -> None:
    """Only reasons give way, and the rule's file and line are the last to go."""
    document = plan(
        target(
            *(membership(GROUP, name, None, "developer", DEVS) for name in ("alice", "bob", "日本語")),
            unchanged=(0, 0, 1),
        )
    )
    rows = [line for line in plan_lines(document, Look(width=width)) if line.startswith("    ")]
    assert all(cells(line) <= width for line in rows)
    assert "\n".join(rows).count("gitlab.yaml:13)") == 3
    assert [line[6:].split()[0] for line in rows if line[4] == "+"] == ["alice", "bob", "日本語"]


def test_narrow_terminal_gives_reasons_a_line_of_their_own() -> None:
    """At 40 columns names, roles and reasons stay whole."""
    assert list(plan_lines(example(), Look(width=40)))[3:9] == [
        "    - carol  maintainer",
        "        (no longer in cn=payments-leads;",
        "        policies/acme/gitlab.yaml:14)",
        "    ~ bob  developer → maintainer",
        "        (cn=payments-leads;",
        "        policies/acme/gitlab.yaml:14)",
    ]


def test_one_long_value_does_not_push_the_other_rows_apart() -> None:
    """It stands out of its column; the others stay together."""
    long = user_change("update", "bob", GONE, have={"email": ""}, want={"email": f"bob@{'x' * 40}.example"})
    lines = text_of(plan(target(user_change("disable", "al", GONE, have=True, want=False), long))).split("\n")
    assert lines[3] == "    - al   disable  (left the directory)"
    assert lines[4].endswith(".example  (left the directory)")


def test_reason_with_a_long_file_name_is_cut_at_its_end() -> None:
    """Where the file's name alone takes the room, the words come first."""
    why = reason("group_link", path=("cn=payments-developers-of-the-backend",))
    why["rule"] = place(14, f"policies/{'x' * 40}.yaml")
    rows = list(plan_lines(plan(target(membership("g", "alice", None, "developer", why))), Look(width=60)))
    assert rows[3] == "    + alice  developer  (cn=payments-developers-of-the-bac…)"
    assert cells(rows[3]) <= 60


def test_pipe_gets_whole_lines() -> None:
    """Without a width nothing is cut, however long."""
    long = reason("group_link", 1, tuple(f"cn=group-{number}" for number in range(100)))
    assert " via cn=group-99; policies/acme/gitlab.yaml:1)" in text_of(
        plan(target(membership("g", "u", None, "r", long)))
    )


def test_colour_changes_nothing_but_colour() -> None:
    """The text with its colour codes taken out is the plain text."""
    document = example()
    document["targets"][0]["guards_off"] = ["min_owners"]
    document["targets"][0]["withheld"] = [held("by_hand", membership("a", "b", "guest", None))]
    coloured = text_of(document, Look(colour=True))
    assert "\x1b[31m-\x1b[0m carol  \x1b[1mmaintainer\x1b[0m" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == text_of(document)


def test_ascii_output_draws_arrows_in_ascii() -> None:
    """Where the encoding holds no arrow, none is drawn, and columns still line up."""
    text = text_of(example(), Look(plain=True))
    assert "    ~ bob    developer -> maintainer  (cn=payments-leads" in text
    assert "    + alice  developer                (cn=payments-devs" in text
    assert text.isascii()
    assert all(len(line) <= 60 for line in plan_lines(example(), Look(plain=True, width=60)) if line.startswith("    "))


def test_summary_names_removals_and_privileged_grants_and_rolls_up_the_rest() -> None:
    """A reviewer of 10,000 additions sees what matters by name and the rest by cause."""
    document = plan(
        target(
            *(membership(GROUP, f"user{number}", None, "developer", DEVS) for number in range(1200)),
            membership(GROUP, "mona", None, "owner", LEADS),
            membership(GROUP, "carol", "guest", None, GONE),
            membership(GROUP, "dan", None, "guest", LEADS),
            group_change("create", "a", DEVS),
            group_change("create", "b", DEVS),
        )
    )
    document["targets"][0]["withheld"] = [held("by_hand", membership("a", "b", "guest", None))]
    lines = text_of(document, Look(summary=True)).split("\n")
    assert lines[2:11] == [
        "  groups:",
        "    + 2 groups  create  (cn=payments-devs via cn=payments-all; policies/acme/gitlab.yaml:13)",
        "  payments/backend",
        "    - carol         guest      (left the directory)",
        "    + 1,200 people  developer  (cn=payments-devs via cn=payments-all; policies/acme/gitlab.yaml:13)",
        "    + dan           guest      (cn=payments-leads; policies/acme/gitlab.yaml:14)",
        "    + mona          owner      (cn=payments-leads; policies/acme/gitlab.yaml:14)",
        "  held back: made by hand, not ours to change",
        "      1 change",
    ]


def test_last_line_counts_one_person_and_many_grants_in_words() -> None:
    """Singular and plural are right, and numbers have no separators that a parser would trip on."""
    document = example()
    document["summary"].update({"add": 353261, "people": 1, "privileged_grants": 0})
    assert text_of(document).split("\n")[-2] == (
        "Plan: 353261 to add, 1 to change, 1 to remove. 1 person affected, 0 privileged grants."
    )


def test_origin_of_a_saved_plan_names_id_time_policy_and_commit() -> None:
    """Whoever opens a saved plan knows what it was made from."""
    document = example()
    assert origin_line(document) == (
        "Plan sha256:0123456789ab, made 2026-11-20 04:05 UTC from policies/acme, judged as of 2026-11-20"
    )
    document["policy"]["git_commit"] = "fedcba9876543210"
    assert "from policies/acme at fedcba987654, judged" in origin_line(document)


def test_time_that_is_not_utc_is_shown_as_it_is() -> None:
    """Nothing is called UTC that does not say so."""
    assert moment("2026-11-20T04:00:00+02:00") == "2026-11-20T04:00:00+02:00"
    assert moment("yesterday") == "yesterday"


def test_unknown_words_of_a_newer_minor_format_are_shown_by_name() -> None:
    """Additions to the format do not break an older view."""
    newer = target(membership("g", "u", None, "r", reason("sponsored", detail="by x")))
    newer["changes"][0]["type"] = "membership.suspend"
    newer["withheld"] = [held("moon_phase", membership("g", "v", "r", None))]
    text = text_of(plan(newer))
    assert "    ~ u  membership.suspend  (sponsored by x)" in text
    assert "  held back: moon_phase" in text


def test_large_plan_is_written_in_pieces_and_loses_no_line() -> None:
    """50,000 changes are 50,000 rows in few writes: the work per row does not depend on how many there are."""
    document = plan(
        target(*(membership(f"team/{n % 500:03}", f"user{n:05}", None, "developer") for n in range(50_000)))
    )
    document = json.loads(json.dumps(document))
    pieces = list(plan_text(document, Look()))
    assert sum(piece.count("    + user") for piece in pieces) == 50_000
    assert len(pieces) == 26
