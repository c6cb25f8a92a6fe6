"""Resolve what rules name in the directory: by CN, by DN, by filter; missing, unreadable and empty are kept apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.desired.filters import FilterIndex, filter_problems, unknown_attribute, unsupported
from reconciler.desired.groups import Closure
from reconciler.model.access import Role
from reconciler.model.bits import indexes
from reconciler.model.diagnostic import Diagnostic, Position, Severity
from reconciler.model.directory import DirectoryGroup, Snapshot
from reconciler.model.filter import And, Filter, Not, Or, Present, attributes_of, to_text
from reconciler.model.names import dn_key, fold
from reconciler.model.reason import Why
from reconciler.model.template import fields_of
from reconciler.policy.model import GroupLink


@dataclass(frozen=True, slots=True)
class Source:
    """One rule resolved: these people get this role, for this cause. `group` is the directory group behind it, if any.

    `gap` says why the answer cannot be trusted to be whole (the group is missing or unreadable); empty where it can.
    `maybe` are people whom the rule may mean: it gives them nothing, and nothing is taken from them.
    """

    role: Role
    why: Why
    rule: Position
    people: Sequence[int]
    label: str
    group: int | None = None
    gap: str = ""
    missing: bool = False
    maybe: Sequence[int] = ()


@dataclass(slots=True)
class Directory:
    """One snapshot with the indexes that rules are resolved by, each made when first needed."""

    snapshot: Snapshot
    closure: Closure = field(init=False)
    _by_cn: Mapping[str, Sequence[int]] = field(init=False)
    _by_dn: Mapping[str, int] | None = field(init=False, default=None)
    _people_index: FilterIndex | None = field(init=False, default=None)
    _selected: dict[Filter, Sequence[int]] = field(init=False, default_factory=dict)
    _keys: frozenset[str] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Index groups by every CN they have, case and spaces folded."""
        self.closure = Closure(self.snapshot.groups)
        by_cn: defaultdict[str, list[int]] = defaultdict(list)
        for index, group in enumerate(self.snapshot.groups):
            for name in {fold(name) for name in (group.cn, *group.attributes.get("cn", ()))}:
                by_cn[name].append(index)
        self._by_cn = by_cn

    def groups_by_cn(self, name: str) -> Sequence[int]:
        """Return the indexes of the groups with this CN: none, one, or several."""
        return self._by_cn.get(fold(name), ())

    def group_by_dn(self, dn: str) -> int | None:
        """Return the index of the group with this DN, compared by its canonical form."""
        if self._by_dn is None:
            self._by_dn = {dn_key(group.dn): index for index, group in enumerate(self.snapshot.groups)}
        return self._by_dn.get(dn_key(dn))

    def people_matching(self, wanted: Filter) -> Sequence[int]:
        """Return the indexes of the people for whom the filter is true; the same filter is evaluated once."""
        found = self._selected.get(wanted)
        if found is None:
            if self._people_index is None:
                people = self.snapshot.people
                self._people_index = FilterIndex(
                    [person.attributes for person in people], self.snapshot.schema, [person.dn for person in people]
                )
            found = self._selected[wanted] = indexes(self._people_index.select(wanted))
        return found

    def groups_matching(self, wanted: Filter) -> Sequence[int]:
        """Return the indexes of the groups for which the filter is true."""
        groups = self.snapshot.groups
        index = FilterIndex(
            [group.attributes for group in groups], self.snapshot.schema, [group.dn for group in groups]
        )
        return indexes(index.select(wanted))

    @property
    def group_keys(self) -> frozenset[str]:
        """Return the stable ids of all groups that are there, readable or not."""
        if self._keys is None:
            self._keys = frozenset(group.key for group in self.snapshot.groups)
        return self._keys

    def findings(self) -> tuple[Diagnostic, ...]:
        """Return what the snapshot itself says against the directory: oddities of the read, members that name nobody."""
        odd = [Diagnostic(Severity.WARNING, "DIRECTORY", warning) for warning in self.snapshot.warnings]
        dangling = [
            Diagnostic(
                Severity.NOTE,
                "DANGLING-MEMBER",
                f"{group.dn} has members that name nobody in this snapshot: {_listed(group.dangling)}.",
                subject=group.dn,
            )
            for group in self.snapshot.groups
            if group.dangling
        ]
        return (*odd, *dangling)

    def gap_in(self, index: int) -> str:
        """Return which group in this one could not be read, as the end of a sentence; empty where all could."""
        unreadable = self.closure.unreadable(index)
        return "" if unreadable is None else f"the members of {self.snapshot.groups[unreadable].dn} cannot be read"


def _listed(values: Sequence[str], limit: int = 5) -> str:
    more = f" and {len(values) - limit} more" if len(values) > limit else ""
    return ", ".join(values[:limit]) + more


def sentence(gap: str) -> str:
    """Return a gap as a sentence of its own; names keep the case that they are written in."""
    return f"{'The' if gap.startswith('the ') else gap[:3]}{gap[3:]}."


def sentence_of(problem: str) -> str:
    """Return a problem as a sentence; one that ends with a question already is one."""
    return f"{problem[0].upper()}{problem[1:]}" + ("" if problem.endswith("?") else ".")


def label_of(group: DirectoryGroup) -> str:
    """Return how plans name a directory group."""
    return f"cn={group.cn}"


def resolve_link(link: GroupLink, directory: Directory) -> tuple[Source | None, tuple[Diagnostic, ...]]:
    """Return what a link gives and to whom; no source where the link is ambiguous, which is an error."""
    if link.filter is not None:
        return _by_filter(link, link.filter, directory)
    name = f"cn={link.cn}" if link.cn else link.dn
    if link.cn:
        found = directory.groups_by_cn(link.cn)
    else:
        index = directory.group_by_dn(link.dn)
        found = () if index is None else (index,)
    if len(found) > 1:
        return None, (ambiguous(name, [directory.snapshot.groups[index] for index in found], link.where),)
    if not found:
        gap = f"the group {name} is not in the directory"
        return Source(Role(link.access), Why.GROUP_LINK, link.where, (), name, gap=gap, missing=True), ()
    return source_of(found[0], directory, Role(link.access), Why.GROUP_LINK, link.where), ()


def source_of(index: int, directory: Directory, role: Role, why: Why, where: Position) -> Source:
    """Return what membership of one directory group gives."""
    group = directory.snapshot.groups[index]
    people = directory.closure.people(index)
    return Source(role, why, where, people, label_of(group), group=index, gap=directory.gap_in(index))


def ambiguous(name: str, groups: Sequence[DirectoryGroup], where: Position) -> Diagnostic:
    """Return the error for a CN that several groups have; it names them all."""
    listed = " and ".join(sorted(group.dn for group in groups))
    return Diagnostic(
        Severity.ERROR,
        "LINK-AMBIGUOUS",
        f'"{name}" is the name of {len(groups)} groups: {listed}.',
        "Write dn: instead of cn: to say which one is meant.",
        where,
    )


def schema_findings(wanted: Filter, directory: Directory, where: Position) -> tuple[Diagnostic, ...]:
    """Return what stands against a filter: what nobody can evaluate, and what the directory's schema does not know.

    The first is an error always, because such a filter finds nobody; the second where the schema is a server's own, so
    that it is known to be whole.
    """
    schema = directory.snapshot.schema
    problems = filter_problems(wanted, schema)
    if not problems:
        return ()
    impossible = unsupported(wanted)
    return tuple(
        Diagnostic(
            Severity.ERROR if schema.from_server or problem in impossible else Severity.WARNING,
            "FILTER-SCHEMA",
            sentence_of(problem),
            f"The filter is {to_text(wanted)}.",
            where,
        )
        for problem in problems
    )


def template_findings(
    template: str, directory: Directory, where: Position | None, ours: Collection[str] = ()
) -> tuple[Diagnostic, ...]:
    """Return an error for each attribute of a name template that a server's own schema does not know.

    `ours` are fields that stand for an attribute. Where the schema is not the server's own, nobody can tell: a value that
    is missing is then said entry by entry.
    """
    schema = directory.snapshot.schema
    unknown = [name for name in sorted(fields_of(template) - set(ours)) if schema.attribute(name) is None]
    return tuple(
        Diagnostic(
            Severity.ERROR,
            "TEMPLATE-SCHEMA",
            sentence_of(unknown_attribute(name, schema)),
            f"The name template is {template}.",
            where,
        )
        for name in unknown
        if schema.from_server
    )


def _by_filter(link: GroupLink, wanted: Filter, directory: Directory) -> tuple[Source, tuple[Diagnostic, ...]]:
    people = directory.people_matching(wanted)
    source = Source(Role(link.access), Why.GROUP_LINK, link.where, people, to_text(wanted))
    return source, (*schema_findings(wanted, directory, link.where), *_absent_attributes(wanted, directory, link.where))


def _absent_attributes(wanted: Filter, directory: Directory, where: Position) -> Iterator[Diagnostic]:
    """Yield a finding for each attribute that nobody has: what an account may not read looks just like that.

    Under a NOT it is an error where a server was read, because then the filter selects everybody.
    """
    for name in sorted(attributes_of(wanted)):
        if directory.people_matching(Present(name)):
            continue
        severe = name in _under_not(wanted) and directory.snapshot.schema.from_server
        yield Diagnostic(
            Severity.ERROR if severe else Severity.WARNING,
            "FILTER-NO-VALUE",
            f'Nobody in the directory has the attribute "{name}".',
            f"May the account that reads the directory see it? The filter is {to_text(wanted)}.",
            where,
        )


def _under_not(wanted: Filter) -> frozenset[str]:
    match wanted:
        case Not(part=part):
            return attributes_of(part)
        case And(parts=parts) | Or(parts=parts):
            return frozenset[str]().union(*map(_under_not, parts))
        case _:
            return frozenset()
