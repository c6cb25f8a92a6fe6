"""Exceptions outside the directory."""

from __future__ import annotations

from datetime import date, timedelta

from reconciler.desired.build import Desired
from reconciler.model.access import GroupKey
from reconciler.model.directory import Person
from reconciler.policy.model import Grant
from tests.builders import (
    EDITOR,
    OWNER,
    TODAY,
    VIEWER,
    desired,
    grant,
    key,
    link,
    members,
    person,
    rule,
    rules,
    snapshot,
)
from tests.builders import team as group

API = GroupKey("api")


def of(*grants: Grant, people: tuple[Person, ...] = (person("ann"), person("bob"))) -> Desired:
    devs = group("devs", *(["bob"] if person("bob") in people else []))
    return desired(snapshot(people, (devs,)), rules(rule("api", link("devs"), *grants)))


def test_a_grant_gives_a_role_to_somebody_whom_no_link_reaches() -> None:
    """And brings the person into scope."""
    wanted = of(grant("ANN", EDITOR))
    assert members("api", wanted) == {"ann": "editor", "bob": "viewer"}
    assert key("ann") in wanted.state.users


def test_the_higher_of_grant_and_link_wins() -> None:
    """A grant is one more link."""
    assert members("api", of(grant("bob", OWNER))) == {"bob": "owner"}
    assert members("api", of(grant("bob", VIEWER))) == {"bob": "viewer"}


def test_a_grant_holds_to_the_end_of_its_last_day() -> None:
    """And not a day longer; then it is warned about."""
    assert members("api", of(grant("ann", until=TODAY))) == {"ann": "viewer", "bob": "viewer"}
    over = of(grant("ann", until=TODAY - timedelta(days=1)))
    assert members("api", over) == {"bob": "viewer"}
    assert [finding.code for finding in over.diagnostics] == ["GRANT-ENDED"]


def test_another_day_gives_another_result() -> None:
    """`today` is a value."""
    said = rules(rule("api", grant("ann", until=date(2026, 12, 31))))
    seen = snapshot([person("ann")])
    assert members("api", desired(seen, said, today=date(2026, 12, 31))) == {"ann": "viewer"}
    assert members("api", desired(seen, said, today=date(2027, 1, 1))) == {}


def test_a_grant_for_nobody_is_warned_about() -> None:
    """It gives nothing, and nobody is spared for it."""
    wanted = of(grant("zoe"))
    assert [finding.code for finding in wanted.diagnostics] == ["GRANT-UNKNOWN-USER"]
    assert (members("api", wanted), wanted.doubtful) == ({"bob": "viewer"}, {})


def test_a_grant_whose_name_two_people_have_gives_nothing_and_takes_nothing() -> None:
    """A newcomer of the same name must not end it for the first."""
    wanted = of(grant("ann"), people=(person("ann"), person("zoe", uid="ann")))
    assert members("api", wanted) == {}
    assert wanted.doubtful == {API: {key("ann"), key("zoe")}}
    (finding,) = (found for found in wanted.diagnostics if found.code == "GRANT-AMBIGUOUS")
    assert "uid=ann,ou=people,dc=acme and uid=zoe,ou=people,dc=acme" in finding.summary


def test_a_grant_for_nobody_may_mean_somebody_without_a_name() -> None:
    """An entry that lost its login does not lose what it had by grant."""
    wanted = of(grant("ann"), people=(person("ann", uid=()), person("bob")))
    assert wanted.doubtful == {API: {key("ann")}}


def test_a_grant_reaches_somebody_whose_name_the_target_cannot_hold() -> None:
    """The name is right, the account is another matter."""
    assert members("api", of(grant("a b"), people=(person("a b"), person("bob")))) == {"a b": "viewer", "bob": "viewer"}
