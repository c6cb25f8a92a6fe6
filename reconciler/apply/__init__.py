"""Carry out a plan and say what became of every change; decide nothing about access."""
