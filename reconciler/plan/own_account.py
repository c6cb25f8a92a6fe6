"""Hold back what would take access from the account whose credential we use; refuse nothing, so that the run goes on."""

from __future__ import annotations

from reconciler.model.change import Change, RemoveMembership, person_of
from reconciler.model.plan import Hold, Withheld
from reconciler.plan.subject import Subject, takes_access

_DETAIL = "protect_self keeps it, because this program logs in with it"


def keep_own_account(subject: Subject) -> tuple[tuple[Change, ...], tuple[Withheld, ...]]:
    """Return the changes that may be made, and those held back because they would lock ourselves out.

    Our account is neither removed, disabled, demoted nor marked as external, and it keeps its admin mark. A group that
    goes away takes our membership with it: there is nothing left to reach.
    """
    own, going = subject.have.own, subject.going
    if own is None:
        return tuple(subject.changes), ()
    kept: list[Change] = []
    held: list[Withheld] = []
    for change in subject.changes:
        goes = isinstance(change, RemoveMembership) and change.group in going
        if person_of(change) == own and not goes and takes_access(change, subject.roles):
            held.append(Withheld(change, Hold.OWN_ACCOUNT, _DETAIL))
        else:
            kept.append(change)
    return tuple(kept), tuple(held)
