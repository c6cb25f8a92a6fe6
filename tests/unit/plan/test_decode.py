"""Plans read back from files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import UsageError
from reconciler.model.plan import Only
from reconciler.plan.decode import decode
from reconciler.plan.encode import Document, digest, encode, to_text
from tests.unit.plan.test_encode import whole

TEXT = to_text(encode(whole()))


def changed(edit: Callable[[Document], Any]) -> str:
    """Return the plan's text after an edit, with an id that fits."""
    document = json.loads(TEXT)
    edit(document)
    document["id"] = digest(document)
    return json.dumps(document)


def test_a_plan_comes_back_as_it_was() -> None:
    """Value by value; the data is the file's."""
    plan, document = decode(TEXT)
    assert plan == whole()
    assert document == json.loads(TEXT)


@pytest.mark.parametrize("length", [0, 1, 100, len(TEXT) // 2, len(TEXT) - 3])
def test_a_truncated_plan_is_refused(length: int) -> None:
    """Wherever it was cut."""
    with pytest.raises(UsageError, match=r"plan\.json is not complete JSON, truncated perhaps"):
        decode(TEXT[:length], "plan.json")


@pytest.mark.parametrize("text", ["[]", "3", '"plan"', "{}", '{"format_version": 1}', "[" * 100_000])
def test_what_is_no_plan_is_refused(text: str) -> None:
    """One clear error, not a crash."""
    with pytest.raises(UsageError, match="the plan file is"):
        decode(text)


def test_an_edited_plan_is_refused() -> None:
    """Its id is not the digest of its content any more."""
    with pytest.raises(UsageError, match="was edited or damaged"):
        decode(TEXT.replace('"want": "editor"', '"want": "owner"'))


@pytest.mark.parametrize("version", ["2.0", "0.9", "", "x"])
def test_another_major_format_is_refused(version: str) -> None:
    """Whatever its digest says."""
    with pytest.raises(UsageError, match=r"this version reads 1\.x"):
        decode(changed(lambda document: document.update(format_version=version)))


def test_a_newer_minor_format_is_read_and_what_it_adds_is_left_out() -> None:
    """Keys are only ever added."""

    def newer(document: Document) -> None:
        document.update(format_version="1.7", more={"a": 1})
        document["directories"][0]["shrunk_by"] = 3
        for target in document["targets"]:
            target["impact"] = "large"
            target["unchanged"]["flags"] = 1
            for item in (*target["refusals"], *target["changes"], *target["diagnostics"], *target["withheld"]):
                item["since"] = "yesterday"

    plan, document = decode(changed(newer))
    assert plan == whole()
    assert document["more"] == {"a": 1}


def test_an_older_minor_format_is_read_with_what_it_does_not_say_as_usual() -> None:
    """A plan of format 1.0 knows no `on_refusal` and no `changes_id`."""

    def older(document: Document) -> None:
        document["format_version"] = "1.0"
        for target in document["targets"]:
            del target["on_refusal"], target["changes_id"]

    assert decode(changed(older))[0] == whole()
    (first, *_) = decode(changed(lambda document: document["targets"][0].update(on_refusal="continue")))[0].targets
    assert first.on_refusal == "continue"


@pytest.mark.parametrize(
    "edit",
    [
        lambda document: document["targets"][0].update(on_refusal="perhaps"),
        lambda document: document.update(more=1),
        lambda document: document.update(complete=True),
        lambda document: document["targets"][0]["changes"][0].update(more=1),
        lambda document: document["targets"][0]["changes"][-1].update(have="viewer"),
        lambda document: document["targets"][0]["counts"].update({"user.create": 2}),
        lambda document: document["summary"].update(add=0),
    ],
)
def test_a_plan_of_our_format_holds_nothing_that_we_would_not_have_written(edit: Callable[[Document], None]) -> None:
    """Also with an id that fits: apply does only what was shown."""
    with pytest.raises(UsageError, match="would not have written"):
        decode(changed(edit))


@pytest.mark.parametrize(
    "edit",
    [
        lambda document: document.pop("policy"),
        lambda document: document.update(targets=None),
        lambda document: document["targets"][0].pop("changes"),
        lambda document: document["targets"][0]["changes"][0].update(type="user.invite"),
        lambda document: document["targets"][0]["changes"][0].update(want="everything"),
        lambda document: document["targets"][0]["withheld"][0].update(hold="mood"),
        lambda document: document["targets"][0]["refusals"][0].pop("limit"),
        lambda document: document["notes"][0].update(severity="fatal"),
        lambda document: document["targets"].append(7),
    ],
)
def test_a_plan_that_cannot_be_understood_is_refused(edit: Callable[[Document], object]) -> None:
    """Unknown types and missing parts are errors of use, also in a newer minor format."""
    for version in ("1.0", "1.7"):

        def both(document: Document, version: str = version) -> None:
            document["format_version"] = version
            edit(document)

        with pytest.raises(UsageError, match="is not a usable plan"):
            decode(changed(both))


def test_a_plan_of_changes_since_a_whole_read_comes_back_too() -> None:
    """The time of that read is in it only where there was one, and such a plan is not confirmed."""
    plan = whole()
    later = replace(plan, directories=(replace(plan.directories[0], confirmed_at="2026-11-19T04:00:00Z"),))
    assert decode(to_text(encode(later)))[0] == later
    assert "confirmed_at" not in TEXT
    assert (plan.confirmed, later.confirmed) == (True, False)


def test_a_plan_for_some_people_comes_back_with_their_names() -> None:
    """They are in it only where there are some; a list of nobody is nothing that we write."""
    mine = replace(whole(), only=(Only("ann", "id-ann", "uid=ann,dc=acme"), Only("xan", "id-xan")))
    text = to_text(encode(mine))
    assert decode(text)[0] == mine
    assert '"only": []' not in text
    assert "only" not in json.loads(TEXT)
    with pytest.raises(UsageError, match="would not have written"):
        decode(changed(lambda document: document.update(only=[])))
