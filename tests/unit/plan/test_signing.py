"""Signatures of plans: right for one key and one content, and for nothing else."""

from __future__ import annotations

import pytest

from reconciler.errors import UsageError
from reconciler.plan.decode import decode
from reconciler.plan.encode import digest, encode, to_text
from reconciler.plan.signing import objection, signature
from tests.builders import plan_of

KEY = "correct horse battery"


def test_a_signed_plan_is_believed_under_its_key_alone() -> None:
    """A wrong key, a missing signature and one that is no text are told apart from a right one."""
    document = encode(plan_of())
    assert objection(document, KEY) == "it is not signed"
    document["signature"] = signature(document, KEY)
    assert document["signature"].startswith("hmac-sha256:")
    assert objection(document, KEY) == ""
    assert objection(document, KEY + "!") == "its signature is not one of this key"
    assert objection({**document, "signature": "\ud800"}, KEY) == "its signature is not one of this key"


def test_another_content_has_another_signature() -> None:
    """Whoever edits a plan can give it a new id, and not the signature of that."""
    document = encode(plan_of())
    document["signature"] = signature(document, KEY)
    edited = {**document, "today": "2026-12-01"}
    edited["id"] = digest(edited)
    assert objection(edited, KEY) == "its signature is not one of this key"


def test_a_signature_is_outside_the_digest_and_survives_being_written() -> None:
    """The id of a plan is the same whether it is signed or not."""
    document = encode(plan_of())
    signed = {**document, "signature": signature(document, KEY)}
    assert digest(signed) == document["id"]
    _, again = decode(to_text(signed))
    assert again == signed
    assert to_text(again).startswith('{\n  "signature": "hmac-sha256:')


def test_a_key_that_could_be_guessed_is_refused() -> None:
    """An empty variable is not a key."""
    with pytest.raises(UsageError, match="has 3 characters; use at least 16"):
        signature(encode(plan_of()), "abc")
