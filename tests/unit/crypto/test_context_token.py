"""A signed context is for one back end, for a minute, from one host, about one agent."""

from __future__ import annotations

import pytest

from mpp.crypto.context_token import (
    CONTEXT_SECONDS_MAX,
    CONTEXT_SKEW_SECONDS_MAX,
    CONTEXT_TYPE,
    read_audience,
    sign_context,
    verify_context,
)
from mpp.crypto.ed25519 import key_id
from mpp.crypto.jws import sign_jws
from mpp.errors import Refused
from mpp.model.jsontext import Json, canonical
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import NOW

SIGNER, OTHER = fixed_signer("host"), fixed_signer("other host")
ID = key_id(SIGNER.public_key)
HERE = "https://crm.example.com"
JTI = "0" * 31 + "1"
CONTEXT: dict[str, Json] = {"agent": {"name": "planner", "proof": "signed"}, "tool": "lookup"}
CLAIMS: dict[str, Json] = {"iss": ID, "aud": HERE, "sub": "planner", "iat": NOW, "exp": NOW + 60, "jti": JTI, "context": CONTEXT}


def made(**changes: Json) -> str:
    claims = {key: item for key, item in {**CLAIMS, **changes}.items() if item is not None}
    return sign_jws(canonical(claims), kind=CONTEXT_TYPE, signer=SIGNER)


def refused(token: str, *, audience: str = HERE, now: int = NOW) -> str:
    with pytest.raises(Refused) as refusal:
        verify_context(token, audience, SIGNER.public_key, now)
    return refusal.value.code


def test_what_a_host_signs_its_back_end_reads() -> None:
    token = sign_context(SIGNER, CONTEXT, audience=HERE, agent="planner", now=NOW, jti=JTI)
    assert token == made()
    found = verify_context(token, HERE, SIGNER.public_key, NOW)
    assert (found.host, found.agent, found.audience, found.issued, found.expires, found.jti) == (ID, "planner", HERE, NOW, NOW + 60, JTI)
    assert found.context == CONTEXT
    assert verify_context(token, HERE, {ID: SIGNER.public_key}, NOW) == found


def test_an_agent_without_a_name_is_one_too() -> None:
    token = sign_context(SIGNER, {"agent": {"name": "", "proof": "anonymous"}}, audience=HERE, agent="", now=NOW, jti=JTI)
    assert verify_context(token, HERE, SIGNER.public_key, NOW).agent == ""


@pytest.mark.parametrize(("now", "code"), [
    (NOW - CONTEXT_SKEW_SECONDS_MAX - 1, "agent.early"),
    (NOW - CONTEXT_SKEW_SECONDS_MAX, ""),
    (NOW + CONTEXT_SECONDS_MAX + CONTEXT_SKEW_SECONDS_MAX, ""),
    (NOW + CONTEXT_SECONDS_MAX + CONTEXT_SKEW_SECONDS_MAX + 1, "agent.expired"),
])  # fmt: skip
def test_it_holds_for_a_minute(now: int, code: str) -> None:
    if code:
        assert refused(made(), now=now) == code
    else:
        assert verify_context(made(), HERE, SIGNER.public_key, now).jti == JTI


WRONG: list[tuple[dict[str, Json], str]] = [
    ({"iss": None}, "agent.missing"), ({"aud": None}, "agent.missing"), ({"sub": None}, "agent.missing"), ({"iat": None}, "agent.missing"),
    ({"exp": None}, "agent.missing"), ({"jti": None}, "agent.missing"), ({"context": None}, "agent.missing"),
    ({"iss": key_id(OTHER.public_key)}, "agent.jws_key"), ({"iss": ID[:16]}, "agent.form"), ({"aud": [HERE]}, "agent.type"),
    ({"aud": "https://other.example.com"}, "agent.audience"), ({"aud": HERE + "/"}, "agent.audience"), ({"sub": "boss"}, "agent.contradiction"),
    ({"context": {}}, "agent.contradiction"), ({"context": {"agent": "planner"}}, "agent.contradiction"), ({"context": "planner"}, "agent.type"),
    ({"exp": NOW + 61}, "agent.range"), ({"exp": NOW - 1}, "agent.range"), ({"iat": True}, "agent.type"), ({"jti": "1"}, "agent.form"),
    ({"admin": True}, "agent.unknown_key"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code"), WRONG, ids=range(len(WRONG)))
def test_other_claims_are_refused(changes: dict[str, Json], code: str) -> None:
    assert refused(made(**changes)) == code


def test_of_two_known_hosts_none_speaks_for_the_other() -> None:
    both = {ID: SIGNER.public_key, key_id(OTHER.public_key): OTHER.public_key}
    with pytest.raises(Refused) as refusal:
        verify_context(made(iss=key_id(OTHER.public_key)), HERE, both, NOW)
    assert refusal.value.code == "agent.jws_key"


def test_claims_have_one_text() -> None:
    spaced = sign_jws(canonical(CLAIMS).replace(b'":', b'": '), kind=CONTEXT_TYPE, signer=SIGNER)
    assert refused(spaced) == "agent.json"


def test_a_token_of_another_host_or_kind_is_none() -> None:
    assert refused(sign_jws(canonical(CLAIMS), kind=CONTEXT_TYPE, signer=OTHER)) == "agent.jws_key"
    assert refused(sign_jws(canonical(CLAIMS), kind="JWT", signer=SIGNER)) == "agent.jws_kind"
    assert refused(made(), audience="https://crm.example.com:8443") == "agent.audience"


@pytest.mark.parametrize(("text", "found"), [
    ("https://crm.example.com", ("crm.example.com", 443)),
    ("https://crm.example.com:8443", ("crm.example.com", 8443)),
    ("https://a.internal", ("a.internal", 443)),
    ("https://crm.example.com:443", None), ("https://crm.example.com:65536", None), ("https://crm.example.com:0", None), ("https://crm.example.com:08", None),
    ("https://crm.example.com/", None), ("https://crm.example.com/x", None), ("http://crm.example.com", None), ("HTTPS://crm.example.com", None),
    ("https://CRM.example.com", None), ("https://crm.example.com.", None), ("https://u@crm.example.com", None), ("https://localhost", None),
    ("https://127.0.0.1", None), ("https://[::1]", None), ("https://*.example.com", None), ("https://crm.example.com\n", None), ("", None),
    ("https://crm.exämple.com", None), ("https://" + "a." * 126 + "com", None), ("https://" + "a." * 200 + "com", None),
])  # fmt: skip
def test_an_origin_has_one_text(text: str, found: tuple[str, int] | None) -> None:
    assert read_audience(text) == found
