"""Try on a scratch group whether a GitLab does what this target rests on; touches the accounts that are named, and nobody else.

Every trial that writes puts back what it has changed, also where it fails or is interrupted: memberships of the named
accounts in the group and in its one subgroup end, our own role is given again, the one that was blocked is unblocked, and
the custom attributes that are written are taken away. What could not be put back is a finding of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from reconciler.errors import TargetError, TargetRejected
from reconciler.model.check import Check, Status
from reconciler.model.text import shortened
from reconciler.targets.base import Scratch
from reconciler.targets.gitlab import contract_looks as looks
from reconciler.targets.gitlab import contract_members as members
from reconciler.targets.gitlab import contract_people as people
from reconciler.targets.gitlab.api import Api
from reconciler.targets.gitlab.scratch import Broken, NotTried, Place, lacks_writing, place_of, put_back
from reconciler.targets.gitlab.settings import MEMBERSHIP_LOCK

_LONGEST = 500
_NOT_TRIED = "not tried"


class Trial(NamedTuple):
    """One thing to try, what it means where GitLab does otherwise, and whether something is to be put back after it."""

    name: str
    run: Callable[[Place], str]
    consequence: str
    writes: bool = True


def trials(api: Api, scratch: Scratch) -> Iterator[Check]:
    """Yield what each trial has found. Raises TargetError where nothing may be tried there at all."""
    place = place_of(api, scratch)
    lacks = lacks_writing(place)
    for trial in TRIALS:
        left: list[str] = []
        if trial.writes and lacks:
            yield Check(trial.name, Status.WARNING, _NOT_TRIED, f"it writes, and the token lacks {lacks}")
            continue
        try:
            found = _checked(trial, place)
        except KeyboardInterrupt:
            put_back(place, left)
            if left:
                raise TargetRejected(f"interrupted in {trial.name}: {_told(left)}. Take it back by hand.") from None
            raise
        if trial.writes:
            put_back(place, left)
        yield found
        if left:
            way_out = "Take it back by hand: no more is tried."
            yield Check("put back", Status.FAILED, f"after {trial.name}: {_told(left)}", way_out)
            return


def _told(left: Sequence[str]) -> str:
    return shortened("; ".join(left), _LONGEST)


def _checked(trial: Trial, place: Place) -> Check:
    try:
        return Check(trial.name, Status.OK, trial.run(place))
    except NotTried as missing:
        return Check(trial.name, Status.WARNING, _NOT_TRIED, str(missing))
    except Broken as fact:
        return Check(trial.name, Status.FAILED, shortened(str(fact), _LONGEST), trial.consequence)
    except TargetError as error:
        return Check(trial.name, Status.FAILED, shortened(str(error), _LONGEST), trial.consequence)


TRIALS: Sequence[Trial] = (
    Trial("version", looks.version, "what this version can do is not known: say so in a report", writes=False),
    Trial(
        "token",
        looks.token,
        "what doctor says of the token may be wrong, and an apply could end half way",
        writes=False,
    ),
    Trial(
        "pages",
        looks.pages,
        "lists may come in part: do not plan with this version before that is understood",
        writes=False,
    ),
    Trial(
        "numbered pages",
        looks.numbered,
        "groups may be missing: do not plan with this version before that is understood",
        writes=False,
    ),
    Trial(
        "identities",
        looks.identities,
        "nobody can be recognised: give the token an administrator and the scope read_api",
        writes=False,
    ),
    Trial(
        "names",
        looks.names,
        "an account that has a DN already would not be found before another one gets it",
        writes=False,
    ),
    Trial("settings", looks.settings, f"leave {MEMBERSHIP_LOCK} out of the policy", writes=False),
    Trial("rates", looks.rates, "how long to wait is guessed: a run may be slower, or be refused", writes=False),
    Trial(
        "attributes",
        people.attributes,
        "what is noted of accounts gets lost: leave remember off and users.sync without ssh_keys",
    ),
    Trial(
        "blocking", people.blocking, "who was blocked by hand could be unblocked, or the other way round: block nobody"
    ),
    Trial(
        "several", members.several, "a bulk call could leave out people; each is looked at again after it, and named"
    ),
    Trial("hundred", members.hundred, "additions and changes of role fail: this GitLab takes fewer in one call"),
    Trial("refusals", members.refusals, "who is refused in a bulk call is noticed only when it is read again"),
    Trial("in part", members.in_part, "one who is refused keeps out the others of a bulk call"),
    Trial("member pages", members.pages, "members may be missing, and be added or passed over: do not apply"),
    Trial("graphql", members.graphql_agrees, "leave graphql out of the policy"),
    Trial("expiry", members.expiry, "a change of role could clear the day on which a membership ends"),
    Trial("twice", members.twice, "a membership that somebody made in the meantime could be overwritten"),
    Trial("removal", members.removal, "removals cannot be told from refusals"),
    Trial("floor", members.floor, "roles below may differ from what plans say of inherited ones"),
    Trial("subgroups", members.subgroups, "removals take more than the plan says: do not apply with this version"),
    Trial("last owner", members.last_owner, "keep min_owners on: this GitLab does not hold it by itself"),
)
"""All of them, those that only look first."""
