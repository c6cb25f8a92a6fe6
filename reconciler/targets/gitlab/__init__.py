"""Targets of kind `gitlab`: accounts, flags and memberships of a GitLab, through its API; never deletes an account or a group."""
