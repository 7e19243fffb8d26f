from __future__ import annotations

import json

import pytest

from mpp.crypto.ed25519 import key_id
from mpp.crypto.envelope import Envelope, read_envelope, sign, signed_bytes, verify_all, write_envelope
from mpp.errors import Refused
from mpp.limits import SIGNERS_MAX
from mpp.model.jsontext import Json, canonical
from mpp.testing.keys import fixed_signer

KIND = "application/x-test+json"
SIGNERS = tuple(fixed_signer(f"envelope {i}") for i in range(3))
KEYS = {key_id(signer.public_key): signer.public_key for signer in SIGNERS}
ENVELOPE = Envelope(payload_type=KIND, payload=b"{}", signatures=sign(KIND, b"{}", SIGNERS))


def read(data: bytes, most: int = 100) -> Envelope:
    return read_envelope(data, where="env", payload_type=KIND, payload_most=most)


def test_the_encoding_before_authentication_is_the_published_one() -> None:
    # The example of the DSSE specification.
    assert signed_bytes("http://example.com/HelloWorld", b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_an_envelope_comes_back() -> None:
    assert read(write_envelope(ENVELOPE)) == ENVELOPE


def test_signatures_ascend_by_key_whatever_the_order_of_signers() -> None:
    assert sign(KIND, b"{}", SIGNERS[::-1]) == ENVELOPE.signatures
    assert [one.key for one in ENVELOPE.signatures] == sorted(KEYS)


def changed(path: str, item: Json) -> bytes:
    document = json.loads(write_envelope(ENVELOPE))
    at = document
    *steps, last = path.split("/")
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if item is None:
        del at[last]
    else:
        at[int(last) if isinstance(at, list) else last] = item
    return canonical(document)


def swapped() -> bytes:
    document = json.loads(write_envelope(ENVELOPE))
    document["signatures"].reverse()
    return canonical(document)


def doubled() -> bytes:
    document = json.loads(write_envelope(ENVELOPE))
    document["signatures"].insert(0, document["signatures"][0])
    return canonical(document)


WRONG = {
    "not JSON": (b"{", "signature.json"),
    "not canonical": (write_envelope(ENVELOPE) + b"\n", "signature.json"),
    "a list": (b"[]", "signature.type"),
    "another payload type": (changed("payloadType", "application/x-other"), "signature.choice"),
    "no payload type": (changed("payloadType", None), "signature.missing"),
    "no payload": (changed("payload", None), "signature.missing"),
    "an empty payload": (changed("payload", ""), "signature.base64"),
    "a payload over its limit": (changed("payload", "AAAA" * 34), "signature.base64"),
    "a payload that is not canonical base64": (changed("payload", "e31="), "signature.base64"),
    "a payload far over its limit": (changed("payload", "AAAA" * 1000), "signature.length"),
    "an unknown key": (changed("alg", "none"), "signature.unknown_key"),
    "an unknown key of a signature": (changed("signatures/0/alg", "none"), "signature.unknown_key"),
    "a short key id": (changed("signatures/0/keyid", "00"), "signature.form"),
    "a key id in capitals": (changed("signatures/0/keyid", "A" * 64), "signature.form"),
    "a short signature": (changed("signatures/0/sig", "AAAA"), "signature.base64"),
    "a signature that is a number": (changed("signatures/0", 1), "signature.type"),
    "no signatures": (changed("signatures", None), "signature.missing"),
    "too many signatures": (changed("signatures", [{}] * (SIGNERS_MAX + 1)), "signature.length"),
    "descending signatures": (swapped(), "signature.order"),
    "one signature twice": (doubled(), "signature.order"),
}


@pytest.mark.parametrize(("data", "code"), WRONG.values(), ids=WRONG.keys())
def test_any_other_form_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        read(data)
    assert code in {fault.code for fault in refusal.value.faults}


def test_an_unsigned_envelope_can_be_read_and_proves_nothing() -> None:
    assert read(changed("signatures", [])).signatures == ()


def test_all_signatures_verify() -> None:
    verify_all(KIND, b"{}", ENVELOPE.signatures, KEYS, "x")


@pytest.mark.parametrize(
    ("kind", "payload"), [(KIND + "2", b"{}"), (KIND, b"{ }"), (KIND, b""), ("", KIND.encode() + b"{}")], ids=["type", "payload", "empty", "moved"]
)
def test_what_is_signed_cannot_be_changed(kind: str, payload: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        verify_all(kind, payload, ENVELOPE.signatures, KEYS, "x")
    assert refusal.value.code == "signature.invalid"


@pytest.mark.parametrize("bad", range(3))
def test_one_bad_signature_refuses_all(bad: int) -> None:
    other = sign(KIND, b"other", SIGNERS)
    mixed = tuple(other[i] if i == bad else one for i, one in enumerate(ENVELOPE.signatures))
    with pytest.raises(Refused) as refusal:
        verify_all(KIND, b"{}", mixed, KEYS, "x")
    assert refusal.value.where == f"x: key {mixed[bad].key[:16]}"
