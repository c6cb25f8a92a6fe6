"""The `teams` target: reads everything in scope, makes one call a batch, and says of each change what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from threading import Event, RLock

from reconciler.errors import TargetError
from reconciler.model.access import Capabilities, GroupKey, Role, Scope, State, User, UserKey
from reconciler.model.change import (
    AddMembership,
    Change,
    RenameGroup,
    UpdateUser,
    type_name,
)
from reconciler.model.known_link import KnownLink
from reconciler.plan.holds import Found, Holding
from reconciler.targets.answers import Refused, Unclear
from reconciler.targets.base import Batch, Outcome, Right, Rights, Status
from reconciler.targets.pages import side_by_side

from .app import App, Team
from .calls import make
from .look import Look, group_of
from .settings import Settings

_NEEDED = frozenset({Right.READ, Right.WRITE})
MOST_IDS = 100  # that the app takes in one call
_ONE_OBJECT = frozenset({403, 404, 409, 422})  # refusals that say nothing about the next object


class TeamsTarget:
    """One teams app. `apply` may be called from several threads at once."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing."""
        self._settings = settings
        self._app = App(settings)
        self._lock = RLock()
        self._look: Look | None = None

    @property
    def capabilities(self) -> Capabilities:
        """Return what the app can hold."""
        return self._settings.capabilities

    @property
    def address(self) -> str:
        """Return the url of the policy."""
        return self._app.session.url

    @property
    def parallel(self) -> int:
        """Return what the policy says."""
        return self._settings.site.parallel

    @property
    def requests(self) -> Mapping[str, int]:
        """Return how many calls were made, by kind."""
        return self._app.session.counts

    def stop_on(self, stop: Event) -> None:
        """End waits once this flag is set."""
        self._app.session.stop_on(stop)

    def read(self, scope: Scope) -> State:
        """Return everybody, and what is in the groups that are in scope; the app does not count, so no part is given."""
        own = self._app.start()
        accounts, teams = self._app.accounts(), self._app.teams()
        people = {account.number: account.user for account in accounts}
        wanted = [
            team
            for team in teams
            if team.group.key in scope.groups
            or (scope.all_managed_groups and team.group.managed)
            or scope.everything
            or scope.users is not None
        ]
        members = side_by_side(self._app.members, wanted, self.parallel)
        return State(
            users={account.user.key: account.user for account in accounts},
            groups={team.group.key: team.group for team in wanted},
            memberships=_held(wanted, members, people, ours=True),
            by_hand=_held(wanted, members, people, ours=False),
            own=own,
        )

    def links(self, scope: Scope) -> Mapping[GroupKey, Sequence[KnownLink]]:  # noqa: ARG002 - the app has one directory
        """Return what the app itself keeps its groups linked to."""
        self._app.start()
        return {team.group.key: team.links for team in self._app.teams() if team.links}

    def rights(self) -> Rights:
        """Return what the token's scopes let us do, as the app tells them."""
        name, scopes = self._app.own_rights()
        can = frozenset(right for right in Right if right in scopes)
        lacks = tuple(f"the scope {right} of the token" for right in sorted(_NEEDED - can))
        return Rights(can, name or "a token that is nobody's", f"scopes {', '.join(scopes)}", lacks)

    def batches(self, changes: Sequence[Change]) -> Iterable[Batch]:
        """Return a stage for each type of change, and in it a batch for each call.

        What takes a name that another change sets free waits for that one: renames go one after the other.
        """
        stage = -1
        for _, group in groupby(changes, key=type_name):
            mine, stage = list(group), stage + 1
            if isinstance(mine[0], AddMembership):
                for some in _calls(mine):
                    yield Batch(tuple(some), stage)
                continue
            for number, change in enumerate(mine):
                stage += bool(number and isinstance(change, UpdateUser | RenameGroup))
                yield Batch((change,), stage)

    def apply(self, batch: Batch) -> list[Outcome]:
        """Make what can still be made, in one call; what the plan did not expect is stale, and not touched."""
        look = self._looking()
        found = look.at(batch.changes)
        pending = [change for change, held in zip(batch.changes, found, strict=True) if held.holding is Holding.PENDING]
        made = self._made(pending, look) if pending else {}
        return [
            made[id(change)] if held.holding is Holding.PENDING else Outcome(change, Status.STALE, held.words)
            for change, held in zip(batch.changes, found, strict=True)
        ]

    def close(self) -> None:
        """Give back connections."""
        self._app.session.close()

    def _looking(self) -> Look:
        """Return what is known of the app since the first batch; everybody is read once, for their numbers."""
        with self._lock:
            if self._look is None:
                self._app.start()
                self._look = Look(self._app)
            return self._look

    def _made(self, changes: Sequence[Change], look: Look) -> Mapping[int, Outcome]:
        """Make one call and return the outcomes by identity of the change."""
        try:
            refused = make(changes, look)
        except Unclear as error:
            return self._read_again(changes, look, str(error), ours=True)
        except Refused as error:
            if error.status not in _ONE_OBJECT or "insufficient_scope" in str(error):
                raise
            return self._read_again(changes, look, str(error), ours=error.doubtful)
        silent = [change for change in changes if refused.get(id(change), "") is None]
        unsaid = (
            self._read_again(silent, look, "the answer does not say what became of it", ours=True) if silent else {}
        )
        return {
            id(change): Outcome(change, Status.FAILED, text)
            if (text := refused.get(id(change)))
            else Outcome(change, Status.APPLIED)
            for change in changes
        } | dict(unsaid)

    def _read_again(self, changes: Sequence[Change], look: Look, error: str, *, ours: bool) -> Mapping[int, Outcome]:
        """Ask the app what is so now, where its answer left that open; `ours`: what is as wanted may well be our doing."""
        try:
            found = look.at(changes)
        except TargetError as second:
            text = f"{error} Reading it again failed, too: {second}"
            return {id(change): Outcome(change, Status.UNKNOWN, text) for change in changes}
        return {
            id(change): self._verdict(change, held, error, ours=ours)
            for change, held in zip(changes, found, strict=True)
        }

    @staticmethod
    def _verdict(change: Change, found: Found, error: str, *, ours: bool) -> Outcome:
        match found.holding:
            case Holding.DONE if ours:
                return Outcome(change, Status.APPLIED)
            case Holding.PENDING:
                return Outcome(change, Status.FAILED, f"{error} It was not made when this was read again.")
            case _:
                return Outcome(change, Status.STALE, found.words)


def _held(
    teams: Sequence[Team], members: Sequence[Mapping[int, Role]], people: Mapping[int, User], *, ours: bool
) -> dict[GroupKey, dict[UserKey, Role]]:
    """Return the memberships of accounts that are ours, or of the others: those are nothing to us."""
    return {
        team.group.key: {
            people[number].key: role
            for number, role in of.items()
            if number in people and people[number].managed == ours
        }
        for team, of in zip(teams, members, strict=True)
    }


def _calls(changes: Sequence[Change]) -> Iterable[Sequence[Change]]:
    """Split additions into calls: one group, one role, at most so many."""
    for _, group in groupby(changes, key=lambda change: (group_of(change), getattr(change, "want", ""))):
        mine = list(group)
        for start in range(0, len(mine), MOST_IDS):
            yield mine[start : start + MOST_IDS]
