"""Rules for what is live already: which directory groups explain the roles in a target; pure, and nothing is read or written."""
