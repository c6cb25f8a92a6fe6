"""Reports hold each other in place: whatever is changed afterwards is seen."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.apply.chain import (
    HEAD,
    NOWHERE,
    Link,
    checked,
    from_bytes,
    head_of,
    link_of,
    linked,
    name_of,
    number_of,
    to_bytes,
)
from reconciler.plan.encode import Document, digest
from tests.unit.apply.reports import small

Chain = list[tuple[str, bytes]]


def chain(length: int) -> list[Document]:
    """Return the reports of a whole chain."""
    documents: list[Document] = []
    for number in range(length):
        documents.append(linked(small(f"commit {number}"), link_of(documents[-1]) if documents else NOWHERE))
    return documents


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_a_report_is_canonical_json_on_one_line(document: dict[str, object]) -> None:
    """In whatever pieces it is made: reports that were kept before are read, and are what they were."""
    assert to_bytes(document) == json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    assert from_bytes(to_bytes(document)) == document


def written(documents: Sequence[Document]) -> Chain:
    return [(name_of(document["number"]), to_bytes(document)) for document in documents]


def head(documents: Sequence[Document]) -> bytes:
    return to_bytes(head_of(link_of(documents[-1])))


def test_a_whole_chain_has_no_faults_and_tells_its_newest() -> None:
    """Each report names the one before it, the first names none."""
    documents = chain(3)
    assert [document["number"] for document in documents] == [1, 2, 3]
    assert [document["previous"] for document in documents] == ["", documents[0]["id"], documents[1]["id"]]
    verdict = checked(written(documents), head(documents), documents[1]["id"])
    assert (verdict.newest, verdict.faults, verdict.notes) == (Link(3, documents[2]["id"]), (), ())


def test_no_reports_at_all_are_a_whole_chain() -> None:
    """Nothing has been applied yet."""
    assert checked([], None) == checked([], None, "")
    assert checked([], None).newest == NOWHERE
    assert checked([], None).faults == ()


def edited(documents: list[Document]) -> Chain:
    """Change a word of the second."""
    return written([documents[0], {**documents[1], "git_commit": "another"}, documents[2]])


def edited_with_its_digest(documents: list[Document]) -> Chain:
    """Change a word of the second and make its digest again."""
    changed = {**documents[1], "git_commit": "another"}
    return written([documents[0], {**changed, "id": digest(changed)}, documents[2]])


def taken_out(documents: list[Document]) -> Chain:
    return written([documents[0], documents[2]])


def taken_out_and_closed_up(documents: list[Document]) -> Chain:
    moved = {**documents[2], "number": 2}
    return written([documents[0], {**moved, "id": digest(moved)}])


def swapped(documents: list[Document]) -> Chain:
    first, second, third = written(documents)
    return [first, (second[0], third[1]), (third[0], second[1])]


def first_taken_out(documents: list[Document]) -> Chain:
    return written(documents[1:])


def last_cut_off(documents: list[Document]) -> Chain:
    return written(documents[:-1])


def all_cut_off(_documents: list[Document]) -> Chain:
    return []


def last_made_again(documents: list[Document]) -> Chain:
    return written([*documents[:-1], linked(small("another"), link_of(documents[-2]))])


def emptied(documents: list[Document]) -> Chain:
    first, second, third = written(documents)
    return [first, (second[0], b""), third]


def written_otherwise(documents: list[Document]) -> Chain:
    """The same to json, and a second value for a key that another reader may take."""
    first, second, third = written(documents)
    return [first, (second[0], b'{"exit_code":5,' + second[1][1:]), third]


def no_report(documents: list[Document]) -> Chain:
    return [*written(documents), ("reports/notes", b"[]\n")]


@pytest.mark.parametrize(
    ("tampering", "fault"),
    [
        (edited, "reports/00000002 was changed: its content has not the digest that it names"),
        (edited_with_its_digest, "reports/00000003 does not follow the report before it: one of the two was changed"),
        (taken_out, "1 missing before reports/00000003: it was taken out"),
        (taken_out_and_closed_up, "reports/00000002 does not follow the report before it"),
        (swapped, "reports/00000002 was put there: it says that its number is 3"),
        (first_taken_out, "1 missing before reports/00000002"),
        (last_cut_off, "the newest 1 of 3 reports were cut off"),
        (all_cut_off, "the newest 3 of 3 reports were cut off"),
        (last_made_again, f"reports/00000003 is not the report that {HEAD} names"),
        (emptied, "reports/00000002 is not a report as we write them: it was changed"),
        (written_otherwise, "reports/00000002 is not a report as we write them: it was changed"),
        (no_report, "reports/notes is not the name of a report"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_later_change_is_seen(tampering: Callable[[list[Document]], Chain], fault: str) -> None:
    """Editing, deleting in the middle, at the beginning or the end, reordering, making one again."""
    documents = chain(3)
    faults = checked(tampering(documents), head(documents)).faults
    assert any(each.startswith(fault) for each in faults), faults


def test_a_chain_made_again_in_whole_is_only_seen_by_a_digest_written_down_elsewhere() -> None:
    """Whoever can write everything can do that."""
    documents, forged = chain(3), [linked(small("forged"), NOWHERE)]
    assert checked(written(forged), head(forged)).faults == ()
    witness = documents[1]["id"]
    assert checked(written(forged), head(forged), witness).faults == (
        f"no report has the digest {witness}, which was written down: it was taken out, or made again",
    )


def test_a_run_that_ended_before_it_said_so_in_the_head_is_no_fault() -> None:
    """The report is kept first."""
    documents = chain(3)
    verdict = checked(written(documents), head(documents[:2]))
    assert verdict.faults == ()
    assert verdict.notes == (f"{HEAD} names report 2: a run ended between keeping its report and saying so there",)


@pytest.mark.parametrize("content", [b"", b"{}\n", b"[]\n", b'{"id":"x","number":"1"}\n', b"\xff", b"[" * 100_000])
def test_a_head_that_names_nothing_was_changed(content: bytes) -> None:
    """Whatever is written there."""
    assert checked(written(chain(1)), content).faults == (f"{HEAD} was changed: it names no report",)


def test_a_head_that_is_missing_is_a_fault_where_there_are_reports() -> None:
    """The end of the chain is then anywhere."""
    (fault,) = checked(written(chain(1)), None).faults
    assert fault.startswith(f"{HEAD} is missing")


def test_names_are_numbers_of_eight_digits_and_no_others() -> None:
    """There and back, and more digits when eight are used up."""
    assert name_of(12) == "reports/00000012"
    assert [number_of(name_of(number)) for number in (1, 12, 123_456_789)] == [1, 12, 123_456_789]
    for name in ("reports/", "reports/1", "reports/00000000", "reports/0000000²", "reports/000000012", "reports/x"):
        assert number_of(name) is None


def test_a_document_has_one_way_of_being_written() -> None:
    """White space, order and escapes included."""
    document = linked(small(), NOWHERE)
    content = to_bytes(document)
    assert from_bytes(content) == document
    assert from_bytes(content + b"\n") is None
    assert from_bytes(json.dumps(document).encode()) is None
