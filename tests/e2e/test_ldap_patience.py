"""How long a read waits, and what it makes of a server that says nothing about itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import pytest

from reconciler.directory.read import read_directory
from reconciler.errors import ReadIncomplete
from reconciler.model.directory import Snapshot
from tests.fakes.ldap_responder import Directory, Entry, Reply, Request, Script, responder
from tests.servers.directories import BASE, NEEDS, READ_AT, ldap_config

PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"


def _entries() -> Mapping[str, Sequence[Entry]]:
    people = [(f"cn=p{n},{PEOPLE}", {"objectClass": ["person"], "cn": [f"p{n}"]}) for n in range(40)]
    return {PEOPLE: people, GROUPS: [(f"cn=g,{GROUPS}", {"objectClass": ["groupOfNames"], "member": [people[0][0]]})]}


def _read(fake: Directory, **changes: object) -> Snapshot:
    usual: dict[str, object] = {"base": PEOPLE, "group_base": GROUPS, "page_size": 2}
    with responder(fake) as url:
        return read_directory(ldap_config(url, **{**usual, **changes}), NEEDS, READ_AT)


def _drips(_: str, __: int, reply: Reply) -> None:
    """Send a byte now and then: the socket's own timeout is never met."""
    reply.chunk, reply.pause = 1, 0.05


def _dawdles(_: str, __: int, reply: Reply) -> None:
    """Answer each page whole, after a while."""
    reply.pause = 0.5


@pytest.mark.parametrize("script", [_drips, _dawdles])
@pytest.mark.parametrize("decoder", ["fast", "ldap3"])
def test_a_read_ends_in_time_however_busily_the_server_answers(
    script: Script, decoder: Literal["fast", "ldap3"]
) -> None:
    """Not at once, but before it has come to its own end; ldap3's own decoder looks at the clock between two pages only."""
    fake = Directory(_entries(), script)
    with pytest.raises(ReadIncomplete) as caught:
        _read(fake, read_timeout=4, decoder=decoder)
    assert f'people under "{PEOPLE}": page ' in str(caught.value)
    assert "the whole read took longer than read_timeout allows" in str(caught.value)
    assert fake.searches() < 2 + 20


def test_a_slow_server_that_comes_to_an_end_in_time_is_read() -> None:
    """The limit is for what never ends."""
    assert len(_read(Directory(_entries(), _dawdles), page_size=20, read_timeout=30).people) == 40


def _mute(request: Request, reply: Reply) -> None:
    if not request.base:
        reply.entries = []


def test_a_server_that_hides_what_it_is_needs_a_dialect_in_the_policy() -> None:
    """Success and no root DSE: on Active Directory the usual filters would find no group at all."""
    with pytest.raises(
        ReadIncomplete, match=r"does not say what it is \(it shows no root DSE\).*say dialect in the policy"
    ):
        _read(Directory(_entries(), base_script=_mute))
    snapshot = _read(Directory(_entries(), base_script=_mute), dialect="openldap")
    assert len(snapshot.people) == 40
    assert not snapshot.schema.from_server
