"""Turn directory entries into the accounts that a target should have; never decides who is in scope."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.desired.naming import name_problem, normalize
from reconciler.model.access import Capabilities, Flag, NameLimits, User, Value
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.directory import Attributes, Dialect, Person
from reconciler.model.names import dn_text, login_key, lowered, rdn_values
from reconciler.model.schema import DirectorySchema
from reconciler.model.template import fill
from reconciler.policy.model import DirectoryConfig, NamingRule, OnInvalidName, UserRules

OUR_WORDS = frozenset({"username", "email", "name"})
"""The fields of a username template that stand for the attributes which the directory says."""


class NoValueError(ValueError):
    """A template names an attribute that the entry does not have exactly once."""


@dataclass(frozen=True, slots=True)
class Naming:
    """Everything that decides a username: where it comes from and what it may look like."""

    directory: DirectoryConfig
    rules: UserRules
    naming: NamingRule
    hard: NameLimits
    dialect: Dialect = "openldap"

    def attribute(self, word: str) -> str:
        """Return the directory attribute behind one of our words (username, email, name, ssh_keys)."""
        return self.directory.attribute(word, self.dialect)

    @property
    def template(self) -> str:
        """Return the username template; without one the directory's username attribute stands for itself."""
        return self.rules.username or "{username}"

    @property
    def limits(self) -> tuple[NameLimits, NameLimits]:
        """Return the target's own limits and the policy's."""
        return self.hard, self.naming.limits


@dataclass(frozen=True, slots=True)
class Words:
    """Where an account's attributes come from, which of ours the target can hold (`held`), and which in small letters.

    `name` and `ssh_keys` are canonical names. `keys_in_step`: SSH keys are kept as they are in the directory.
    """

    naming: Naming
    schema: DirectorySchema
    name: str
    ssh_keys: str
    held: frozenset[str]
    lower_case: frozenset[str]
    keys_in_step: bool


@dataclass(frozen=True, slots=True)
class Usernames:
    """Who is called what: by index of the person; `frozen` says why the others cannot have an account."""

    names: Mapping[int, str]
    frozen: Mapping[int, str]
    diagnostics: tuple[Diagnostic, ...]


def single_value(person_dn: str, attributes: Attributes, name: str) -> str:
    """Return the one value of an attribute; of several the one in the DN's own RDN. Raises NoValueError."""
    values = attributes.get(name, ())
    if len(values) == 1:
        return values[0]
    if not values:
        raise NoValueError(f'has no attribute "{name}"')
    chosen = [value for value in values if login_key(value) in _rdn(person_dn, name)]
    if len(chosen) == 1:
        return chosen[0]
    raise NoValueError(f'has {len(values)} values of "{name}", none of them in its DN')


def raw_username(person: Person, naming: Naming, schema: DirectorySchema) -> str:
    """Return the username that the template makes of an entry, unchecked. Raises NoValueError."""
    return _filled(naming.template, person, naming, schema)


def email_of(person: Person, naming: Naming, schema: DirectorySchema) -> str:
    """Return the e-mail address that an account should have: the template's, else the directory's lowest; empty for none."""
    if naming.rules.email:
        return _made(naming.rules.email, person, naming, schema)
    return _first(person.attributes, schema.canonical(naming.attribute("email")))


def _made(template: str, person: Person, naming: Naming, schema: DirectorySchema) -> str:
    """Return what a template makes of an entry, empty where the entry lacks something for it."""
    try:
        return _readable(_filled(template, person, naming, schema))
    except NoValueError:
        return ""


def _filled(template: str, person: Person, naming: Naming, schema: DirectorySchema) -> str:
    def value(word: str) -> str:
        attribute = naming.attribute(word) if word in OUR_WORDS else word
        return single_value(person.dn, person.attributes, schema.canonical(attribute))

    return fill(template, value)


def usernames(people: Sequence[Person], chosen: Iterable[int], naming: Naming, schema: DirectorySchema) -> Usernames:
    """Return the usernames of the people at the `chosen` indexes; who cannot have one is frozen and named."""
    names: dict[int, str] = {}
    frozen: dict[int, str] = {}
    for index in chosen:
        name, problem = username_of(people[index], naming, schema)
        if problem:
            frozen[index] = problem
        else:
            names[index] = name
    for clash in _clashes(names):
        for index in clash:
            others = ", ".join(people[other].dn for other in clash if other != index)
            frozen[index] = f'would be called "{names[index]}", like {others}'
            del names[index]
    return Usernames(
        names, frozen, tuple(_finding(people[index], why, naming) for index, why in sorted(frozen.items()))
    )


def words_of(naming: Naming, schema: DirectorySchema, capabilities: Capabilities) -> Words:
    """Return what accounts are made of, the same for everybody."""
    return Words(
        naming,
        schema,
        name=schema.canonical(naming.attribute("name")),
        ssh_keys=schema.canonical(naming.attribute("ssh_keys")),
        held=capabilities.attributes,
        lower_case=capabilities.lower_case,
        keys_in_step="ssh_keys" in naming.rules.sync,
    )


def account(person: Person, username: str, words: Words, flags: Mapping[Flag, bool]) -> User:
    """Return the desired account: with flags, without attributes that the target cannot hold, active if the entry is enabled.

    No e-mail address or name in the entry is no opinion. No SSH key is: where keys are kept in step, the last one has gone.
    """
    return User(person.key, username, _attributes(person, words), active=not person.disabled, flags=flags)


def username_of(person: Person, naming: Naming, schema: DirectorySchema) -> tuple[str, str]:
    """Return the name that the template makes, empty where it makes none, and what is wrong with it, empty if nothing."""
    try:
        name = raw_username(person, naming, schema)
    except NoValueError as error:
        return "", f"{error}, which the username needs"
    problem = name_problem(name, naming.limits)
    if problem and naming.naming.on_invalid is OnInvalidName.NORMALIZE:
        normal = normalize(name, naming.limits)
        return normal, (f'would be called "{name}", which {problem}' if name_problem(normal, naming.limits) else "")
    return name, (f'would be called "{name}", which {problem}' if problem else "")


def _clashes(names: Mapping[int, str]) -> list[list[int]]:
    same: defaultdict[str, list[int]] = defaultdict(list)
    for index, name in names.items():
        same[login_key(name)].append(index)
    return [sorted(indexes) for indexes in same.values() if len(indexes) > 1]


def _finding(person: Person, why: str, naming: Naming) -> Diagnostic:
    severe = naming.naming.on_invalid is not OnInvalidName.SKIP
    return Diagnostic(
        severity=Severity.ERROR if severe else Severity.WARNING,
        code="USER-NAME",
        summary=f"{person.dn} {why}.",
        detail="The account is left as it is until the entry or the rule is corrected.",
        where=naming.naming.where or naming.rules.where,
        subject=person.dn,
    )


def _attributes(person: Person, words: Words) -> dict[str, Value]:
    have, naming = person.attributes, words.naming
    found: dict[str, Value] = {}
    if "email" in words.held and (email := email_of(person, naming, words.schema)):
        found["email"] = email
    if "name" in words.held and (name := _name(person, words)):
        found["name"] = name
    if "kerberos" in words.held and (principal := _made(naming.rules.kerberos, person, naming, words.schema)):
        found["kerberos"] = principal
    for word in words.lower_case & found.keys():
        found[word] = lowered(str(found[word]))
    if "dn" in words.held:
        found["dn"] = dn_text(person.dn)
    if "ssh_keys" in words.held and (words.keys_in_step or words.ssh_keys in have):
        found["ssh_keys"] = tuple(sorted({_readable(key) for key in have.get(words.ssh_keys, ())}))
    return found


def _name(person: Person, words: Words) -> str:
    if words.naming.rules.name:
        return _made(words.naming.rules.name, person, words.naming, words.schema)
    return _first(person.attributes, words.name) or _first(person.attributes, "cn")


def _first(attributes: Attributes, name: str) -> str:
    """Return the lowest value: directories do not keep the order of values, plans must."""
    values = attributes.get(name, ())
    return _readable(values[0] if len(values) == 1 else min(values, default=""))


def _readable(value: str) -> str:
    """Return `value` with U+FFFD for every byte that is no UTF-8: targets store text, not bytes."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _rdn(dn: str, name: str) -> frozenset[str]:
    return frozenset(login_key(value) for kind, value in rdn_values(dn).items() if kind == name)
