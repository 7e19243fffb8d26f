"""JSON Web Signatures in their compact form, strictly. Ours are EdDSA and nothing else. Spec: spec/identity.md section 7.

The algorithm is never the token's choice: whoever verifies says which one a key has, and a token that says another is refused.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from mpp.crypto.ed25519 import KEY_ID, key_id, verifies
from mpp.errors import Refused
from mpp.limits import KIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read, shown
from mpp.model.value import value
from mpp.ports import Signer

JWS_BYTES_MAX = 32 * KIB
"""Bytes of a token. Reason: it travels in a header; real ones have one or two KiB."""

JWS_TEXT_MAX = 200
"""Characters of a text in a token's header. Reason: names of keys are short."""

ALGORITHM = "EdDSA"
_PART = re.compile("[A-Za-z0-9_-]+")
_FORBIDDEN = ("jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "cty")
"""Each lets a token bring its own key, or change what is signed or how it is read."""
_HINTS = ("x5t", "x5t#S256")
"""Digests of certificates, which name a key once more. They are not looked at."""


@value
class Compact:
    """The parts of a token. Nothing in it is verified yet."""

    header: bytes
    algorithm: str
    key: str
    """The name of the key that the token claims; empty when it names none."""
    kind: str
    """``typ``; empty when it says none."""
    payload: bytes
    signed: bytes
    """What the signature is over."""
    signature: bytes


def encode_part(data: bytes) -> str:
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")


def decode_part(text: str) -> bytes | None:
    """The bytes, or None if ``text`` is not their one encoding: no padding, no other alphabet, no spare bits."""
    if _PART.fullmatch(text) is None or len(text) % 4 == 1:
        return None
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return data if encode_part(data) == text else None


def read_compact(token: str, *, where: str) -> Compact:
    """Three parts, and a header of the few members that mean no harm. Spec: identity I-43."""
    if len(token) > JWS_BYTES_MAX:
        raise Refused("agent.jws", f"a token has at most {JWS_BYTES_MAX} characters", where=where, hint="send the token as it was issued")
    parts = [decode_part(part) for part in token.split(".", 3)]
    if len(parts) != 3 or parts[0] is None or parts[1] is None or parts[2] is None:
        raise Refused("agent.jws", "this is no signed token: three parts in base64url with dots between", where=where, hint="send the token as it was issued")
    header, payload, signature = parts[0], parts[1], parts[2]
    faults = Faults("agent")
    fields = Fields(read(header, family="agent", where=where), where, faults)
    # Attack: a token that says with which key, algorithm or rules it is to be verified.
    for name in _FORBIDDEN:
        if fields.has(name):
            raise Refused("agent.jws_header", f"the token's header holds {name!r}, which is never believed", where=where, hint="issue it without")
    for name in _HINTS:
        fields.raw(name, required=False)
    found = Compact(
        header=header,
        algorithm=fields.text("alg", most=JWS_TEXT_MAX),
        key=fields.text("kid", most=JWS_TEXT_MAX, default=""),
        kind=fields.text("typ", most=JWS_TEXT_MAX, default=""),
        payload=payload,
        signed=token.rpartition(".")[0].encode("ascii"),
        signature=signature,
    )
    fields.end()
    faults.stop()
    return found


def sign_jws(payload: bytes, *, kind: str, signer: Signer) -> str:
    """A token of ours over ``payload``."""
    signed = f"{encode_part(_header(key_id(signer.public_key), kind))}.{encode_part(payload)}"
    return f"{signed}.{encode_part(signer.sign(signed.encode('ascii')))}"


def _header(key: str, kind: str) -> bytes:
    header: dict[str, Json] = {"alg": ALGORITHM, "kid": key, "typ": kind}
    return canonical(header)


def verify_jws(token: str, *, kind: str, keys: Mapping[str, bytes], where: str) -> Compact:
    """The parts of a token of ours, signed by that one of ``keys`` (full key id to public key) which it names."""
    found = read_compact(token, where=where)
    # Attack: "none", or HS256 with the public key as the shared secret.
    if found.algorithm != ALGORITHM:
        raise wrong_algorithm(found.algorithm, ALGORITHM, where)
    if found.kind != kind:
        message = f"the token is of the kind {shown(found.kind)!r}, not {kind!r}"
        raise Refused("agent.jws_kind", message, where=where, hint="send the token that was made for this")
    public = keys.get(found.key) if KEY_ID.fullmatch(found.key) else None
    if public is None:
        raise Refused("agent.jws_key", f"the token names a key that is not known: {shown(found.key)!r}", where=where, hint="get the issuer's key another way")
    # Spec: identity I-62. One header, so one text of each token.
    if found.header != _header(found.key, kind):
        raise Refused("agent.jws_header", "the token's header is not the one that a host writes", where=where, hint="send the token as it was issued")
    if not verifies(public, found.signed, found.signature):
        raise unsigned(where)
    return found


def wrong_algorithm(found: str, wanted: str, where: str) -> Refused:
    message = f"the token says the algorithm {shown(found)!r}, its key has {wanted}"
    return Refused("agent.algorithm", message, where=where, hint="issue it with the algorithm of the key")


def unsigned(where: str) -> Refused:
    return Refused("agent.signature", "the signature of the token does not verify", where=where, hint="send the token as it was issued")
