"""Write a pipeline that checks, plans and applies a policy, from the templates of this package; pins all, runs nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from reconciler.adoption.text import quoted

_ACTION = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?:/\.github/actions/reconcile)?@(?P<commit>[0-9a-f]{40})")
_TEST = """\
    # the branch decides where this connects to: nothing that a pipeline is given by itself goes along
    - unset CI_JOB_TOKEN CI_REPOSITORY_URL CI_REGISTRY_PASSWORD CI_DEPENDENCY_PROXY_PASSWORD CI_DEPLOY_PASSWORD RECONCILE_GITLAB_TOKEN
    - reconcile test"""
_MARKER = re.compile(r"@@([A-Z_]+)@@")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a pipeline needs to know. `policy` is relative to the repository, `secrets` are names of environment variables.

    `package` is what pip installs, empty where that is to be filled in; `action` is empty or pinned by commit. `offline`:
    the directory is a file, so that the policy's tests can run without a secret.
    """

    policy: str
    version: str
    secrets: Sequence[str] = ()
    package: str = ""
    action: str = ""
    offline: bool = False


def is_action(text: str) -> bool:
    """Tell whether a text names this project's action, or its repository, by a commit."""
    return bool(_ACTION.fullmatch(text))


def is_variable(text: str) -> bool:
    """Tell whether a text can be the name of an environment variable, and of a secret."""
    return bool(_NAME.fullmatch(text))


def template(name: str) -> str:
    """Return the text of a template of this package."""
    return files("reconciler.starting").joinpath("templates", name).read_text(encoding="utf-8")


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """Return a template with its markers replaced; a line that is only a marker without a value goes."""
    lines = []
    for line in text.split("\n"):
        alone = _MARKER.fullmatch(line)
        if alone and not values[alone[1]]:
            continue
        lines.append(_MARKER.sub(lambda found: values[found[1]], line))
    return "\n".join(lines)


def github(pipeline: Pipeline) -> str:
    """Return a workflow for GitHub: one that calls this project's own where it is known, else one that stands by itself."""
    if pipeline.action:
        return _calling(pipeline)
    secrets = [f"{name}: ${{{{ secrets.{name} }}}}" for name in pipeline.secrets]
    inside = "\n".join(f"          {line}" for line in secrets)
    values = {
        **_common(pipeline),
        "ENV": inside,
        "STEP_ENV": f"        env:\n{inside}" if secrets else "",
        "SETUP": template("github-setup.yml").rstrip("\n"),
        "TEST": "      - run: reconcile test" if pipeline.offline else "",
    }
    return filled_in(template("github.yml"), values)


def gitlab(pipeline: Pipeline) -> str:
    """Return a pipeline for GitLab; it needs no secrets named, because variables are there by themselves."""
    values = {**_common(pipeline), "TEST": _TEST if pipeline.offline else ""}
    return filled_in(template("gitlab.yml"), values)


def _calling(pipeline: Pipeline) -> str:
    found = _ACTION.fullmatch(pipeline.action)
    if found is None:
        raise ValueError(pipeline.action)
    names = " and ".join(pipeline.secrets)
    values = {
        "ACTION": f"{found['repository']}/.github/workflows",
        "COMMIT": found["commit"],
        "POLICY": quoted(pipeline.policy),
        "SECRETS": f" ({names})" if names else "",
        "OFFLINE": "" if names else "      needs-credentials: false",
    }
    return filled_in(template("github-action.yml"), values)


def _common(pipeline: Pipeline) -> dict[str, str]:
    names = " and ".join(pipeline.secrets)
    return {
        "POLICY": quoted(pipeline.policy),
        "PACKAGE": quoted(pipeline.package),
        "VERSION": quoted(pipeline.version),
        "SECRETS": f", each with {names}" if names else "",
    }
