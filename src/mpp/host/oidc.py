"""ID tokens of an OpenID Connect issuer that bind an agent's name to its key. The issuer's keys are given as a file, never fetched.

Strict where the standards leave a choice: one audience, a key named by its id with the one algorithm of its kind, no key out of
the token, and a confirmation (``cnf``) of the very key that signs the call. Spec: spec/identity.md section 5.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from mpp.crypto.ed25519 import PUBLIC_BYTES, valid_public, verifies
from mpp.crypto.jws import Compact, decode_part, encode_part, read_compact, unsigned, wrong_algorithm
from mpp.errors import HostFailed, Refused
from mpp.limits import KIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read, shown
from mpp.model.value import value
from mpp.stages.policy import judge_name, name_matches

ALGORITHMS = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
"""The one algorithm of each kind of key. A key never has two."""

CURVES = {"EC": "P-256", "OKP": "Ed25519"}
_PARTS = {"RSA": ("n", "e"), "EC": ("x", "y"), "OKP": ("x",)}

ISSUER_KEYS_MAX = 32
"""Keys of one issuer. Reason: an issuer has two or three while it changes them."""

ISSUER_TEXT_MAX = 400
"""Characters of an issuer's address, an audience or the name of a claim. Reason: they are addresses and short names."""

JWKS_BYTES_MAX = 256 * KIB
"""Bytes of a file with an issuer's keys. Reason: 32 large keys with their certificates fit."""

RSA_BITS_MIN = 2048
"""Least bits of an RSA key. Reason: smaller ones can be factored within years."""

RSA_BITS_MAX = 8192
"""Most bits of an RSA key. Reason: larger ones take long to verify, and nobody issues them."""

RSA_EXPONENT = 65537
EC_BYTES = 32

OIDC_SKEW_SECONDS_MAX = 60
"""Seconds that an ID token may lie ahead of this host's clock. Reason: the issuer's clock is not ours."""

OIDC_SECONDS_MAX = 86400
"""Seconds from the issue of an ID token to its end. Reason: a day of work; longer ones cannot be called back."""

OIDC_TIME_MAX = 253402300799
"""Latest time in an ID token: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""


@value
class IssuerKey:
    kid: str
    kind: str
    """``RSA``, ``EC`` or ``OKP``."""
    parts: tuple[bytes, ...]
    """n and e, x and y, or x."""


@value
class Issuer:
    """Whose ID tokens this host believes, and of which names."""

    issuer: str
    audience: str
    keys: tuple[IssuerKey, ...]
    name_claim: str
    """The claim that holds the agent's name."""
    may_name: str


@value
class VerifiedIdToken:
    agent: str
    issuer: str
    expires: int


def read_issuer_key(found: Json, where: str, faults: Faults) -> IssuerKey:
    """One key as it stands in the store: a JWK of a kind that we take, with its algorithm, and nothing more."""
    fields = Fields(found, where, faults)
    kind = fields.one_of("kty", ALGORITHMS)
    key = IssuerKey(kid=fields.text("kid", most=ISSUER_TEXT_MAX), kind=kind, parts=tuple(_part(fields, name) for name in _PARTS.get(kind, ())))
    if kind in ALGORITHMS:
        fields.one_of("alg", (ALGORITHMS[kind],))
    if kind in CURVES:
        fields.one_of("crv", (CURVES[kind],))
    fields.end()
    if not faults.found and not _is_sound(key):
        faults.add(
            "jwk", where, "is no key that this host takes", f"RSA of {RSA_BITS_MIN} to {RSA_BITS_MAX} bits with exponent {RSA_EXPONENT}, P-256 or Ed25519"
        )
    return key


def _part(fields: Fields, name: str) -> bytes:
    found = decode_part(fields.text(name, most=RSA_BITS_MAX // 6 + 2))
    if found is None:
        fields.faults.add("jwk", fields.path(name), "is no base64url without padding", "take the key as the issuer publishes it")
        return b""
    return found


def _is_sound(key: IssuerKey) -> bool:
    first, rest = key.parts[0], key.parts[1:]
    if key.kind == "RSA":
        return first[:1] != b"\0" and RSA_BITS_MIN <= int.from_bytes(first).bit_length() <= RSA_BITS_MAX and int.from_bytes(rest[0]) == RSA_EXPONENT
    if key.kind == "EC":
        return len(first) == len(rest[0]) == EC_BYTES
    return valid_public(first)


def key_row(key: IssuerKey) -> dict[str, Json]:
    row: dict[str, Json] = {"kid": key.kid, "kty": key.kind, "alg": ALGORITHMS[key.kind]}
    if key.kind in CURVES:
        row["crv"] = CURVES[key.kind]
    return {**row, **{name: encode_part(part) for name, part in zip(_PARTS[key.kind], key.parts, strict=True)}}


def keys_of_file(data: bytes, *, where: str) -> tuple[tuple[IssuerKey, ...], tuple[str, ...]]:
    """The keys of an issuer's published set that this host takes, and the names of those that it leaves out."""
    faults = Faults("agent")
    fields = Fields(read(data, family="agent", where=where), where, faults)
    rows = fields.items("keys", most=ISSUER_KEYS_MAX, required=True, least=1)
    faults.stop()
    kept: list[IssuerKey] = []
    left: list[str] = []
    for i, row in enumerate(rows):
        key = _usable(row, f"{where}/keys/{i}")
        if key is None:
            left.append(_named(row, i))
        else:
            kept.append(key)
    if not kept:
        raise Refused("agent.jwk", "the file holds no key that this host takes", where=where, hint="it takes RS256, ES256 and EdDSA keys with a kid")
    return tuple(kept), tuple(left)


def _usable(row: Json, where: str) -> IssuerKey | None:
    """A published key without what is said beside it; None for one that is for encryption, of another kind, or not sound."""
    if not isinstance(row, dict) or row.get("use", "sig") != "sig":
        return None
    kind = row.get("kty")
    if not isinstance(kind, str) or kind not in ALGORITHMS:
        return None
    names = {"kid", "kty", "crv", *_PARTS[kind]} if kind in CURVES else {"kid", "kty", *_PARTS[kind]}
    bare: dict[str, Json] = {name: row[name] for name in names if name in row}
    faults = Faults("agent")
    key = read_issuer_key({**bare, "alg": row.get("alg", ALGORITHMS[kind])}, where, faults)
    return None if faults.found else key


def _named(row: Json, place: int) -> str:
    kid = row.get("kid") if isinstance(row, dict) else None
    return shown(kid) if isinstance(kid, str) else f"key {place + 1}"


def verify_id_token(token: str, issuers: Mapping[str, Issuer], public: bytes, now: int, *, where: str = "id token") -> VerifiedIdToken:
    """Judge an ID token that is to say whose key ``public`` is."""
    found = read_compact(token, where=where)
    # Attack: a token of another use (an access token, a logout token) of the same issuer.
    if found.kind.upper() not in {"", "JWT"}:
        raise Refused("agent.jws_kind", f"the token is of the kind {shown(found.kind)!r}, no ID token", where=where, hint="send the ID token")
    faults = Faults("agent")
    claims = Fields(read(found.payload, family="agent", where=where), where, faults)
    written = claims.text("iss", most=ISSUER_TEXT_MAX)
    faults.stop()
    issuer = issuers.get(written)
    if issuer is None:
        hint = "add it with `mpp agent trust-issuer`, if this host is to believe it"
        raise Refused("agent.issuer", f"this host does not know the issuer {shown(written)!r}", where=where, hint=hint)
    judge_signature(found, issuer.keys, where)
    expires = _judge_claims(claims, issuer, now, where)
    _judge_key(claims, public, where)
    written_name = claims.text(issuer.name_claim, most=ISSUER_TEXT_MAX)
    faults.stop()
    name = judge_name(written_name, where)
    if not name_matches(issuer.may_name, name):
        raise Refused("agent.may_name", f"{issuer.issuer} may not vouch for the name {name}", where=where, hint=f"it may name {issuer.may_name}")
    return VerifiedIdToken(agent=name, issuer=issuer.issuer, expires=expires)


def judge_signature(found: Compact, keys: Iterable[IssuerKey], where: str) -> None:
    """Is the token signed by that one of the issuer's keys which it names, with the algorithm of that key?"""
    key = next((one for one in keys if one.kid == found.key), None)
    if key is None:
        hint = "give the issuer's present keys with `mpp agent trust-issuer`"
        raise Refused("agent.jws_key", f"the issuer has no key {shown(found.key)!r} here", where=where, hint=hint)
    # Spec: identity I-44. Attack: the algorithm out of the token, such as HS256 with the issuer's public key as the secret.
    if found.algorithm != ALGORITHMS[key.kind]:
        raise wrong_algorithm(found.algorithm, ALGORITHMS[key.kind], where)
    if not _verifies(key, found.signed, found.signature):
        raise unsigned(where)


def _judge_claims(claims: Fields, issuer: Issuer, now: int, where: str) -> int:
    """Audience and times. Spec: identity I-46. Attack: a token that the same issuer made for somebody else."""
    audience = claims.raw("aud")
    if audience not in (issuer.audience, [issuer.audience]):
        raise Refused("agent.audience", "the token is for another audience, or for several", where=where, hint=f"have it issued for {issuer.audience} alone")
    issued = claims.number("iat", least=0, most=OIDC_TIME_MAX)
    start = claims.number("nbf", least=0, most=OIDC_TIME_MAX, default=issued)
    expires = claims.number("exp", least=0, most=OIDC_TIME_MAX)
    claims.faults.stop()
    if max(issued, start) > now + OIDC_SKEW_SECONDS_MAX:
        raise Refused("agent.early", "the token does not hold yet", where=where, hint="set the clock of this host, or wait")
    if now >= expires or expires - issued > OIDC_SECONDS_MAX:
        hint = f"get a new one; it may hold {OIDC_SECONDS_MAX} seconds at most"
        raise Refused("agent.expired", "the token has ended, or holds longer than any may", where=where, hint=hint)
    return expires


def _judge_key(claims: Fields, public: bytes, where: str) -> None:
    """Spec: identity I-45. Attack: somebody else's token, sent with a key of one's own."""
    inner = claims.object("cnf")
    claims.faults.stop()
    found: dict[str, Json] = inner.found if inner is not None else {}
    jwk: dict[str, Json] = {"crv": "Ed25519", "kty": "OKP", "x": encode_part(public)}
    thumbprint = encode_part(hashlib.sha256(canonical(jwk)).digest())
    if len(public) != PUBLIC_BYTES or found not in ({"jwk": jwk}, {"jkt": thumbprint}):
        hint = "have the issuer put the agent's key, or its thumbprint, into the claim cnf"
        raise Refused("agent.confirmation", "the token is not bound to the key that signed the call", where=where, hint=hint)


def _verifies(key: IssuerKey, signed: bytes, signature: bytes) -> bool:
    if key.kind == "OKP":
        return verifies(key.parts[0], signed, signature)
    try:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an extra
        from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    except ImportError:
        hint = "install it: pip install 'model-package-protocol[oidc]'"
        raise HostFailed("host.oidc", "tokens of this issuer need the module cryptography, which is not here", where=key.kid, hint=hint) from None
    one, other = (int.from_bytes(part) for part in key.parts)
    try:
        if key.kind == "RSA":
            rsa.RSAPublicNumbers(other, one).public_key().verify(signature, signed, padding.PKCS1v15(), SHA256())
            return True
        # Attack: a signature of any other length has several readings.
        if len(signature) != 2 * EC_BYTES:
            return False
        pair = encode_dss_signature(int.from_bytes(signature[:EC_BYTES]), int.from_bytes(signature[EC_BYTES:]))
        ec.EllipticCurvePublicNumbers(one, other, ec.SECP256R1()).public_key().verify(pair, signed, ec.ECDSA(SHA256()))
        return True
    except (InvalidSignature, ValueError):
        return False
