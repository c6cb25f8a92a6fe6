"""Show a plan; know only its JSON."""
