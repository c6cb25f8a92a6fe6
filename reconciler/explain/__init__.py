"""Answer why somebody has a role, would have it, or lost it; changes nothing."""
