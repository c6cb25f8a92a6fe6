"""A working copy of the roster's rows, found by the names and keys that changes use; never touches a database."""

from __future__ import annotations

from collections import defaultdict

from reconciler.model.access import GroupKey, UserKey
from reconciler.model.change import Who
from reconciler.model.text import shortened
from reconciler.targets.sql.rows import GroupRow, Mark, Pair, Roster, UserRow, user_key


class Stale(Exception):
    """A precondition no longer holds: the whole batch must not be written."""


class Refused(Exception):
    """This object cannot be what the plan wants; other objects still can."""


class Blocked(Exception):
    """The change needs an object that was refused before it."""


class Draft:
    """Rows to change freely. `have` stays as it was read; new rows get ids below 0."""

    def __init__(self, directory: str, have: Roster) -> None:
        """Start from the rows as they are now; `directory` is the mark that makes a row ours."""
        self.directory = directory
        self.have = have
        self.users = dict(have.users)
        self.groups = dict(have.groups)
        self.members = dict(have.members)
        self._user_ids = {user_key(row, directory): row.id for row in have.users.values()}
        self._group_ids = {GroupKey(row.name): row.id for row in have.groups.values()}
        self._refused: set[UserKey | GroupKey] = set()
        self._hanging: defaultdict[tuple[str, int], set[Pair]] | None = None
        self._lowest = 0

    def refuse(self, key: UserKey | GroupKey) -> None:
        """Remember that this object will not come to be."""
        self._refused.add(key)

    def new_id(self) -> int:
        """Return an id for a row that the database has not numbered yet."""
        self._lowest -= 1
        return self._lowest

    def knows_user(self, key: UserKey) -> bool:
        """Tell whether some account has that key."""
        return self._user_ids.get(key) in self.users

    def user(self, who: Who) -> UserRow:
        """Return the account with that key, whoever made it; raises Stale where there is none any more."""
        number = self._user_ids.get(who.key)
        row = None if number is None else self.users.get(number)
        if row is None:
            if who.key in self._refused:
                raise Blocked(f"not tried: the account {shortened(who.username)} was refused")
            raise Stale(f"{shortened(who.username)}: no account with the key {shortened(who.key)} is there any more")
        return row

    def our_user(self, who: Who) -> UserRow:
        """Return the account with that key, which has to carry our mark."""
        row = self.user(who)
        if row.managed_by != self.directory:
            raise Stale(f"{shortened(who.username)}: the account is no longer ours, it is {self.owner(row.managed_by)}")
        return row

    def put_user(self, row: UserRow, *keys: UserKey) -> None:
        """Keep the account as it is to be, and find it by these keys from now on (by earlier ones too)."""
        self.users[row.id] = row
        for key in keys:
            self._user_ids[key] = row.id

    def group(self, key: GroupKey) -> GroupRow:
        """Return the group of that name; raises Stale where there is none any more."""
        number = self._group_ids.get(key)
        row = None if number is None else self.groups.get(number)
        if row is None:
            if key in self._refused:
                raise Blocked(f"not tried: the group {shortened(key)} was refused")
            raise Stale(f"{shortened(key)}: no group of that name is there any more")
        return row

    def put_group(self, row: GroupRow, *keys: GroupKey) -> None:
        """Keep the group as it is to be, and find it by these names from now on (by earlier ones too)."""
        self.groups[row.id] = row
        for key in keys:
            self._group_ids[key] = row.id

    def put_mark(self, pair: Pair, mark: Mark) -> None:
        """Keep what this membership is to say."""
        self.members[pair] = mark
        if self._hanging is not None:
            self._hang(self._hanging, pair)

    def hanging_on_user(self, number: int) -> list[Pair]:
        """Return the memberships of an account, sorted; complete only for accounts that the roster was read for."""
        return self._hanging_on(("user", number))

    def hanging_on_group(self, number: int) -> list[Pair]:
        """Return the memberships in a group, sorted; complete only for groups that the roster was read for."""
        return self._hanging_on(("group", number))

    def drop_mark(self, pair: Pair) -> None:
        """Take a membership away."""
        del self.members[pair]

    def owner(self, managed_by: str | None) -> str:
        """Say in words whose a row is."""
        if managed_by is None:
            return "made by hand"
        return "ours" if managed_by == self.directory else f"managed by {shortened(managed_by)}"

    def _hanging_on(self, end: tuple[str, int]) -> list[Pair]:
        if self._hanging is None:
            self._hanging = defaultdict(set)
            for pair in self.members:
                self._hang(self._hanging, pair)
        return sorted(pair for pair in self._hanging[end] if pair in self.members)

    @staticmethod
    def _hang(hanging: defaultdict[tuple[str, int], set[Pair]], pair: Pair) -> None:
        hanging["group", pair[0]].add(pair)
        hanging["user", pair[1]].add(pair)
