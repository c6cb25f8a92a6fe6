"""One person while the directory changes or breaks between any two searches: nothing is taken away for that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from reconciler.directory.observer import Question
from reconciler.errors import DirectoryError, ReadIncomplete
from reconciler.pipeline import make_plan
from tests.e2e.one_person import Counted, Office
from tests.e2e.test_person_cases import UNITS, group, person, rename, types
from tests.e2e.test_person_slapd import office
from tests.servers.directories import BASE
from tests.servers.slapd import Slapd

pytestmark = pytest.mark.slapd

StartSlapd = Callable[..., Slapd]

CHAIN = UNITS + person("ann") + person("bob") + group("devs", "ann", "bob") + group("all", "=devs", "bob")
LINKS = "    app:\n      - {cn: all, access: viewer}"


@dataclass
class Meddler(Counted):
    """Does something just before one of the searches is sent."""

    at: int = 0
    act: Callable[[], None] = lambda: None

    def searching(self, question: Question) -> None:
        """Keep the search, after having meddled where it is its turn."""
        if len(self.questions) == self.at:
            self.act()
        super().searching(question)


def searches(company: Office) -> int:
    """Return how many searches a plan for ann makes."""
    counted = Counted()
    make_plan(replace(company.run(LINKS), only=("ann",), observer=counted))
    return len(counted.questions)


@pytest.mark.parametrize("what", ["uid=ann,ou=people", "cn=devs,ou=groups", "cn=all,ou=groups"])
def test_a_rename_between_any_two_searches_takes_nothing_away(
    start_slapd: StartSlapd, tmp_path: Path, what: str
) -> None:
    """Whoever is renamed, and the groups on the way: the plan is right, or there is none."""
    server = start_slapd(CHAIN)
    company = office(server, tmp_path)
    company.filled(LINKS)
    ended = 0
    names = (what, what.replace("=", "=x", 1))
    links = f"    app:\n      - {{filter: (cn=none), access: viewer}}\n      - {{dn: 'cn=all,ou=groups,{BASE}', access: viewer}}"
    links += f"\n      - {{dn: 'cn=xall,ou=groups,{BASE}', access: viewer}}"
    for number in range(searches(company)):
        here, there = names[number % 2], names[(number + 1) % 2]
        meddler = Meddler(at=number, act=partial(rename, server, here, there))
        try:
            plan = make_plan(replace(company.run(links), only=(str(UUID(int=ord("a"))),), observer=meddler))
        except ReadIncomplete:
            ended += 1
        else:
            assert not {"membership.remove", "user.disable"}.intersection(types(plan)), number
        if len(meddler.questions) <= number:
            rename(server, here, there)
    assert ended


def test_a_server_that_goes_away_between_any_two_searches_ends_the_plan(
    start_slapd: StartSlapd, tmp_path: Path
) -> None:
    """There is no other server once a read has begun."""
    server = start_slapd(CHAIN)
    company = office(server, tmp_path)
    company.filled(LINKS)
    for number in range(1, searches(company)):
        meddler = Meddler(at=number, act=server.stop)
        with pytest.raises(DirectoryError):
            make_plan(replace(company.run(LINKS), only=("ann",), observer=meddler))
        server.restart()
