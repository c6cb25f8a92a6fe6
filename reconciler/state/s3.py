"""The `s3` store: pieces as objects of a bucket, for runs on many machines; writes nothing without a condition on what is there.

A log is one object per record, ``name/.00000001`` and so on, each created under a key that must be free.
Conditions are what locks are made of, so before the first write the service has to show that it honours them.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Lock
from typing import Any, NamedTuple

from boto3.session import Session
from botocore.config import Config

from reconciler.errors import PolicyError, StateError
from reconciler.model.text import shortened
from reconciler.policy.model import SecretRef, StateConfig
from reconciler.policy.secrets import resolve
from reconciler.state.base import Item
from reconciler.state.names import checked, checked_prefix, checked_record
from reconciler.state.s3_errors import CUT_OFF, Conflict, Missing, Refused, explained

_CONNECT_TIMEOUT, _READ_TIMEOUT = 10, 30  # seconds
_ATTEMPTS = 4  # of one request, with growing pauses between
_CONFLICTS = 5  # times that a write is tried again which another one was in the way of
_PAUSE = 0.2  # seconds before the first of those
_PAGE = 1000  # names in one listing, the most that there can be
_READERS = 8  # records read at once
_PROBE = ".probe"
_NO_SUCH_VERSION = '"00000000000000000000000000000000"'
_WRITER = "write"
_DEFAULT_REGION = "us-east-1"


class _Bucket(NamedTuple):
    """Where objects are: `root` is what all keys start with, empty or with a ``/`` at its end."""

    name: str
    root: str
    address: str


def opened(config: StateConfig, _folder: str) -> S3Store:
    """Return the bucket that the policy names, not yet asked for anything."""
    at = f" at {config.endpoint}" if config.endpoint else ""
    address = shortened("/".join(filter(None, (f"s3://{config.bucket}", config.prefix))) + at)
    root = f"{config.prefix}/" if config.prefix else ""
    return S3Store(_client(config, address), _Bucket(config.bucket, root, address))


class S3Store:
    """A bucket. The version of a piece is its ETag."""

    def __init__(self, client: Any, bucket: _Bucket, page: int = _PAGE) -> None:
        """The client is boto3's for S3, whose methods are made when it runs; a listing comes by `page` names at a time."""
        self._page = page
        self._client = client
        self._bucket = bucket
        self._proving = Lock()
        self._proven = False

    @property
    def address(self) -> str:
        """Return bucket, prefix and endpoint."""
        return self._bucket.address

    def read(self, name: str) -> Item | None:
        """Return the piece of that name, None where there is none."""
        return self._get(checked(name))

    def create(self, name: str, content: bytes) -> bool:
        """Keep a piece under a name that must be free."""
        checked(name)
        self._prove()
        return self._put(name, content, {"IfNoneMatch": "*"})

    def replace(self, name: str, content: bytes, version: str) -> bool:
        """Put other content in the place of exactly this version."""
        checked(name)
        self._prove()
        return self._put(name, content, {"IfMatch": version})

    def delete(self, name: str) -> None:
        """Forget a piece or a log, a log from its end on: what is left of it when that is interrupted is a shorter one."""
        keys = [*self._keys(f"{checked(name)}/."), name]
        for key in (*reversed(keys[:-1]), name):
            self._ask("delete_object", key)

    def names(self, prefix: str) -> Sequence[str]:
        """Return the names of all pieces and logs below a prefix, sorted."""
        return sorted({key.partition("/.")[0] for key in self._keys(checked_prefix(prefix), skip_records=True)})

    def append(self, log: str, record: bytes, position: int) -> bool:
        """Add one record to a log that holds `position` records so far."""
        checked(log)
        checked_record(record)
        self._prove()
        if position and not self._is_there(_record(log, position)):
            return False
        return self._put(_record(log, position + 1), record, {"IfNoneMatch": "*"})

    def records(self, log: str) -> Sequence[bytes]:
        """Return the records of a log in order, up to the first that is not there."""
        keys = set(self._keys(f"{checked(log)}/."))
        count = next(number for number in range(len(keys) + 1) if _record(log, number + 1) not in keys)
        with ThreadPoolExecutor(_READERS) as readers:
            found = list(readers.map(self._get, [_record(log, number + 1) for number in range(count)]))
        whole = found.index(None) if None in found else len(found)
        return [item.content for item in found[:whole] if item is not None]

    def close(self) -> None:
        """Give back connections."""
        self._client.close()

    def _ask(self, operation: str, key: str, **request: object) -> Mapping[str, Any]:
        with explained(self.address):
            ask = getattr(self._client, operation)
            answer: Mapping[str, Any] = ask(Bucket=self._bucket.name, Key=self._bucket.root + key, **request)
            return answer

    def _get(self, key: str, tries: int = _ATTEMPTS) -> Item | None:
        """Return an object, None where there is none; asks again where an answer is cut off."""
        try:
            answer = self._ask("get_object", key)
        except Missing:
            return None
        with explained(self.address):
            try:
                with closing(answer["Body"]) as body:
                    return Item(body.read(), answer["ETag"])
            except CUT_OFF:
                if tries == 1:
                    raise
        return self._get(key, tries - 1)

    def _is_there(self, key: str) -> bool:
        try:
            self._ask("head_object", key)
        except Missing:
            return False
        return True

    def _put(self, key: str, content: bytes, condition: Mapping[str, str]) -> bool:
        """Write if the condition holds; what was written says who wrote it, for an answer may be lost and asked for again."""
        token = secrets.token_hex(16)
        for conflict in range(_CONFLICTS):
            try:
                self._ask("put_object", key, Body=content, Metadata={_WRITER: token}, **condition)
            except Missing:
                return False
            except Refused:
                return self._wrote(key, token)
            except Conflict:
                time.sleep(_PAUSE * 2**conflict)
            else:
                return True
        raise StateError(f"state store {self.address}: others write to {key} all the time. Try again.")

    def _wrote(self, key: str, token: str) -> bool:
        try:
            return bool(self._ask("head_object", key)["Metadata"].get(_WRITER) == token)
        except Missing:
            return False

    def _keys(self, prefix: str, *, skip_records: bool = False) -> Iterator[str]:
        """Give all keys that start so, sorted; with `skip_records` as few records of each log as can be."""
        root = self._bucket.root
        after = ""
        while True:
            with explained(self.address):
                page = self._client.list_objects_v2(
                    Bucket=self._bucket.name, Prefix=root + prefix, StartAfter=after, MaxKeys=self._page
                )
            keys = [str(entry["Key"]) for entry in page.get("Contents", ())]
            yield from (key.removeprefix(root) for key in keys)
            if not (keys and page.get("IsTruncated")):
                return
            log, is_record, _ = keys[-1].partition("/.")
            after = f"{log}/.~" if skip_records and is_record else keys[-1]

    def _prove(self) -> None:
        """Let the service show, once, that it refuses to write what must not be written."""
        with self._proving:
            if self._proven:
                return
            text = b"reconcile tries conditional writes with this object.\n"
            try:
                new = self._put(_PROBE, text, {"IfNoneMatch": "*"})
                honest = not (new and self._put(_PROBE, text, {"IfNoneMatch": "*"}))
                honest = honest and not self._put(_PROBE, text, {"IfMatch": _NO_SUCH_VERSION})
            except NotImplementedError:
                honest = False
            if not honest:
                raise StateError(
                    f"state store {self.address} does not honour conditional writes (If-None-Match, If-Match), so two runs "
                    "could hold one lock. Use a service or version that does, or another kind of store: docs/state.md."
                )
            self._proven = True


def _client(config: StateConfig, address: str) -> Any:
    options = Config(
        connect_timeout=_CONNECT_TIMEOUT,
        read_timeout=_READ_TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        s3={"addressing_style": "path" if config.path_style else "auto"},
        ignore_configured_endpoint_urls=True,  # where the store is, the policy says and nothing else
        request_checksum_calculation="when_required",  # not every service knows the newer ones
        response_checksum_validation="when_required",
    )
    keys = {
        "aws_access_key_id": _secret(config.access_key, address),
        "aws_secret_access_key": _secret(config.secret_key, address),
    }
    with explained(address):
        session = Session()
        region = config.region or session.region_name or _DEFAULT_REGION
        return session.client("s3", region_name=region, endpoint_url=config.endpoint or None, config=options, **keys)


def _secret(ref: SecretRef | None, address: str) -> str | None:
    try:
        return None if ref is None else resolve(ref).reveal()
    except PolicyError as error:
        raise StateError(f"state store {address} cannot be logged in to: {error}") from error


def _record(log: str, number: int) -> str:
    return f"{log}/.{number:08}"
