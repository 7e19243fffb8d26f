"""The keys of an OAuth issuer, fetched from where its own metadata says they are, and kept for a while.

The owner names the issuer; everything that comes back is believed as far as TLS to that name goes and no further. Attacks: an address in the metadata that
leads into the network of this host, an answer without end, a flood of tokens with made-up names of keys, an issuer that is down.
Spec: spec/mcp-front.md, J-88 and J-89.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from mpp.errors import MppError, Refused, RemoteFailed
from mpp.host.oidc import ISSUER_TEXT_MAX, IssuerKey, JWKS_BYTES_MAX, keys_of_file
from mpp.host.outside import is_here
from mpp.host.services.http_client import Client
from mpp.host.services.http_line import Patience
from mpp.host.services.http_rules import read_url
from mpp.host.services.http_types import Hop, HttpConfig, HttpRefusal, Stopped, Target
from mpp.limits import KIB
from mpp.model.capabilities import NetworkRule
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import read, shown
from mpp.model.value import value

METADATA_BYTES_MAX = 64 * KIB
"""Bytes of an issuer's metadata. Reason: real ones have five to ten kilobytes."""

KEYS_FETCH_SECONDS_MAX = 10
"""Seconds of one fetch, metadata and keys together. Reason: somebody with a good token may be waiting for it."""

KEYS_FRESH_SECONDS = 600
"""Seconds after which fetched keys are asked for again, beside the requests. Reason: a key that the issuer took away opens nothing after ten minutes."""

KEYS_KEPT_SECONDS_MAX = 86400
"""Seconds for which fetched keys count while the issuer does not answer. Reason: a night of an issuer that is down; a day is also the longest life of a token."""

KEYS_AGAIN_SECONDS = 60
"""Seconds between two fetches, whatever happens. Reason: tokens with made-up names of keys must not make this host ask without end."""

OK = 200
_METADATA = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")


@value
class KeySource:
    """Where an issuer's keys come from, as the owner wrote it."""

    issuer: str
    private: bool = False
    """May it, and what its metadata names, have an address that is not public?"""
    ca_file: str = ""


def is_issuer(address: str) -> bool:
    """https, or http to this very machine."""
    try:
        target = _target(address)
    except Stopped:
        return False
    return "?" not in address and (target.scheme == "https" or is_here(target.host))


def fetch_keys(source: KeySource, seconds: float = KEYS_FETCH_SECONDS_MAX) -> tuple[IssuerKey, ...]:
    """What the issuer publishes now. Raises RemoteFailed or Refused."""
    client = Client(HttpConfig(extra_ca_file=source.ca_file, body_max=JWKS_BYTES_MAX))
    patience = Patience(time.monotonic() + seconds)
    try:
        address = _jwks_address(source, client, patience)
        data = _get(source, address, client, patience)
        keys, _ = keys_of_file(data or b"", where=address)
    finally:
        client.pool.close()
    # Attack: of two keys with one name, readers could take one or the other.
    if len({key.kid for key in keys}) != len(keys):
        raise Refused("agent.jwk", "two keys of the issuer have the same name", where=shown(address), hint="ask who runs the issuer")
    return keys


def _jwks_address(source: KeySource, client: Client, patience: Patience) -> str:
    """RFC 8414, section 3.1, and what OpenID Connect has in its place."""
    origin, path = _split(source.issuer)
    data, where = None, ""
    for where in (f"{origin}{_METADATA[0]}{path}", f"{origin}{path}{_METADATA[1]}"):
        data = _get(source, where, client, patience, absent=True)
        if data is not None:
            break
    if data is None or len(data) > METADATA_BYTES_MAX:
        raise RemoteFailed("remote.answer", "the issuer says nowhere what its keys are", where=source.issuer, hint="give its keys as a file: jwks")
    faults = Faults("agent")
    fields = Fields(read(data, family="agent", where=where), where, faults)
    issuer, address = fields.text("issuer", most=ISSUER_TEXT_MAX), fields.text("jwks_uri", most=ISSUER_TEXT_MAX)
    faults.stop()
    # Attack: one issuer of many below the same host answers for another. RFC 8414, section 3.3.
    if issuer != source.issuer:
        raise RemoteFailed("remote.answer", "the metadata is of another issuer", where=shown(where), hint="write the issuer exactly as its metadata does")
    return address


def _split(issuer: str) -> tuple[str, str]:
    scheme, _, rest = issuer.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}", (slash + path).rstrip("/")


def _target(address: str) -> Target:
    """An address in its one form. Whether it may be reached is judged by whoever goes there."""
    host = urlsplit(address).hostname or ""
    return read_url(address, (NetworkRule(host=host, wildcard=False, schemes=(), ports=(), methods=(), paths=()),))


def _judged(source: KeySource, address: str) -> tuple[Target, bool]:
    """Where to go, and whether an address there may be one that is not public."""
    target = _target(address)
    # Attack: the metadata of an issuer far away that names a service of this machine. Only an issuer on this machine has its keys here.
    at_home = is_here(target.host) and is_here(_target(source.issuer).host)
    if target.scheme != "https" and not at_home:
        raise Stopped("blocked_address", "keys come over https only")
    return target, source.private or at_home


def _get(source: KeySource, address: str, client: Client, patience: Patience, *, absent: bool = False) -> bytes | None:
    """The body there; None if there is none and that may be. Redirects are not followed."""
    hint = "the keys that are known count for a while; give them as a file (jwks) if the issuer cannot be reached from here"
    try:
        target, private = _judged(source, address)
        hop = Hop(
            key=source.issuer, target=target, method="GET", headers=(("accept", "application/json"),), body=b"", private=private, secrets=(),
            remaining_ms=max(int((patience.until - time.monotonic()) * 1000), 1),
        )  # fmt: skip
        found = client.exchange(hop, patience)
    except (Stopped, ValueError) as fault:
        raise RemoteFailed("remote.connection", f"the keys of the issuer cannot be fetched: {fault}", where=shown(address), hint=hint) from None
    if isinstance(found, HttpRefusal):
        raise RemoteFailed("remote.connection", f"the keys of the issuer cannot be fetched: {found.message}", where=shown(address), hint=hint)
    if found.status != OK:
        if absent:
            return None
        raise RemoteFailed("remote.answer", f"the issuer answers {found.status} where its keys should be", where=shown(address), hint=hint)
    return found.body


class IssuerKeys:
    """The keys of one issuer. ``keys`` never waits; ``renew`` does, and is for whoever may."""

    def __init__(
        self, source: KeySource, *, now: Callable[[], float] = time.monotonic, fetch: Callable[[KeySource], tuple[IssuerKey, ...]] = fetch_keys,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.source = source
        self._now, self._fetch, self._told = now, fetch, told
        self._lock, self._fetching = threading.Lock(), threading.Lock()
        self._keys: tuple[IssuerKey, ...] = ()
        self._fetched = self._asked = -float("inf")
        self._behind = False
        """A thread of its own is on the way."""

    def keys(self) -> tuple[IssuerKey, ...]:
        """What is known now; where that is no longer fresh, it is asked for again meanwhile."""
        with self._lock:
            now = self._now()
            if now - self._fetched > KEYS_KEPT_SECONDS_MAX:
                self._keys = ()
            begins = now - self._fetched > KEYS_FRESH_SECONDS and now - self._asked > KEYS_AGAIN_SECONDS and not self._behind
            self._behind = self._behind or begins
            found = self._keys
        if begins:
            threading.Thread(target=self._renew_behind, name="mpp-issuer-keys", daemon=True).start()
        return found

    def is_due(self) -> bool:
        """May it be asked again because of a token whose key is not known, or is it being asked already?"""
        with self._lock:
            return self._now() - self._asked > KEYS_AGAIN_SECONDS or self._fetching.locked()

    def renew(self) -> None:
        """Fetch, or wait for the fetch that is under way. A failure leaves what was there."""
        with self._fetching:
            with self._lock:
                if self._now() - self._asked <= KEYS_AGAIN_SECONDS:
                    return
                self._asked = self._now()
            try:
                found = self._fetch(self.source)
            except MppError as fault:
                self._told(f"the keys of {self.source.issuer} were not fetched: {fault.message} [{fault.code}]")
                return
            with self._lock:
                self._keys, self._fetched = found, self._now()

    def _renew_behind(self) -> None:
        try:
            self.renew()
        finally:
            with self._lock:
                self._behind = False
