"""Render what should be from a snapshot and a policy; pure."""
