"""The `gitlab` target: reads everything in scope, makes a batch so, and says of each change what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from threading import Event, RLock

from reconciler.errors import TargetError
from reconciler.model.access import Capabilities, Flag, GroupKey, Scope, State
from reconciler.model.change import Change
from reconciler.model.check import Check
from reconciler.model.known_link import KnownLink
from reconciler.plan.holds import Found, Holding
from reconciler.targets.answers import Refused, Unclear
from reconciler.targets.base import Batch, Outcome, Rights, Scratch, Status
from reconciler.targets.gitlab import batches, contract, links, look, read, rights
from reconciler.targets.gitlab.api import Api
from reconciler.targets.gitlab.make import Ends, make, way_out
from reconciler.targets.gitlab.settings import Settings

_ONE_OBJECT = frozenset({400, 403, 404, 405, 409, 422})  # refusals that say nothing about the next object
_TOKEN = "insufficient_scope"  # noqa: S105 - what GitLab says of a token that may not do this at all


class GitlabTarget:
    """One GitLab. `apply` may be called from several threads at once."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing."""
        self._api = Api(settings)
        self._capabilities = settings.capabilities
        self._lock = RLock()
        self._found: read.Found | None = None
        self._look: look.Look | None = None

    @property
    def capabilities(self) -> Capabilities:
        """Return what this GitLab can hold, as far as a read has told, else what any may."""
        return self._capabilities

    @property
    def address(self) -> str:
        """Return the url of the policy."""
        return self._api.settings.url

    @property
    def parallel(self) -> int:
        """Return what the policy says."""
        return self._api.settings.site.parallel

    @property
    def requests(self) -> Mapping[str, int]:
        """Return how many requests were sent, by kind."""
        return self._api.session.counts

    def stop_on(self, stop: Event) -> None:
        """End waits once this flag is set."""
        self._api.session.stop_on(stop)

    def read(self, scope: Scope) -> State:
        """Return all accounts, the groups in scope, and who is in them; changes made later rest on what was read last."""
        found = read.read(self._api, scope)
        with self._lock:
            self._found, self._look = found, None
            users = found.state.users.values()
            if users and not any(Flag.AUDITOR in user.flags for user in users):
                self._capabilities = replace(self._capabilities, flags=self._capabilities.flags - {Flag.AUDITOR})
        return found.state

    def links(self, scope: Scope) -> Mapping[GroupKey, Sequence[KnownLink]]:
        """Return the LDAP links that GitLab keeps itself, by group."""
        return links.links(self._api, scope)

    def rights(self) -> Rights:
        """Return what GitLab says that our token may do."""
        return rights.rights_of(rights.us(self._api))

    def trials(self, scratch: Scratch) -> Iterable[Check]:
        """Try on a scratch group whether this GitLab does what we rest on, and put everything back."""
        return contract.trials(self._api, scratch)

    def batches(self, changes: Sequence[Change]) -> Iterable[Batch]:
        """Return additions and changes of role by the hundred, the rest one by one, removals in turn among the groups."""
        return batches.batches(changes)

    def apply(self, batch: Batch) -> list[Outcome]:
        """Make what can still be made, in as few calls as GitLab takes; what the plan did not expect is not touched."""
        if not batch.changes:
            return []
        eyes = self._looking()
        sight = eyes.at(batch.changes)
        stands = list(zip(batch.changes, sight.found, strict=True))
        pending = [change for change, found in stands if found.holding is Holding.PENDING]
        made = self._made(pending, eyes, sight) if pending else {}
        return [made.get(id(change)) or Outcome(change, Status.STALE, found.words) for change, found in stands]

    def close(self) -> None:
        """Give back connections."""
        self._api.close()

    def _looking(self) -> look.Look:
        """Return what looks at GitLab before each change; everybody is read first, where that was not done."""
        with self._lock:
            if self._look is None:
                self._look = look.begin(self._api, self._found)
            return self._look

    def _made(self, changes: Sequence[Change], eyes: look.Look, sight: look.Sight) -> Mapping[int, Outcome]:
        """Make the calls and return the outcomes by identity of the change."""
        ours = True
        try:
            ends = make(changes, eyes, sight)
        except Unclear as error:
            ends = {id(change): str(error) for change in changes}
        except Refused as error:
            if error.status not in _ONE_OBJECT or _TOKEN in str(error):
                raise
            ends, ours = {id(change): way_out(change, error) for change in changes}, error.doubtful
        open_ends = [change for change in changes if isinstance(ends[id(change)], str)]
        again = _read_again(open_ends, eyes, ends, ours=ours) if open_ends else {}
        return {which: end for which, end in ends.items() if isinstance(end, Outcome)} | again


def _read_again(changes: Sequence[Change], eyes: look.Look, ends: Ends, *, ours: bool) -> dict[int, Outcome]:
    """Ask GitLab what is so now, where its answer left that open; `ours`: what is as wanted may well be our doing."""
    try:
        found = eyes.at(changes, again=True).found
    except TargetError as error:
        words = f"Reading it again failed, too: {error}"
        return {id(change): Outcome(change, Status.UNKNOWN, f"{ends[id(change)]} {words}") for change in changes}
    return {
        id(change): _verdict(change, held, str(ends[id(change)]), ours=ours)
        for change, held in zip(changes, found, strict=True)
    }


def _verdict(change: Change, found: Found, said: str, *, ours: bool) -> Outcome:
    match found.holding:
        case Holding.DONE if ours:
            return Outcome(change, Status.APPLIED)
        case Holding.PENDING:
            return Outcome(change, Status.FAILED, f"{said} It was not made when this was read again.")
        case _:
            return Outcome(change, Status.STALE, found.words)
