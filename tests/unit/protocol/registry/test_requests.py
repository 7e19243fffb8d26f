"""Signed requests: for one request, at one registry, now, once."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mpp.crypto import base64text
from mpp.crypto.envelope import Envelope, sign, write_envelope
from mpp.errors import Refused
from mpp.protocol.registry.limits import REQUEST_SECONDS, REQUEST_TEXT_MAX
from mpp.protocol.registry.requests import REQUEST_TYPE, SignedRequest, check_request, read_request, sign_request, spent_until
from mpp.testing.keys import fixed_signer
from mpp.testing.registries import digest

SIGNER = fixed_signer("requests")
NOW = 1_800_000_000
SAID = {"method": "POST", "target": "/v1/packages?x=1", "body_sha256": digest("body"), "audience": digest("registry")}


def header(*, nonce: str = "0" * 32, at: int = NOW, said: Mapping[str, str] = SAID) -> str:
    return sign_request(SIGNER, method=said["method"], target=said["target"], body_sha256=said["body_sha256"], audience=said["audience"], at=at, nonce=nonce)


def check(signed: SignedRequest, *, now: int = NOW, public: bytes = SIGNER.public_key, said: Mapping[str, str] = SAID) -> None:
    check_request(signed, method=said["method"], target=said["target"], body_sha256=said["body_sha256"], audience=said["audience"], now=now, public=public)


def refused(signed: SignedRequest, *, now: int = NOW, public: bytes = SIGNER.public_key, said: Mapping[str, str] = SAID) -> str:
    with pytest.raises(Refused) as caught:
        check(signed, now=now, public=public, said=said)
    return caught.value.code


def unreadable(text: str) -> str:
    with pytest.raises(Refused) as caught:
        read_request(text)
    return caught.value.code


def test_a_request_is_what_was_signed() -> None:
    signed = read_request(header())
    assert (signed.method, signed.target, signed.at, signed.nonce) == ("POST", "/v1/packages?x=1", NOW, "0" * 32)
    check(signed)
    assert spent_until(signed) > NOW + REQUEST_SECONDS


@pytest.mark.parametrize(
    ("name", "item"),
    [("method", "PUT"), ("target", "/v1/packages"), ("target", "/v1/packages?x=2"), ("body_sha256", digest("x")), ("audience", digest("other"))],
)
def test_it_is_good_for_nothing_else(name: str, item: str) -> None:
    said = {**SAID, name: item}
    for signed, asked in ((SAID, said), (said, SAID)):
        assert refused(read_request(header(said=signed)), said=asked) == "registry.request"


def test_it_holds_for_a_minute() -> None:
    signed = read_request(header())
    for now in (NOW - REQUEST_SECONDS, NOW + REQUEST_SECONDS):
        check(signed, now=now)
    for now in (NOW - REQUEST_SECONDS - 1, NOW + REQUEST_SECONDS + 1):
        assert refused(signed, now=now) == "registry.request_time"


def test_it_is_signed_by_this_key() -> None:
    signed = read_request(header())
    assert refused(signed, public=fixed_signer("stranger").public_key) == "registry.request"
    forged = SignedRequest(
        method=signed.method, target=signed.target, body_sha256=signed.body_sha256, audience=signed.audience, at=signed.at, nonce="1" * 32, key=signed.key,
        payload=signed.payload.replace(b"0" * 32, b"1" * 32), signature=signed.signature,
    )  # fmt: skip
    assert refused(forged) == "registry.request"


def test_no_byte_can_be_changed() -> None:
    good = header()
    for at in range(len(good)):
        other = "A" if good[at] != "A" else "B"
        bad = good[:at] + other + good[at + 1 :]
        try:
            signed = read_request(bad)
        except Refused as fault:
            assert fault.code.startswith("registry.")
            continue
        assert refused(signed) == "registry.request"


def enveloped(payload: bytes, kind: str = REQUEST_TYPE, signers: int = 1) -> str:
    signatures = sign(kind, payload, tuple(fixed_signer(f"key {i}") for i in range(signers)))
    data = write_envelope(Envelope(payload_type=kind, payload=payload, signatures=signatures))
    return "MPP-Signed " + base64text.encode(data)


def test_what_is_no_signed_request() -> None:
    payload = read_request(header()).payload
    assert read_request(enveloped(payload)).nonce == "0" * 32
    for bad in (
        "", "MPP-Signed", "MPP-Signed ", "MPP-Signed AAAA", "Bearer " + header().partition(" ")[2], header() + "=", header().replace(" ", "  "), "MPP-Signed \u00e9",
        "MPP-Signed " + "A" * REQUEST_TEXT_MAX, enveloped(payload, "application/vnd.in-toto+json"), enveloped(payload, signers=2), enveloped(payload, signers=0),
        "mpp-signed " + header().partition(" ")[2],
    ):  # fmt: skip
        assert unreadable(bad) == "registry.request"
    for wrong in (b"{}", payload[:-1] + b',"z":1}', payload.replace(b"POST", b"post"), payload.replace(b"/v1", b"v1/"), payload.replace(b"0" * 32, b"0" * 31)):
        assert unreadable(enveloped(wrong)).startswith("registry.")
