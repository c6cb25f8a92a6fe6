"""Who holds a lock: as text, and in words."""

from __future__ import annotations

import os
import pwd
import socket
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.state.lease import Holder, Lease, decoded, encoded, free, stamp, this_process

NOW = datetime(2026, 11, 20, 4, 0, 0, tzinfo=UTC)
LEASE = Lease("0123456789abcdef", "gitlab", Holder("alice", "build-7", 4711), "2026-11-20T03:58:00.000Z", stamp(NOW))


def test_a_lease_is_read_as_it_was_written() -> None:
    """Renewed or not."""
    for lease in (LEASE, LEASE.renewed(NOW + timedelta(seconds=20))):
        assert decoded(encoded(lease)) == lease
    assert LEASE.renewed(NOW).beat == 1


def test_what_was_given_back_is_no_lease() -> None:
    """Its text names who held it last."""
    assert decoded(free("0123")) is None
    assert b"0123" in free("0123")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'"text"',
        b'{"free": false}',
        encoded(LEASE).replace(b"2026-11-20T04", b"yesterday"),
        encoded(LEASE).replace(b".000Z", b""),
        encoded(LEASE).replace(b"60.0", b'"60"'),
        encoded(LEASE).replace(b'"alice"', b"7"),
        encoded(LEASE).replace(b'"beat": 0', b'"beat": null'),
        encoded(LEASE).replace(b'"id"', b'"other"'),
    ],
)
def test_a_text_that_is_no_lease_is_refused(content: bytes) -> None:
    """A lock that cannot be read is not taken for a free one."""
    with pytest.raises(ValueError, match=r".*"):
        decoded(content)


def test_a_lease_is_overdue_after_its_time_and_never_from_the_future() -> None:
    """By one second more than `ttl`; a clock that is ahead makes it late, not early."""
    assert not LEASE.overdue(NOW + timedelta(seconds=60))
    assert LEASE.overdue(NOW + timedelta(seconds=61))
    assert not LEASE.overdue(NOW - timedelta(days=1))


def test_the_description_names_everything_that_helps_to_find_the_run() -> None:
    """Owner, host, process, start, last sign of life, life time and id."""
    assert LEASE.described(NOW + timedelta(seconds=12)) == (
        "gitlab is held by alice on build-7 (process 4711) since 2026-11-20T03:58:00.000Z; "
        "last sign of life 12 s ago, it ends 60 s after the last one. Lock id: 0123456789abcdef"
    )
    assert "30 s ahead of the clock here" in LEASE.described(NOW - timedelta(seconds=30))


def test_this_process_knows_who_it_is() -> None:
    """The user by name."""
    assert this_process() == Holder(pwd.getpwuid(os.getuid()).pw_name, socket.gethostname(), os.getpid())
