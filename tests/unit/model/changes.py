"""One change of every type, in one place for all tests that go through the union."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.access import Flag, Group, GroupKey, UserKey
from reconciler.model.change import (
    AddMembership,
    AdoptGroup,
    AdoptUser,
    Change,
    ChangeRole,
    CreateGroup,
    CreateUser,
    DisableUser,
    EnableUser,
    RemoveGroup,
    RemoveMembership,
    RemoveUser,
    RenameGroup,
    SetFlag,
    SetSetting,
    UpdateUser,
    Who,
)
from reconciler.model.reason import Reason, Why
from tests.builders import EDITOR, OWNER, VIEWER, at, stranger, user

ANN = Who("ann", UserKey("id-ann"))
WHY = Reason(Why.GROUP_LINK, at(10), ("cn=all", "cn=devs"))
API = GroupKey("api")

EVERY: Mapping[str, Change] = {
    "user.create": CreateUser(user("ann", flags=[Flag.ADMIN], attributes={"ssh_keys": ("k1", "k2")}), WHY),
    "user.adopt": AdoptUser(ANN, stranger("ann"), WHY),
    "user.update": UpdateUser(
        ANN, {"username": "anne", "email": None}, {"username": "ann", "email": "a@acme.example"}, WHY
    ),
    "user.enable": EnableUser(ANN, WHY),
    "user.disable": DisableUser(ANN, WHY),
    "user.remove": RemoveUser(ANN, user("ann"), WHY),
    "user.flag": SetFlag(ANN, Flag.ADMIN, have=False, want=True, reason=WHY),
    "group.create": CreateGroup(Group(API, "group-app"), WHY),
    "group.adopt": AdoptGroup(Group(API), WHY),
    "group.rename": RenameGroup(GroupKey("old"), API, "group-app", WHY),
    "group.remove": RemoveGroup(Group(API, "group-app"), WHY),
    "membership.add": AddMembership(ANN, API, OWNER, WHY),
    "membership.change": ChangeRole(ANN, API, VIEWER, EDITOR, WHY),
    "membership.remove": RemoveMembership(ANN, API, OWNER, WHY),
    "setting.set": SetSetting("membership_lock", have=False, want=True, reason=WHY),
}
