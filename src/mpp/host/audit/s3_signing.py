"""Who we are to an object storage, and how a request says so: AWS Signature Version 4. Pure but for reading one file.

The secret goes into a keyed hash and nowhere else: not into an address, an error, a log or the words of a command.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, UTC
from typing import NamedTuple
from urllib.parse import quote

from mpp.errors import Refused
from mpp.files import is_private, read_bounded
from mpp.limits import KIB
from mpp.model.value import value

CREDENTIALS_BYTES_MAX = 16 * KIB
"""Bytes of a file with credentials. Reason: three lines, one of which may be a token of two or three KiB."""

KEY_ID, SECRET, TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"

_ALGORITHM = "AWS4-HMAC-SHA256"
_SERVICE = "s3"
_UNRESERVED = "-_.~"
# What stands in a header: nothing that could end it and begin another.
_FORMS = {KEY_ID: re.compile(r"[A-Za-z0-9._@+=-]{1,128}"), SECRET: re.compile(r"[!-~]{1,256}"), TOKEN: re.compile(r"[!-~]{1,8192}")}


@value
class Credentials:
    """A name that may be shown, and a secret that may not."""

    key_id: str
    secret: str
    token: str = ""

    def __repr__(self) -> str:
        """Attack: a secret that stands in a log because somebody printed what held it."""
        return f"Credentials({self.key_id})"

    __str__ = __repr__


def credentials_of(environment: Mapping[str, str]) -> Credentials:
    """From the variables that all tools for S3 read."""
    return _credentials({name: environment.get(name, "") for name in _FORMS}, "the environment")


def read_credentials(path: str) -> Credentials:
    """From a file of ours alone, with lines ``NAME = VALUE``; the names as in the environment, in letters of either case."""
    if not is_private(path):
        raise Refused("audit.credentials", "other users can read the credentials", where=path, hint="make it yours alone: chmod 600 FILE")
    try:
        text = read_bounded(path, CREDENTIALS_BYTES_MAX).decode("ascii")
    except UnicodeDecodeError:
        raise _unreadable(path) from None
    found: dict[str, str] = {}
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith("#") or line == "[default]":
            continue
        name, sign, told = line.partition("=")
        name = name.strip().upper()
        if not sign or name not in _FORMS or name in found:
            # The line itself is not shown: it may be the secret.
            raise _unreadable(path)
        found[name] = told.strip()
    return _credentials({name: found.get(name, "") for name in _FORMS}, path)


def _unreadable(path: str) -> Refused:
    return Refused(
        "audit.credentials", "the file does not hold one set of credentials", where=path, hint=f"write one line each: {KEY_ID} = …, {SECRET} = …, perhaps {TOKEN} = …"
    )  # fmt: skip


def _credentials(found: Mapping[str, str], where: str) -> Credentials:
    for name, told in found.items():
        if not told and name != TOKEN:
            raise Refused("audit.credentials", f"{name} is not given", where=where, hint=f"set {KEY_ID} and {SECRET}, or give --credentials-file")
        if told and _FORMS[name].fullmatch(told) is None:
            raise Refused("audit.credentials", f"{name} has characters that it cannot have", where=where, hint="copy it again, without spaces and line breaks")
    return Credentials(key_id=found[KEY_ID], secret=found[SECRET], token=found[TOKEN])


class Asked(NamedTuple):
    """A request to be signed. The names in ``headers`` are in lower case; ``path`` and ``query`` are not encoded yet."""

    method: str
    path: str
    headers: Mapping[str, str]
    payload_sha256: str
    query: Mapping[str, str]


def encoded_path(path: str) -> str:
    return quote(path, safe="/" + _UNRESERVED)


def encoded_query(query: Mapping[str, str]) -> str:
    pairs = sorted((quote(name, safe=_UNRESERVED), quote(told, safe=_UNRESERVED)) for name, told in query.items())
    return "&".join(f"{name}={told}" for name, told in pairs)


def stamp_of(now: int) -> str:
    return datetime.fromtimestamp(now, tz=UTC).strftime("%Y%m%dT%H%M%SZ")


def signed_headers(asked: Asked, credentials: Credentials, region: str, now: int) -> dict[str, str]:
    """The headers of the request with what makes it ours: it covers the method, the path, each header and the bytes."""
    stamp = stamp_of(now)
    headers = {**asked.headers, "x-amz-content-sha256": asked.payload_sha256, "x-amz-date": stamp}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(headers))
    scope = f"{stamp[:8]}/{region}/{_SERVICE}/aws4_request"
    digest = hashlib.sha256(_canonical(asked, headers, names).encode("ascii")).hexdigest()
    text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}"
    signature = hmac.new(_key(credentials.secret, scope), text.encode("ascii"), "sha256").hexdigest()
    return {**headers, "authorization": f"{_ALGORITHM} Credential={credentials.key_id}/{scope},SignedHeaders={names},Signature={signature}"}


def _canonical(asked: Asked, headers: Mapping[str, str], names: str) -> str:
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers))
    return "\n".join((asked.method, encoded_path(asked.path), encoded_query(asked.query), lines, names, asked.payload_sha256))


def _key(secret: str, scope: str) -> bytes:
    """A key for one day, region and service."""
    key = b"AWS4" + secret.encode("ascii")
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode("ascii"), "sha256")
    return key
