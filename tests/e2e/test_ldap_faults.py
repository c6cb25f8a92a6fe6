"""One fault at each message that a server sends: the read is refused, or is the good one to the last byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from reconciler.directory.read import read_directory
from reconciler.errors import DirectoryError
from reconciler.model.directory import Snapshot
from reconciler.policy.model import Bind, DirectoryConfig, Tls
from tests.fakes.ldap_proxy import (
    CODES,
    CORRUPTIONS,
    DONE,
    ENDINGS,
    ENTRY,
    STALLS,
    Fault,
    dropped,
    parts_of,
    proxy,
    tags,
    twice,
)
from tests.fakes.ldap_responder import Directory, responder
from tests.servers.absent import absent
from tests.servers.directories import BASE, NEEDS, READ_AT, ldap_config, people_and_groups, secret
from tests.servers.slapd import MISSING, PASSWORD, program, start

PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
BIND_RESPONSE = 0x61
WAITED_FOR = {
    *STALLS,
    "operation 0x73",
    "one byte announced too many",
    "a byte lost in the middle",
    "the last byte lost",
}
SILENCE = 4  # seconds that are waited for what does not come, while many reads go on at once


@dataclass(frozen=True)
class World:
    """A server, how it is read, what comes, and for each message how a refusal names what it belongs to."""

    config: DirectoryConfig
    good: Snapshot
    messages: Sequence[bytes]
    places: Sequence[str]


def _read(config: DirectoryConfig, url: str) -> Snapshot:
    found = read_directory(replace(config, servers=(url,)), NEEDS, READ_AT)
    return replace(found, source="")  # it names the port


def _world(config: DirectoryConfig) -> World:
    with proxy(config.servers[0]) as running:
        good = _read(config, running.url)
        messages = list(running.messages)
    assert [len(good.people), len(good.groups)] == [5, 3]
    return World(config, good, messages, _places(messages))


def _places(messages: Sequence[bytes]) -> list[str]:
    """Name what each message belongs to: every answer ends with a DONE, and there are three pages of people, two of groups."""
    names = iter(
        ["the root DSE", "the schema"]
        + [f'people under "{PEOPLE}": page {number}' for number in (1, 2, 3)]
        + [f'groups under "{GROUPS}": page {number}' for number in (1, 2)]
    )
    places, name = ["the bind of"], next(names)
    assert tags(messages)[0] == BIND_RESPONSE
    for tag in tags(messages)[1:]:
        places.append(name)
        if tag == DONE:
            name = next(names, "")
    assert not name
    return places


@pytest.fixture(scope="module")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Bind:
    """Return the account that reads."""
    return Bind(f"cn=reader,{BASE}", secret(PASSWORD, tmp_path_factory.mktemp("secret")))


@pytest.fixture(scope="module", params=["responder", pytest.param("slapd", marks=pytest.mark.slapd)])
def world(request: pytest.FixtureRequest, bind: Bind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return a small directory of either server, and a good read of it."""
    config = ldap_config("", base=PEOPLE, group_base=GROUPS, page_size=2, bind=bind, tls=Tls(allow_plaintext=True))
    if request.param == "responder":
        with responder(_small()) as url:
            yield _world(replace(config, servers=(url,)))
        return
    if program() is None:
        absent("slapd", MISSING)
    folder = tmp_path_factory.mktemp("slapd-faults")
    (folder / "content.ldif").write_text(people_and_groups(5, 3))
    server = start(folder, folder / "content.ldif")
    yield _world(replace(config, servers=(server.url,)))
    server.stop()


def _small() -> Directory:
    people = [f"uid=u{n},{PEOPLE}" for n in range(5)]
    return Directory(
        {
            PEOPLE: [(dn, {"objectClass": ["person"], "uid": [f"u{n}"]}) for n, dn in enumerate(people)],
            GROUPS: [
                (f"cn=g{n},{GROUPS}", {"objectClass": ["groupOfNames"], "cn": [f"g{n}"], "member": people[n : n + 3]})
                for n in range(3)
            ],
        }
    )


def _outcomes(world: World, fault: Fault, where: Sequence[int]) -> Sequence[tuple[int, Snapshot | DirectoryError]]:
    """Read once for each message, all at a time: most of the time is spent waiting."""

    def outcome(at: int) -> Snapshot | DirectoryError:
        with proxy(world.config.servers[0], fault, at) as running:
            try:
                return _read(world.config, running.url)
            except DirectoryError as error:
                return error

    with ThreadPoolExecutor(32) as pool:
        return list(zip(where, pool.map(outcome, where), strict=True))


def _impatient(world: World) -> World:
    return replace(world, config=replace(world.config, receive_timeout=SILENCE))


def _touched(world: World, fault: Fault) -> list[int]:
    """Return the numbers of the messages that the fault changes."""
    return [at for at, message in enumerate(world.messages, 1) if fault(message).data != message or fault(message).then]


def _refused(world: World, at: int, outcome: Snapshot | DirectoryError) -> bool:
    """Tell whether a read was refused, in words that name what was not proven; else it has to be the good one."""
    if isinstance(outcome, DirectoryError):
        assert outcome.exit_code == 4
        message = str(outcome)
        assert message.startswith('policies/corp.yaml:4: directory "corp": ')
        place = world.places[at - 1]
        assert place in message, f"message {at}: {place} is not in {message}"
        return True
    assert outcome == world.good, f"message {at}"
    return False


@pytest.mark.parametrize("name", [*ENDINGS, *STALLS, *CORRUPTIONS, *CODES])
def test_a_fault_at_any_message_ends_the_read(world: World, name: str) -> None:
    """Bind, root DSE, schema, each page: what is not proven is named, and no other snapshot ever comes out."""
    fault = {**ENDINGS, **STALLS, **CORRUPTIONS, **CODES}[name]
    touched = _touched(world, fault)
    assert len(touched) >= 8
    world = _impatient(world) if name in WAITED_FOR else world
    let_through = [at for at, outcome in _outcomes(world, fault, touched) if not _refused(world, at, outcome)]
    assert not let_through


@pytest.mark.parametrize("name", [*ENDINGS, *STALLS])
def test_what_happens_after_the_last_message_does_not_matter(world: World, name: str) -> None:
    """Everything is there already."""
    fault = {**ENDINGS, **STALLS}[name]
    for _, outcome in _outcomes(world, fault, [len(world.messages) + 1]):
        assert outcome == world.good


def test_a_message_that_comes_twice_is_noticed_or_harmless(world: World) -> None:
    """An entry of a page shows a change; a repeated end does not fit the next question; of a single entry one is enough."""
    everywhere = range(1, len(world.messages) + 1)
    harmless = [at for at, outcome in _outcomes(world, twice, everywhere) if not _refused_somewhere(world, outcome)]
    single = [
        at for at, tag in enumerate(tags(world.messages), 1) if tag == ENTRY and "page" not in world.places[at - 1]
    ]
    assert harmless == [*single, len(world.messages)]


def _refused_somewhere(world: World, outcome: Snapshot | DirectoryError) -> bool:
    if isinstance(outcome, DirectoryError):
        return True
    assert outcome == world.good
    return False


def test_an_end_that_never_comes_is_waited_for_and_missed(world: World) -> None:
    """Whether a message is lost or the server has stopped looks the same."""
    ends = [at for at, tag in enumerate(tags(world.messages), 1) if tag != ENTRY]
    for at, outcome in _outcomes(_impatient(world), dropped, ends):
        assert _refused(world, at, outcome)
        assert "no answer within the timeout" in str(outcome)


def test_an_entry_that_a_server_leaves_out_cannot_be_missed(world: World) -> None:
    """LDAP numbers no entries: a page without one of them is as good a page, and no client can tell.

    What can be told: somebody whom a group names is looked for again, and is there. Of an entry that no group names, only
    that it is gone, and that nothing else has changed: that nobody loses access for it is up to the guards of the plan. Without a root DSE there is no read, without a schema a warning in the snapshot.
    """
    entries = [at for at, tag in enumerate(tags(world.messages), 1) if tag == ENTRY and "page" in world.places[at - 1]]
    named = {world.good.people[place].dn for group in world.good.groups for place in group.people}
    assert named
    for at, outcome in _outcomes(world, dropped, entries):
        dn = _dn(world.messages[at - 1])
        if isinstance(outcome, Snapshot):
            assert dn not in named
            assert _dns(outcome) == _dns(world.good) - {dn}
        else:
            assert dn in named
            assert f'entry "{dn}" is there now and did not come before' in str(outcome)
    others = [at for at, tag in enumerate(tags(world.messages), 1) if tag == ENTRY and at not in entries]
    (_, root), (_, schema) = _outcomes(world, dropped, others)
    assert "does not say what it is (it shows no root DSE)" in str(root)
    assert isinstance(schema, Snapshot)
    assert "the server shows no schema" in schema.warnings[0]


def _dns(snapshot: Snapshot) -> set[str]:
    return {person.dn for person in snapshot.people} | {group.dn for group in snapshot.groups}


def _dn(message: bytes) -> str:
    content = parts_of(message)[2]
    return content[2 : 2 + content[1]].decode()
