"""Trusted publishing: a build's token for one of ours, and what that one may do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from mpp.crypto.jws import encode_part
from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.protocol.registry.events import Owner
from mpp_registry.namespaces import Unreachable
from mpp_registry.oidc import OidcRule, add_issuer, add_rule, exchange, read_rule, remove_issuer, remove_rule, rules_of
from mpp_registry.oidc.limits import ISSUERS_MAX, KEYS_AGAIN_SECONDS, KEYS_FRESH_SECONDS, RULES_EACH_MAX
from mpp_registry.publishers import set_publisher_status
from mpp_registry.publishing import Actor, authenticate, change_owners, publish, set_status
from mpp_registry.publishing.limits import TOKEN_SECONDS
from tests.registry.publishing.worlds import ALICE, BOB, World, package

ISSUER = "https://token.builds.example"
HELLO = "com.example.hello"
CLAIMS = {"repository": "alice/hello", "workflow": "release", "environment": "registry"}


class Builds:
    """A build service with RSA keys, as large ones have."""

    def __init__(self) -> None:
        self.keys = {name: rsa.generate_private_key(65537, 2048) for name in ("one", "two")}
        self.published = ("one",)
        self.fetched = 0
        self.is_down = False
        self._count = 0

    def jwks(self, *names: str) -> bytes:
        rows = []
        for name in names or self.published:
            numbers = self.keys[name].public_key().public_numbers()
            rows.append({
                "kty": "RSA", "alg": "RS256", "use": "sig", "kid": name, "n": encode_part(numbers.n.to_bytes(256, "big")),
                "e": encode_part(numbers.e.to_bytes(3, "big")),
            })  # fmt: skip
        return json.dumps({"keys": rows}).encode()

    def fetch(self, url: str) -> bytes:
        assert url == ISSUER + "/keys"
        self.fetched += 1
        if self.is_down:
            raise Unreachable("no answer")
        return self.jwks()

    def token(self, world: World, *, key: str = "one", header: dict[str, Json] | None = None, **claims: Json) -> str:
        self._count += 1
        now = world.clock.now()
        body = {
            "iss": ISSUER, "aud": world.services.settings.registry_id, "sub": "repo:alice/hello:environment:registry", "iat": now, "nbf": now - 5,
            "exp": now + 300, "jti": f"id-{self._count}", **CLAIMS, **claims,
        }  # fmt: skip
        head = {"alg": "RS256", "typ": "JWT", "kid": key, "x5t": "abc", **(header or {})}
        signed = f"{encode_part(json.dumps(head).encode())}.{encode_part(json.dumps({k: v for k, v in body.items() if v is not None}).encode())}"
        return f"{signed}.{encode_part(self.keys[key].sign(signed.encode(), PKCS1v15(), SHA256()))}"


@pytest.fixture(scope="module")
def service() -> Builds:
    """Keys take a while to make."""
    return Builds()


@pytest.fixture
def builds(service: Builds) -> Builds:
    service.published, service.fetched, service.is_down = ("one",), 0, False
    return service


@pytest.fixture
def ready(joined: World, builds: Builds) -> World:
    """Alice has a package and a rule for it."""
    add_issuer(joined.services, ISSUER, keys=builds.jwks())
    joined.publish(ALICE)
    put_rule(joined)
    return joined


def put_rule(world: World, who: object = ALICE, packages: tuple[str, ...] = (HELLO,), claims: dict[str, str] | None = None) -> OidcRule:
    data = json.dumps({"issuer": ISSUER, "claims": claims or CLAIMS, "packages": packages}).encode()
    return add_rule(world.services, read_rule(data, where="rule.json"), world.actor(who))  # type: ignore[arg-type] # a publisher of a test


def bearer(world: World, token: str) -> Actor:
    return authenticate(world.services, f"Bearer {token}", "POST", "/v1/packages", "0" * 64)


def code_of(call: object, *given: object, **other: object) -> str:
    with pytest.raises(Refused) as refused:
        call(*given, **other)  # type: ignore[operator] # a function
    return refused.value.code


def test_a_build_publishes_with_a_token_of_fifteen_minutes(ready: World, builds: Builds) -> None:
    issued = exchange(ready.services, builds.token(ready), HELLO)
    assert (issued.publisher_id, issued.packages, issued.expires_at) == (ALICE.id, (HELLO,), ready.clock.now() + TOKEN_SECONDS)
    assert issued.token.startswith("mppt_")
    assert ready.cell("SELECT COUNT(*) FROM tokens WHERE token_hash = ?", issued.token) == 0, "the token itself is nowhere"
    assert publish(ready.services, package(ALICE, version="1.1.0"), bearer(ready, issued.token)).is_new
    ready.clock.moment += TOKEN_SECONDS
    assert code_of(bearer, ready, issued.token) == "registry.token"


def test_a_token_publishes_its_packages_and_does_nothing_else(ready: World, builds: Builds) -> None:
    actor = bearer(ready, exchange(ready.services, builds.token(ready), HELLO).token)
    assert code_of(publish, ready.services, package(ALICE, "com.example.other"), actor) == "registry.forbidden"
    assert code_of(set_status, ready.services, HELLO, "1.0.0", "revoked", "x", actor) == "registry.forbidden"
    owners = (Owner(publisher_id=BOB.id, role="owner"),)
    assert code_of(change_owners, ready.services, HELLO, owners, actor) == "registry.forbidden"
    assert (
        code_of(add_rule, ready.services, read_rule(json.dumps({"issuer": ISSUER, "claims": CLAIMS, "packages": [HELLO]}).encode(), where="r"), actor)
        == "registry.forbidden"
    )


def test_a_token_of_a_build_counts_once(ready: World, builds: Builds) -> None:
    token = builds.token(ready)
    exchange(ready.services, token, HELLO)
    assert code_of(exchange, ready.services, token, HELLO) == "registry.replay"


@pytest.mark.parametrize(("claims", "code"), [
    ({"aud": "somebody-else"}, "registry.oidc"), ({"aud": ["a", "b"]}, "registry.oidc"), ({"aud": None}, "registry.oidc"), ({"exp": 1_700_000_000}, "registry.oidc"),
    ({"iat": 1_900_000_000, "exp": 1_900_000_300}, "registry.oidc"), ({"exp": 1_767_225_600 + 7200}, "registry.oidc"), ({"jti": None}, "registry.missing"),
    ({"repository": "eve/hello"}, "registry.oidc"), ({"environment": None}, "registry.oidc"), ({"workflow": ["release"]}, "registry.oidc"),
    ({"iss": "https://other.example"}, "registry.oidc"), ({"exp": "soon"}, "registry.type"),
])  # fmt: skip
def test_a_token_that_does_not_fit_is_refused(ready: World, builds: Builds, claims: dict[str, Json], code: str) -> None:
    assert code_of(exchange, ready.services, builds.token(ready, **claims), HELLO) == code  # type: ignore[arg-type] # claims alone
    assert ready.cell("SELECT COUNT(*) FROM tokens") == 0


@pytest.mark.parametrize(("header", "code"), [
    ({"alg": "none"}, "agent.algorithm"), ({"alg": "HS256"}, "agent.algorithm"), ({"kid": "zero"}, "agent.jws_key"), ({"typ": "at+jwt"}, "registry.oidc"),
    ({"jwk": {}}, "agent.jws_header"),
])  # fmt: skip
def test_a_header_decides_nothing(ready: World, builds: Builds, header: dict[str, Json], code: str) -> None:
    assert code_of(exchange, ready.services, builds.token(ready, header=header), HELLO) == code


def test_a_changed_token_is_refused(ready: World, builds: Builds) -> None:
    head, body, signature = builds.token(ready).split(".")
    assert code_of(exchange, ready.services, f"{head}.{body}.{signature[:-8]}AAAAAAAA", HELLO) == "agent.signature"
    assert code_of(exchange, ready.services, f"{head}.{body}", HELLO) == "agent.jws"


def test_a_rule_is_for_its_packages(ready: World, builds: Builds) -> None:
    assert code_of(exchange, ready.services, builds.token(ready), "com.example.other") == "registry.oidc"


def test_a_first_version_may_come_from_a_build(ready: World, builds: Builds) -> None:
    put_rule(ready, packages=("com.example.fresh",))
    actor = bearer(ready, exchange(ready.services, builds.token(ready), "com.example.fresh").token)
    assert publish(ready.services, package(ALICE, "com.example.fresh"), actor).is_new


def test_two_publishers_that_name_one_build_are_asked_to_agree(ready: World, builds: Builds) -> None:
    """Attack: a rule of a stranger for the same build and a package that nobody has yet."""
    put_rule(ready, packages=("com.example.fresh",))
    put_rule(ready, BOB, packages=("com.example.fresh", HELLO))
    assert code_of(exchange, ready.services, builds.token(ready), "com.example.fresh") == "registry.oidc"
    assert exchange(ready.services, builds.token(ready), HELLO).publisher_id == ALICE.id, "of a package that has owners, only their rules count"


def test_tokens_end_with_their_rule_and_their_publisher(ready: World, builds: Builds) -> None:
    token = exchange(ready.services, builds.token(ready), HELLO).token
    with ready.services.database.read() as rows:
        (rule,) = rules_of(rows, ALICE.id)
    assert not remove_rule(ready.services, rule.rule_id, ready.actor(BOB)), "it is not his"
    assert remove_rule(ready.services, rule.rule_id, ready.actor(ALICE))
    assert code_of(bearer, ready, token) == "registry.token"
    assert code_of(exchange, ready.services, builds.token(ready), HELLO) == "registry.oidc"
    put_rule(ready)
    token = exchange(ready.services, builds.token(ready), HELLO).token
    set_publisher_status(ready.services, ALICE.id, "suspended", "odd")
    assert code_of(bearer, ready, token) == "registry.token"
    assert code_of(exchange, ready.services, builds.token(ready), HELLO) == "registry.oidc"


@pytest.mark.parametrize("document", [
    {"issuer": ISSUER, "claims": {"workflow": "release"}, "packages": [HELLO]}, {"issuer": ISSUER, "claims": {}, "packages": [HELLO]},
    {"issuer": ISSUER, "claims": {"repository": "a/b", "aud": "x"}, "packages": [HELLO]}, {"issuer": ISSUER, "claims": {"repository": "a/b"}, "packages": []},
    {"issuer": ISSUER, "claims": {"repository": 1}, "packages": [HELLO]}, {"issuer": ISSUER, "claims": {f"c{n}": "x" for n in range(17)}, "packages": [HELLO]},
    {"issuer": ISSUER, "claims": {"repository": "a/b"}, "packages": ["*"]}, {"issuer": ISSUER, "claims": {"repository": "a/b"}, "packages": [HELLO], "more": 1},
    {"issuer": ISSUER, "packages": [HELLO]},
])  # fmt: skip
def test_a_rule_that_believes_too_much_is_refused(document: dict[str, Json]) -> None:
    assert code_of(read_rule, json.dumps(document).encode(), where="rule.json").startswith("registry.")


def test_rules_are_bounded_and_need_an_issuer(ready: World) -> None:
    for _ in range(RULES_EACH_MAX - 1):
        put_rule(ready)
    assert code_of(put_rule, ready) == "registry.quota"
    assert remove_issuer(ready.services, ISSUER)
    assert not remove_issuer(ready.services, ISSUER)
    assert code_of(put_rule, ready, BOB) == "registry.oidc"


def test_keys_are_fetched_when_they_are_old_or_new(joined: World, builds: Builds) -> None:
    add_issuer(joined.services, ISSUER, keys_url=ISSUER + "/keys", fetch=builds.fetch)
    joined.publish(ALICE)
    put_rule(joined)
    exchange(joined.services, builds.token(joined), HELLO, fetch=builds.fetch)
    assert builds.fetched == 1, "they are fresh"
    # A key that is not among them: fetched again, but not for each such token.
    assert code_of(exchange, joined.services, builds.token(joined, key="two"), HELLO, fetch=builds.fetch) == "agent.jws_key"
    assert builds.fetched == 1
    builds.published = ("two",)
    joined.clock.moment += KEYS_AGAIN_SECONDS
    exchange(joined.services, builds.token(joined, key="two"), HELLO, fetch=builds.fetch)
    assert builds.fetched == 2
    assert code_of(exchange, joined.services, builds.token(joined), HELLO, fetch=builds.fetch) == "agent.jws_key", "the withdrawn key counts no more"
    joined.clock.moment += KEYS_FRESH_SECONDS
    builds.is_down = True
    assert code_of(exchange, joined.services, builds.token(joined, key="two"), HELLO, fetch=builds.fetch) == "registry.oidc", (
        "what cannot be looked at may be withdrawn"
    )


def test_issuers_are_named_by_the_operator(joined: World, builds: Builds) -> None:
    for issuer in ("http://token.example", "https://token.example/?x", "token", "https://" + "a" * 400):
        assert code_of(add_issuer, joined.services, issuer, keys=builds.jwks()) == "registry.form"
    assert code_of(add_issuer, joined.services, ISSUER) == "registry.choice"
    assert code_of(add_issuer, joined.services, ISSUER, keys=b"{}").startswith("agent.")
    assert code_of(add_issuer, joined.services, ISSUER, keys=b" " * 300_000) == "registry.length"
    for number in range(ISSUERS_MAX):
        add_issuer(joined.services, f"https://token{number}.example", keys=builds.jwks())
    assert code_of(add_issuer, joined.services, ISSUER, keys=builds.jwks()) == "registry.quota"


def test_the_keys_of_an_issuer_are_not_fetched_from_behind_the_wall(joined: World, tmp_path: Path) -> None:
    """The address is the operator's, and still only a public host is asked unless the operator says so."""
    assert code_of(add_issuer, joined.services, ISSUER, keys_url="https://localhost/keys") == "registry.oidc"
    assert code_of(add_issuer, joined.services, ISSUER, keys_url="http://example.com/keys") == "registry.oidc"
