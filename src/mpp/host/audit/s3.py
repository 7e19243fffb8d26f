"""A small client of object storage that speaks S3: put what is not there yet, look, read back.

The storage is not trusted with more than keeping bytes. Its answers are bounded, in bytes and in time; it sends us nowhere else; of an
error only one word is read, and no parser of XML is there to be attacked.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import datetime, UTC
from typing import NamedTuple

from mpp.errors import MppError, Refused, RemoteFailed
from mpp.host.audit.s3_signing import Asked, Credentials, encoded_path, signed_headers
from mpp.host.audit.s3_target import REGION, Target
from mpp.limits import KIB
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.ports import Clock
from mpp.host.outside import ended_after, words_of

REQUEST_SECONDS_MAX = 30
"""Seconds of one request with its answer, beside what its bytes take. Reason: a storage answers in a second; some take longer to look an object up."""

BYTES_PER_SECOND_MIN = 64 * KIB
"""Bytes a second that a line must carry. Reason: at half a megabit a segment takes eight minutes; slower is a line that hangs."""

SILENCE_SECONDS_MAX = 20
"""Seconds in which a storage must take the connection and go on. Reason: one that is silent for longer is down."""

ANSWER_BYTES_MAX = 16 * KIB
"""Bytes of an answer that is no object. Reason: an error is a few lines of XML."""

TRIES = 6
"""Times that a request is made. Reason: with the waits between, half a minute of a storage that says it is busy."""

FIRST_WAIT_SECONDS = 1.0
"""Seconds before the second try; then twice as long each time. Reason: what storages ask for when they are busy."""

VERSION_CHARS_MAX = 200
"""Characters of the name of a version that are kept. Reason: storages use about thirty."""

COMPLIANCE, GOVERNANCE = "compliance", "governance"

_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,64})</Code>")
_NOTHING = hashlib.sha256(b"").hexdigest()
_AGAIN = frozenset((408, 429, 500, 502, 503, 504))
_AGAIN_CODES = frozenset(("SlowDown", "RequestTimeout", "ConditionalRequestConflict", "OperationAborted"))


@value
class Patience:
    """How long a storage may take, and how often it is asked. Tests take less."""

    seconds: float = REQUEST_SECONDS_MAX
    silence: float = SILENCE_SECONDS_MAX
    tries: int = TRIES
    wait: float = FIRST_WAIT_SECONDS


@value
class Lock:
    """Until when nobody may remove or replace a version of an object."""

    mode: str
    until: int


@value
class Found:
    """What the storage says of an object."""

    size: int
    sha256: str
    """What the storage hashed itself, in hex; empty where it does not say."""
    told: str
    """What whoever put it there said of its hash. A claim."""
    version: str
    lock: Lock | None


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    code: str
    """The word of an error; empty where there is none."""


class _AgainError(Exception):
    """Worth another try."""

    def __init__(self, fault: MppError) -> None:
        super().__init__()
        self.fault = fault


class Bucket:
    """One target, asked by one of its users."""

    def __init__(
        self, target: Target, credentials: Credentials, clock: Clock, *, patience: Patience | None = None, sleep: Callable[[float], None] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self.target = target
        self._credentials, self._clock, self._patience, self._sleep, self._context = credentials, clock, patience or Patience(), sleep or time.sleep, context

    def put(self, key: str, data: bytes, *, kind: str, lock: Lock | None = None) -> str | None:
        """Put an object where none is, and give the name of its version, if it has one. None where one is; that stays as it is."""
        digest = hashlib.sha256(data)
        headers = {
            "content-type": kind, "if-none-match": "*", "x-amz-meta-sha256": digest.hexdigest(),
            "x-amz-checksum-sha256": base64.b64encode(digest.digest()).decode("ascii"),
            # Object lock asks for it. It guards against a broken line, which needs no strong hash.
            "content-md5": base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode("ascii"),
        }  # fmt: skip
        if lock is not None:
            headers |= {"x-amz-object-lock-mode": lock.mode.upper(), "x-amz-object-lock-retain-until-date": _iso(lock.until)}
        answer = self._ask("PUT", key, headers, data)
        if answer.status == http.HTTPStatus.PRECONDITION_FAILED:
            return None
        if answer.status not in {200, 201, 204}:
            raise self._unlocked(answer, key) if lock is not None and _says_no_lock(answer) else self._refusal(answer, key)
        return _version(answer.headers)

    def head(self, key: str) -> Found | None:
        """What is there; None where nothing is."""
        answer = self._ask("HEAD", key, {"x-amz-checksum-mode": "ENABLED"})
        if answer.status == http.HTTPStatus.NOT_FOUND:
            return None
        if answer.status != http.HTTPStatus.OK:
            raise self._refusal(answer, key)
        told = answer.headers
        size = told.get("content-length", "")
        return Found(
            size=int(size) if size.isdecimal() and len(size) <= 15 else -1, sha256=_hex(told.get("x-amz-checksum-sha256", "")),
            told=told.get("x-amz-meta-sha256", ""), version=_version(told), lock=_lock(told),
        )  # fmt: skip

    def get(self, key: str, most: int) -> bytes | None:
        """An object of at most ``most`` bytes; None where there is none."""
        answer = self._ask("GET", key, {}, most=most)
        if answer.status == http.HTTPStatus.NOT_FOUND:
            return None
        if answer.status != http.HTTPStatus.OK:
            raise self._refusal(answer, key)
        return answer.body

    # -- one request

    def _ask(self, method: str, key: str, headers: Mapping[str, str], data: bytes = b"", *, most: int = 0) -> Answer:
        """Again, after a while, where the storage is busy or the line broke. A repeated put changes nothing: it is made only where nothing is."""
        wait = self._patience.wait
        for left in range(self._patience.tries - 1, -1, -1):
            try:
                return self._once(method, key, headers, data, most)
            except _AgainError as again:
                if not left:
                    raise again.fault from None
            self._sleep(wait)
            wait *= 2
        raise RemoteFailed("remote.s3", "the storage was not asked at all", where=self.target.name, hint="allow one try at least")

    def _once(self, method: str, key: str, headers: Mapping[str, str], data: bytes, most: int) -> Answer:
        answer = self._answer(method, key, headers, data, most)
        if answer.status in _AGAIN or answer.code in _AGAIN_CODES:
            words = f"the storage is busy or out of order: it answers {answer.status} {answer.code}".rstrip()
            raise _AgainError(RemoteFailed("remote.s3", words, where=self._where(key), hint="try again later; what is there already is not sent again"))
        return answer

    def _answer(self, method: str, key: str, headers: Mapping[str, str], data: bytes, most: int) -> Answer:
        target, patience, path = self.target, self._patience, self.target.path(key)
        kind = http.client.HTTPConnection if target.is_plain else http.client.HTTPSConnection
        connection = kind(target.host, target.port)
        try:
            plain = socket.create_connection((target.host, target.port), patience.silence)
            connection.sock = plain
            with ended_after(plain, patience.seconds + (len(data) + most) / BYTES_PER_SECOND_MIN) as ended:
                if not target.is_plain:
                    connection.sock = (self._context or ssl.create_default_context()).wrap_socket(plain, server_hostname=target.host)
                connection.request(method, encoded_path(path), body=data or None, headers=self._signed(method, path, headers, data))
                with connection.getresponse() as answer:
                    found = self._read(answer, most, key)
            if ended.over:
                raise TimeoutError
            return found
        except ssl.SSLError as fault:
            reason = fault.verify_message if isinstance(fault, ssl.SSLCertVerificationError) else fault.reason or "the connection broke"
            raise self._broken(f"no safe connection to the storage: {reason}", key) from None
        except (OSError, http.client.HTTPException) as fault:
            raise self._broken(f"the storage cannot be reached, or stopped answering: {words_of(fault)}", key) from None
        finally:
            connection.close()

    def _signed(self, method: str, path: str, headers: Mapping[str, str], data: bytes) -> dict[str, str]:
        target = self.target
        default = 80 if target.is_plain else 443
        name = f"[{target.host}]" if ":" in target.host else target.host
        given = {**headers, "host": name if target.port == default else f"{name}:{target.port}"}
        if method == "PUT":
            given["content-length"] = str(len(data))
        asked = Asked(method=method, path=path, headers=given, payload_sha256=hashlib.sha256(data).hexdigest() if data else _NOTHING, query={})
        more = {"accept-encoding": "identity", "user-agent": "mpp", "connection": "close"}
        return signed_headers(asked, self._credentials, target.region, self._clock.now()) | more

    def _read(self, answer: http.client.HTTPResponse, most: int, key: str) -> Answer:
        is_object = most and answer.status == http.HTTPStatus.OK
        bound = most if is_object else ANSWER_BYTES_MAX
        body = _body(answer, bound + 1)
        if len(body) > bound:
            what = "the object" if is_object else "the answer of the storage"
            raise RemoteFailed("remote.s3", f"{what} has more than {bound} bytes", where=self._where(key), hint="see what lies there, and who put it there")
        if answer.length:
            raise http.client.IncompleteRead(b"")
        headers = {name.lower(): told for name, told in answer.getheaders()}
        return Answer(answer.status, headers, body, _code(body) if answer.status >= 300 else "")

    # -- faults

    def _where(self, key: str) -> str:
        return f"s3://{self.target.bucket}/{key}"

    def _broken(self, message: str, key: str) -> _AgainError:
        return _AgainError(RemoteFailed("remote.s3", message, where=self._where(key), hint=f"see whether {self.target.place} is right, and try again"))

    def _unlocked(self, answer: Answer, key: str) -> Refused:
        words = f"the storage does not take an object with a lock: it answers {answer.status} {answer.code}".rstrip()
        return Refused("audit.upload_lock", words, where=self._where(key), hint="switch object lock on for the bucket; without --lock-days nothing is locked")

    def _refusal(self, answer: Answer, key: str) -> RemoteFailed:
        """The words are ours: those of the storage could say anything."""
        message = f"the storage refuses: it answers {answer.status} {answer.code}".rstrip()
        hint = _HINTS.get(answer.code) or _STATUS_HINTS.get(answer.status, "check bucket, region and endpoint")
        region = answer.headers.get("x-amz-bucket-region", "")
        if answer.status in {301, 307, 400} and REGION.fullmatch(region) and region != self.target.region:
            hint = f"the bucket is in another region: give --region {region}"
        return RemoteFailed("remote.s3_refused", message, where=self._where(key), hint=hint)


_HINTS = {
    "AccessDenied": "these credentials may not do this: they need s3:PutObject, s3:GetObject, and with a lock s3:PutObjectRetention and s3:GetObjectRetention",
    "SignatureDoesNotMatch": "the secret is not that of the key id, or something on the way changes requests",
    "InvalidAccessKeyId": "the storage does not know this key id",
    "ExpiredToken": "get new credentials: these have expired",
    "RequestTimeTooSkewed": "set the clock of this machine right",
    "NoSuchBucket": "make the bucket first, with object lock switched on",
    "NotImplemented": "this storage cannot write only what is not there yet; take one that can",
}
_STATUS_HINTS = {
    301: "no redirect is followed: give the right --region or --endpoint",
    307: "no redirect is followed: give the right --region or --endpoint",
    403: "check the credentials, and what they may do",
    404: "make the bucket first, with object lock switched on",
}


def _says_no_lock(answer: Answer) -> bool:
    """What storages answer that have no object lock, or a bucket without it."""
    return answer.code in {"InvalidRequest", "NotImplemented", "ObjectLockConfigurationNotFoundError", "InvalidBucketState"} or answer.status == 501


def _body(answer: http.client.HTTPResponse, most: int) -> bytes:
    pieces: list[bytes] = []
    while most > 0 and (piece := answer.read(min(most, 1024 * KIB))):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


def _code(body: bytes) -> str:
    """The word of an error. Attack: a document type with entities that grow; where one begins, nothing is read."""
    found = None if b"<!" in body else _CODE.search(body)
    return found[1].decode("ascii") if found else ""


def _version(headers: Mapping[str, str]) -> str:
    return shown(headers.get("x-amz-version-id", ""), VERSION_CHARS_MAX)


def _lock(headers: Mapping[str, str]) -> Lock | None:
    mode, until = headers.get("x-amz-object-lock-mode", "").lower(), headers.get("x-amz-object-lock-retain-until-date", "")
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        return None
    if mode not in {COMPLIANCE, GOVERNANCE} or moment.tzinfo is None:
        return None
    return Lock(mode=mode, until=int(moment.timestamp()))


def _hex(text: str) -> str:
    """The hash of an object in base64, if it is one over the whole object."""
    try:
        found = base64.b64decode(text, validate=True)
    except ValueError:
        return ""
    return found.hex() if len(found) == hashlib.sha256().digest_size else ""


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
