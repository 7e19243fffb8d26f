"""Whose tokens count: issuers that the operator names, with keys that were given by hand or are fetched from an address that he gave."""

from __future__ import annotations

import re

from mpp.errors import Refused
from mpp.host.oidc import ISSUER_TEXT_MAX, JWKS_BYTES_MAX, IssuerKey, keys_of_file
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp_registry.namespaces.settings import world_of
from mpp_registry.namespaces.world import Absent, Fetch, Unreachable
from mpp_registry.oidc.limits import ISSUERS_MAX, KEYS_AGAIN_SECONDS, KEYS_FETCH_BYTES_MAX, KEYS_FRESH_SECONDS
from mpp_registry.services import Services

_ISSUER = re.compile(r"https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-9][0-9]{0,4})?(?:/[A-Za-z0-9._~/-]*)?")


@value
class _Kept:
    keys_url: str
    keys: bytes
    fetched_at: int


def add_issuer(services: Services, issuer: str, *, keys: bytes = b"", keys_url: str = "", fetch: Fetch | None = None) -> tuple[str, ...]:
    """Believe an issuer, by its keys (JWKS) or by the address where it publishes them. Returns the names of keys that cannot be used."""
    if len(issuer) > ISSUER_TEXT_MAX or _ISSUER.fullmatch(issuer) is None:
        raise Refused(
            "registry.form", f"{shown(issuer)!r} is no issuer", where="issuer", hint="write it as it stands in the tokens, such as https://token.example.com"
        )
    if bool(keys) == bool(keys_url):
        raise Refused("registry.choice", "an issuer needs its keys or their address, one of the two", where=issuer, hint="give a file of keys, or an address")
    found = keys or _fetched(services, keys_url, fetch)
    left = _read(found, issuer)[1]
    with services.database.write() as rows:
        count = rows.one("SELECT COUNT(*) FROM oidc_issuers WHERE issuer <> ?", issuer)
        if count is not None and int(count[0] or 0) >= ISSUERS_MAX:
            raise Refused("registry.quota", f"a registry has at most {ISSUERS_MAX} issuers", where=issuer, hint="remove one")
        rows.run(
            "INSERT INTO oidc_issuers (issuer, keys_url, keys, fetched_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (issuer) DO UPDATE SET keys_url = excluded.keys_url, keys = excluded.keys, fetched_at = excluded.fetched_at",
            issuer, keys_url, found, services.clock.now(),
        )  # fmt: skip
    return left


def remove_issuer(services: Services, issuer: str) -> bool:
    with services.database.write() as rows:
        return rows.run("DELETE FROM oidc_issuers WHERE issuer = ?", issuer) > 0


def keys_for(services: Services, issuer: str, key_name: str, fetch: Fetch | None = None) -> tuple[IssuerKey, ...]:
    """The keys of an issuer; fetched anew where they are old, or lack the key that a token names."""
    now = services.clock.now()
    with services.database.read() as rows:
        row = rows.one("SELECT keys_url, keys, fetched_at FROM oidc_issuers WHERE issuer = ?", issuer)
    if row is None:
        raise Refused(
            "registry.oidc",
            f"this registry does not believe the issuer {shown(issuer)!r}",
            where="token",
            hint="the operator adds it with `mpp registry admin issuer`",
        )
    kept = _Kept(keys_url=str(row[0]), keys=bytes(row[1] if isinstance(row[1], bytes) else b""), fetched_at=int(row[2] or 0))
    keys, _ = _read(kept.keys, issuer)
    age = now - kept.fetched_at
    is_known = any(key.kid == key_name for key in keys)
    # Attack: tokens with invented names of keys, each of which makes us ask the issuer again.
    if not kept.keys_url or (is_known and age < KEYS_FRESH_SECONDS) or (not is_known and age < KEYS_AGAIN_SECONDS):
        return keys
    found = _fetched(services, kept.keys_url, fetch)
    keys, _ = _read(found, issuer)
    with services.database.write() as rows:
        rows.run("UPDATE oidc_issuers SET keys = ?, fetched_at = ? WHERE issuer = ?", found, now, issuer)
    return keys


def _fetched(services: Services, url: str, fetch: Fetch | None) -> bytes:
    get = world_of(services, most=KEYS_FETCH_BYTES_MAX).fetch if fetch is None else fetch
    try:
        return get(url)
    except (Unreachable, Absent) as fault:
        # Fails closed: keys that cannot be looked at may have been withdrawn.
        raise Refused(
            "registry.oidc", f"the keys of the issuer cannot be fetched: {shown(fault.why, 120)}", where=shown(url), hint="try again in a minute"
        ) from None


def _read(data: bytes, issuer: str) -> tuple[tuple[IssuerKey, ...], tuple[str, ...]]:
    if len(data) > JWKS_BYTES_MAX:
        raise Refused("registry.length", f"the keys of an issuer have at most {JWKS_BYTES_MAX} bytes", where=issuer, hint="leave out what are no signing keys")
    return keys_of_file(data, where=f"keys of {issuer}")
