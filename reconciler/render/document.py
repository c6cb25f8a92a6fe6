"""Say what the views see of a plan document, as types; hold no behaviour.

The document itself is made by plan/encode.py and described by schemas/plan.schema.json.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class PlaceData(TypedDict):
    """A place in a policy file."""

    path: str
    line: int
    column: int


class ReasonData(TypedDict):
    """Why a change is wanted."""

    why: str
    rule: PlaceData | None
    path: list[str]
    detail: str


class WhoData(TypedDict):
    """The person of a change."""

    username: str
    key: str
    account: NotRequired[str]


class ChangeData(TypedDict):
    """One change; what `have` and `want` hold depends on the type."""

    type: str
    user: WhoData | None
    group: str | None
    have: object
    want: object
    reason: ReasonData
    precondition: NotRequired[dict[str, object]]
    flag: NotRequired[str]
    cause: NotRequired[str]
    setting: NotRequired[str]


class HeldData(TypedDict):
    """A change that is shown and not made."""

    hold: str
    detail: str
    change: ChangeData


class RefusalData(TypedDict):
    """What a guard stopped."""

    guard: str
    summary: str
    count: int
    limit: int
    total: int
    group: str | None
    objects: list[str]
    waiver: str


class FindingData(TypedDict):
    """A warning, an error or a note."""

    severity: str
    code: str
    summary: str
    detail: str
    where: PlaceData | None
    subject: str


class ComparedData(TypedDict):
    """How much was compared and found right."""

    users: int
    groups: int
    memberships: int


class TargetData(TypedDict):
    """One target's section."""

    name: str
    kind: str
    address: str
    directory: str
    error: str
    on_refusal: NotRequired[str]
    changes_id: NotRequired[str]
    privileged_roles: list[str]
    guards_off: list[str]
    unchanged: ComparedData
    changes: list[ChangeData]
    refusals: list[RefusalData]
    withheld: list[HeldData]
    diagnostics: list[FindingData]


class DirectoryData(TypedDict):
    """What the plan remembers of a directory."""

    name: str
    source: str
    read_at: str
    digest: str
    people: int
    groups: int
    complete: bool
    confirmed_at: NotRequired[str]


class PolicyData(TypedDict):
    """What the plan remembers of the policy."""

    root: str
    digest: str
    git_commit: str


class SummaryData(TypedDict):
    """The counts of the last line."""

    add: int
    change: int
    remove: int
    people: int
    privileged_grants: int
    withheld: int
    refused: int
    causes: NotRequired[dict[str, int]]


class BaseData(TypedDict):
    """The policy that the plan was laid beside."""

    root: str
    digest: str
    git_commit: str


class OnlyData(TypedDict):
    """One person whom alone the plan is about; `dn` is empty where the entry is gone."""

    name: str
    key: str
    dn: str


class PlanData(TypedDict):
    """A whole plan document."""

    id: str
    format_version: str
    created_at: str
    today: str
    complete: bool
    applyable: bool
    errored: bool
    policy: PolicyData
    directories: list[DirectoryData]
    targets: list[TargetData]
    notes: list[FindingData]
    summary: SummaryData
    only: NotRequired[list[OnlyData]]
    base: NotRequired[BaseData]
