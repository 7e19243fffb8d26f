"""ID tokens: one key, one algorithm, one audience, and the very key that signs the call."""

from __future__ import annotations

import hashlib
import hmac
import json
import sys

import pytest

from mpp.crypto.jws import encode_part
from mpp.errors import HostFailed, Refused
from mpp.host.oidc import (
    ISSUER_KEYS_MAX,
    OIDC_SECONDS_MAX,
    OIDC_SKEW_SECONDS_MAX,
    Issuer,
    IssuerKey,
    VerifiedIdToken,
    key_row,
    keys_of_file,
    read_issuer_key,
    verify_id_token,
)
from mpp.model.fields import Faults
from mpp.model.jsontext import Json, canonical
from mpp.testing.agents import agent
from mpp.testing.packages import NOW
from tests.unit.host.id_tokens import AUDIENCE, ISSUER_URL, RSA_KEY, SIGNERS, claims_of, compact, id_token, keys, sign_ec

BOT = agent("acme/bot").public_key
KEYS = keys()
ISSUER = Issuer(issuer=ISSUER_URL, audience=AUDIENCE, keys=tuple(KEYS.values()), name_claim="sub", may_name="acme/*")
ISSUERS = {ISSUER_URL: ISSUER}


def judge(token: str, public: bytes = BOT, now: int = NOW) -> VerifiedIdToken:
    return verify_id_token(token, ISSUERS, public, now)


def refused(token: str, public: bytes = BOT, now: int = NOW) -> str:
    with pytest.raises(Refused) as refusal:
        judge(token, public, now)
    assert refusal.value.faults[0].hint
    return refusal.value.code


@pytest.mark.parametrize("by", list(SIGNERS))
def test_each_kind_of_key_is_taken(by: str) -> None:
    assert judge(id_token("acme/bot", BOT, by=by)) == VerifiedIdToken(agent="acme/bot", issuer=ISSUER_URL, expires=NOW + 300)


def test_forms_that_issuers_use() -> None:
    thumbprint = encode_part(hashlib.sha256(canonical({"kty": "OKP", "crv": "Ed25519", "x": encode_part(BOT)})).digest())
    for token in (
        id_token("acme/bot", BOT, aud=[AUDIENCE]), id_token("acme/bot", BOT, cnf={"jkt": thumbprint}), id_token("acme/bot", BOT, nbf=NOW),
        id_token("acme/bot", BOT, header={"typ": None}), id_token("acme/bot", BOT, header={"typ": "jwt"}), id_token("acme/bot", BOT, header={"x5t": "AA"}),
    ):  # fmt: skip
        assert judge(token).agent == "acme/bot"
    named = Issuer(issuer=ISSUER_URL, audience=AUDIENCE, keys=ISSUER.keys, name_claim="agent", may_name="acme/*")
    assert verify_id_token(id_token("x", BOT, agent="acme/bot"), {ISSUER_URL: named}, BOT, NOW).agent == "acme/bot"


HEADERS: list[tuple[str, dict[str, Json], str]] = [
    ("rsa", {"alg": "none"}, "agent.algorithm"), ("rsa", {"alg": "HS256"}, "agent.algorithm"), ("rsa", {"alg": "RS512"}, "agent.algorithm"),
    ("rsa", {"alg": "PS256"}, "agent.algorithm"), ("ec", {"alg": "RS256"}, "agent.algorithm"), ("ed", {"alg": "ES256"}, "agent.algorithm"),
    ("rsa", {"alg": "rs256"}, "agent.algorithm"), ("rsa", {"kid": "ec"}, "agent.algorithm"), ("ed", {"kid": None}, "agent.jws_key"),
    ("ed", {"kid": "absent"}, "agent.jws_key"), ("ed", {"kid": "../ed"}, "agent.jws_key"), ("ed", {"typ": "at+jwt"}, "agent.jws_kind"),
    ("ed", {"typ": "logout+jwt"}, "agent.jws_kind"), ("ed", {"jwk": {}}, "agent.jws_header"), ("ed", {"jku": ISSUER_URL}, "agent.jws_header"),
    ("ed", {"x5c": []}, "agent.jws_header"), ("ed", {"x5u": ISSUER_URL}, "agent.jws_header"), ("ed", {"crit": ["exp"]}, "agent.jws_header"),
]  # fmt: skip


@pytest.mark.parametrize(("by", "header", "code"), HEADERS, ids=range(len(HEADERS)))
def test_the_token_does_not_choose_how_it_is_verified(by: str, header: dict[str, Json], code: str) -> None:
    assert refused(id_token("acme/bot", BOT, by=by, header=header)) == code


def test_the_public_key_is_no_secret() -> None:
    secret = KEYS["rsa"].parts[0]
    forged = compact({"alg": "HS256", "kid": "rsa"}, claims_of("acme/bot", BOT), lambda message: hmac.digest(secret, message, "sha256"))
    assert refused(forged) == "agent.algorithm"
    bare = compact({"alg": "RS256", "kid": "rsa"}, claims_of("acme/bot", BOT), lambda message: hmac.digest(secret, message, "sha256"))
    assert refused(bare) == "agent.signature"


@pytest.mark.parametrize("by", list(SIGNERS))
def test_what_was_changed_is_noticed(by: str) -> None:
    head, body, signature = id_token("acme/bot", BOT, by=by).split(".")
    other = id_token("acme/boss", BOT, by=by).split(".")[1]
    for token in (f"{head}.{other}.{signature}", f"{head}.{body}.{encode_part(bytes(64))}", f"{head}.{body}.{encode_part(bytes(10))}"):
        assert refused(token) == "agent.signature"


def test_a_signature_in_another_encoding_is_none() -> None:
    header: Json = {"alg": "ES256", "kid": "ec"}
    assert refused(compact(header, claims_of("acme/bot", BOT), lambda message: sign_ec(message) + b"\0")) == "agent.signature"


def test_a_point_that_is_none_verifies_nothing() -> None:
    broken = Issuer(
        issuer=ISSUER_URL, audience=AUDIENCE, keys=(IssuerKey(kid="ec", kind="EC", parts=(b"\1" * 32, b"\1" * 32)),), name_claim="sub", may_name="*"
    )  # fmt: skip
    with pytest.raises(Refused) as refusal:
        verify_id_token(id_token("acme/bot", BOT, by="ec"), {ISSUER_URL: broken}, BOT, NOW)
    assert refusal.value.code == "agent.signature"


CLAIMS: list[tuple[dict[str, Json], str]] = [
    ({"iss": None}, "agent.missing"), ({"iss": "https://evil.example"}, "agent.issuer"), ({"iss": ISSUER_URL + "/"}, "agent.issuer"), ({"iss": 1}, "agent.type"),
    ({"aud": None}, "agent.audience"), ({"aud": "other"}, "agent.audience"), ({"aud": [AUDIENCE, "other"]}, "agent.audience"), ({"aud": []}, "agent.audience"),
    ({"iat": None}, "agent.missing"), ({"iat": NOW + OIDC_SKEW_SECONDS_MAX + 1}, "agent.early"), ({"nbf": NOW + OIDC_SKEW_SECONDS_MAX + 1}, "agent.early"),
    ({"exp": None}, "agent.missing"), ({"exp": NOW}, "agent.expired"), ({"exp": NOW + OIDC_SECONDS_MAX + 1}, "agent.expired"), ({"exp": "soon"}, "agent.type"),
    ({"exp": NOW + 0.5}, "agent.type"), ({"nbf": True}, "agent.type"), ({"sub": None}, "agent.missing"), ({"sub": "Acme"}, "agent.name"),
    ({"sub": "other/bot"}, "agent.may_name"), ({"sub": ["acme/bot"]}, "agent.type"), ({"cnf": None}, "agent.missing"), ({"cnf": "x"}, "agent.type"),
    ({"cnf": {}}, "agent.confirmation"), ({"cnf": {"jkt": "x"}}, "agent.confirmation"), ({"cnf": {"x5t#S256": "x"}}, "agent.confirmation"),
    ({"cnf": {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": encode_part(bytes(32))}}}, "agent.confirmation"),
    ({"cnf": {"jwk": {"kty": "OKP", "crv": "Ed448", "x": encode_part(BOT)}}}, "agent.confirmation"),
    ({"cnf": {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": encode_part(BOT)}, "jkt": "x"}}, "agent.confirmation"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code"), CLAIMS, ids=range(len(CLAIMS)))
def test_other_claims_are_refused(changes: dict[str, Json], code: str) -> None:
    assert refused(id_token("acme/bot", BOT, **changes)) == code


def test_the_key_is_the_one_that_signs_the_call() -> None:
    assert refused(id_token("acme/bot", BOT), agent("thief").public_key) == "agent.confirmation"
    assert refused(id_token("acme/bot", b""), b"") == "agent.confirmation"


def test_claims_have_one_reading() -> None:
    head = encode_part(b'{"alg":"EdDSA","kid":"ed"}')
    body = encode_part(f'{{"iss":"{ISSUER_URL}","iss":"x"}}'.encode())
    assert refused(f"{head}.{body}.AA") == "agent.json"
    assert refused(f"{head}.{encode_part(b'[]')}.AA") == "agent.type"


@pytest.mark.parametrize(("by", "fails"), [("rsa", True), ("ec", True), ("ed", False)])
def test_without_the_extra_the_hint_says_what_to_install(monkeypatch: pytest.MonkeyPatch, by: str, fails: bool) -> None:
    token = id_token("acme/bot", BOT, by=by)
    for name in [one for one in sys.modules if one.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    if not fails:
        assert judge(token).agent == "acme/bot"
        return
    with pytest.raises(HostFailed) as failure:
        judge(token)
    assert failure.value.code == "host.oidc"
    assert "model-package-protocol[oidc]" in failure.value.faults[0].hint


@pytest.mark.parametrize("name", list(KEYS))
def test_a_key_comes_back(name: str) -> None:
    faults = Faults("agent")
    assert read_issuer_key(key_row(KEYS[name]), "x", faults) == KEYS[name]
    assert not faults.found


SMALL = encode_part((2**1023 + 1).to_bytes(128, "big"))
BAD_KEYS: list[tuple[str, dict[str, Json]]] = [
    ("rsa", {"n": SMALL}), ("rsa", {"n": encode_part(b"\0" + KEYS["rsa"].parts[0])}), ("rsa", {"e": "Aw"}), ("rsa", {"e": "AQAB="}), ("rsa", {"n": ...}),
    ("rsa", {"alg": "RS384"}), ("rsa", {"alg": ...}), ("rsa", {"kty": "oct"}), ("rsa", {"kty": ...}), ("rsa", {"d": "AQAB"}), ("rsa", {"kid": ""}),
    ("ec", {"crv": "P-384"}), ("ec", {"x": "AAAA"}), ("ec", {"y": ...}), ("ed", {"x": encode_part(bytes(32))}), ("ed", {"x": "AAAA"}), ("ed", {"crv": "Ed448"}),
    ("ed", {"kid": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes"), BAD_KEYS, ids=range(len(BAD_KEYS)))
def test_another_key_is_refused_in_the_store_and_left_out_of_a_file(name: str, changes: dict[str, Json]) -> None:
    row = {key: item for key, item in {**key_row(KEYS[name]), **changes}.items() if item is not ...}
    faults = Faults("agent")
    read_issuer_key(row, "x", faults)
    assert faults.found
    if changes in ({"alg": ...}, {"d": "AQAB"}):
        return  # a published set may leave the algorithm out, and holds more than we take
    with pytest.raises(Refused) as refusal:
        keys_of_file(json.dumps({"keys": [row]}).encode(), where="x")
    assert refusal.value.code == "agent.jwk"


def test_of_a_published_set_what_can_be_used_is_taken() -> None:
    published: list[Json] = [
        {**key_row(KEYS["rsa"]), "use": "sig", "x5c": ["MII="], "x5t": "AA"},
        {key: item for key, item in key_row(KEYS["ec"]).items() if key != "alg"},
        {**key_row(KEYS["ed"]), "use": "enc"},
        {"kty": "oct", "k": "AA", "kid": "shared"},
        {"kty": ["RSA"]},
        "no key",
    ]
    kept, left = keys_of_file(json.dumps({"keys": published, "more": 1}).encode(), where="x")
    assert kept == (KEYS["rsa"], KEYS["ec"])
    assert left == ("ed", "shared", "key 5", "key 6")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"keys":[]}', json.dumps({"keys": [{}] * (ISSUER_KEYS_MAX + 1)}).encode()], ids=range(5))
def test_what_is_no_set_of_keys_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        keys_of_file(data, where="x")


def test_the_keys_of_these_tests_are_of_the_least_size() -> None:
    assert RSA_KEY.key_size == 2048
