"""Instances of every target for the conformance suite."""

from __future__ import annotations

from tests.servers.buckets import buckets
from tests.servers.rosters import postgres, roster
from tests.servers.stores import another, place, store

__all__ = ["another", "buckets", "place", "postgres", "roster", "store"]
