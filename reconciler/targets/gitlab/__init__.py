"""Targets of kind `gitlab`: accounts, flags and memberships of a GitLab, through its API; never deletes an account or a group."""

from __future__ import annotations

from reconciler.targets.base import Options
from reconciler.targets.gitlab.settings import settings
from reconciler.targets.gitlab.target import GitlabTarget


def create(options: Options) -> GitlabTarget:
    """Return the GitLab that the policy describes, not yet connected; raises TargetError for keys that are not usable."""
    return GitlabTarget(settings(options))
