"""The one way to talk HTTP to a target: pooled, paced, bounded, repeated only where that is safe; decides nothing about access.

Only this module knows urllib3. Redirects are not followed: the address in the policy is the one that gets the credential.
A proxy of the environment (``HTTPS_PROXY``, ``NO_PROXY``) is used as by other programs, except for this machine itself:
behind HTTPS it sees where we go and not what is said, and no policy can set one.
"""

from __future__ import annotations

import json
import ssl
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from threading import Event, Lock
from time import gmtime, strftime
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError, SSLError
from urllib3.exceptions import TimeoutError as SlowError

from reconciler import __version__
from reconciler.errors import PolicyError, TargetError, TargetUnreachable
from reconciler.model.text import shortened
from reconciler.policy.model import SecretRef
from reconciler.policy.secrets import Secret, resolve
from reconciler.targets.answers import Answer, Refused, Request, Unclear, asked_wait
from reconciler.targets.pace import REAL, Pace, Rate, Stopped, Timing

_MEBIBYTE = 2**20
_CHUNK = 65_536
_TOO_MANY, _LOCKED = 429, 409
_REDIRECTS = range(300, 400)
_LAST_MOMENT = 2**34  # that a clock of seconds can show
_PASSING = frozenset({500, 502, 503, 504})  # may be over soon; whether anything was done is not known


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what. Times in seconds, `most` in bytes of one answer.

    `receive` is for each piece of an answer, `whole` for one from its first to its last byte. `attempts` counts the first
    one; between them `first` is waited, doubled each time up to `longest`, by chance up to a half less. A server that says
    how long to wait is obeyed up to `asked`; one that refuses for its rate and does not say is left alone for `blind`.
    """

    connect: float = 10
    receive: float = 60
    whole: float = 300
    attempts: int = 5
    first: float = 0.5
    longest: float = 30
    asked: float = 120
    blind: float = 60
    most: int = 64 * _MEBIBYTE


@dataclass(frozen=True, slots=True)
class Login:
    """A header that says who we are: its name, the secret, and what stands before that, such as ``Bearer ``."""

    header: str
    secret: Secret
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a target is. `ca_file`: whom to trust in place of the system's. `plaintext`: http:// is wanted, said aloud.

    `parallel` requests go at once. `rates` are those of `Limit` names, see pace.py. `noun`: what messages call it, before
    its name. `headers` go with every request.
    """

    target: str
    url: str
    ca_file: str = ""
    plaintext: bool = False
    parallel: int = 4
    rates: Mapping[str, Rate] = field(default_factory=dict)
    noun: str = "target"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def called(self) -> str:
        """Return what messages call it."""
        return f"{self.noun} {shortened(self.target)}".rstrip()


@dataclass(frozen=True, slots=True)
class _Fault:
    """An attempt without success. `undone`: it is proven that the server did nothing. `wait`: seconds that it asks for."""

    fact: str
    status: int = 0
    undone: bool = False
    wait: float | None = None
    narrow: bool = False  # perhaps only for the limits that the request is under
    lasting: bool = False  # it will be the same at the next attempt


class _TooMuch(Exception):
    """An answer larger, slower or otherwise packed than we take."""


class Session:
    """One target's connections, shared by all workers. Raises only TargetError: Refused, Unclear, TargetUnreachable, Stopped.

    The flag given to `stop_on` ends every wait, and nothing is sent that would have to wait first: what needs no waiting, such
    as reading what became of a change, still goes.
    """

    def __init__(
        self, site: Site, login: Login | None = None, patience: Patience = Patience(), timing: Timing = REAL
    ) -> None:
        """Look at the address and the certificates; connect to nothing. Raises TargetError where one is not usable."""
        self.site = site
        self.url = site.url.rstrip("/")
        self._patience, self._timing = patience, timing
        self._pace = Pace(site.rates, Event(), timing)
        self._lock, self._counts = Lock(), Counter[str]()
        self._pool = _pool(site, _checked(site))
        self._login: Login | None = None
        self.login(login)

    def login(self, login: Login | None) -> None:
        """Say who we are from now on. Raises TargetError for a secret that no header can carry."""
        if login and not (login.secret.reveal().isascii() and login.secret.reveal().isprintable()):
            raise TargetError(
                f"{self.site.called}: the secret holds characters that no HTTP header can carry. "
                "Copy it anew, without spaces or line ends."
            )
        self._login = login

    def stop_on(self, stop: Event) -> None:
        """End every wait once this flag is set."""
        self._pace.stop_on(stop)

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how many requests were sent, by kind, and under ``repeated`` how many of these were not the first."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def send(self, request: Request) -> Answer:
        """Return the answer: a status of 2xx, or one that the request expects.

        Raises Refused for another status, Unclear where a change may have been made and no answer says so,
        TargetUnreachable where it has not been made and cannot be, Stopped.
        """
        doubtful = False
        for attempt in range(1, self._patience.attempts + 1):
            try:
                self._pace.wait(request.limits)
                answer, fault = self._attempt(request, attempt, doubtful=doubtful)
                if answer and not fault:
                    return answer
                last = fault or _Fault("gave no answer")
                doubtful = doubtful or not last.undone
                if not (last.undone or request.safe) or last.lasting or attempt == self._patience.attempts:
                    break
                self._rest(request, last, attempt, doubtful=doubtful)
            except Stopped:
                raise self._stopped(request, doubtful=doubtful) from None
        raise self._final(request, last, attempt, doubtful=doubtful)

    def close(self) -> None:
        """Give back connections; may be called twice."""
        self._pool.clear()

    def _attempt(self, request: Request, attempt: int, *, doubtful: bool) -> tuple[Answer | None, _Fault | None]:
        with self._lock:
            self._counts[request.kind or request.method] += 1
            self._counts["repeated"] += attempt > 1
        try:
            answer = self._exchange(request, doubtful=doubtful)
        except _TooMuch as error:
            return None, _Fault(str(error), lasting=True)
        except (HTTPError, ValueError, OSError) as error:
            return None, _lost(error)
        return answer, self._judged(answer)

    def _exchange(self, request: Request, *, doubtful: bool) -> Answer:
        """Send once and return the whole answer, whatever its status."""
        login = self._login
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": f"reconcile/{__version__}"}
        headers |= self.site.headers
        if login:
            headers[login.header] = login.prefix + login.secret.reveal()
        body = None
        if request.body is not None:
            body, headers["Content-Type"] = json.dumps(request.body).encode(), "application/json"
        until = self._timing.clock() + self._patience.whole
        response = self._pool.urlopen(
            request.method,
            self.url + request.address,
            body=body,
            headers=headers,
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
            timeout=urllib3.Timeout(connect=self._patience.connect, read=self._patience.receive),
        )
        try:
            found = {name.lower(): value for name, value in response.headers.items()}
            content = self._body(response, found.get("content-encoding", "").lower(), until)
        finally:
            response.close()  # a connection whose answer was not read to its end is of no use any more,
            response.release_conn()  # but its place among the few is
        hidden = (login.secret,) if login else ()
        return Answer(request, response.status, found, content, self._where(request), hidden, doubtful)

    def _body(self, response: urllib3.BaseHTTPResponse, packing: str, until: float) -> bytes:
        """Return the whole body, unpacked, and never more of it than we take."""
        most, body = self._patience.most, bytearray()
        while piece := response.read1(_CHUNK):
            body += piece
            if len(body) > most:
                raise _TooMuch(f"sent more than {most:,} bytes")
            if self._timing.clock() > until:
                raise SlowError(f"the answer took longer than {self._patience.whole:g} seconds")
        if packing in {"", "identity"} or not body:
            return bytes(body)
        if packing != "gzip":
            raise _TooMuch(f"packed its answer as {shortened(packing, 40)}, which was not asked for")
        return _unpacked(bytes(body), most)

    def _judged(self, answer: Answer) -> _Fault | None:
        """Return what is wrong with an answer that may be another one later; raises Refused where it will not."""
        request, status = answer.request, answer.status
        wait = asked_wait(answer.headers, self._timing.wall())
        fact = f"answered with status {status}{answer.quote()}"
        if status == _TOO_MANY or (request.limited and request.limited(answer)):
            return _Fault(
                fact, status, undone=True, wait=self._patience.blind if wait is None else wait, narrow=wait is None
            )
        if status == _LOCKED and request.busy and request.busy(answer):
            return _Fault(fact, status, undone=True, wait=wait)
        if answer.ok or status in request.expects:
            return None
        if status in _PASSING:
            return _Fault(fact, status, wait=wait)
        if status in _REDIRECTS:
            target = answer.shown(answer.headers.get("location", "nowhere"))
            fact = f"answered with status {status}, go to {target}. Redirects are not followed: correct the url"
        raise Refused(f"{answer.where} {fact}.", status, doubtful=answer.doubtful)

    def _rest(self, request: Request, fault: _Fault, attempt: int, *, doubtful: bool) -> None:
        """Wait before the next attempt; everybody does, where the server wants it."""
        longest = min(self._patience.longest, self._patience.first * 2 ** (attempt - 1))
        pause = longest * (1 + self._timing.chance()) / 2
        if fault.wait is not None:
            if fault.wait > self._patience.asked:
                raise self._final(request, fault, attempt, doubtful=doubtful)
            pause = max(fault.wait, pause)
            self._pace.hold(pause, request.limits if fault.narrow else ())
        self._pace.sleep_until(self._timing.clock() + pause)

    def _final(self, request: Request, fault: _Fault, attempt: int, *, doubtful: bool) -> TargetError:
        """Return what the caller has to know: refused, never made, or perhaps made."""
        tried = f", {attempt} times" if attempt > 1 else ""
        message = f"{self._where(request)} {fault.fact}{tried}."
        if fault.wait is not None and fault.wait > self._patience.asked:
            moment = strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(min(self._timing.wall() + fault.wait, _LAST_MOMENT)))
            message += f" It asks to come back in {fault.wait:,.0f} seconds, at {moment}: try again then."
        if doubtful and request.method != "GET":
            return Unclear(f"{message} Whether it was made is not known.")
        if fault.status:
            return Refused(message, fault.status)
        return TargetUnreachable(message)

    def _stopped(self, request: Request, *, doubtful: bool) -> TargetError:
        where = self._where(request)
        if doubtful and request.method != "GET":
            return Unclear(f"{where} got no answer, and the run was asked to stop. Whether it was made is not known.")
        return Stopped(f"{where} was given up: the run was asked to stop.")

    def _where(self, request: Request) -> str:
        return f"{self.site.called}: {request.name} at {shortened(self.url)}"


def login_of(target: str, reference: object, header: str, prefix: str = "") -> Login:
    """Return the login that a secret of the policy stands for now. Raises TargetError where there is none."""
    if not isinstance(reference, SecretRef):
        raise TargetError(f"target {shortened(target)}: a reference to a secret is missing: write {{env: NAME}}.")
    try:
        return Login(header, resolve(reference), prefix)
    except PolicyError as error:
        raise TargetError(f"target {shortened(target)} cannot be logged in to: {error}") from error


def _checked(site: Site) -> SplitResult:
    """Return the parts of the address; raises TargetError where no credential should go there."""
    where = f"{site.called}: the url"
    try:
        parts = urlsplit(site.url)
        port = parts.port
    except ValueError as error:
        raise TargetError(f"{where} is no address: {shortened(str(error))}.") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise TargetError(f"{where} must be https://HOST, with a path where the app has one.")
    if parts.query or parts.fragment or parts.username is not None:
        raise TargetError(f"{where} must be just https://HOST and a path: take out the user, ? and #.")
    if parts.scheme == "http" and not site.plaintext and not _is_here(parts.hostname):
        wanted = ", or say that it is wanted" if site.target else ""  # what no policy names has nowhere to say it
        raise TargetError(f"{where} would send the credential in clear. Use https://{wanted}.")
    return parts


def _pool(site: Site, parts: SplitResult) -> urllib3.PoolManager:
    host, target = parts.hostname or "", site.called
    trust = _trust(site) if parts.scheme == "https" else None
    proxy = "" if _is_here(host) or proxy_bypass(host) else getproxies().get(parts.scheme, "")
    if not proxy:
        return urllib3.PoolManager(1, maxsize=site.parallel, block=True, ssl_context=trust)
    try:
        auth = urllib3.util.parse_url(proxy).auth
        headers = urllib3.make_headers(proxy_basic_auth=unquote(auth)) if auth else None
        return urllib3.ProxyManager(
            proxy, 1, proxy_headers=headers, maxsize=site.parallel, block=True, ssl_context=trust
        )
    except (HTTPError, ValueError) as error:
        raise TargetError(
            f"{target}: the proxy that the environment names for {parts.scheme} cannot be used. "
            "Correct the variable, or put the host into NO_PROXY."
        ) from error


def _trust(site: Site) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=site.ca_file or None)
    except (OSError, ValueError) as error:
        reason = shortened(getattr(error, "strerror", None) or str(error))
        raise TargetError(
            f"{site.called}: the certificates in {shortened(site.ca_file)} cannot be used: {reason}."
        ) from error


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _unpacked(packed: bytes, most: int) -> bytes:
    """Return what gzip holds, at most so many bytes of it."""
    unpacker = zlib.decompressobj(wbits=31)  # gzip, with its header and its sum
    try:
        body = unpacker.decompress(packed, most)
    except zlib.error as error:
        raise _TooMuch("sent a packed answer that is damaged") from error
    if unpacker.unconsumed_tail:
        raise _TooMuch(f"sent more than {most:,} bytes, packed")
    if not unpacker.eof or unpacker.unused_data:
        raise _TooMuch("sent a packed answer that is not whole")
    return body


def _lost(error: Exception) -> _Fault:
    """Return what became of an attempt without an answer."""
    cause = error.original_error if isinstance(error, ProxyError) else error
    via = "could not be reached through the proxy" if isinstance(error, ProxyError) else "could not be reached"
    if isinstance(cause, NewConnectionError | ConnectTimeoutError):
        return _Fault(f"{via}: {_reason(cause)}", undone=True)
    inner = cause.args[0] if isinstance(cause, SSLError) and cause.args else cause
    if isinstance(inner, ssl.SSLCertVerificationError):
        fact = f"shows a certificate that is not trusted: {shortened(inner.verify_message)}"
        return _Fault(fact, undone=True, lasting=True)
    return _Fault(f"gave no whole answer: {_reason(cause)}")


def _reason(error: BaseException) -> str:
    """Return the innermost reason that the system gives, without addresses of objects."""
    seen: list[BaseException] = [error]
    for each in seen:
        inner = [arg for arg in (*each.args, each.__cause__) if isinstance(arg, BaseException) and arg not in seen]
        seen += inner
    said = [each.strerror for each in seen if isinstance(each, OSError) and each.strerror]
    slow = any(isinstance(each, SlowError | TimeoutError) for each in seen)
    plain = "it took too long" if slow else str(error.args[-1]) if error.args else type(error).__name__
    return shortened(said[-1] if said else plain).rstrip(".")
