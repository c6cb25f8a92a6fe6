"""Read directories, whole or not at all; decide nothing about access."""
