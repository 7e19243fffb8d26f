"""Where in which object storage: a bucket, what stands before our names in it, and the host that is asked. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from mpp.errors import Refused
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.host.outside import is_here

ENDPOINT_CHARS_MAX = 300
"""Characters of an endpoint. Reason: a host and a port."""

PREFIX_CHARS_MAX = 400
"""Characters of a prefix. Reason: a key has 1,024 bytes at most, and ours add about a hundred."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9_=][A-Za-z0-9._=-]*(/[A-Za-z0-9_=][A-Za-z0-9._=-]*)*")
REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@value
class Target:
    """A bucket, and where in it. Made by ``target_of`` only."""

    bucket: str
    prefix: str
    region: str
    host: str
    port: int
    is_plain: bool = False
    """http, which is for this machine only."""
    in_host: bool = False
    """Is the bucket a part of the host's name?"""

    @property
    def name(self) -> str:
        """As a person writes it."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def place(self) -> str:
        """Which storage it is: two of them may have a bucket of one name."""
        return f"{'http' if self.is_plain else 'https'}://{self.host}:{self.port}"

    def path(self, key: str) -> str:
        return f"/{key}" if self.in_host else f"/{self.bucket}/{key}"


def target_of(to: str, *, region: str, endpoint: str = "", in_host: bool = False) -> Target:
    """``s3://BUCKET/PREFIX`` at an endpoint; without one, at AWS."""
    bucket, _, prefix = to.removeprefix("s3://").partition("/")
    prefix = prefix.rstrip("/")
    is_right = to.startswith("s3://") and _BUCKET.fullmatch(bucket) and ".." not in bucket
    if not is_right or len(prefix) > PREFIX_CHARS_MAX or (prefix and _PREFIX.fullmatch(prefix) is None):
        raise _unusable(to, "this names no bucket", "write s3://BUCKET/PREFIX, with letters, digits, dots and hyphens")
    if REGION.fullmatch(region) is None:
        raise _unusable(region, "this is no region", "write it like eu-central-1")
    if not endpoint:
        # A name with a dot is no longer covered by the certificate of the storage when it stands before its name.
        in_host = "." not in bucket
        endpoint = f"https://s3.{region}.amazonaws.com"
    host, port, is_plain = _endpoint(endpoint)
    return Target(bucket=bucket, prefix=prefix, region=region, host=f"{bucket}.{host}" if in_host else host, port=port, is_plain=is_plain, in_host=in_host)


def _endpoint(endpoint: str) -> tuple[str, int, bool]:
    hint = "give an address that begins with https://, without a path"
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _unusable(endpoint, "this is no endpoint", hint) from None
    if "@" in parts.netloc:
        raise _unusable(host, "an endpoint with a name or a password in it is not taken", "give credentials by the environment or --credentials-file")
    is_plain = parts.scheme == "http"
    has_more = parts.path not in {"", "/"} or parts.query or parts.fragment
    is_text = endpoint.isascii() and endpoint.isprintable() and " " not in endpoint and len(endpoint) <= ENDPOINT_CHARS_MAX
    if not host or has_more or not is_text or parts.scheme not in {"http", "https"}:
        raise _unusable(endpoint, "this is no endpoint", hint)
    if is_plain and not is_here(host):
        # Attack: who sits between reads the record, and answers for a storage that keeps nothing.
        raise _unusable(endpoint, "plain http is taken to this machine only", hint)
    return host, port or (80 if is_plain else 443), is_plain


def _unusable(what: str, why: str, hint: str) -> Refused:
    return Refused("audit.upload_target", why, where=shown(what), hint=hint)
