"""Write rules for what is live in one target, and plan by them; reads the directory and the target, writes nothing anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.adoption.adopt import Ground, adopt
from reconciler.adoption.draft import Draft, Manner
from reconciler.adoption.known import filters_of
from reconciler.adoption.text import file_text
from reconciler.desired.build import desire, rules_for
from reconciler.desired.links import Directory
from reconciler.directory.sources import Reading, read_directories
from reconciler.errors import PolicyError, UsageError
from reconciler.model.access import Capabilities, GroupKey, Role, Scope, State
from reconciler.model.change import Change, ChangeRole, DisableUser, RemoveMembership, RemoveUser
from reconciler.model.diagnostic import Position
from reconciler.model.known_link import KnownLink
from reconciler.model.plan import TargetPlan, has_errors
from reconciler.model.reason import Why
from reconciler.pipeline import Run
from reconciler.plan.subject import takes_access
from reconciler.policy.files import PolicyFile
from reconciler.policy.fit import is_fit
from reconciler.policy.load import load_policy
from reconciler.policy.model import GroupRule, Policy, Protection, TargetConfig
from reconciler.sections import Facing, section_of
from reconciler.targets.base import Importing, Target
from reconciler.targets.registry import opened

_MANY = 1_000  # grants that are to blame where a policy is too large
_CAUSES = {Why.LEFT_DIRECTORY: "nobody of the directory", Why.DISABLED: "disabled in the directory"}


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: a run with one target, the policy as it was named, the new file's name in its folder, the manner.

    `ignore_absent`: people without an account do not speak against a directory group.
    """

    run: Run
    path: str
    file: str
    manner: Manner
    ignore_absent: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """The file's text, what it was made of, and the target's section of the first plan with it."""

    text: str
    draft: Draft
    section: TargetPlan

    @property
    def empty(self) -> bool:
        """The first plan has nothing to change, and could be applied."""
        section = self.section
        return not (section.changes or section.refusals or has_errors(section.diagnostics))


@dataclass(frozen=True, slots=True)
class _World:
    """Everything that was read: asked for once, planned from as often as needed."""

    directory: Directory
    have: State
    capabilities: Capabilities
    known: Mapping[GroupKey, Sequence[KnownLink]]
    section: TargetPlan


def import_rules(order: Order) -> Imported:
    """Return rules for what is live, read back as the policy that they are a part of, and planned by.

    Raises DirectoryError for a read that is not proven complete, TargetError for a target that does not answer, PolicyError
    where the policy with the new file is not valid, UsageError where the manner does not fit the policy.
    """
    run, target = order.run, _target(order)
    with opened(target) as app:
        world = _read(run, target, app)
    want = desire(rules_for(run.policy, target.name), world.directory, world.capabilities, run.today)
    ground = Ground(
        rules=rules_for(run.policy, target.name),
        protected=run.policy.protected.get(target.name, Protection()),
        want=want,
        directory=world.directory,
        capabilities=world.capabilities,
        known=world.known,
        ignore_absent=order.ignore_absent,
    )
    return _settled(order, world, adopt(world.have, ground))


def _target(order: Order) -> TargetConfig:
    (name,) = order.run.targets
    target = order.run.policy.targets[name]
    if order.ignore_absent and target.users.create:
        raise UsageError(
            f"--ignore-absent: targets.{name}.users.create is true, so the first plan would make accounts for the people "
            "whom it ignores. Set it to false, or leave the option out."
        )
    return target


def _read(run: Run, target: TargetConfig, app: Target) -> _World:
    scope = Scope(target.directory, frozenset(), all_managed_groups=True, everything=True)
    known = app.links(scope) if isinstance(app, Importing) else {}
    how = Reading(run.now, whole=True, observer=run.observer)
    snapshot = read_directories(_with_filters(run.policy, target, known), [target], run.snapshots, how)[
        target.directory
    ]
    have = app.read(replace(scope, groups=frozenset(known)))
    section = TargetPlan(target.name, target.kind, app.address, target.directory, on_refusal=target.on_refusal)
    return _World(Directory(snapshot), have, app.capabilities, known, section)


def _with_filters(policy: Policy, target: TargetConfig, known: Mapping[GroupKey, Sequence[KnownLink]]) -> Policy:
    """Return a policy that also names the attributes that filters of the target's own links look at."""
    nowhere = Position("", 0, 0)
    rules = {f"{group}\n": GroupRule(group, nowhere, filters_of(links)) for group, links in known.items()}
    return replace(policy, groups={**policy.groups, target.name: {**policy.groups.get(target.name, {}), **rules}})


def _settled(order: Order, world: _World, draft: Draft) -> Imported:
    """Return the draft once nothing is lost by it that can be kept: accounts that no rule keeps are protected.

    Mostly the second plan proves the first; a further one is needed where a last owner's access was held back before.
    """
    while True:
        imported = _planned(order, world, draft)
        changes = imported.section.changes if _may_protect(order) else ()
        more = {
            name: why for name, why in losers(changes, world.capabilities.roles).items() if name not in draft.protected
        }
        if not more:
            return imported
        draft = replace(draft, protected={**draft.protected, **more})


def _planned(order: Order, world: _World, draft: Draft) -> Imported:
    run, text = order.run, file_text(draft, order.manner)
    folder = Path(order.path) if Path(order.path).is_dir() else Path(order.path).parent
    added = PolicyFile(order.file, str(folder / order.file), text.encode())
    policy = _loaded(order, added, draft)
    target = policy.targets[draft.target]
    want = desire(rules_for(policy, target.name), world.directory, world.capabilities, run.today)
    facing = Facing(target, world.section, world.have, want, world.capabilities)
    return Imported(text, draft, section_of(policy, run.today, run.past, facing))


def _loaded(order: Order, added: PolicyFile, draft: Draft) -> Policy:
    try:
        return load_policy(order.path, order.run.today, added).policy
    except PolicyError as error:
        held = sum(len(group.held) for group in draft.groups) if order.manner.grants else 0
        if held < _MANY or not any("-TOO-LARGE]" in problem.line() for problem in error.problems):
            raise
        raise UsageError(
            f"{held:,} roles are explained by no directory group, and a policy cannot hold as many grants. See them with "
            "--leftovers list, and say what gives them: links by filter, group_imports."
        ) from error


def _may_protect(order: Order) -> bool:
    """Tell whether protections may be written: not where rules or protections are in use, which say who is to go."""
    (name,) = order.run.targets
    policy = order.run.policy
    in_use = policy.groups.get(name) or policy.imports.get(name) or policy.protected.get(name, Protection()).users
    return order.manner.grants and not in_use


def losers(changes: Sequence[Change], roles: Sequence[Role]) -> Mapping[str, str]:
    """Return by username whose access a plan would take, and why, where no rule but those of a draft is there to ask for it."""
    found: dict[str, str] = {}
    for change in changes:
        match change:
            case (
                DisableUser(who=who, reason=reason)
                | RemoveUser(who=who, reason=reason)
                | RemoveMembership(who=who, reason=reason)
                | ChangeRole(who=who, reason=reason)
            ) if takes_access(change, roles) and is_fit(who.username):
                found[who.username] = _CAUSES.get(reason.why, "not certainly anybody of the directory")
            case _:
                pass
    return found
