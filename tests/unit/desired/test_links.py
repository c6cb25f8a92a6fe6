"""What rules name in the directory."""

from __future__ import annotations

from dataclasses import replace

from reconciler.desired.links import Directory
from reconciler.model.diagnostic import Severity
from reconciler.model.filter import parse_filter
from tests.builders import Team, person, snapshot, team


def test_a_filter_is_evaluated_once() -> None:
    """Many links share one."""
    directory = Directory(snapshot([person("ann"), person("bob")]))
    first = directory.people_matching(parse_filter("(uid=a*)"))
    assert list(first) == [0]
    assert directory.people_matching(parse_filter("(uid=a*)")) is first
    assert list(directory.people_matching(parse_filter("(uid=b*)"))) == [1]


def test_a_group_is_found_by_any_of_its_common_names() -> None:
    """Case and spaces do not count."""
    directory = Directory(snapshot((), (replace(team("devs"), attributes={"cn": ("devs", "The  Developers")}),)))
    assert [list(directory.groups_by_cn(name)) for name in ("DEVS", "the developers", "x")] == [[0], [0], []]


def test_the_snapshots_own_findings_are_told() -> None:
    """Oddities of the read are warnings; members that name nobody are notes, five by name."""
    seen = snapshot((), (Team("devs", dangling=tuple(f"uid={number}" for number in range(7))), Team("ops")))
    odd, dangling = Directory(replace(seen, warnings=("something odd",))).findings()
    assert (odd.severity, odd.summary) == (Severity.WARNING, "something odd")
    assert dangling.severity is Severity.NOTE
    assert dangling.summary.startswith("cn=devs,ou=groups,dc=acme has")
    assert dangling.summary.endswith(": uid=0, uid=1, uid=2, uid=3, uid=4 and 2 more.")
    assert not Directory(snapshot((), (Team("ops"),))).findings()


def test_the_stable_ids_are_those_of_all_groups() -> None:
    """Readable or not."""
    directory = Directory(snapshot((), (team("devs"), team("ops", readable=False))))
    assert directory.group_keys == {"group-devs", "group-ops"}
    assert directory.group_keys is directory.group_keys


def test_a_group_is_found_by_its_dn_in_any_spelling() -> None:
    """By its canonical form; a DN that nobody has finds nothing."""
    directory = Directory(snapshot((), (team("devs"),)))
    assert directory.group_by_dn("CN=Devs, OU=Groups, DC=acme") == 0
    assert directory.group_by_dn("cn=ops,ou=groups,dc=acme") is None
