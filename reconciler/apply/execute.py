"""Make what can be made so, batch by batch, and say what became of every change; decide nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from queue import SimpleQueue
from threading import Thread

from reconciler.apply.journal import Journal
from reconciler.apply.manner import Manner, Progress
from reconciler.apply.recheck import Work, stand
from reconciler.apply.report import BatchTime, TargetReport
from reconciler.errors import StateError, TargetError
from reconciler.model.change import Change
from reconciler.plan.holds import Holding
from reconciler.plan.rests import Thing, gives, needs
from reconciler.plan.subject import named
from reconciler.targets.base import Batch, Counting, Outcome, Status, Target

_NO_ANSWER = "no answer came; `reconcile apply --resume` asks what is there"
_NOT_MADE = frozenset({Status.FAILED, Status.STALE, Status.UNKNOWN})


@dataclass(frozen=True, slots=True)
class _Call:
    """One batch on its way: its number in the journal, the places of its changes, and when it began."""

    number: int
    places: tuple[int, ...]
    batch: Batch
    began: str


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back: outcomes, or why none did."""

    call: _Call
    outcomes: Sequence[Outcome] = ()
    error: BaseException | None = None


class Run:
    """One run over several targets, one after the other; failures are counted over all of them."""

    def __init__(self, journal: Journal, manner: Manner, may_go_on: Callable[[], None]) -> None:
        """`may_go_on` is asked before each batch, and raises where the run has lost its right to write."""
        self._journal = journal
        self._manner = manner
        self._may_go_on = may_go_on
        self._failures = 0

    @property
    def too_many_failures(self) -> bool:
        """Whether more changes have failed than may."""
        return self._failures > self._manner.max_errors

    def make(self, work: Work) -> TargetReport:
        """Make one target's changes so; raises StateError or LockHeld where the run must not write any more."""
        if work.target is None:
            return TargetReport(work.section.name, work.outcomes({}), work.error, work.earlier)
        making = _Making(self, work, work.target)
        making.run()
        return TargetReport(
            work.section.name,
            work.outcomes(making.made),
            making.error,
            work.earlier,
            tuple(making.times),
            dict(work.target.requests) if isinstance(work.target, Counting) else {},
        )

    def stopped(self) -> bool:
        """Tell whether no further batch may be begun."""
        return self._manner.stop.is_set() or self.too_many_failures

    def begin(self, name: str, places: tuple[int, ...], batch: Batch) -> _Call:
        """Write down what is about to be asked for."""
        self._may_go_on()
        return _Call(self._journal.intend(name, places), places, batch, self._manner.clock())

    def end(self, name: str, answer: _Answer) -> BatchTime:
        """Write down what became of it."""
        call = answer.call
        if answer.error is None:
            self._journal.outcome(name, call.number, call.places, answer.outcomes)
            self._failures += sum(outcome.status in _NOT_MADE for outcome in answer.outcomes)
        return BatchTime(call.number, len(call.places), call.began, self._manner.clock())

    def tell(self, progress: Progress) -> None:
        """Tell whoever watches."""
        self._manner.watcher.applying(progress)


class _Making:
    """One target's changes on their way."""

    def __init__(self, run: Run, work: Work, target: Target) -> None:
        self._run = run
        self._work = work
        self._target = target
        self._answers: SimpleQueue[_Answer] = SimpleQueue()
        self._owner = target.capabilities.owner_role
        self._nests = target.capabilities.inherits
        self._lacking: dict[Thing, Change] = {}  # what was not made, by what rests on it
        self.made: dict[int, Outcome] = {}
        self._failed = 0
        self.times: list[BatchTime] = []
        self.error = ""
        for outcome in work.known.values():
            self._miss(outcome)

    def run(self) -> None:
        """Make stage after stage; a later one begins when all of those before have ended."""
        self._tell()
        for _, stage in groupby(self._placed(), key=lambda placed: placed[1].stage):
            self._stage(deque(stage))
            if self._stopped():
                break
        self._settle()

    def _placed(self) -> Iterator[tuple[tuple[int, ...], Batch]]:
        """Yield every batch with the places of its changes: batches hold every one of them once."""
        changes = [self._work.section.changes[place] for place in self._work.todo]
        places = {id(change): place for place, change in zip(self._work.todo, changes, strict=True)}
        for batch in self._target.batches(changes):
            yield tuple(places[id(change)] for change in batch.changes), batch

    def _stopped(self) -> bool:
        return bool(self.error) or self._run.stopped()

    def _stage(self, waiting: deque[tuple[tuple[int, ...], Batch]]) -> None:
        name, in_flight = self._work.section.name, 0
        try:
            while (waiting and not self._stopped()) or in_flight:
                while waiting and in_flight < self._target.parallel and not self._stopped():
                    places, batch = self._without_resting(*waiting.popleft())
                    if places:
                        self._start(self._run.begin(name, places, batch))
                        in_flight += 1
                if in_flight:
                    in_flight -= 1
                    self._take(self._answers.get())
        except Exception:
            while in_flight:  # what has been asked for is written by the target whatever becomes of us
                in_flight -= 1
                answer = self._answers.get()
                with suppress(StateError):  # the journal takes it, or leaves it to be asked about
                    self._run.end(name, answer)
            raise

    def _without_resting(self, places: tuple[int, ...], batch: Batch) -> tuple[tuple[int, ...], Batch]:
        """Return a batch without the changes that rest on one which was not made: the target is not asked for those."""
        kept: list[tuple[int, Change]] = []
        for place, change in zip(places, batch.changes, strict=True):
            wanted = needs(change, self._owner, nests=self._nests)
            missing = next((self._lacking[thing] for thing in wanted if thing in self._lacking), None)
            if missing is None:
                kept.append((place, change))
            else:
                self._keep(place, Outcome(change, Status.SKIPPED, f"not tried: it rests on {named(missing)}"))
        return tuple(place for place, _ in kept), replace(batch, changes=tuple(change for _, change in kept))

    def _keep(self, place: int, outcome: Outcome) -> None:
        """Keep what became of a change, which is said once: what is told of all of them is counted here, one by one."""
        self.made[place] = outcome
        self._failed += outcome.status in _NOT_MADE
        self._miss(outcome)

    def _miss(self, outcome: Outcome) -> None:
        if outcome.status is not Status.APPLIED:
            self._lacking |= dict.fromkeys(gives(outcome.change, self._owner), outcome.change)

    def _start(self, call: _Call) -> None:
        """Ask the target beside us: whoever waits for the answer still hears signals, and can end the process at once."""
        Thread(target=self._ask, args=(call,), daemon=True).start()

    def _ask(self, call: _Call) -> None:
        try:
            answer = _Answer(call, self._target.apply(call.batch))
        except BaseException as error:  # noqa: BLE001 - given to whoever waits for the answer, and raised there
            answer = _Answer(call, error=error)
        self._answers.put(answer)

    def _take(self, answer: _Answer) -> None:
        if answer.error is not None and not isinstance(answer.error, TargetError):
            raise answer.error
        self.times.append(self._run.end(self._work.section.name, answer))
        outcomes = answer.outcomes
        if answer.error is not None:
            self.error = self.error or str(answer.error)
            outcomes = [Outcome(change, Status.UNKNOWN, _NO_ANSWER) for change in answer.call.batch.changes]
        for place, outcome in zip(answer.call.places, outcomes, strict=True):
            self._keep(place, outcome)
        self._tell()

    def _settle(self) -> None:
        """Ask what is there where no answer came; a target that does not answer that either leaves it unknown."""
        unknown = [place for place, outcome in self.made.items() if outcome.status is Status.UNKNOWN]
        try:
            found = stand(self._work.section, self._target, sorted(unknown), part=self._work.part)
        except TargetError:
            return
        for place, one in found.items():
            status = Status.APPLIED if one.holding is Holding.DONE else Status.SKIPPED
            self.made[place] = replace(
                self.made[place], status=status, message="" if status is Status.APPLIED else "not made"
            )

    def _tell(self) -> None:
        self._run.tell(Progress(self._work.section.name, len(self.made), len(self._work.todo), self._failed))
