"""How databases are named in a policy, opened, and understood when they complain; knows no table."""
