"""The `s3` store against a service that checks signatures, rights and conditions, and one that does not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest

from reconciler.errors import StateError
from reconciler.policy.model import StateConfig
from reconciler.state.base import Store
from reconciler.state.open import open_store
from reconciler.state.s3 import S3Store
from tests.examples import ROOT
from tests.servers import buckets as service
from tests.servers.buckets import KEY_ID_VARIABLE, KEY_VARIABLE, PREFIX, BucketServer, Keys, buckets

__all__ = ["buckets"]

_PAGE = (ROOT / "docs/state.md").read_text(encoding="utf-8")
_WITHOUT_BOTO3 = """
import sys
sys.modules["boto3"] = sys.modules["boto3.session"] = None
from reconciler.errors import StateError
from reconciler.policy.model import StateConfig
from reconciler.state.open import open_store
try:
    open_store(StateConfig("s3", bucket="acme-state"), "/")
except StateError as error:
    print(error)
"""

Open = Callable[[StateConfig], Store]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, buckets: BucketServer) -> Iterator[Open]:
    """Give what opens a store, as the administrator unless the environment is changed."""
    log_in(monkeypatch, buckets.admin)
    with ExitStack() as stack:
        yield lambda config: stack.enter_context(closing(open_store(config, "/")))
    buckets.heal()


@pytest.fixture
def config(buckets: BucketServer) -> StateConfig:
    return buckets.config(buckets.new_bucket())


@pytest.fixture
def store(opened: Open, config: StateConfig) -> Store:
    return opened(config)


def log_in(monkeypatch: pytest.MonkeyPatch, keys: Keys) -> None:
    monkeypatch.setenv(KEY_ID_VARIABLE, keys.key_id)
    monkeypatch.setenv(KEY_VARIABLE, keys.secret)


def keys_in(server: BucketServer, bucket: str) -> list[str]:
    with server.client("s3") as client:
        return [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket).get("Contents", ())]


def test_everything_lies_below_the_prefix_and_reading_leaves_nothing(
    buckets: BucketServer, config: StateConfig, store: Store
) -> None:
    """With the object that conditions are tried on."""
    assert store.address == f"s3://{config.bucket}/{PREFIX} at {buckets.endpoint}"
    assert store.read("a/b") is None
    assert (store.names("a/"), store.records("logs/a")) == ([], [])
    store.delete("a/b")
    assert keys_in(buckets, config.bucket) == []
    store.create("a/b", b"")
    store.append("logs/a", b"{}", 0)
    assert keys_in(buckets, config.bucket) == [f"{PREFIX}/{key}" for key in (".probe", "a/b", "logs/a/.00000001")]


def test_without_a_prefix_the_whole_bucket_is_the_store(
    opened: Open, config: StateConfig, buckets: BucketServer
) -> None:
    """And path style works as well as what boto3 chooses."""
    store = opened(replace(config, prefix="", path_style=True))
    assert store.address == f"s3://{config.bucket} at {buckets.endpoint}"
    assert store.create("a/b", b"x")
    assert store.names("a/") == ["a/b"]
    assert keys_in(buckets, config.bucket) == [".probe", "a/b"]


def test_the_rights_of_the_manual_are_enough_and_no_others_are_there(
    opened: Open, config: StateConfig, buckets: BucketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy of docs/state.md, for this bucket."""
    (policy,) = re.findall(r"^```json\n(.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)
    rights = policy.replace("acme-access-state", config.bucket).replace("production", PREFIX)
    log_in(monkeypatch, buckets.new_user(rights))
    store = opened(config)
    assert store.create("a/b", b"one")
    item = store.read("a/b")
    assert item is not None
    assert store.replace("a/b", b"two", item.version)
    assert store.append("logs/a", b"{}", 0)
    assert store.append("logs/a", b"{}", 1)
    assert store.records("logs/a") == [b"{}", b"{}"]
    assert store.names("logs/") == ["logs/a"]
    store.delete("logs/a")
    assert store.names("logs/") == []
    with pytest.raises(StateError, match="does not let us do that"):
        opened(replace(config, prefix="elsewhere")).create("a/b", b"")


def test_a_user_who_may_only_read_can_plan_and_not_apply(
    opened: Open, config: StateConfig, buckets: BucketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking needs no right to write."""
    opened(config).create("seen/corp", b"{}")
    may = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}
    log_in(monkeypatch, buckets.new_user(json.dumps({"Version": "2012-10-17", "Statement": [may]})))
    reader = opened(config)
    assert reader.read("seen/corp") is not None
    assert reader.names("seen/") == ["seen/corp"]
    with pytest.raises(
        StateError, match=r"does not let us do that. Give it the rights that docs/state.md names \(AccessDenied\)"
    ):
        reader.create("a/b", b"")


def test_a_signature_that_is_wrong_is_refused_and_nothing_secret_is_said(
    opened: Open, config: StateConfig, buckets: BucketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service checks it, on reading and on writing."""
    log_in(monkeypatch, Keys(buckets.admin.key_id, "wJalrXUtnFEMI-wrong"))
    store = opened(config)
    for act in (lambda: store.read("a/b"), lambda: store.create("a/b", b""), lambda: store.names("a/")):
        with pytest.raises(
            StateError, match=r"does not accept this secret key. Correct it \(SignatureDoesNotMatch\)"
        ) as caught:
            act()
        assert "wJalr" not in str(caught.value)
    log_in(monkeypatch, Keys("AKIAUNKNOWN", "wJalrXUtnFEMI-wrong"))
    with pytest.raises(StateError, match="does not know this access key"):
        opened(config).read("a/b")


def test_a_secret_that_is_not_there_is_named(
    opened: Open, config: StateConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name of its variable."""
    monkeypatch.delenv(KEY_VARIABLE)
    with pytest.raises(StateError, match=rf'cannot be logged in to: .*"{KEY_VARIABLE}" is not set'):
        opened(config)


def test_without_a_login_it_is_said_where_one_can_be_given(
    opened: Open, config: StateConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the policy nor boto3's own places have one."""
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StateError, match="needs a login, and none was found"):
        opened(replace(config, access_key=None, secret_key=None)).read("a/b")


def test_a_login_can_come_from_the_environment_and_the_endpoint_cannot(
    opened: Open, config: StateConfig, buckets: BucketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the store is, the policy says and nothing else."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", buckets.admin.key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", buckets.admin.secret)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    store = opened(replace(config, access_key=None, secret_key=None))
    assert store.create("a/b", b"")


def test_a_bucket_that_is_not_there_is_named(opened: Open, config: StateConfig) -> None:
    """It is not made."""
    store = opened(replace(config, bucket="acme-nowhere"))
    for act in (lambda: store.create("a/b", b""), lambda: store.names("a/")):
        with pytest.raises(StateError, match=r"s3://acme-nowhere/access at .* has no such bucket"):
            act()


def test_a_service_that_does_not_answer_is_named(opened: Open, config: StateConfig) -> None:
    """After a few tries; port 9 of this machine belongs to nobody."""
    with pytest.raises(StateError, match=r"does not answer \(.*127\.0\.0\.1:9.*\)\. Check endpoint and network"):
        opened(replace(config, endpoint="http://127.0.0.1:9")).read("a/b")


def test_a_service_that_ignores_conditions_is_refused_before_anything_is_written(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its locks would be no locks."""
    with service.running("deaf") as deaf:
        log_in(monkeypatch, deaf.admin)
        bucket = deaf.new_bucket()
        store = opened(deaf.config(bucket))
        writes: list[Callable[[], bool]] = [
            lambda: store.create("a/b", b""),
            lambda: store.append("logs/a", b"", 0),
            lambda: store.replace("a/b", b"", '"1"'),
        ]
        for write in writes:
            with pytest.raises(StateError, match="does not honour conditional writes"):
                write()
        assert keys_in(deaf, bucket) == [f"{PREFIX}/.probe"]


def test_a_service_that_does_not_know_conditions_is_refused(
    buckets: BucketServer, config: StateConfig, store: Store
) -> None:
    """It says so, at least."""
    buckets.fault("unknown", "PUT", config.bucket)
    with pytest.raises(StateError, match="does not honour conditional writes"):
        store.create("a/b", b"")
    assert store.create("a/b", b""), "it was an outage: the next run tries again"


def test_a_write_whose_answer_got_lost_is_known_to_be_ours(
    buckets: BucketServer, config: StateConfig, store: Store
) -> None:
    """The second try is refused, for the first one came through; for everybody else the name is taken."""
    assert store.create("a/first", b"")
    buckets.fault("lost", "PUT", f"{config.bucket}/{PREFIX}/a/b")
    assert store.create("a/b", b"same")
    item = store.read("a/b")
    assert item is not None
    buckets.fault("lost", "PUT", f"{config.bucket}/{PREFIX}/a/b")
    assert store.replace("a/b", b"other", item.version)
    buckets.fault("lost", "PUT", f"{config.bucket}/{PREFIX}/logs")
    assert store.append("logs/a", b"{}", 0)
    assert not store.create("a/b", b"other"), "the same content is not the same write"
    assert store.records("logs/a") == [b"{}"]


def test_a_service_that_is_busy_for_a_moment_is_asked_again(
    buckets: BucketServer, config: StateConfig, store: Store
) -> None:
    """And one that is busy for longer is named."""
    store.create("a/b", b"x")
    buckets.fault("busy", "GET", f"{PREFIX}/a/b", times=2)
    assert store.read("a/b") is not None
    buckets.fault("busy", "GET", f"{PREFIX}/a/b", times=10)
    with pytest.raises(StateError, match=r"is too busy. Try again \(SlowDown\)"):
        store.read("a/b")
    buckets.fault("odd", "GET", f"{PREFIX}/a/b")
    with pytest.raises(StateError, match=r"refused \(Teapot: as the test wants it\)"):
        store.read("a/b")


def test_a_write_that_another_one_is_in_the_way_of_is_tried_again(buckets: BucketServer, store: Store) -> None:
    """And given up when that does not end."""
    assert store.create("a/b", b"")
    buckets.fault("conflict", "PUT", f"{PREFIX}/a/c", times=2)
    assert store.create("a/c", b"")
    buckets.fault("conflict", "PUT", f"{PREFIX}/a/d", times=20)
    with pytest.raises(StateError, match="others write to a/d all the time"):
        store.create("a/d", b"")
    buckets.heal()
    assert store.read("a/d") is None


def test_an_answer_that_is_cut_off_is_no_content(buckets: BucketServer, store: Store) -> None:
    """Half a journal is not taken for a whole one."""
    store.create("a/b", b"x" * 1000)
    buckets.fault("torn", "GET", f"{PREFIX}/a/b", times=10)
    with pytest.raises(StateError, match="does not answer"):
        store.read("a/b")


def test_a_listing_of_several_pages_is_whole(store: Store) -> None:
    """A log of more records than fit on one is still one name among the others, and none of it is missing."""
    assert isinstance(store, S3Store)
    by_three = S3Store(store._client, store._bucket, page=3)
    names = [f"many/{number:02}" for number in range(7)]
    for name in (*names, "many/z"):
        store.create(name, b"")
    for number in range(8):
        store.append("many/log", str(number).encode(), number)
    assert list(by_three.names("many/")) == [*names, "many/log", "many/z"]
    assert by_three.records("many/log") == [str(number).encode() for number in range(8)]
    by_three.delete("many/log")
    assert list(store.names("many/")) == [*names, "many/z"]


def test_a_log_ends_where_a_record_is_missing(buckets: BucketServer, config: StateConfig, store: Store) -> None:
    """What follows a gap was left by somebody who was forgetting the log."""
    for number in range(3):
        store.append("logs/a", str(number).encode(), number)
    with buckets.client("s3") as client:
        client.delete_object(Bucket=config.bucket, Key=f"{PREFIX}/logs/a/.00000002")
    assert store.records("logs/a") == [b"0"]


def test_the_package_that_is_missing_is_named() -> None:
    """With the extra that brings it."""
    done = subprocess.run([sys.executable, "-c", _WITHOUT_BOTO3], capture_output=True, encoding="utf-8", check=True)
    assert re.fullmatch(
        r"A state store of kind s3 needs the package boto3\S*: pip install '\.\[s3\]' in a checkout of this program\.\n",
        done.stdout,
    ), done.stdout
