"""Blobs in an object storage that speaks S3. Each is written once: the server refuses a second one of its name."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import S3Store

from mpp.errors import Refused
from mpp.model.value import value
from mpp_registry.limits import BLOB_PIECE_BYTES, OBJECT_RETRIES_MAX, OBJECT_SECONDS_MAX
from mpp_registry.store.failures import blob_failed
from mpp_registry.store.folder import check_blob, check_name, check_range

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

_HINT = "give it as s3://BUCKET/PREFIX, with ?endpoint=https://HOST for a storage other than that of AWS"
_KEYS = ("endpoint", "region")


@value
class Address:
    bucket: str
    prefix: str
    endpoint: str
    """Empty: that of AWS."""
    region: str


def read_address(text: str, environment: Mapping[str, str]) -> Address:
    """``s3://bucket/prefix?endpoint=https://host:port&region=name``; what it leaves out may stand in the environment."""
    parts = urlsplit(text)
    asked = parse_qs(parts.query, keep_blank_values=True)
    if parts.scheme != "s3" or not parts.hostname or parts.netloc != parts.hostname or set(asked) - set(_KEYS) or parts.fragment:
        raise Refused("registry.storage", "this is no address of an object storage", where="--blobs", hint=_HINT)
    given = {key: asked[key][0] if key in asked else environment.get(name, "") for key, name in zip(_KEYS, ("AWS_ENDPOINT_URL", "AWS_REGION"), strict=True)}
    address = Address(bucket=parts.hostname, prefix=parts.path.strip("/"), endpoint=given["endpoint"], region=given["region"] or "us-east-1")
    if address.endpoint and not _is_safe(address.endpoint, environment):
        hint = "take an https address; AWS_ALLOW_HTTP=true in the environment allows http to other machines"
        raise Refused("registry.storage", "the object storage would be reached without encryption", where="--blobs", hint=hint)
    return address


def _is_safe(endpoint: str, environment: Mapping[str, str]) -> bool:
    """Attack: on the way between machines somebody reads the packages of a private registry."""
    parts = urlsplit(endpoint)
    is_here = parts.hostname == "localhost"
    with contextlib.suppress(ValueError):
        is_here = is_here or ipaddress.ip_address(parts.hostname or "").is_loopback
    return parts.scheme == "https" or (parts.scheme == "http" and (is_here or environment.get("AWS_ALLOW_HTTP", "").lower() == "true"))


class S3Blobs:
    """``Blobs`` for many machines. A server that does not honour create-only writes is no home for them: ``check`` finds out."""

    def __init__(self, address: Address, environment: Mapping[str, str]) -> None:
        self._address = address
        self._store = _store_of(address, environment)

    def put(self, sha256: str, data: bytes | memoryview) -> bool:
        check_blob(sha256, data)
        with self._translated(sha256):
            try:
                obstore.put(self._store, _key(sha256), data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                # Attack on oneself: an upload that was cut off by a storage with weaker promises would be there for good.
                if self.size(sha256) != len(data):
                    raise blob_failed("the storage has other bytes under its name", sha256) from None
                return False
        return True

    def size(self, sha256: str) -> int | None:
        with self._translated(sha256):
            try:
                return int(obstore.head(self._store, _key(sha256))["size"])
            except (NotFoundError, FileNotFoundError):
                return None

    def read(self, sha256: str, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
        size = self.size(sha256)
        if size is None:
            raise blob_failed("it is not there", sha256)
        last = size if end is None else end
        check_range(begin, last, size, sha256)
        if begin == last:
            return
        with self._translated(sha256):
            got = obstore.get(self._store, _key(sha256), options={"range": (begin, last)})
            for piece in got.stream(min_chunk_size=BLOB_PIECE_BYTES):
                begin += len(piece)
                yield bytes(piece)
        if begin != last:
            raise blob_failed("the storage sent less or more than was asked for", sha256)

    def path(self, sha256: str) -> str | None:
        check_name(sha256)
        return None

    def remove(self, sha256: str) -> None:
        with self._translated(sha256), contextlib.suppress(NotFoundError, FileNotFoundError):
            obstore.delete(self._store, _key(sha256))

    def close(self) -> None:
        """Its connections end with it."""

    @contextlib.contextmanager
    def _translated(self, sha256: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as fault:
            # What it says may hold addresses and ids of requests, and never a key.
            raise blob_failed(f"{type(fault).__name__} of bucket {self._address.bucket}", sha256) from None


def _store_of(address: Address, environment: Mapping[str, str]) -> S3Store:
    config: S3Config = {"region": address.region, "conditional_put": "etag"}
    if address.endpoint:
        config["endpoint"] = address.endpoint
    if environment.get("AWS_ACCESS_KEY_ID"):
        config["access_key_id"] = environment["AWS_ACCESS_KEY_ID"]
        config["secret_access_key"] = environment.get("AWS_SECRET_ACCESS_KEY", "")
    if environment.get("AWS_SESSION_TOKEN"):
        config["session_token"] = environment["AWS_SESSION_TOKEN"]
    client: ClientConfig = {"allow_http": address.endpoint.startswith("http://"), "timeout": timedelta(seconds=OBJECT_SECONDS_MAX)}
    retry: RetryConfig = {"max_retries": OBJECT_RETRIES_MAX, "retry_timeout": timedelta(seconds=OBJECT_SECONDS_MAX)}
    return S3Store(address.bucket, prefix=address.prefix or None, config=config, client_options=client, retry_config=retry)


def _key(sha256: str) -> str:
    return f"{check_name(sha256)[:2]}/{sha256[2:4]}/{sha256}"
