"""A scratch S3 service on a free port of 127.0.0.1 that checks signatures, rights and conditions; never touches another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from typing import Any

import pytest
from boto3.session import Session
from botocore.config import Config

from reconciler.model.diagnostic import Position
from reconciler.policy.model import SecretRef, StateConfig
from tests.servers.bucket_server import CONTROL

REGION = "eu-central-1"
PREFIX = "access"
KEY_ID_VARIABLE, KEY_VARIABLE = "STATE_KEY_ID", "STATE_KEY"
_BOOTSTRAP = 3  # requests that make the administrator, before anybody can be asked who he is
_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@dataclass(frozen=True, slots=True)
class Keys:
    """A login."""

    key_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class BucketServer:
    """A running service, and the login of its administrator."""

    port: int
    admin: Keys
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def endpoint(self) -> str:
        """Return its URL."""
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def client(self, service: str, keys: Keys | None = None) -> Iterator[Any]:
        """Give a client of the administrator, or of somebody else."""
        with closing(_client(self.endpoint, service, keys or self.admin)) as client:
            yield client

    def new_bucket(self) -> str:
        """Make an empty bucket and return its name."""
        name = f"acme-state-{next(self._numbers)}"
        with self.client("s3") as client:
            client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name

    def new_user(self, policy: str) -> Keys:
        """Return the login of a user who may do what this policy says."""
        with self.client("iam") as client:
            return _new_user(client, f"user{next(self._numbers)}", policy)

    def config(self, bucket: str) -> StateConfig:
        """Return what a policy says of a bucket; the login is in the environment."""
        where = Position("policy.yaml", 1)
        return StateConfig(
            "s3",
            bucket=bucket,
            prefix=PREFIX,
            endpoint=self.endpoint,
            region=REGION,
            access_key=SecretRef("env", KEY_ID_VARIABLE, where),
            secret_key=SecretRef("env", KEY_VARIABLE, where),
        )

    def fault(self, do: str, method: str, key: str, times: int = 1) -> None:
        """Let the next requests go wrong that have this method, and this in their path; instead of earlier faults."""
        self._set([{"do": do, "method": method, "key": key, "times": times}])

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self._set([])

    def _set(self, faults: Sequence[Mapping[str, object]]) -> None:
        body = json.dumps(faults).encode()
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("POST", CONTROL, body)
            assert connection.getresponse().status == 204


@pytest.fixture(scope="session")
def buckets() -> Iterator[BucketServer]:
    """Give one service that all tests of the session share; each test makes a bucket of its own."""
    with running() as server:
        yield server


@contextmanager
def running(*arguments: str) -> Iterator[BucketServer]:
    """Give a fresh service, stopped at the end; with ``deaf`` one that ignores conditions and signatures."""
    env = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "1000000" if "deaf" in arguments else str(_BOOTSTRAP)}
    command = [sys.executable, "-W", "ignore", "-m", "tests.servers.bucket_server", *arguments]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            with closing(_client(f"http://127.0.0.1:{port}", "iam", Keys("nobody", "nothing"))) as client:
                admin = _new_user(client, "admin", json.dumps({"Version": "2012-10-17", "Statement": [_ALL]}))
            yield BucketServer(port, admin)
        finally:
            process.kill()


def _new_user(client: Any, name: str, policy: str) -> Keys:
    client.create_user(UserName=name)
    key = client.create_access_key(UserName=name)["AccessKey"]
    client.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=policy)
    return Keys(key["AccessKeyId"], key["SecretAccessKey"])


def _client(endpoint: str, service: str, keys: Keys) -> Any:
    return Session().client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=keys.key_id,
        aws_secret_access_key=keys.secret,
        config=Config(s3={"addressing_style": "path"}, ignore_configured_endpoint_urls=True),
    )
