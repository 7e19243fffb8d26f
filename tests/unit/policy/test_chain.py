"""Grant chains: each link signed by whom its parent names, for the same content, and never wider."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mpp.crypto import base64text
from mpp.crypto.ed25519 import SeedSigner, key_id
from mpp.errors import Refused
from mpp.model.capabilities import NetworkRule
from mpp.model.jsontext import Json, canonical
from mpp.model.scope import Scope, covers
from mpp.stages.policy import (
    GrantedPackage,
    VerifiedGrants,
    extend_chain,
    read_chain_of_grants,
    scope_from_chain,
    token_from_chain,
    verify_grants,
)
from mpp.stages.policy.identity_limits import GRANT_CHAIN_BYTES_MAX, GRANT_SECONDS_MAX, GRANTS_MAX
from mpp.stages.policy.token import CapabilityToken, mint, scope_json
from mpp.testing.agents import JTI, resigned
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import NOW

HOSTS = tuple(fixed_signer(f"grant host {i}") for i in range(GRANTS_MAX + 2))
TRUSTED = {key_id(HOSTS[0].public_key): HOSTS[0].public_key}
PACKAGE = GrantedPackage(publisher_id="a" * 64, package_id="com.example.crm", content_hash="c" * 64)
WIDE = Scope(
    network=(NetworkRule(host="example.com", wildcard=True, schemes=("https",), ports=(443,), methods=(), paths=()),),
    read=("/data",), write=("/data/out",), env=("REGION", "ZONE"), kv_max_bytes=100, tools=("lookup", "delete"),
)  # fmt: skip
NARROW = Scope(
    network=(NetworkRule(host="api.example.com", wildcard=False, schemes=("https",), ports=(443,), methods=("GET",), paths=("/v1",)),),
    read=("/data/in",), env=("REGION",), kv_max_bytes=10, tools=("lookup",), until=NOW + 50,
)  # fmt: skip


def grow(
    chain: bytes, step: int, scope: Scope, *, depth: int, package: GrantedPackage = PACKAGE, start: int = NOW - 10, end: int = NOW + 100, by: SeedSigner | None = None
) -> bytes:  # fmt: skip
    return extend_chain(
        by or HOSTS[step], chain, package=package, scope=scope, holder_public=HOSTS[step + 1].public_key, depth_left=depth, not_before=start, not_after=end, jti=JTI
    )  # fmt: skip


ONE = grow(b"", 0, WIDE, depth=GRANTS_MAX - 1)
TWO = grow(ONE, 1, NARROW, depth=GRANTS_MAX - 2)


def judge(chain: bytes, holder: int, now: int = NOW) -> VerifiedGrants:
    return verify_grants(chain, TRUSTED, now, holder=key_id(HOSTS[holder].public_key))


def refused(chain: bytes, holder: int, now: int = NOW) -> str:
    with pytest.raises(Refused) as refusal:
        judge(chain, holder, now)
    assert refusal.value.faults[0].hint
    return refusal.value.code


def with_links(chain: bytes, *links: Json) -> bytes:
    return canonical({**json.loads(chain), "links": list(links)})


def links_of(chain: bytes) -> list[Json]:
    found: list[Json] = json.loads(chain)["links"]
    return found


def forged(chain: bytes, at: int, by: SeedSigner, **changes: Json) -> bytes:
    """The chain with one link changed and signed anew; what follows it keeps its parent."""
    links = links_of(chain)
    links[at] = json.loads(resigned(canonical(links[at]), by, **changes))
    return with_links(chain, *links)


def test_a_chain_of_two() -> None:
    found = judge(TWO, 2)
    assert found.package == PACKAGE
    assert found.scope == NARROW
    assert found.issuer == key_id(HOSTS[0].public_key)
    assert found.holders == (key_id(HOSTS[1].public_key), key_id(HOSTS[2].public_key))
    assert found.digest == read_chain_of_grants(TWO)[1].signed.digest
    assert judge(ONE, 1).scope == replace(WIDE, until=NOW + 100)
    assert covers(WIDE, found.scope)


def test_a_chain_has_eight_links_at_most() -> None:
    chain = b""
    for step in range(GRANTS_MAX):
        chain = grow(chain, step, WIDE, depth=GRANTS_MAX - 1 - step)
    assert len(judge(chain, GRANTS_MAX).holders) == GRANTS_MAX
    with pytest.raises(Refused) as refusal:
        grow(chain, GRANTS_MAX, WIDE, depth=0)
    assert refusal.value.code == "token.length"


@pytest.mark.parametrize(("now", "code"), [(NOW - 11, "token.early"), (NOW - 10, ""), (NOW + 100, ""), (NOW + 101, "token.expired")])
def test_a_chain_holds_for_its_time(now: int, code: str) -> None:
    if code:
        assert refused(ONE, 1, now) == code
    else:
        assert judge(ONE, 1, now).scope.until == NOW + 100


def test_a_chain_is_for_its_last_holder() -> None:
    assert refused(TWO, 1) == "token.holder"
    assert refused(ONE, 2) == "token.holder"


def test_a_chain_begins_with_a_trusted_key() -> None:
    stranger = grow(b"", 1, WIDE, depth=1)
    assert refused(stranger, 2) == "token.issuer"
    assert refused(forged(ONE, 0, HOSTS[5]), 1) == "token.signer"
    assert refused(forged(ONE, 0, HOSTS[0], issuer=key_id(HOSTS[5].public_key)), 1) == "token.issuer"


def test_a_link_missing_or_moved_is_noticed() -> None:
    one, two = links_of(TWO)
    for links, holder, code in (
        ((two,), 2, "token.parent"), ((two, one), 1, "token.parent"), ((one, one), 1, "token.parent"), ((one, two, two), 2, "token.parent"),
        ((), 1, "token.length"), ((one, links_of(grow(grow(b"", 0, NARROW, depth=1), 1, NARROW, depth=0))[1]), 2, "token.parent"),
    ):  # fmt: skip
        assert refused(with_links(TWO, *links), holder) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"package": {"publisher": "b" * 64, "id": "com.example.crm", "content": "c" * 64}}, "token.package"),
        ({"package": {"publisher": "a" * 64, "id": "com.example.other", "content": "c" * 64}}, "token.package"),
        ({"package": {"publisher": "a" * 64, "id": "com.example.crm", "content": "d" * 64}}, "token.package"),
        ({"depth_left": GRANTS_MAX - 1}, "token.depth"),
        ({"not_before": NOW - 11}, "token.widened"),
        ({"not_after": NOW + 101}, "token.widened"),
        ({"issuer": key_id(HOSTS[0].public_key)}, "token.signer"),
        ({"parent": ""}, "token.parent"),
        ({"parent": "0" * 64}, "token.parent"),
        ({"scope": {**scope_json(NARROW), "read": ["/database"]}}, "token.widened"),
        ({"scope": {**scope_json(NARROW), "read": ["/"]}}, "token.scope"),
        ({"scope": {**scope_json(NARROW), "write": ["/data"]}}, "token.widened"),
        ({"scope": {**scope_json(NARROW), "tools": ["lookup", "admin"]}}, "token.widened"),
        ({"scope": {**scope_json(NARROW), "env": ["REGION", "TOKEN"]}}, "token.widened"),
        ({"scope": {**scope_json(NARROW), "kv_max_bytes": 101}}, "token.widened"),
    ],
)
def test_a_changed_link_is_noticed_though_it_is_signed(changes: dict[str, Json], code: str) -> None:
    assert refused(forged(TWO, 1, HOSTS[1], **changes), 2) == code


def test_only_the_named_holder_goes_on() -> None:
    assert refused(forged(TWO, 1, HOSTS[0]), 2) == "token.signer"
    assert refused(forged(TWO, 1, HOSTS[2]), 2) == "token.signer"
    with pytest.raises(Refused) as refusal:
        grow(ONE, 1, NARROW, depth=0, by=HOSTS[3])
    assert refusal.value.code == "token.signer"


def rule(host: str, *, wildcard: bool = False, **more: tuple[str, ...]) -> NetworkRule:
    return NetworkRule(host=host, wildcard=wildcard, schemes=("https",), ports=(443,), methods=more.get("methods", ()), paths=more.get("paths", ()))


@pytest.mark.parametrize(("had", "wanted"), [
    (rule("example.com"), rule("example.com", wildcard=True)), (rule("example.com", wildcard=True), rule("example.com")),
    (rule("example.com"), rule("a.example.com")), (rule("a.example.com", wildcard=True), rule("example.com", wildcard=True)),
    (rule("example.com", wildcard=True), rule("evilexample.com", wildcard=True)), (rule("example.com", methods=("GET",)), rule("example.com")),
    (rule("example.com", methods=("GET",)), rule("example.com", methods=("GET", "POST"))), (rule("example.com", paths=("/v1",)), rule("example.com")),
    (rule("example.com", paths=("/v1",)), rule("example.com", paths=("/v10",))), (rule("example.com"), replace(rule("example.com"), ports=(443, 8443))),
    (rule("example.com"), replace(rule("example.com"), schemes=("https", "http"))),
])  # fmt: skip
def test_a_wider_rule_is_refused_when_it_is_made(had: NetworkRule, wanted: NetworkRule) -> None:
    one = grow(b"", 0, Scope(network=(had,)), depth=1)
    with pytest.raises(Refused) as refusal:
        grow(one, 1, Scope(network=(wanted,)), depth=0)
    assert refusal.value.code == "token.widened"


def test_rules_that_take_long_to_compare_are_refused() -> None:
    many = tuple(rule("example.com", methods=("GET", "POST"), paths=tuple(f"/{i}-{j}" for j in range(16))) for i in range(64))
    large = replace(WIDE, network=tuple(replace(one, ports=tuple(range(1, 17))) for one in many))
    one = grow(b"", 0, large, depth=1)
    with pytest.raises(Refused) as refusal:
        grow(one, 1, large, depth=0)
    assert refusal.value.code == "token.work"


WRONG: list[tuple[dict[str, Json], str]] = [
    ({"mpp_grant": 2}, "token.range"), ({"package": "x"}, "token.type"), ({"package": None}, "token.missing"), ({"holder": {}}, "token.missing"),
    ({"holder": {"key": "0" * 64, "public": base64text.encode(HOSTS[1].public_key)}}, "token.form"),
    ({"holder": {"key": key_id(bytes(32)), "public": base64text.encode(bytes(32))}}, "token.base64"), ({"depth_left": GRANTS_MAX}, "token.range"),
    ({"depth_left": -1}, "token.range"), ({"not_after": NOW + GRANT_SECONDS_MAX}, "token.range"), ({"jti": "x"}, "token.form"),
    ({"issuer": "me"}, "token.form"), ({"more": 1}, "token.unknown_key"), ({"scope": None}, "token.missing"),
    ({"package": {"publisher": "a" * 64, "id": "Crm", "content": "c" * 64}}, "token.form"),
    ({"package": {"publisher": "a" * 64, "id": "com.example.crm", "content": "c" * 64, "version": "1"}}, "token.unknown_key"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code"), WRONG, ids=range(len(WRONG)))
def test_another_form_is_refused(changes: dict[str, Json], code: str) -> None:
    assert refused(forged(ONE, 0, HOSTS[0], **changes), 1) == code


@pytest.mark.parametrize(("data", "code"), [
    (b"", "token.json"), (b"[]", "token.type"), (b"{}", "token.missing"), (ONE + b"\n", "token.json"), (b"x" * (GRANT_CHAIN_BYTES_MAX + 1), "token.length"),
    (canonical({"mpp_grants": 2, "links": links_of(ONE)}), "token.range"), (canonical({"mpp_grants": 1, "links": ["x"]}), "token.envelope"),
    (canonical({**json.loads(ONE), "more": 1}), "token.unknown_key"),
], ids=range(8))  # fmt: skip
def test_what_is_no_chain_is_refused(data: bytes, code: str) -> None:
    assert refused(data, 1) == code


def token(**changes: str) -> CapabilityToken:
    about = {"tenant": "local", "publisher_id": "a" * 64, "package_id": "com.example.crm", "content_hash": "c" * 64, **changes}
    return mint(**about, scope=replace(WIDE, read=("/data/in", "/logs"), tools=("lookup", "delete", "list")))  # type: ignore[arg-type]


def test_a_chain_narrows_what_this_host_granted() -> None:
    before = token()
    after = token_from_chain(before, judge(TWO, 2))
    assert after.scope == Scope(network=NARROW.network, read=("/data/in",), env=("REGION",), kv_max_bytes=10, tools=("lookup",), until=NOW + 50)
    assert covers(before.scope, after.scope)
    assert before.scope.tools == ("lookup", "delete", "list")


@pytest.mark.parametrize("changes", [{"publisher_id": "b" * 64}, {"package_id": "com.example.other"}, {"content_hash": "d" * 64}])
def test_a_chain_is_for_one_content(changes: dict[str, str]) -> None:
    with pytest.raises(Refused) as refusal:
        token_from_chain(token(**changes), judge(TWO, 2))
    assert refusal.value.code == "token.package"
    assert scope_from_chain(judge(TWO, 2), PACKAGE) == NARROW


def test_without_a_token_of_this_host_a_chain_opens_nothing() -> None:
    with pytest.raises(Refused) as refusal:
        token_from_chain(judge(TWO, 2), judge(TWO, 2))  # type: ignore[arg-type]
    assert refusal.value.code == "token.forged"
