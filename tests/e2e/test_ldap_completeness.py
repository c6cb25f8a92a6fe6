"""A read that is not proven complete ends the run, whatever goes wrong at whichever byte; against servers that misbehave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import ldap3
import pytest

from reconciler.directory.read import read_directory
from reconciler.errors import ReadIncomplete
from reconciler.model.directory import Snapshot
from reconciler.policy.model import Bind
from tests.fakes.ber import entry, envelope, result, tlv
from tests.fakes.ldap_responder import Directory, Entry, Reply, Script, responder
from tests.servers.directories import BASE, NEEDS, READ_AT, ldap_config, people_and_groups, secret
from tests.servers.slapd import PASSWORD, Options, Slapd

PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
SIZE = 3
SILENCE = 3  # seconds that are waited for what does not come

Fault = Callable[[Reply], None]


def _entries() -> Mapping[str, Sequence[Entry]]:
    people = [f"cn=p{n},{PEOPLE}" for n in range(8)]
    return {
        PEOPLE: [(dn, {"objectClass": ["person"], "cn": [f"p{n}"], "mail": []}) for n, dn in enumerate(people)],
        GROUPS: [
            (f"cn=g{n},{GROUPS}", {"objectClass": ["groupOfNames"], "cn": [f"g{n}"], "member": people[: n + 1]})
            for n in range(7)
        ],
    }


def _read(fake: Directory, **changes: object) -> Snapshot:
    with responder(fake) as url:
        config = ldap_config(url, base=PEOPLE, group_base=GROUPS, page_size=SIZE, **changes)
        return read_directory(config, NEEDS, READ_AT)


def _refusal(script: Script, **changes: object) -> str:
    with pytest.raises(ReadIncomplete) as caught:
        _read(Directory(_entries(), script), **changes)
    message = str(caught.value)
    assert message.startswith('policies/corp.yaml:4: directory "corp": ')
    return message


def _at(base: str, number: int, fault: Fault) -> Script:
    def script(asked: str, page: int, reply: Reply) -> None:
        if (asked, page) == (base, number):
            fault(reply)

    return script


def test_the_responder_is_read_whole_where_nothing_goes_wrong() -> None:
    """The faults below are the only difference."""
    fake = Directory(_entries())
    snapshot = _read(fake)
    assert [len(snapshot.people), len(snapshot.groups)] == [8, 7]
    assert [len(group.people) for group in snapshot.groups] == [1, 2, 3, 4, 5, 6, 7]
    assert fake.searches() == 2 + 3 + 3


@pytest.mark.parametrize("chunk", [1, 7])
def test_answers_that_come_in_small_pieces_are_put_together(chunk: int) -> None:
    """Down to one byte at a time."""

    def script(_: str, __: int, reply: Reply) -> None:
        reply.chunk = chunk

    assert _read(Directory(_entries(), script)).digest == _read(Directory(_entries())).digest


def test_one_cookie_for_a_whole_search_is_no_fault() -> None:
    """Some servers hand out the number of a place where they keep the search, the same on every page."""

    def script(base: str, number: int, reply: Reply) -> None:
        every = _entries()[base][(number - 1) * SIZE : number * SIZE]
        reply.entries = [entry(reply.request, *each) for each in every]
        reply.cookie = b"0" if number < 3 else b""

    assert _read(Directory(_entries(), script)).digest == _read(Directory(_entries())).digest


@pytest.mark.parametrize("base", [PEOPLE, GROUPS])
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(
    ("code", "name"),
    [
        (1, "operationsError"),
        (3, "timeLimitExceeded"),
        (4, "sizeLimitExceeded"),
        (11, "adminLimitExceeded"),
        (12, "unavailableCriticalExtension"),
        (32, "noSuchObject"),
        (50, "insufficientAccessRights"),
        (51, "busy"),
        (52, "unavailable"),
        (53, "unwillingToPerform"),
        (80, "other"),
    ],
)
def test_any_result_code_but_success_is_no_answer(base: str, number: int, code: int, name: str) -> None:
    """On whichever page; what came before is dropped."""

    def fault(reply: Reply) -> None:
        reply.code, reply.message, reply.cookie = code, "said\x1b[31m so", b""

    message = _refusal(_at(base, number, fault))
    assert f'under "{base}": page {number} ended with {name} ({code})' in message
    assert "entries may be missing" in message
    assert r"said\x1b[31m so" in message


def test_an_unknown_result_code_is_no_answer() -> None:
    """Not even ldap3 has a name for it."""

    def fault(reply: Reply) -> None:
        reply.code = 9999

    assert f'people under "{PEOPLE}"' in _refusal(_at(PEOPLE, 1, fault))


def test_a_referral_is_not_followed() -> None:
    """The whole answer would be elsewhere."""

    def fault(reply: Reply) -> None:
        reply.code, reply.referrals = 10, ["ldap://elsewhere.example/dc=example"]

    message = _refusal(_at(GROUPS, 2, fault))
    assert "page 2 ended with referral (10)" in message
    assert "name the server that holds this base" in message


def test_a_reference_is_not_followed() -> None:
    """A part of the answer would be elsewhere."""

    def fault(reply: Reply) -> None:
        reply.references = ["ldap://elsewhere.example/ou=more"]

    message = _refusal(_at(PEOPLE, 2, fault))
    assert "page 2 refers to ldap://elsewhere.example/ou=more" in message
    assert "not followed: entries are missing" in message


def test_a_missing_paging_control_proves_nothing() -> None:
    """ldap3's own paging would end here without a word."""

    def fault(reply: Reply) -> None:
        reply.cookie = None

    message = _refusal(_at(PEOPLE, 1, fault))
    assert "page 1 came without an answer to the paging control" in message


def test_a_server_that_repeats_a_page_for_ever_is_left() -> None:
    """The same cookie, and the same entries with it."""

    def script(_: str, number: int, reply: Reply) -> None:
        reply.cookie = b"0"

    fake = Directory(_entries(), script)
    with pytest.raises(ReadIncomplete) as caught:
        _read(fake)
    assert "came twice" in str(caught.value) or "brings nothing new" in str(caught.value)
    assert fake.searches() < 6


def test_a_server_that_sends_empty_pages_for_ever_is_left() -> None:
    """With a new cookie each time; a few empty pages are legal."""
    fresh = iter(range(1, 10_000))

    def script(_: str, __: int, reply: Reply) -> None:
        reply.entries, reply.cookie = [], b"%d" % next(fresh)

    fake = Directory(_entries(), script)
    with pytest.raises(ReadIncomplete, match="brings nothing new"):
        _read(fake)
    assert fake.searches() < 110


def test_a_few_empty_pages_are_legal() -> None:
    """RFC 2696: a page may be empty and not be the last."""

    def fault(reply: Reply) -> None:
        reply.entries, reply.cookie = [], b"0"

    assert len(_read(Directory(_entries(), _at(PEOPLE, 1, fault))).people) == 8


@pytest.mark.parametrize("base", [PEOPLE, GROUPS])
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("keep", [0.0, 0.01, 0.4, 0.99])
def test_a_connection_that_drops_inside_a_page_ends_the_read(base: str, number: int, keep: float) -> None:
    """At whichever byte."""

    def fault(reply: Reply) -> None:
        reply.keep, reply.then = keep, "close"

    message = _refusal(_at(base, number, fault))
    assert f'under "{base}": page {number}: ldap://127.0.0.1:' in message
    assert "did not answer to the end, so entries may be missing" in message


@pytest.mark.parametrize("entries", [0, 1, 3])
def test_a_connection_that_closes_between_messages_ends_the_read(entries: int) -> None:
    """Without a SearchResultDone nothing is complete."""

    def fault(reply: Reply) -> None:
        reply.entries, reply.done, reply.then = reply.entries[:entries], False, "close"

    assert "terminated by server" in _refusal(_at(GROUPS, 2, fault))


@pytest.mark.parametrize("base", [PEOPLE, GROUPS])
def test_a_server_that_hangs_after_a_page_is_left(base: str) -> None:
    """After the receive timeout."""

    def fault(reply: Reply) -> None:
        reply.keep, reply.then = 0.0, "hang"

    message = _refusal(_at(base, 2, fault), receive_timeout=SILENCE)
    assert "no answer within the timeout" in message


def test_a_server_that_hangs_inside_a_message_is_left() -> None:
    """Half a page has come."""

    def fault(reply: Reply) -> None:
        reply.keep, reply.then = 0.5, "hang"

    assert "no answer within the timeout" in _refusal(_at(PEOPLE, 1, fault), receive_timeout=SILENCE)


def test_a_notice_of_disconnection_is_passed_on() -> None:
    """RFC 4511 4.4.1: message 0, with the server's own words."""
    body = result(0x78, 52, "going down")[2:] + tlv(0x8A, b"1.3.6.1.4.1.1466.20036")
    notice = envelope(0, tlv(0x78, body))

    def fault(reply: Reply) -> None:
        reply.raw, reply.done = notice, False

    message = _refusal(_at(PEOPLE, 2, fault))
    assert 'the server ended the connection: unavailable (52), the server says "going down"' in message


def test_an_answer_to_another_request_ends_the_read() -> None:
    """Answers and questions no longer fit together."""

    def fault(reply: Reply) -> None:
        reply.message_id = 99

    assert "an answer to another request" in _refusal(_at(PEOPLE, 2, fault))


@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x30\x80\x00\x00",
        b"\x30\x03\x02\x01\x01",
        b"\x30\x89" + b"\x01" * 9,
        b"\x30\x84\x7f\xff\xff\xff",
        b"\x30\x0c\x02\x01\x05\x64\x07\x04\x01a\x30\x09ab",
        b"\x30\x05\x02\x01\x05\x7f\x00",
    ],
)
def test_what_is_no_ldap_ends_the_read(garbage: bytes) -> None:
    """Indefinite, absurd and contradicting lengths, unknown operations, another protocol."""

    def fault(reply: Reply) -> None:
        reply.entries, reply.raw = [], garbage

    message = _refusal(_at(PEOPLE, 2, fault))
    assert f'people under "{PEOPLE}": page 2: ldap://127.0.0.1:' in message


def _size_limit(reply: Reply) -> None:
    reply.code, reply.cookie = 4, b""


def _no_control(reply: Reply) -> None:
    reply.cookie = None


def _cut(reply: Reply) -> None:
    reply.keep, reply.then = 0.5, "close"


def _no_end(reply: Reply) -> None:
    reply.done, reply.then = False, "close"


def _hang(reply: Reply) -> None:
    reply.keep, reply.then = 0.5, "hang"


def _reference(reply: Reply) -> None:
    reply.references = ["ldap://elsewhere.example/"]


def _other_operation(reply: Reply) -> None:
    reply.entries[0] = envelope(reply.request, tlv(0x79, b""))


def _other_end(reply: Reply) -> None:
    reply.raw, reply.done = envelope(reply.request, result(0x61, 0)), False


@pytest.mark.parametrize(
    "fault", [_size_limit, _no_control, _cut, _no_end, _hang, _reference, _other_operation, _other_end]
)
def test_the_faults_end_the_read_with_ldap3s_own_decoder_too(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is used with a version of ldap3 that the fast one does not know."""
    monkeypatch.setattr(ldap3, "__version__", "2.10.0")
    assert f'people under "{PEOPLE}": ' in _refusal(_at(PEOPLE, 2, fault), receive_timeout=SILENCE)


def test_a_part_of_an_attribute_is_no_attribute() -> None:
    """A server that cuts member lists sends `member;range=0-1` and an empty `member`."""
    entries = dict(_entries())
    entries[GROUPS] = [(f"cn=big,{GROUPS}", {"cn": ["big"], "member": [], "member;range=0-1": ["cn=a", "cn=b"]})]
    with pytest.raises(ReadIncomplete) as caught:
        _read(Directory(entries))
    assert f'entry "cn=big,{GROUPS}": only a part of "member" was sent ("member;range=0-1")' in str(caught.value)


def test_an_entry_that_comes_twice_shows_a_change_during_the_read() -> None:
    """A renamed entry may appear on two pages."""
    entries = dict(_entries())
    entries[PEOPLE] = [*entries[PEOPLE], (f"CN=P0, {PEOPLE}", {"cn": ["p0"]})]
    with pytest.raises(ReadIncomplete, match="came twice: the directory changed while it was read"):
        _read(Directory(entries))


def test_an_entry_that_moved_during_the_read_is_found_by_its_id() -> None:
    """Two DNs, one entryUUID."""
    entries = dict(_entries())
    uuid = {"entryUUID": ["11111111-0000-4000-8000-000000000001"]}
    entries[PEOPLE] = [(f"cn=a,{PEOPLE}", uuid), (f"cn=b,{PEOPLE}", uuid)]
    with pytest.raises(ReadIncomplete, match="have one stable id, 11111111-0000-4000-8000-000000000001"):
        _read(Directory(entries))


@pytest.mark.parametrize("dn", [b"cn=\xff,dc=example", b"no dn at all"])
def test_an_entry_whose_dn_cannot_be_read_is_named(dn: bytes) -> None:
    """It is not left out: nobody would know who is missing."""

    def fault(reply: Reply) -> None:
        reply.entries = [entry(reply.request, dn, {"cn": ["x"]})]

    assert "its DN cannot be read" in _refusal(_at(PEOPLE, 1, fault))


def test_a_server_that_offers_no_paging_is_refused() -> None:
    """It says so in its root DSE."""
    with pytest.raises(ReadIncomplete, match="does not offer paged results"):
        _read(Directory(_entries(), controls=(b"1.2.3",)))


def test_a_server_that_does_not_say_what_it_offers_is_tried() -> None:
    """Its answers have to prove it then."""
    assert len(_read(Directory(_entries(), controls=())).people) == 8


@pytest.mark.slapd
@pytest.mark.parametrize(
    ("limits", "page"), [("size.prtotal=25", 3), ("size=5 size.pr=unlimited size.prtotal=hard", 1)]
)
def test_a_size_limit_of_the_server_is_met_in_the_middle(
    start_slapd: Callable[..., Slapd], tmp_path: Path, limits: str, page: int
) -> None:
    """OpenLDAP counts all pages of a search together, and ends it with code 4 after good pages."""
    server = start_slapd(people_and_groups(40, 5), Options(limits=limits))
    config = ldap_config(server.ldapi_url, page_size=10, bind=Bind(server.reader_dn, secret(PASSWORD, tmp_path)))
    with pytest.raises(ReadIncomplete) as caught:
        read_directory(config, NEEDS, READ_AT)
    message = str(caught.value)
    assert f'people under "{BASE}": page {page} ended with sizeLimitExceeded (4)' in message
    assert "raise the server's size limit" in message


@pytest.mark.slapd
@pytest.mark.parametrize("changes", [{"base": f"ou=nowhere,{BASE}"}, {"group_base": f"ou=nowhere,{BASE}"}])
def test_a_base_that_does_not_exist_is_no_empty_directory(slapd: Slapd, changes: dict[str, str]) -> None:
    """noSuchObject: everybody would seem to have left."""
    with pytest.raises(ReadIncomplete) as caught:
        read_directory(ldap_config(slapd.url, **changes), NEEDS, READ_AT)
    assert f'under "ou=nowhere,{BASE}": page 1 ended with noSuchObject (32)' in str(caught.value)
    assert "the search base does not exist, or this account may not see it" in str(caught.value)
