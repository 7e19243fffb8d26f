"""Access tokens: of an issuer that is named, for this resource alone, with a key and its algorithm, with each scope, until their end."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from pathlib import Path

import pytest

from mpp.crypto.jws import encode_part
from mpp.errors import Refused
from mpp.host import tenants_oauth
from mpp.host.oidc import OIDC_SECONDS_MAX, OIDC_SKEW_SECONDS_MAX
from mpp.host.tenants_oauth import AccessTokens, judge_access_token, read_resource
from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.jsontext import Json
from mpp.testing.packages import NOW
from tests.unit.host.access_tokens import CONFIG, ISSUER_URL, RESOURCE, access, jwks, write_config
from tests.unit.host.id_tokens import SIGNERS, compact, keys


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path)


@pytest.mark.parametrize("by", list(SIGNERS))
def test_each_kind_of_key_is_taken(by: str, config: Path) -> None:
    found = judge_access_token(access(by=by), read_resource(str(config)), NOW)
    behind = (Delegation(kind="user", name="ada@example.com", level="token"),)
    assert found.agent == AgentIdentity(name="acme/bot", level="token", issuer=ISSUER_URL, behind=behind)
    assert (found.tenant, found.user, found.until) == ("acme", "ada@example.com", NOW + 300)


GOOD: list[tuple[dict[str, Json], str]] = [
    ({"aud": [RESOURCE]}, "ada@example.com"),
    ({"scope": None, "scp": ["mcp:tools"]}, "ada@example.com"),
    ({"scope": None, "scp": "mcp:tools other"}, "ada@example.com"),
    ({"nbf": NOW}, "ada@example.com"),
    ({"sub": "acme/bot"}, ""),
    ({"sub": None}, ""),
    ({"sub": "auth0|7"}, "subject-" + hashlib.sha256(f"{ISSUER_URL}\0auth0|7".encode()).hexdigest()[:32]),
]


@pytest.mark.parametrize(("changes", "user"), GOOD)
def test_forms_that_issuers_use(changes: dict[str, Json], user: str, config: Path) -> None:
    assert judge_access_token(access(**changes), read_resource(str(config)), NOW).user == user


@pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", None])
def test_kinds_that_issuers_write(kind: str | None, config: Path) -> None:
    assert judge_access_token(access(header={"typ": kind}), read_resource(str(config)), NOW).tenant == "acme"


BAD: list[tuple[dict[str, Json], str]] = [
    ({"iss": "https://evil.example.com"}, "agent.issuer"),
    ({"iss": None}, "agent.missing"),
    ({"aud": "https://other.example.com"}, "agent.audience"),
    ({"aud": [RESOURCE, "https://other.example.com"]}, "agent.audience"),
    ({"aud": RESOURCE + "/"}, "agent.audience"),
    ({"aud": None}, "agent.audience"),
    ({"scope": None}, "agent.scope"),
    ({"scope": "mcp:tool"}, "agent.scope"),
    ({"scope": "mcp:toolsx"}, "agent.scope"),
    ({"scope": 7}, "agent.scope"),
    ({"scope": "other", "scp": ["mcp:tools"]}, "agent.scope"),
    ({"exp": NOW}, "agent.expired"),
    ({"exp": None}, "agent.missing"),
    ({"iat": None}, "agent.missing"),
    ({"exp": NOW + OIDC_SECONDS_MAX + 1}, "agent.expired"),
    ({"iat": NOW + OIDC_SKEW_SECONDS_MAX + 1}, "agent.early"),
    ({"nbf": NOW + OIDC_SKEW_SECONDS_MAX + 1}, "agent.early"),
    ({"exp": "soon"}, "agent.type"),
    ({"exp": 1.5}, "agent.type"),
    ({"client_id": None}, "agent.missing"),
    ({"client_id": "other/bot"}, "agent.may_name"),
    ({"client_id": "Acme/Bot"}, "agent.name"),
]


@pytest.mark.parametrize(("changes", "code"), BAD)
def test_claims_that_do_not_hold(changes: dict[str, Json], code: str, config: Path) -> None:
    with pytest.raises(Refused) as refusal:
        judge_access_token(access(**changes), read_resource(str(config)), NOW)
    assert refusal.value.code == code


HEADERS: list[tuple[dict[str, Json], str]] = [
    ({"alg": "none"}, "agent.algorithm"),
    ({"alg": "HS256"}, "agent.algorithm"),
    ({"alg": "RS256"}, "agent.algorithm"),
    ({"kid": "other"}, "agent.jws_key"),
    ({"kid": None}, "agent.jws_key"),
    ({"typ": "dpop+jwt"}, "agent.jws_kind"),
    ({"jwk": {}}, "agent.jws_header"),
    ({"jku": "https://evil.example.com"}, "agent.jws_header"),
    ({"crit": ["exp"]}, "agent.jws_header"),
]


@pytest.mark.parametrize(("header", "code"), HEADERS)
def test_headers_that_are_not_believed(header: dict[str, Json], code: str, config: Path) -> None:
    with pytest.raises(Refused) as refusal:
        judge_access_token(access(header=header), read_resource(str(config)), NOW)
    assert refusal.value.code == code


def test_an_id_token_is_no_access_token(config: Path) -> None:
    with pytest.raises(Refused) as refusal:
        judge_access_token(access(header={"typ": "JWT"}, nonce="n"), read_resource(str(config)), NOW)
    assert refusal.value.code == "agent.jws_kind"


def test_the_public_key_is_no_secret_to_sign_with(config: Path) -> None:
    public = keys()["ed"].parts[0]
    forged = compact({"alg": "HS256", "kid": "ed", "typ": "at+jwt"}, {"iss": ISSUER_URL}, lambda message: hmac.digest(public, message, "sha256"))
    with pytest.raises(Refused) as refusal:
        judge_access_token(forged, read_resource(str(config)), NOW)
    assert refusal.value.code == "agent.algorithm"


def test_a_changed_claim_breaks_the_signature(config: Path) -> None:
    head, body, signature = access().split(".")
    claims = json.loads(__import__("base64").urlsafe_b64decode(body + "=="))
    forged = ".".join((head, encode_part(json.dumps({**claims, "client_id": "acme/root"}).encode()), signature))
    with pytest.raises(Refused) as refusal:
        judge_access_token(forged, read_resource(str(config)), NOW)
    assert refusal.value.code == "agent.signature"


def test_metadata_names_the_issuers(config: Path) -> None:
    assert read_resource(str(config)).metadata == {
        "resource": RESOURCE, "authorization_servers": [ISSUER_URL], "scopes_supported": ["mcp:tools"], "bearer_methods_supported": ["header"],
        "resource_name": "MPP tools",
    }  # fmt: skip


FILES: list[tuple[str, str, str]] = [
    ('resource = "https://mpp', 'resource = "http://mpp', "agent.form"),
    ("/mcp", "/mcp#x", "agent.form"),
    ('["mcp:tools"]', "[]", "agent.length"),
    ('["mcp:tools"]', '["a b"]', "agent.form"),
    ('["mcp:tools"]', "['a\"b']", "agent.form"),
    ("https://id", "http://id", "agent.form"),
    ('"acme"', '"Acme"', "agent.form"),
    ('"acme/*"', '"**"', "agent.form"),
    ("jwks.json", "none.json", "usage.no_file"),
    ("[[issuer]]", "[[issuers]]", "agent.missing"),
    ("tenant", "tenants", "agent.missing"),
    ("[[issuer]]", "[[issuer", "policy.toml"),
]


@pytest.mark.parametrize(("before", "after", "code"), FILES)
def test_the_file_is_judged(before: str, after: str, code: str, config: Path) -> None:
    config.write_text(CONFIG.replace(before, after, 1))
    with pytest.raises(Refused) as refusal:
        read_resource(str(config))
    assert refusal.value.code == code


def test_an_issuer_stands_once_and_a_key_name_too(config: Path) -> None:
    rest = CONFIG[CONFIG.index("[[issuer]]") :]
    config.write_text(CONFIG + rest.replace('"acme"', '"other"'))
    with pytest.raises(Refused) as refusal:
        read_resource(str(config))
    assert refusal.value.code == "agent.duplicate"
    config.write_text(CONFIG)
    rows = json.loads(jwks("rsa", "ec"))["keys"]
    (config.parent / "jwks.json").write_text(json.dumps({"keys": [{**row, "kid": "1"} for row in rows]}))
    with pytest.raises(Refused) as refusal:
        read_resource(str(config))
    assert refusal.value.code == "agent.jwk"


def test_what_others_may_write_is_not_believed(config: Path) -> None:
    os.chmod(config.parent / "jwks.json", 0o666)
    with pytest.raises(Refused) as refusal:
        read_resource(str(config))
    assert refusal.value.code == "policy.mode"


def test_judged_tokens_are_remembered_until_they_end(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, token = AccessTokens(str(config)), access()
    judged: list[str] = []
    judge = tenants_oauth.judge_access_token
    monkeypatch.setattr(tenants_oauth, "judge_access_token", lambda text, *more, **named: judged.append(text) or judge(text, *more, **named))
    assert tokens.judge(token, NOW) is tokens.judge(token, NOW + 299)
    assert judged == [token]
    with pytest.raises(Refused) as refusal:
        tokens.judge(token, NOW + 300)
    assert refusal.value.code == "agent.expired"


def test_a_key_that_was_taken_away_opens_nothing(config: Path) -> None:
    tokens, token = AccessTokens(str(config)), access(by="ed")
    assert tokens.judge(token, NOW).tenant == "acme"
    (config.parent / "jwks.json").write_bytes(jwks("rsa", "ec"))
    with pytest.raises(Refused) as refusal:
        tokens.judge(token, NOW)
    assert refusal.value.code == "agent.jws_key"
    assert tokens.current().resource == RESOURCE
    assert tokens.judge(access(by="ec"), NOW).tenant == "acme"


def test_few_are_remembered(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenants_oauth, "OAUTH_KEPT_MAX", 2)
    tokens = AccessTokens(str(config))
    for number in range(4):
        tokens.judge(access(jti=str(number)), NOW)
    assert len(tokens._kept) == 2
