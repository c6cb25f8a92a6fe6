"""Say that a server's programs are not installed: a skip on a developer's machine, a failure where they have to be there."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

REQUIRED = "RECONCILE_REQUIRE_SERVERS"
"""Set by .ci/run once it has installed the servers, so that a green run cannot have left their tests out."""


def absent(reason: str) -> NoReturn:
    """Skip the test that asks, or fail it where servers are required."""
    if os.environ.get(REQUIRED):
        pytest.fail(f"{reason}, and {REQUIRED} is set", pytrace=False)
    pytest.skip(reason)
