"""Turn YAML into a valid Policy, or into a list of problems; touch no directory and no target."""
