"""Measure the program at the size of a large company; never part of the wheel."""
