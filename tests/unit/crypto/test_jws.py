"""Signed tokens in compact form: one text per token, one algorithm per key, nothing out of the token is believed."""

from __future__ import annotations

import json

import pytest

from mpp.crypto.ed25519 import key_id
from mpp.crypto.jws import JWS_BYTES_MAX, decode_part, encode_part, read_compact, sign_jws, verify_jws
from mpp.errors import Refused
from mpp.model.jsontext import Json, canonical
from mpp.testing.keys import fixed_signer

SIGNER = fixed_signer("jws")
ID = key_id(SIGNER.public_key)
KEYS = {ID: SIGNER.public_key}
KIND = "test+jwt"


def token(header: Json, payload: bytes = b"{}") -> str:
    """Signed soundly, whatever the header says."""
    signed = f"{encode_part(canonical(header))}.{encode_part(payload)}"
    return f"{signed}.{encode_part(SIGNER.sign(signed.encode()))}"


def refused(text: str) -> str:
    with pytest.raises(Refused) as refusal:
        verify_jws(text, kind=KIND, keys=KEYS, where="token")
    return refusal.value.code


def test_what_was_signed_is_read() -> None:
    made = sign_jws(b'{"a":1}', kind=KIND, signer=SIGNER)
    found = verify_jws(made, kind=KIND, keys=KEYS, where="token")
    assert (found.payload, found.key, found.kind, found.algorithm) == (b'{"a":1}', ID, KIND, "EdDSA")
    assert found.header == f'{{"alg":"EdDSA","kid":"{ID}","typ":"test+jwt"}}'.encode()
    assert verify_jws(token({"alg": "EdDSA", "kid": ID, "typ": KIND}), kind=KIND, keys=KEYS, where="token").payload == b"{}"


def test_a_header_has_one_text() -> None:
    header = json.dumps({"alg": "EdDSA", "kid": ID, "typ": KIND}).encode()
    signed = f"{encode_part(header)}.{encode_part(b'{}')}"
    assert refused(f"{signed}.{encode_part(SIGNER.sign(signed.encode()))}") == "agent.jws_header"
    assert refused(token({"alg": "EdDSA", "kid": ID, "typ": KIND, "x5t": "AA"})) == "agent.jws_header"


HEADERS: list[tuple[Json, str]] = [
    ({"alg": "none", "kid": ID, "typ": KIND}, "agent.algorithm"),
    ({"alg": "HS256", "kid": ID, "typ": KIND}, "agent.algorithm"),
    ({"alg": "RS256", "kid": ID, "typ": KIND}, "agent.algorithm"),
    ({"alg": "eddsa", "kid": ID, "typ": KIND}, "agent.algorithm"),
    ({"alg": ["EdDSA"], "kid": ID, "typ": KIND}, "agent.type"),
    ({"kid": ID, "typ": KIND}, "agent.missing"),
    ({"alg": "EdDSA", "kid": ID}, "agent.jws_kind"),
    ({"alg": "EdDSA", "kid": ID, "typ": "JWT"}, "agent.jws_kind"),
    ({"alg": "EdDSA", "typ": KIND}, "agent.jws_key"),
    ({"alg": "EdDSA", "kid": "0" * 64, "typ": KIND}, "agent.jws_key"),
    ({"alg": "EdDSA", "kid": ID[:16], "typ": KIND}, "agent.jws_key"),
    ({"alg": "EdDSA", "kid": ID.upper(), "typ": KIND}, "agent.jws_key"),
    ({"alg": "EdDSA", "kid": 1, "typ": KIND}, "agent.type"),
    ({"alg": "EdDSA", "kid": "x" * 201, "typ": KIND}, "agent.length"),
    ({"alg": "EdDSA", "kid": ID, "typ": KIND, "nonce": "x"}, "agent.unknown_key"),
    (["EdDSA"], "agent.type"),
    *[({"alg": "EdDSA", "kid": ID, "typ": KIND, name: []}, "agent.jws_header") for name in ("jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "cty")],
]  # fmt: skip


@pytest.mark.parametrize(("header", "code"), HEADERS, ids=range(len(HEADERS)))
def test_a_header_decides_nothing(header: Json, code: str) -> None:
    assert refused(token(header)) == code


def test_a_digest_of_a_certificate_is_passed_over() -> None:
    assert read_compact(token({"alg": "EdDSA", "x5t": "AA", "x5t#S256": "AA"}), where="token").key == ""


SOUND = sign_jws(b"{}", kind=KIND, signer=SIGNER)
HEAD, BODY, SIGNATURE = SOUND.split(".")
TWICE = encode_part(b'{"alg":"EdDSA","alg":"none"}')


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", f"{HEAD}.{BODY}", f"{HEAD}.{BODY}.", f"{HEAD}..{SIGNATURE}", f".{BODY}.{SIGNATURE}", f"{SOUND}.", f"{SOUND}.{SIGNATURE}", f" {SOUND}",
        f"{SOUND}\n", f"{HEAD}=.{BODY}.{SIGNATURE}", f"{HEAD}.{BODY}==.{SIGNATURE}", f"{HEAD}.{BODY}.{SIGNATURE[:-2]}+/", f"{HEAD}.{BODY}.AAAAA",
        f"{HEAD}.é.{SIGNATURE}", "x" * (JWS_BYTES_MAX + 1),
    ],
)  # fmt: skip
def test_another_form_is_no_token(text: str) -> None:
    assert refused(text) == "agent.jws"


def test_a_key_twice_in_the_header_is_refused() -> None:
    assert refused(f"{TWICE}.{BODY}.{SIGNATURE}") == "agent.json"


def test_each_changed_part_is_noticed() -> None:
    other = sign_jws(b'{"a":1}', kind=KIND, signer=SIGNER).split(".")
    assert refused(f"{HEAD}.{other[1]}.{SIGNATURE}") == "agent.signature"
    assert refused(f"{HEAD}.{BODY}.{other[2]}") == "agent.signature"
    assert refused(f"{HEAD}.{BODY}.{encode_part(bytes(64))}") == "agent.signature"
    assert refused(f"{HEAD}.{BODY}.{encode_part(bytes(63))}") == "agent.signature"


@pytest.mark.parametrize("data", [b"a", b"ab", b"abc", b"abcd", bytes(range(256))])
def test_a_part_has_one_text(data: bytes) -> None:
    text = encode_part(data)
    assert decode_part(text) == data
    for other in (text + "=", text + "A", text[:-1], text + "\n", text.replace("-", "+") if "-" in text else text + "+"):
        assert decode_part(other) != data


@pytest.mark.parametrize("text", ["", "A", "AB", "AAB", "A=", "AA==", "A A", "+A", "/A"])
def test_spare_bits_and_other_letters_are_no_part(text: str) -> None:
    assert decode_part(text) is None
