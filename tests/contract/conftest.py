"""Instances of every target for the conformance suite."""

from __future__ import annotations

from tests.servers.rosters import postgres, roster

__all__ = ["postgres", "roster"]
