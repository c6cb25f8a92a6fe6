"""Propose the directory groups behind instance-wide marks; a mark that none explains exactly stays unmanaged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.adoption.catalogue import Catalogue, Entry, words_of
from reconciler.adoption.cover import Candidate, cover
from reconciler.model.access import Flag, User, UserKey
from reconciler.model.bits import bits_of
from reconciler.policy.model import TargetConfig

_KEYS = {Flag.ADMIN: "admin_group", Flag.EXTERNAL: "external_groups", Flag.AUDITOR: "auditor_group"}
_SEVERAL = frozenset({Flag.EXTERNAL})  # marks for which a policy names several groups


def marked(accounts: Mapping[UserKey, User], flag: Flag) -> Sequence[User]:
    """Return the accounts of ours that carry a mark."""
    return [user for user in accounts.values() if user.managed and user.flags.get(flag, False)]


def proposals(
    accounts: Mapping[UserKey, User], people: Mapping[UserKey, int], catalogue: Catalogue, target: TargetConfig
) -> tuple[str, ...]:
    """Return sentences on the keys of the target that would manage the marks, one per mark that somebody carries.

    `people` says whose each account is. A key that the policy has already is not spoken of.
    """
    said = {
        Flag.ADMIN: target.admin_group is not None,
        Flag.EXTERNAL: bool(target.external_groups),
        Flag.AUDITOR: target.auditor_group is not None,
    }
    return tuple(
        _proposal(flag, key, carriers, people, catalogue)
        for flag, key in _KEYS.items()
        if not said[flag] and (carriers := marked(accounts, flag))
    )


def _proposal(
    flag: Flag, key: str, carriers: Sequence[User], people: Mapping[UserKey, int], catalogue: Catalogue
) -> str:
    count = "the one account" if len(carriers) == 1 else f"the {len(carriers)} accounts"
    subject = f"{count} with the {flag} mark"
    indexes = sorted(people[user.key] for user in carriers if user.key in people)
    found = _exact(indexes, catalogue, flag) if len(indexes) == len(carriers) else ()
    if not found:
        return f"No directory group holds exactly {subject}, so {key} is not proposed and the mark stays unmanaged."
    names = sorted(entry.name for entry in found)
    value = f"[{', '.join(names)}]" if flag in _SEVERAL else names[0]
    return f"To manage {subject}, put this into the target: {key}: {value}"


def _exact(people: Sequence[int], catalogue: Catalogue, flag: Flag) -> Iterable[Entry]:
    """Return groups that together hold just these people; one where the policy names one."""
    need, words = bits_of(people), words_of(flag)
    parts = [entry for entry in catalogue.filed_under(people) if not entry.members & ~need and entry.selector == "cn"]
    if flag not in _SEVERAL:
        parts = [entry for entry in parts if entry.members == need]
    entries = {entry.number: entry for entry in parts}
    chosen = cover(need, [Candidate(one.number, one.members, one.members, _kinship(one, words)) for one in parts])
    explained = 0
    for one in chosen:
        explained |= one.members
    return [entries[one.number] for one in chosen] if explained == need else ()


def _kinship(entry: Entry, words: Iterable[str]) -> int:
    return sum(word.startswith(wanted) for wanted in words for word in entry.words)
