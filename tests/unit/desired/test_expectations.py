"""The policy's own tests."""

from __future__ import annotations

from reconciler.desired.expectations import unmet
from reconciler.policy.model import Expectation
from tests.builders import EDITOR, at, desired, imported, link, person, rule, rules, snapshot, team

SEEN = snapshot((person("ann"), person("bob", uid="both"), person("cy", uid="both")), (team("devs", "ann"),))
WANTED = {"roster": desired(SEEN, rules(rule("api", link("devs", EDITOR)), rule("web")))}


def facts(user: str, has: dict[str, str], lacks: tuple[str, ...] = ()) -> list[str]:
    return [finding.summary for finding in unmet([Expectation(user, "roster", at(60), has, lacks)], WANTED)]


def test_what_holds_is_not_mentioned() -> None:
    """The exact role, and no role at all; names compare without case."""
    assert facts("Ann", {"api": "editor"}, ("web",)) == []


def test_what_does_not_hold_is_said_with_what_was_found() -> None:
    """One finding per fact, at the expectation's place."""
    assert facts("ann", {"web": "viewer", "api": "owner"}) == [
        "ann in roster: expected owner in api, found editor.",
        "ann in roster: expected viewer in web, found no role.",
    ]
    (finding,) = unmet([Expectation("ann", "roster", at(60), {}, ("api",))], WANTED)
    assert (finding.where, finding.summary) == (at(60), "ann in roster: expected no role in api, found editor.")


def test_a_group_that_no_rule_names_fails() -> None:
    """In `lacks` it would hold for ever, and in `has` it is not the person who is wrong."""
    assert facts("ann", {"apy": "editor"}, ("wep", "api")) == [
        "ann in roster: apy is no group that a rule of this target names.",
        "ann in roster: wep is no group that a rule of this target names.",
        "ann in roster: expected no role in api, found editor.",
    ]


def test_an_imported_group_is_one_that_can_be_expected() -> None:
    """By the name that the import gives it."""
    mirrored = desired(SEEN, rules(imports=(imported("(cn=devs)", "x-{cn}", EDITOR),)))
    expectation = Expectation("ann", "roster", at(60), {"x-devs": "editor"}, ("devs",))
    assert [finding.summary for finding in unmet([expectation], {"roster": mirrored})] == [
        "ann in roster: devs is no group that a rule of this target names."
    ]


def test_a_name_that_is_nobodys_or_several_peoples_fails() -> None:
    """`lacks` would hold for ever for a name with a typing error."""
    assert facts("anm", {}, ("api",)) == ["anm in roster: nobody in the directory has this name."]
    assert facts("both", {}, ("api",)) == ["both in roster: 2 people have this name."]
