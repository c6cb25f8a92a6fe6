"""Hold the frozen values that all stages share; import nothing of ours but errors."""
