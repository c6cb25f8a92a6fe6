"""Turn changes into a plan that a person can review and that can refuse itself; pure."""
