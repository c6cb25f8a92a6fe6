"""Judge one target's rules by what is written alone; never sees a directory."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from datetime import timedelta
from itertools import chain

from reconciler.advice.contradiction import never_true
from reconciler.advice.names import unsatisfiable
from reconciler.advice.subject import Subject
from reconciler.model.access import NameLimits, Role
from reconciler.model.diagnostic import Diagnostic, Position, Severity
from reconciler.model.filter import to_text
from reconciler.model.names import dn_key, fold, is_under, login_key
from reconciler.model.protection import matches_any
from reconciler.policy.model import Grant, GroupLink, GroupRule, NamingRule, Waiver

SOON = timedelta(days=14)


def advise(subject: Subject) -> tuple[Diagnostic, ...]:
    """Return what is decidable without a directory, rule by rule; the work grows with the number of rules."""
    return tuple(chain.from_iterable(check(subject) for check in _CHECKS))


def finding(severity: Severity, code: str, texts: tuple[str, str], where: Position | None) -> Diagnostic:
    """Return a finding; `texts` are the fact, a sentence, and the way out."""
    return Diagnostic(severity, code, *texts, where=where)


def _without_rule(subject: Subject) -> Iterator[Diagnostic]:
    rules, target = subject.rules, subject.rules.target
    named = rules.groups or rules.imports or target.admin_group or target.external_groups or target.auditor_group
    if not named and target.users.scope != "all":
        texts = (
            f'No rule names the target "{target.name}", so nothing in it is managed.',
            "Add group_links, group_imports or users.scope, or remove the target.",
        )
        yield finding(Severity.WARNING, "TARGET-WITHOUT-RULE", texts, target.where)


def _admin_is_external(subject: Subject) -> Iterator[Diagnostic]:
    admins = subject.rules.target.admin_group
    for named in subject.rules.target.external_groups if admins else ():
        if admins and fold(named.cn) == fold(admins.cn):
            texts = (
                f"cn={named.cn} is the admin group and an external group: its members are to be both.",
                "Take it out of one of the two.",
            )
            yield finding(Severity.WARNING, "ADMIN-EXTERNAL", texts, named.where)


def _roles(subject: Subject) -> Iterator[Diagnostic]:
    can = subject.capabilities
    for role, where in _given(subject) if can else ():
        if can and Role(role) not in can.roles:
            texts = (f'"{role}" is no role of this target.', f"Its roles are {', '.join(can.roles)}.")
            yield finding(Severity.ERROR, "ROLE-UNKNOWN", texts, where)


def _given(subject: Subject) -> Iterator[tuple[str, Position]]:
    for rule in subject.rules.groups.values():
        yield from ((link.access, link.where) for link in rule.links)
        yield from ((grant.access, grant.where) for grant in rule.grants)
    for mirrored in subject.rules.imports:
        yield mirrored.access, mirrored.where


def _outside_base(subject: Subject) -> Iterator[Diagnostic]:
    directory = subject.rules.directory
    bases = [dn_key(base) for base in directory.group_bases or directory.bases]
    for link in _links(subject):
        if link.dn and not any(is_under(dn_key(link.dn), base) for base in bases):
            texts = (
                f"{link.dn} is outside of group_base, where groups are read: this link finds no group.",
                "Correct the DN, or add its branch to group_base.",
            )
            yield finding(Severity.ERROR, "LINK-OUTSIDE-BASE", texts, link.where)


def _contradictions(subject: Subject) -> Iterator[Diagnostic]:
    selected = [(link.filter, link.where) for link in _links(subject) if link.filter is not None]
    for wanted, where in (*selected, *((rule.filter, rule.where) for rule in subject.rules.imports)):
        if never_true(wanted):
            texts = (
                f"The filter {to_text(wanted)} contradicts itself: it is true for nobody.",
                "Correct it, or remove the rule.",
            )
            yield finding(Severity.WARNING, "FILTER-CONTRADICTION", texts, where)


def _privileged_filters(subject: Subject) -> Iterator[Diagnostic]:
    can = subject.capabilities
    for link in _links(subject) if can else ():
        if can and link.filter is not None and Role(link.access) in can.privileged_roles:
            texts = (
                f"A filter gives the privileged role {link.access}: whoever may edit the attributes in it may give that role.",
                "Link a group whose members somebody answers for.",
            )
            yield finding(Severity.WARNING, "PRIVILEGED-FILTER", texts, link.where)


def _shadowed(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each link whose selector another link of the group has, with a higher role."""
    rank = _ranks(subject)
    for rule in subject.rules.groups.values():
        best: dict[Hashable, GroupLink] = {}
        for link in rule.links:
            first = best.setdefault(_selector(link), link)
            if rank(link.access) > rank(first.access):
                best[_selector(link)] = link
        for link in rule.links:
            winner = best[_selector(link)]
            if rank(winner.access) > rank(link.access):
                texts = (
                    f"This link has no effect: line {winner.where.line} gives the same people {winner.access}, a higher role.",
                    "Remove one of them.",
                )
                yield finding(Severity.WARNING, "LINK-SHADOWED", texts, link.where)


def _same_imports(subject: Subject) -> Iterator[Diagnostic]:
    first: dict[Hashable, Position] = {}
    for rule in subject.rules.imports:
        where = first.setdefault((rule.filter, rule.name), rule.where)
        if where is not rule.where:
            texts = (
                f"This import makes the same groups as the one at {where}.",
                "Keep one, or make their filters exclude each other.",
            )
            yield finding(Severity.WARNING, "IMPORT-OVERLAP", texts, rule.where)


def _grants(subject: Subject) -> Iterator[Diagnostic]:
    rank = _ranks(subject)
    for rule in subject.rules.groups.values():
        for grant in rule.grants:
            if subject.today <= grant.until <= subject.today + SOON:
                texts = (
                    f"The grant of {grant.access} to {grant.user} ends on {grant.until}.",
                    "If the access is to stay, give it by a group, or have a later day reviewed.",
                )
                yield finding(Severity.NOTE, "GRANT-ENDS-SOON", texts, grant.where)
        yield from _repeated(rule, rank)


def _repeated(rule: GroupRule, rank: Callable[[str], int]) -> Iterator[Diagnostic]:
    """Yield a finding for each grant that another one makes needless: same user, no lower role, no earlier end."""
    longest: dict[str, Grant] = {}  # of those with a higher or the same role
    for grant in sorted(rule.grants, key=lambda one: (-rank(one.access), -one.until.toordinal())):
        winner = longest.setdefault(login_key(grant.user), grant)
        if winner is not grant and winner.until >= grant.until:
            yield needless_grant(grant, f"the grant on line {winner.where.line} gives {winner.access} as long")
        elif winner is not grant:
            longest[login_key(grant.user)] = grant


def needless_grant(grant: Grant, because: str) -> Diagnostic:
    """Return the finding for a grant of what somebody has anyway."""
    texts = (f"The grant of {grant.access} to {grant.user} adds nothing: {because}.", "Remove it.")
    return finding(Severity.WARNING, "GRANT-NEEDLESS", texts, grant.where)


def _protected_rules(subject: Subject) -> Iterator[Diagnostic]:
    for rule in subject.rules.groups.values():
        if matches_any(rule.name, subject.protection.groups):
            texts = (
                f'"{rule.name}" is protected, so no rule for it has any effect.',
                "Remove the rules, or narrow the protection.",
            )
            yield finding(Severity.WARNING, "RULE-PROTECTED", texts, rule.where)


def _needless_protections(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each pattern that says nothing beyond ``**``, or is a plain name that another pattern covers."""
    said = subject.protection
    for patterns in (said.users, said.groups):
        wide = [pattern for pattern in patterns if _WILD.search(pattern)]
        for pattern in patterns:
            others = ["**"] if "**" in patterns else [] if pattern in wide else wide
            if pattern != "**" and matches_any(pattern, others):
                texts = (
                    f'Protecting "{pattern}" adds nothing: another pattern of this target covers it.',
                    "Remove it.",
                )
                yield finding(Severity.WARNING, "PROTECTION-NEEDLESS", texts, said.where)


def _needless_waivers(subject: Subject) -> Iterator[Diagnostic]:
    first: dict[Hashable, Position] = {}
    for waiver in subject.waivers:
        if because := _lifts_nothing(waiver, subject, first):
            texts = (f"The waiver of {waiver.guard} can lift nothing: {because}.", "Remove it.")
            yield finding(Severity.WARNING, "WAIVER-NEEDLESS", texts, waiver.where)


def _lifts_nothing(waiver: Waiver, subject: Subject, first: dict[Hashable, Position]) -> str:
    where = first.setdefault((waiver.guard, waiver.group, waiver.plan, waiver.until), waiver.where)
    if where is not waiver.where:
        return f"the one at {where} says the same"
    limit = getattr(subject.limits, waiver.guard, True)  # a guard without a limit is always on; 0 is one
    if limit is None or limit is False or limit == "allow":
        return "the guard is off for this target"
    rules = subject.rules
    if waiver.group and waiver.group not in rules.groups and not rules.imports:
        return f'no rule names the group "{waiver.group}"'
    return ""


def _namings(subject: Subject) -> Iterator[Diagnostic]:
    can, naming = subject.capabilities, subject.rules.naming
    pairs: tuple[tuple[NamingRule, NameLimits], ...] = (
        (naming.users, can.user_names if can else NameLimits()),
        (naming.groups, can.group_names if can else NameLimits()),
    )
    for rule, hard in pairs:
        if rule.where and (why := unsatisfiable((hard, rule.limits))):
            texts = (f"No name can satisfy this naming rule: {why}.", "Correct the pattern, max_length or reserved.")
            yield finding(Severity.ERROR, "NAMING-UNSATISFIABLE", texts, rule.where)


def _links(subject: Subject) -> Iterator[GroupLink]:
    for rule in subject.rules.groups.values():
        yield from rule.links


def _selector(link: GroupLink) -> Hashable:
    """Return what tells links with different people apart; different selectors may still mean the same group."""
    return link.filter or (fold(link.cn), dn_key(link.dn) if link.dn else "")


def _ranks(subject: Subject) -> Callable[[str], int]:
    """Return the place of a role, lowest 0; roles that the target does not have are the same and lowest."""
    can = subject.capabilities
    places = {str(role): place for place, role in enumerate(can.roles if can else subject.rules.target.roles)}
    return lambda role: places.get(role, -1)


_WILD = re.compile(r"[*?\[]")
_CHECKS = (
    _without_rule,
    _admin_is_external,
    _roles,
    _outside_base,
    _contradictions,
    _privileged_filters,
    _shadowed,
    _same_imports,
    _grants,
    _protected_rules,
    _needless_protections,
    _needless_waivers,
    _namings,
)
