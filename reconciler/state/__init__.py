"""Where runs keep what the next run has to know; decide nothing about access."""
