"""Offer the conformance suite that any target author can run."""
