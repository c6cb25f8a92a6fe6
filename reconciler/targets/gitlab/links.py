"""Read the LDAP links that a GitLab keeps itself, for rules that take them over; never writes and resolves nothing."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.access import GroupKey, Scope
from reconciler.model.known_link import KnownLink
from reconciler.targets.gitlab import rights
from reconciler.targets.gitlab.api import Api
from reconciler.targets.gitlab.groups import Reading, compared
from reconciler.targets.gitlab.settings import Access
from reconciler.targets.pages import Item, side_by_side

_NO_ACCESS = 0  # a link that gives nothing


def links(api: Api, scope: Scope) -> dict[GroupKey, Sequence[KnownLink]]:
    """Return the links of our provider by group, for the groups in scope: one request for each, none on a Community Edition.

    Links of custom roles that the policy does not name are left out, for no rule could say them. Raises TargetError.
    """
    who = rights.us(api)
    rights.check_reading(api, who)
    if not who.enterprise:
        return {}
    workers, reading = api.settings.site.parallel, Reading(api.settings)
    wanted = {compared(name) for name in scope.groups}
    spaces = [space for space in api.groups(workers).values() if scope.everything or compared(space.path) in wanted]
    found = side_by_side(api.ldap_links, spaces, workers)
    known = {GroupKey(space.path): _known(api, items, reading) for space, items in zip(spaces, found, strict=True)}
    return {name: links for name, links in known.items() if links}


def _known(api: Api, items: Sequence[Item], reading: Reading) -> list[KnownLink]:
    known = []
    for item in items:
        level, custom = item.value("group_access", int), item.data.get("member_role_id")
        if item.value("provider", str) != api.settings.provider or level == _NO_ACCESS:
            continue
        role = reading.held(Access(level, 0 if custom is None else item.value("member_role_id", int)), "").role
        if role in api.settings.roles:
            known.append(KnownLink(role, cn=_text(item, "cn"), filter=_text(item, "filter")))
    return [link for link in known if link.cn or link.filter]


def _text(item: Item, key: str) -> str:
    return "" if item.data.get(key) is None else item.value(key, str)
