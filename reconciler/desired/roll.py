"""Who is in the directory, found by stable id or, where one side has none, by DN or username; decides nothing about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from reconciler.desired.people import Naming, email_of, username_of
from reconciler.model.access import STABLE_ID_MISSING, User, UserKey, is_stable
from reconciler.model.directory import Person
from reconciler.model.names import dn_key, login_key
from reconciler.model.schema import DirectorySchema


class Roll:
    """Everybody in one snapshot; names and DNs are worked out only when somebody is looked for by them."""

    def __init__(self, people: Sequence[Person], naming: Naming, schema: DirectorySchema) -> None:
        """Index by stable id."""
        self.people = people
        self.index_of: Mapping[UserKey, int] = {person.key: index for index, person in enumerate(people)}
        self._naming, self._schema = naming, schema
        self._all_have_ids = all(is_stable(person.key) for person in people)
        self._by_name: Mapping[str, Sequence[int]] | None = None
        self._by_dn: Mapping[str, int] | None = None

    def named(self, username: str) -> Sequence[int]:
        """Return everybody whom the username template calls that, whether or not the target can hold the name."""
        return self._names().get(login_key(username), ()) if username else ()

    def name_of(self, index: int) -> str:
        """Return what the username template calls somebody, whether or not the target can hold it; empty for no name."""
        return username_of(self.people[index], self._naming, self._schema)[0]

    @property
    def nameless(self) -> Sequence[int]:
        """Return everybody for whom the template makes no name at all: a grant by name may mean one of them."""
        return self._names().get("", ())

    def behind(self, account: User) -> Sequence[Person]:
        """Return who a live account may belong to: its person; nobody, if that person is gone; several, if it is unclear.

        By key. Where the account or the person has no stable id, also by DN, then by username. An account that holds a DN
        which nobody has is taken for a person of its username only if the e-mail address agrees, too, and it is active.
        """
        index = self.index_of.get(account.key)
        if index is not None:
            return (self.people[index],)
        if is_stable(account.key):
            if self._all_have_ids:
                return ()
            return [person for person in self._called(account) if not is_stable(person.key)]
        index = self._entries().get(account.key)
        if index is not None:
            return (self.people[index],)
        return self._called(account)

    def _called(self, account: User) -> Sequence[Person]:
        found = [self.people[index] for index in self.named(account.username)]
        if "dn" not in account.attributes:
            return found
        email = login_key(str(account.attributes.get("email", ""))) if account.active else ""
        return [
            person for person in found if email and login_key(email_of(person, self._naming, self._schema)) == email
        ]

    def _names(self) -> Mapping[str, Sequence[int]]:
        if self._by_name is None:
            by_name: defaultdict[str, list[int]] = defaultdict(list)
            for index, person in enumerate(self.people):
                by_name[login_key(username_of(person, self._naming, self._schema)[0])].append(index)
            self._by_name = by_name
        return self._by_name

    def _entries(self) -> Mapping[str, int]:
        if self._by_dn is None:
            self._by_dn = {STABLE_ID_MISSING + dn_key(person.dn): index for index, person in enumerate(self.people)}
        return self._by_dn
