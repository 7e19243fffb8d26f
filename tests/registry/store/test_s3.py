"""What is the object storage's own: its address, its credentials, and a storage that fails or holds other bytes."""

from __future__ import annotations

from hashlib import sha256

import pytest

from mpp.errors import HostFailed, Refused
from mpp_registry.store import s3 as ours
from mpp_registry.store.s3 import Address, S3Blobs, read_address
from tests.registry.servers import Objects

DATA = b"some bytes"
NAME = sha256(DATA).hexdigest()


def test_an_address() -> None:
    here = "http://127.0.0.1:9000"
    assert read_address("s3://bucket/a/b/", {}) == Address(bucket="bucket", prefix="a/b", endpoint="", region="us-east-1")
    assert read_address(f"s3://bucket?endpoint={here}&region=eu-1", {}) == Address(bucket="bucket", prefix="", endpoint=here, region="eu-1")
    given = {"AWS_ENDPOINT_URL": "https://s3.example", "AWS_REGION": "eu-2"}
    assert read_address("s3://bucket/p", given) == Address(bucket="bucket", prefix="p", endpoint="https://s3.example", region="eu-2")
    assert read_address("s3://bucket/p?endpoint=http://[::1]:1&region=x", given).endpoint == "http://[::1]:1"


@pytest.mark.parametrize(
    "text", ["", "bucket", "https://bucket", "s3://", "s3://user:pass@bucket", "s3://bucket:80", "s3://bucket?other=1", "s3://bucket#x", "/tmp/s3"]
)
def test_no_address(text: str) -> None:
    with pytest.raises(Refused) as caught:
        read_address(text, {})
    assert caught.value.code == "registry.storage"


def test_packages_do_not_go_over_the_wire_in_the_open() -> None:
    for endpoint in ("http://10.0.0.5:9000", "http://storage", "ftp://127.0.0.1"):
        with pytest.raises(Refused, match="without encryption"):
            read_address(f"s3://bucket?endpoint={endpoint}", {})
    assert read_address("s3://bucket?endpoint=http://storage", {"AWS_ALLOW_HTTP": "true"}).endpoint == "http://storage"


def test_a_wrong_credential_is_told_and_not_shown(objects: Objects, one_bucket: str) -> None:
    wrong = {**objects.environment, "AWS_SECRET_ACCESS_KEY": "nobody-knows-this-one", "AWS_SESSION_TOKEN": ""}
    blobs = S3Blobs(read_address(f"s3://{one_bucket}/wrong", wrong), wrong)
    with pytest.raises(HostFailed) as caught:
        blobs.put(NAME, DATA)
    assert caught.value.code == "registry.blob"
    assert "nobody-knows" not in repr(caught.value.faults)


def test_other_bytes_under_the_name_are_not_taken_for_ours(objects: Objects, one_bucket: str) -> None:
    """As a storage with weaker promises would leave them when an upload was cut off."""
    assert objects.ask("PUT", f"/{one_bucket}/cut/{NAME[:2]}/{NAME[2:4]}/{NAME}", body=DATA[:4])[0] == 200
    blobs = S3Blobs(read_address(f"s3://{one_bucket}/cut", objects.environment), objects.environment)
    with pytest.raises(HostFailed, match="other bytes"):
        blobs.put(NAME, DATA)


def test_a_storage_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "OBJECT_RETRIES_MAX", 0)
    environment = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}
    blobs = S3Blobs(read_address("s3://bucket?endpoint=http://127.0.0.1:1", environment), environment)
    for use in (lambda: blobs.put(NAME, DATA), lambda: blobs.size(NAME), lambda: blobs.remove(NAME), lambda: b"".join(blobs.read(NAME))):
        with pytest.raises(HostFailed) as caught:
            use()
        assert caught.value.code == "registry.blob"
