"""An upload to storages that are out of order, object by object."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.errors import MppError
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.s3 import Bucket, Lock, Patience
from mpp.host.audit.s3_signing import Credentials
from mpp.host.audit.s3_target import target_of
from mpp.host.audit.uploading import Upload, Uploaded, Wanted
from mpp.host.home import Home
from mpp.testing.packages import NOW, TestClock
from tests.auditlogs import some_days, write
from tests.s3store import fails, hangs_up, KEY_ID, running, SECRET, Store

TO = "s3://records/a"


@pytest.fixture
def store():
    with running(Store()) as found:
        yield found


@pytest.fixture
def places(tmp_path: Path) -> LogPlaces:
    write(tmp_path / "home", some_days(days=2, calls=4), seal_every=50)
    return Home(path=str(tmp_path / "home")).log


def direct(places: LogPlaces, store: Store, wanted: Wanted | None = None, tries: int = 2) -> Uploaded:
    bucket = Bucket(
        target_of(TO, region="us-east-1", endpoint=store.url), Credentials(key_id=KEY_ID, secret=SECRET), TestClock(NOW), patience=Patience(tries=tries, wait=0), sleep=lambda _: None
    )  # fmt: skip
    return Upload(places, bucket, wanted or Wanted()).run()


def test_an_object_that_comes_and_goes(places: LogPlaces, store: Store):
    store.steps = [fails(412, "PreconditionFailed"), fails(404, "NoSuchKey")]
    with pytest.raises(MppError) as caught:
        direct(places, store)
    assert (caught.value.code, "then that it is not" in caught.value.message) == ("remote.s3", True)


def test_a_busy_storage_is_asked_again(places: LogPlaces, store: Store):
    store.steps = [fails(503, "SlowDown"), None, hangs_up, None, fails(500, "InternalError")]
    found = direct(places, store, Wanted(lock=Lock(mode="compliance", until=NOW + 86_400)), tries=3)
    assert (found.faults, len(found.sent)) == ((), len(store.objects))


def test_a_storage_that_stops_in_the_middle(places: LogPlaces, store: Store):
    store.steps = [None] * 9 + [fails(503, "SlowDown")] * 2
    with pytest.raises(MppError) as caught:
        direct(places, store)
    assert caught.value.code == "remote.s3"
    before = len(store.objects)
    assert before >= 3
    found = direct(places, store)
    assert (found.faults, found.passed >= 1, len(store.objects) > before) == ((), True, True)


def test_a_storage_that_fails_when_it_is_looked_at(places: LogPlaces, store: Store):
    store.steps = [None] * 2 + [fails(503, "SlowDown")] * 2
    with pytest.raises(MppError) as caught:
        direct(places, store)
    assert (caught.value.code, store.seen[-1].method) == ("remote.s3", "HEAD")
