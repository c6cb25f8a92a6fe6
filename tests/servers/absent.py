"""Say that a server cannot run here: a skip on a developer's machine, a failure where it has to be there."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

REQUIRED = "RECONCILE_REQUIRE_SERVERS"
"""Names of servers, as markers write them. Set by .ci/run to those that it could install, and by the workflow to all, so that
a green run cannot have left their tests out."""


def absent(server: str, reason: str) -> NoReturn:
    """Skip the test that asks, or fail it where this server is required."""
    if server in os.environ.get(REQUIRED, "").split():
        pytest.fail(f"{reason}, and {REQUIRED} names {server}", pytrace=False)
    pytest.skip(reason)
