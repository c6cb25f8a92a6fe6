"""Name the files of a first policy and of its pipeline, with their texts; writes none of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from reconciler.starting.text import ROLES, SCHEMA, Wanted, connections, rules
from reconciler.starting.workflow import Pipeline, filled_in, github, gitlab, template

EXAMPLE = "directory.ldif"
"""The example directory, beside the policy."""

Service = Literal["github", "gitlab", "none"]

_RULES = "rules.yaml"


def policy_files(wanted: Wanted, schema: str, *, example: bool) -> Mapping[str, str]:
    """Return the files of the policy folder by name; `schema` is the text of the schema of policies.

    The `example` has rules that hold; elsewhere nobody but its owner knows what a directory group stands for.
    """
    made = {"connections.yaml": connections(wanted), _RULES: _example_rules(wanted) if example else rules(wanted)}
    return {**made, **({EXAMPLE: template(EXAMPLE)} if example else {}), SCHEMA: schema}


def outer_files(service: Service, pipeline: Pipeline) -> Mapping[str, str]:
    """Return the files of the repository by path: what git leaves alone, and the pipeline of the service."""
    ignored = {".gitignore": template("gitignore")}
    match service:
        case "github":
            return {**ignored, ".github/workflows/reconcile.yml": github(pipeline)}
        case "gitlab":
            return {**ignored, ".gitlab-ci.yml": gitlab(pipeline)}
        case _:
            return ignored


def _example_rules(wanted: Wanted) -> str:
    low, middle, high = ROLES[wanted.target]
    values = {"SCHEMA": SCHEMA, "TARGET": wanted.target_name, "LOW": low, "MIDDLE": middle, "HIGH": high}
    return filled_in(template(_RULES), values)
