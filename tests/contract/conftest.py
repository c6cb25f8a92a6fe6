"""Instances of every target for the conformance suite."""

from __future__ import annotations

from tests.servers.rosters import postgres, roster
from tests.servers.stores import place, store

__all__ = ["place", "postgres", "roster", "store"]
