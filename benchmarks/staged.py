"""Run the real command with every stage of a plan measured, and write the figures as JSON; never do a stage's work itself.

The program's own functions are watched wherever it calls them.
Run as ``python -m benchmarks.staged FIGURES plan POLICY …``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.stages import Stages

if TYPE_CHECKING:
    from reconciler.model.plan import Plan
    from reconciler.pipeline import Run

READING, REST = "directory read", "all else"


def main() -> None:
    """Run the command line that follows the name of the figures' file; exit as the command does."""
    figures = Path(sys.argv.pop(1))
    stages = Stages()
    counts: dict[str, int] = {}
    with stages.stage("imports"):
        command = _watched_command(stages, counts)
    try:
        with stages.stage(REST):
            command()
    finally:
        done = sorted(stages.done, key=lambda stage: stage.name == REST)
        found = {"stages": [asdict(stage) for stage in done], "counts": counts}
        figures.write_text(json.dumps(found), encoding="utf-8")


def _watched_command(stages: Stages, counts: dict[str, int]) -> Callable[[], None]:
    """Return the command once its stages are watched; a function that is gone raises ImportError.

    What `plan_target` does beside rendering and planning is to open, read and close the target.
    """
    # the program imports most of this when it is first used; here it is all one stage
    from reconciler.cli.main import main as command  # noqa: PLC0415
    from reconciler.cli.view import show_plan  # noqa: PLC0415
    from reconciler.desired.build import desire  # noqa: PLC0415
    from reconciler.desired.links import Directory  # noqa: PLC0415
    from reconciler.diff.compare import compare  # noqa: PLC0415
    from reconciler.directory.sources import read_directories  # noqa: PLC0415
    from reconciler.pipeline import make_plan, plan_target  # noqa: PLC0415
    from reconciler.plan.build import build_target  # noqa: PLC0415
    from reconciler.plan.encode import encode, to_text  # noqa: PLC0415
    from reconciler.policy.load import load_policy  # noqa: PLC0415

    watched: dict[str, tuple[Callable[..., object], ...]] = {
        "policy load": (load_policy,),
        READING: (read_directories,),
        "desired": (desire,),
        "live read": (plan_target,),
        "diff": (compare,),
        "plan build": (build_target,),
        "JSON encode": (encode, to_text),
        "render text": (show_plan,),
    }
    for name, functions in watched.items():
        for function in functions:
            _replace(function, stages.watched(name, function))
    _in_class(Directory, "__post_init__", partial(stages.watched, "desired"))  # where it makes its indexes
    _replace(make_plan, _counted(counts, make_plan))
    return command


def _replace(function: object, wrapper: object) -> None:
    """Put the wrapper wherever a module of the program has the function under a name."""
    for module in [module for name, module in sys.modules.items() if name.partition(".")[0] == "reconciler"]:
        for name in [name for name, value in vars(module).items() if value is function]:
            setattr(module, name, wrapper)


def _in_class(owner: type, name: str, wrap: Callable[[Callable[..., object]], object]) -> None:
    setattr(owner, name, wrap(getattr(owner, name)))


def _counted(counts: dict[str, int], make_plan: Callable[[Run], Plan]) -> Callable[[Run], Plan]:
    """Return `make_plan` such that what its plan holds is counted; the plan itself is not kept."""

    def counting(run: Run) -> Plan:
        plan = make_plan(run)
        counts.update(_counts(plan))
        return plan

    return counting


def _counts(plan: Plan) -> dict[str, int]:
    return {
        "people": sum(facts.people for facts in plan.directories),
        "groups": sum(facts.groups for facts in plan.directories),
        "changes": sum(len(target.changes) for target in plan.targets),
        "memberships unchanged": sum(target.unchanged.memberships for target in plan.targets),
    }


if __name__ == "__main__":
    main()
