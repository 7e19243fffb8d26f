"""Signed requests to a registry: each is proven by a key of the publisher, and there is no token that could be stolen. Pure.

Spec: registry section 7.
"""

from __future__ import annotations

import re

from mpp.crypto import base64text
from mpp.crypto.ed25519 import key_id, verifies
from mpp.crypto.envelope import Envelope, read_envelope, sign, signed_bytes, write_envelope
from mpp.errors import Refused
from mpp.limits import KIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, read_canonical
from mpp.model.names import SHA256_HEX, SHA256_HEX_FORM
from mpp.model.value import value
from mpp.ports import Signer
from mpp.protocol.registry.limits import REQUEST_SECONDS, REQUEST_TEXT_MAX, TARGET_CHARS_MAX, TIME_MAX

SCHEME = "MPP-Signed"
REQUEST_TYPE = "application/vnd.mpp.request+json"
PAYLOAD_BYTES_MAX = 4 * KIB
"""Bytes of what a signed request says. Reason: the longest target, and 500 bytes beside it."""

METHODS = ("DELETE", "GET", "HEAD", "POST", "PUT")

_NONCE = re.compile("[0-9a-f]{32}")
_TARGET = re.compile(r"/[!-~]*")


@value
class SignedRequest:
    """Read and not judged."""

    method: str
    target: str
    """Path and query."""
    body_sha256: str
    audience: str
    """The registry id."""
    at: int
    nonce: str
    key: str
    """The id of the key that claims to have signed."""
    payload: bytes
    signature: bytes


def sign_request(signer: Signer, *, method: str, target: str, body_sha256: str, audience: str, at: int, nonce: str) -> str:
    """The value of the header ``Authorization``. ``nonce``: 32 hex digits that were never used before."""
    payload = canonical({
        "mpp_request": 1, "method": method, "target": target, "body_sha256": body_sha256, "audience": audience, "at": at, "nonce": nonce,
    })  # fmt: skip
    envelope = Envelope(payload_type=REQUEST_TYPE, payload=payload, signatures=sign(REQUEST_TYPE, payload, (signer,)))
    return f"{SCHEME} {base64text.encode(write_envelope(envelope))}"


def read_request(header: str, *, where: str = "Authorization") -> SignedRequest:
    """The header of a request from anybody."""
    scheme, _, text = header.partition(" ")
    data = base64text.decode(text) if len(header) <= REQUEST_TEXT_MAX and text.isascii() and scheme == SCHEME else None
    if not data:
        raise _wrong("this is no signed request", where)
    try:
        envelope = read_envelope(data, where=where, payload_type=REQUEST_TYPE, payload_most=PAYLOAD_BYTES_MAX)
    except Refused as fault:
        raise _wrong(fault.message, where) from None
    # Attack: signatures of several keys, of which one is looked up and another is verified.
    if len(envelope.signatures) != 1:
        raise _wrong("a request is signed by one key", where)
    faults = Faults("registry")
    fields = Fields(read_canonical(envelope.payload, family="registry", where=where), where, faults)
    fields.number("mpp_request", least=1, most=1)
    found = SignedRequest(
        method=fields.one_of("method", METHODS),
        target=fields.text("target", most=TARGET_CHARS_MAX, pattern=_TARGET, form="a path with its query, in printable ASCII"),
        body_sha256=fields.text("body_sha256", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
        audience=fields.text("audience", most=64, pattern=SHA256_HEX, form="a registry id"),
        at=fields.number("at", least=0, most=TIME_MAX),
        nonce=fields.text("nonce", most=32, pattern=_NONCE, form="32 hex digits"),
        key=envelope.signatures[0].key,
        payload=envelope.payload,
        signature=envelope.signatures[0].sig,
    )
    fields.end()
    faults.stop()
    return found


def _wrong(why: str, where: str) -> Refused:
    return Refused(
        "registry.request", f"the request is not signed as it must be: {why}", where=where, hint="sign each request anew with a key of the publisher"
    )


def check_request(signed: SignedRequest, *, method: str, target: str, body_sha256: str, audience: str, now: int, public: bytes) -> None:
    """Is this the request that was signed, by this key, for this registry, now? The caller then spends the nonce, until ``spent_until``.

    ``public``: of a key that the caller found under ``signed.key`` in the publisher's newest root document, in a role that may do this.
    """
    # Attack: a request for one thing used for another, or at another registry that is trusted by the same publisher.
    asked = (
        ("method", signed.method, method),
        ("target", signed.target, target),
        ("body", signed.body_sha256, body_sha256),
        ("audience", signed.audience, audience),
    )
    for name, said, is_so in asked:
        if said != is_so:
            raise _wrong(f"its {name} is another one", name)
    if abs(now - signed.at) > REQUEST_SECONDS:
        message = f"the request was signed {now - signed.at} seconds ago"
        raise Refused("registry.request_time", message, where="at", hint=f"set the clock of this machine; a request holds for {REQUEST_SECONDS} seconds")
    if key_id(public) != signed.key or not verifies(public, signed_bytes(REQUEST_TYPE, signed.payload), signed.signature):
        raise _wrong("the signature does not hold", "signature")


def spent_until(signed: SignedRequest) -> int:
    """Until when its nonce must be remembered."""
    return signed.at + REQUEST_SECONDS + 1
