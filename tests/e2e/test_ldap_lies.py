"""A server that lies about where it is in its answer, or sends a part of it elsewhere, is not believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from reconciler.directory import pages
from reconciler.directory.read import read_directory
from reconciler.errors import ReadIncomplete
from reconciler.model.directory import Needs, Snapshot
from tests.fakes import active_directory
from tests.fakes.ber import entry, envelope, tlv
from tests.fakes.ldap_responder import Directory, Entry, Reply, Script, responder
from tests.servers.directories import BASE, NEEDS, READ_AT, ldap_config

PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
SIZE = 2


def _entries() -> Mapping[str, Sequence[Entry]]:
    people = [f"cn=p{n},{PEOPLE}" for n in range(6)]
    return {
        PEOPLE: [(dn, {"objectClass": ["person"], "cn": [f"p{n}"]}) for n, dn in enumerate(people)],
        GROUPS: [
            (f"cn=g{n},{GROUPS}", {"objectClass": ["groupOfNames"], "cn": [f"g{n}"], "member": people[: n + 1]})
            for n in range(6)
        ],
    }


def _read(fake: Directory, needs: Needs = NEEDS, **changes: object) -> Snapshot:
    usual: dict[str, object] = {"base": PEOPLE, "group_base": GROUPS, "page_size": SIZE, "receive_timeout": 5}
    with responder(fake) as url:
        return read_directory(ldap_config(url, **{**usual, **changes}), needs, READ_AT)


def _refusal(script: Script) -> tuple[str, int]:
    fake = Directory(_entries(), script)
    with pytest.raises(ReadIncomplete) as caught:
        _read(fake)
    return str(caught.value), fake.searches()


def _on(base: str, pages_of: Callable[[int, Reply], None]) -> Script:
    def script(asked: str, number: int, reply: Reply) -> None:
        if asked == base:
            pages_of(number, reply)

    return script


def _invented(base: str, number: int, reply: Reply, count: int = 1) -> list[bytes]:
    names = [f"x{number}-{n}" for n in range(count)]
    return [entry(reply.request, f"cn={name},{base}", {"objectClass": ["person"], "cn": [name]}) for name in names]


@pytest.mark.parametrize("base", [PEOPLE, GROUPS])
@pytest.mark.parametrize("fresh_cookie", [False, True], ids=["one cookie", "a new cookie each time"])
def test_a_server_that_invents_entries_for_ever_is_left_in_the_end(
    base: str, monkeypatch: pytest.MonkeyPatch, *, fresh_cookie: bool
) -> None:
    """Nothing tells it from a large directory but its size: the number of pages has a limit."""
    monkeypatch.setattr(pages, "MAX_PAGES", 40)

    def lie(number: int, reply: Reply) -> None:
        reply.entries, reply.cookie = _invented(base, number, reply), b"%d" % (number if fresh_cookie else 1)

    message, searches = _refusal(_on(base, lie))
    assert f'under "{base}": no end after 40 pages' in message
    assert searches <= 2 + 3 + 40


@pytest.mark.parametrize("base", [PEOPLE, GROUPS])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_cookie_that_leads_back_to_the_first_page_is_noticed(base: str, number: int) -> None:
    """The same entries come again, from whichever page it leads back, the last one included."""

    def lie(at: int, reply: Reply) -> None:
        if at == number:
            reply.cookie = b"0"

    message, searches = _refusal(_on(base, lie))
    assert f'under "{base}": ' in message
    assert "came twice: the directory changed while it was read" in message or "brings nothing new" in message
    assert searches <= 2 + 3 + number + 1


def test_a_cookie_that_leads_back_while_entries_are_renamed_is_noticed_by_their_ids() -> None:
    """Other DNs do not hide that it is the same people."""
    entries = dict(_entries())
    entries[PEOPLE] = [
        (dn, {**attributes, "entryUUID": [f"11111111-0000-4000-8000-00000000000{n}"]})
        for n, (dn, attributes) in enumerate(entries[PEOPLE])
    ]

    def lie(number: int, reply: Reply) -> None:
        if number == 3:
            reply.cookie = b"0"
        if number == 4:
            reply.entries, reply.cookie = [part.replace(b"cn=p", b"cn=q") for part in reply.entries], b""

    with pytest.raises(ReadIncomplete, match="have one stable id"):
        _read(Directory(entries, _on(PEOPLE, lie)))


@pytest.mark.parametrize("base", [PEOPLE, GROUPS])
def test_an_empty_page_with_the_cookie_of_before_is_a_circle(base: str) -> None:
    """It may have no entries, but then it has to lead somewhere else."""

    def lie(number: int, reply: Reply) -> None:
        if number > 1:
            reply.entries, reply.cookie = [], b"2"

    message, searches = _refusal(_on(base, lie))
    assert f'under "{base}": page 2 brings nothing new' in message
    assert searches <= 2 + 3 + 2


def test_empty_pages_between_full_ones_are_no_end() -> None:
    """A server that looks for matches for a while may say: nothing yet, and move its cookie on."""

    def pause(number: int, reply: Reply) -> None:
        if number % 2:
            reply.entries, reply.cookie = [], b"0" * number + b"%d" % (number // 2 * SIZE)

    honest = _read(Directory(_entries()))
    assert _read(Directory(_entries(), _on(PEOPLE, pause))).people == honest.people


def test_a_page_with_more_than_was_asked_for_is_taken_whole() -> None:
    """The size is a wish."""

    def generous(number: int, reply: Reply) -> None:
        reply.entries = [entry(reply.request, *each) for each in _entries()[PEOPLE]]
        reply.cookie = b""

    assert _read(Directory(_entries(), _on(PEOPLE, generous))).digest == _read(Directory(_entries())).digest


def test_a_cookie_that_leads_past_a_page_is_noticed_only_where_a_group_names_who_was_on_it() -> None:
    """Whom groups name is looked for again; of others no client counts what it was never sent: guards are for that."""

    def lie(number: int, reply: Reply) -> None:
        if number == 1:
            reply.cookie = b"%d" % (2 * SIZE)

    with pytest.raises(ReadIncomplete, match=f'entry "cn=p2,{PEOPLE}" is there now and did not come before'):
        _read(Directory(_entries(), _on(PEOPLE, lie)))
    entries = {**_entries(), GROUPS: _entries()[GROUPS][:2]}
    assert len(_read(Directory(entries, _on(PEOPLE, lie))).people) == 4


@pytest.mark.parametrize("base", [PEOPLE, GROUPS])
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_reference_is_found_wherever_it_stands(base: str, number: int, place: int) -> None:
    """Before, between and behind the entries of a page, the last one included."""
    link = "ldap://elsewhere.example/ou=more??sub"

    def refer(at: int, reply: Reply) -> None:
        if at == number:
            reply.entries.insert(place, envelope(reply.request, tlv(0x73, tlv(0x04, link.encode()))))

    message, _ = _refusal(_on(base, refer))
    assert f'under "{base}": page {number} refers to {link}' in message


@pytest.mark.parametrize("base", [PEOPLE, GROUPS])
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(("code", "name"), [(10, "referral"), (51, "busy"), (53, "unwillingToPerform")])
def test_a_server_that_gives_up_in_the_middle_is_not_asked_again(base: str, number: int, code: int, name: str) -> None:
    """With all entries and an empty cookie, as if it were the end; and a referral with no URL in it."""

    def give_up(at: int, reply: Reply) -> None:
        if at == number:
            reply.code, reply.cookie = code, b""

    message, searches = _refusal(_on(base, give_up))
    assert f'under "{base}": page {number} ended with {name} ({code})' in message
    assert searches == 2 + (3 if base == GROUPS else 0) + number


def test_a_success_with_a_referral_in_it_is_no_success() -> None:
    """Code 0 says complete, the URL says not."""

    def refer(at: int, reply: Reply) -> None:
        if at == 2:
            reply.referrals = ["ldap://elsewhere.example/"]

    message, _ = _refusal(_on(PEOPLE, refer))
    assert "page 2 refers to ldap://elsewhere.example/" in message


@pytest.mark.parametrize("page_size", [999, 1000, 1001, 5000])
def test_a_server_may_give_smaller_pages_than_asked_for(page_size: int) -> None:
    """Active Directory gives a thousand entries at most, and a cookie."""
    base = "DC=example,DC=com"
    people = [active_directory.user(f"CN=u{n},CN=Users,{base}", n + 1) for n in range(2100)]
    groups = [active_directory.group(f"CN=g,{base}", 9001, [dn for dn, _ in people[:5]])]
    fake = Directory(
        {base: [*people, *groups]}, root=active_directory.root_dse(base), page_cap=active_directory.MAX_PAGE_SIZE
    )
    snapshot = _read(fake, base=base, group_base="", page_size=page_size)
    assert [len(snapshot.people), len(snapshot.groups)] == [2100, 1]
    assert len(snapshot.groups[0].people) == 5
    assert {each.size for each in fake.asked if each.number} == {page_size}
    assert max(each.number for each in fake.asked) == 3 + 1
