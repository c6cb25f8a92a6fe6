"""The HTTP seam on real sockets: what is sent again and what never is, and what is said of servers that misbehave."""

from __future__ import annotations

import gzip
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Event, Thread
from time import monotonic

import pytest

from reconciler.errors import TargetError, TargetUnreachable
from reconciler.policy.secrets import Secret
from reconciler.targets.answers import Answer, Method, Refused, Request, Unclear
from reconciler.targets.http import Login, Patience, Session, Site
from reconciler.targets.pace import Rate, Stopped
from tests.fakes.teams import Reply
from tests.fakes.teams_server import Ending, Fault, Served, serving, status, truncated
from tests.fakes.time import StandingClock
from tests.servers.slapd import certificates, free_port

LOGIN = Login("Authorization", Secret("secret-token"), "Bearer ")
QUICK = Patience(connect=20, receive=30, whole=60, attempts=3)  # a busy machine takes its time
USERS = Request("GET", "/users")
NEW = Request("POST", "/users", body={"username": "zoe"})
HTML = "<html>\x1b[31mBad Gateway secret-token</html>" + "x" * 2000


@pytest.fixture
def served() -> Iterator[Served]:
    """Run an app with one user and one group."""
    with serving() as running:
        running.app.seed_group("team", {running.app.seed_user("ann"): "reader"})
        yield running


def session(served: Served, clock: StandingClock | None = None, patience: Patience = QUICK) -> Session:
    """Return a session whose waits between attempts take no time."""
    return Session(Site("chat", served.url), LOGIN, patience, (clock or StandingClock()).timing())


def waiting(ending: Ending) -> Patience:
    """Return a patience that ends soon where there will be no answer, or none to its end."""
    match ending:
        case "hang":
            return replace(QUICK, receive=2)
        case "drip":
            return replace(QUICK, whole=2)
        case _:
            return QUICK


def put(role: str = "owner", *, repeatable: bool = True) -> Request:
    """Return a change of the one membership."""
    return Request("PUT", "/groups/2/members/1", body={"role": role}, repeatable=repeatable)


def said(error: BaseException, served: Served) -> str:
    """Return a message without the address that differs from run to run."""
    return str(error).replace(served.url, "URL")


def test_a_request_carries_the_login_and_an_answer_is_whole(served: Served) -> None:
    """As JSON in both directions; connections are used again."""
    chat = session(served)
    assert chat.send(USERS).value(chat.send(USERS).maps()[0], "username", str) == "ann"
    assert chat.send(NEW).map()["username"] == "zoe"
    headers = served.log[-1].headers
    assert headers["authorization"] == "Bearer secret-token"
    assert headers["user-agent"].startswith("reconcile/")
    assert chat.counts == {"GET": 2, "POST": 1, "repeated": 0}
    chat.close()
    chat.close()


PASSING: dict[str, tuple[Callable[[Reply], Reply], Ending]] = {
    "500": (status(500), "answer"),
    "502 in HTML": (status(502, HTML, "text/html"), "answer"),
    "503": (status(503), "answer"),
    "reset": (status(200), "reset"),
    "silence": (status(200), "hang"),
    "cut": (lambda reply: reply, "cut"),
    "drip": (lambda reply: reply, "drip"),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_read_is_tried_again(served: Served, name: str) -> None:
    """Whatever went wrong, as long as it may pass; two failures of three attempts are none."""
    change, ending = PASSING[name]
    served.fail(Fault("GET", ".*", change=change, ending=ending, effect=True, times=2))
    chat = Session(Site("chat", served.url), LOGIN, replace(waiting(ending), first=0.01))
    assert len(chat.send(USERS).maps()) == 1
    assert chat.counts == {"GET": 3, "repeated": 2}


@pytest.mark.parametrize(
    ("name", "family", "fact"),
    [
        ("500", Refused, r'answered with status 500: "{"error": "fault 500"}", 3 times\.'),
        (
            "502 in HTML",
            Refused,
            r'answered with status 502: "<html>\\x1b\[31mBad Gateway •••</html>x+…", 3 times\.',
        ),
        ("reset", TargetUnreachable, r"gave no whole answer: Connection reset by peer, 3 times\."),
        ("silence", TargetUnreachable, r"gave no whole answer: it took too long, 3 times\."),
    ],
)
def test_a_read_that_keeps_failing_is_an_error(served: Served, name: str, family: type[TargetError], fact: str) -> None:
    """It names target, method, path and status, and quotes little, safely, and without our secret."""
    change, ending = PASSING[name]
    served.fail(Fault("GET", ".*", change=change, ending=ending, times=9))
    with pytest.raises(family) as caught:
        session(served, patience=waiting(ending)).send(USERS)
    message = said(caught.value, served)
    assert re.fullmatch(rf"target chat: GET /users at URL {fact}", message), message
    assert len(message) < 450


@pytest.mark.parametrize(
    ("name", "effect"), [(name, effect) for name in PASSING for effect in (True, False) if effect or name != "drip"]
)
def test_a_post_is_sent_once_and_its_fate_is_left_open(served: Served, name: str, *, effect: bool) -> None:
    """Once it may have arrived nobody can tell from here whether it was made: the caller reads."""
    change, ending = PASSING[name]
    served.fail(Fault("POST", ".*", change=change, ending=ending, effect=effect, times=9))
    chat = Session(Site("chat", served.url), LOGIN, waiting(ending))
    with pytest.raises(Unclear, match=r"Whether it was made is not known\."):
        chat.send(NEW)
    assert [entry.method for entry in served.log] == ["POST"]
    assert len(served.app.users) == 1 + effect


def test_a_post_that_never_arrived_is_sent_again_and_then_is_not_made(served: Served) -> None:
    """Nobody listens: that is proven."""
    clock = StandingClock()
    chat = Session(Site("chat", f"http://127.0.0.1:{free_port()}"), LOGIN, QUICK, clock.timing())
    with pytest.raises(TargetUnreachable, match=r"could not be reached: Connection refused, 3 times\.") as caught:
        chat.send(NEW)
    assert not isinstance(caught.value, Unclear)
    assert clock.waits == [0.5, 1.0]
    assert chat.counts == {"POST": 3, "repeated": 2}


def test_a_repeatable_change_is_sent_again_and_knows_that_it_may_meet_itself(served: Served) -> None:
    """The answer to the second one may be about the effect of the first."""
    served.fail(Fault("PUT", ".*", effect=True, ending="reset"))
    answer = session(served).send(put())
    assert (answer.ok, answer.doubtful) == (True, True)
    served.fail(Fault("DELETE", ".*", effect=True, ending="reset"))
    with pytest.raises(Refused) as caught:
        session(served).send(Request("DELETE", "/groups/2/members/1", repeatable=True))
    assert (caught.value.status, caught.value.doubtful) == (404, True)
    assert [entry.method for entry in served.log] == ["PUT", "PUT", "DELETE", "DELETE"]


@pytest.mark.parametrize(("repeatable", "sent"), [(True, 3), (False, 1)])
def test_a_change_without_an_answer_to_the_end_is_unclear(served: Served, sent: int, *, repeatable: bool) -> None:
    """Repeated or not."""
    served.fail(Fault("PUT", ".*", ending="reset", times=9))
    with pytest.raises(Unclear):
        session(served).send(put(repeatable=repeatable))
    assert len(served.log) == sent


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refusal_for_the_rate_is_waited_for(served: Served, method: Method) -> None:
    """Even for a POST: it says that nothing was done. The server's word decides how long, and everybody waits."""
    clock = StandingClock()
    served.fail(Fault(method, ".*", change=status(429, "Retry later", "text/plain", Retry_After="7")))
    assert session(served, clock).send(Request(method, "/users", body=NEW.body if method == "POST" else None)).ok
    assert clock.waits == [7]
    assert len(served.log) == 2


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({}, [60]),
        ({"RateLimit_Reset": "31"}, [31]),
        ({"Retry_After": "0"}, [0.5]),
    ],
)
def test_how_long_a_rate_is_waited_for(served: Served, headers: dict[str, str], waits: list[float]) -> None:
    """A minute where the server does not say, and never no time at all."""
    clock = StandingClock()
    served.fail(Fault("GET", ".*", change=status(429, "x", "text/plain", **headers)))
    session(served, clock).send(USERS)
    assert clock.waits == waits


def test_too_long_a_wait_ends_with_when_to_come_back(served: Served) -> None:
    """Nobody waits an hour in a pipeline."""
    clock = StandingClock()
    served.fail(
        Fault(
            "GET", ".*", change=status(429, "x", "text/plain", Retry_After="3600", Date="Fri, 20 Nov 2026 12:00:00 GMT")
        )
    )
    with pytest.raises(Refused) as caught:
        session(served, clock).send(USERS)
    assert said(caught.value, served) == (
        'target chat: GET /users at URL answered with status 429: "x". '
        "It asks to come back in 3,600 seconds, at 2026-11-20T13:00:00Z: try again then."
    )
    assert clock.waits == []


def test_a_rate_without_a_word_stops_only_the_limit_it_may_be_about(served: Served) -> None:
    """A server that says how long means everybody."""
    clock = StandingClock()
    chat = session(served, clock)
    served.fail(Fault("DELETE", ".*", change=status(429, "x", "text/plain")))
    chat.send(Request("DELETE", "/groups/2/members/1", limits=(("delete", "2"),)))
    assert clock.waits == [60]
    assert chat.counts == {"DELETE": 2, "repeated": 1}


def test_a_lock_is_tried_again_where_the_caller_knows_it_for_one(served: Served) -> None:
    """Any other conflict is an answer of its own."""
    locked = Fault("POST", ".*", change=status(409, {"error": "Resource lock"}))
    served.fail(locked)
    request = replace(NEW, busy=lambda answer: b"Resource lock" in answer.body)
    assert session(served).send(request).ok
    served.fail(locked)
    with pytest.raises(Refused, match="status 409"):
        session(served).send(NEW)
    assert session(served).send(replace(NEW, expects=frozenset({409}))).status == 409


def test_waits_grow_by_chance_up_to_a_bound(served: Served) -> None:
    """Half of each wait is fixed, half is chance, so that workers do not come back together."""
    served.fail(Fault("GET", ".*", change=status(503), times=99))
    for chance, waits in ((1.0, [1, 2, 4, 5]), (0.0, [0.5, 1, 2, 2.5])):
        clock = StandingClock(chance=chance)
        with pytest.raises(Refused):
            session(served, clock, Patience(attempts=5, first=1, longest=5)).send(USERS)
        assert clock.waits == waits


def test_a_stop_ends_waits_and_sends_no_more(served: Served) -> None:
    """What may have been made is said to be unclear, everything else was not sent."""
    for request, family in ((USERS, Stopped), (put(), Unclear)):
        served.fail(Fault(request.method, ".*", change=status(503), times=99))
        chat = session(served, StandingClock(stops_after=0))
        with pytest.raises(family, match="the run was asked to stop"):
            chat.send(request)
    assert [entry.method for entry in served.log] == ["GET", "PUT"]


def test_a_stopped_run_still_learns_what_needs_no_waiting(served: Served) -> None:
    """What was asked for last can be read once more; nothing is tried twice."""
    chat, stop = session(served), Event()
    chat.stop_on(stop)
    stop.set()
    assert chat.send(USERS).ok
    served.fail(Fault("GET", ".*", change=status(503), times=9))
    with pytest.raises(Stopped, match="was given up: the run was asked to stop"):
        chat.send(USERS)
    assert len(served.log) == 2


def test_a_rate_holds_for_all_workers(served: Served) -> None:
    """Four threads on a real clock send no faster than one."""
    site = Site("chat", served.url, parallel=4, rates={"": Rate(100, 1)})
    chat, began = Session(site, LOGIN, QUICK), monotonic()
    threads = [Thread(target=lambda: [chat.send(USERS).status for _ in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert monotonic() - began >= 0.18
    assert chat.counts["GET"] == 20


def test_a_redirect_is_not_followed(served: Served) -> None:
    """The credential goes to the address of the policy, and the message says where the server wanted it."""
    with serving() as other:
        served.fail(Fault("GET", ".*", change=status(302, "", Location=f"{other.url}/users")))
        with pytest.raises(
            Refused, match=rf"status 302, go to {other.url}/users\. Redirects are not followed: correct the url\."
        ):
            session(served).send(USERS)
        assert other.log == []


@pytest.mark.parametrize(
    ("code", "body"),
    [(401, {"error": "invalid token"}), (403, {"error": "no"}), (404, {"error": "no"}), (418, "teapot")],
)
def test_other_answers_are_final(served: Served, code: int, body: object) -> None:
    """One request, one error with the status."""
    served.fail(Fault("GET", ".*", change=status(code, body), times=9))
    with pytest.raises(Refused) as caught:
        session(served).send(USERS)
    assert caught.value.status == code
    assert len(served.log) == 1


def packed(body: bytes, packing: str = "gzip") -> Callable[[Reply], Reply]:
    """Return a change to an answer whose body is as given, said to be packed."""
    return lambda _reply: Reply(200, body, {"Content-Encoding": packing})


def test_a_packed_answer_is_unpacked(served: Served) -> None:
    """As it was asked for."""
    served.fail(Fault("GET", ".*", change=packed(gzip.compress(b"[]"))))
    assert session(served).send(USERS).maps() == []


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (packed(gzip.compress(b"[" + b" " * 500_000 + b"]")), "sent more than 1,000 bytes, packed"),
        (packed(gzip.compress(b"[]")[:-4]), "sent a packed answer that is not whole"),
        (packed(b"no gzip"), "sent a packed answer that is damaged"),
        (packed(b"[]", "br"), "packed its answer as br, which was not asked for"),
        (lambda reply: replace(reply, body=b" " * 100_000), r"sent more than 1,000 bytes\."),
    ],
)
def test_an_answer_is_bounded(served: Served, change: Callable[[Reply], Reply], fact: str) -> None:
    """However small it arrives; trying again would not help."""
    served.fail(Fault("GET", ".*", change=change, times=9))
    limited = replace(QUICK, most=1000 if "more" in fact else QUICK.most)
    with pytest.raises(TargetUnreachable, match=f"{fact}"):
        Session(Site("chat", served.url), LOGIN, limited, StandingClock().timing()).send(USERS)
    assert len(served.log) == 1


@pytest.mark.timeout(30)
@pytest.mark.parametrize("ending", ["answer", "reset", "hang", "cut", "drip"])
def test_an_answer_given_up_leaves_room_for_the_next(served: Served, ending: Ending) -> None:
    """There is one connection, and it is not lost with what was wrong with its answer."""
    slow = replace(waiting(ending), attempts=1, most=1000)
    chat = Session(Site("chat", served.url, parallel=1), LOGIN, slow)
    served.fail(Fault("GET", ".*", change=lambda reply: replace(reply, body=b" " * 5000), ending=ending, effect=True))
    with pytest.raises(TargetUnreachable):
        chat.send(USERS)
    assert chat.send(USERS).ok


def test_truncated_json_is_no_list(served: Served) -> None:
    """Of the right length on the wire, and still not whole."""
    served.fail(Fault("GET", ".*", effect=True, change=truncated))
    answer: Answer = session(served).send(USERS)
    with pytest.raises(Refused, match="bytes that are not JSON"):
        answer.maps()


def test_a_server_is_verified_by_the_given_authority() -> None:
    """By no other, and not without one."""
    folder = certificates()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    with serving(tls=context) as served:
        good = Session(Site("chat", served.url, ca_file=str(folder / "ca.pem")), LOGIN, QUICK)
        assert good.send(USERS).ok
        for ca_file in ("", str(folder / "other-ca.pem")):
            stranger = Session(Site("chat", served.url, ca_file=ca_file), LOGIN, QUICK)
            with pytest.raises(TargetUnreachable, match="shows a certificate that is not trusted: ") as caught:
                stranger.send(NEW)
            assert not isinstance(caught.value, Unclear)
            assert stranger.counts == {"POST": 1, "repeated": 0}
        assert len(served.log) == 1


def test_a_proxy_of_the_environment_is_used(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for this machine, and not for hosts that the environment excepts."""
    proxy = served.url.removesuffix("/api/v1").replace("//", "//bob:pw@")
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", proxy)
    site = Site("chat", "http://chat.invalid/api/v1", plaintext=True)
    assert Session(site, LOGIN, QUICK).send(USERS).ok
    assert served.log[-1].headers["host"] == "chat.invalid"
    assert served.log[-1].headers["proxy-authorization"] == "Basic Ym9iOnB3"
    session(served).send(USERS)
    assert "proxy-authorization" not in served.log[-1].headers
    monkeypatch.setenv("NO_PROXY", "chat.invalid")
    with pytest.raises(TargetUnreachable, match="could not be reached: "):
        Session(site, LOGIN, replace(QUICK, attempts=1)).send(USERS)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY")
    with pytest.raises(TargetUnreachable, match="could not be reached through the proxy: Connection refused"):
        Session(site, LOGIN, replace(QUICK, attempts=1)).send(NEW)
