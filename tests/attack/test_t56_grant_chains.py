"""T56, forged grants: a chain that is truncated, reordered, spliced, widened, passed on too far, or used by or for somebody else."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from mpp.crypto.ed25519 import SeedSigner, key_id
from mpp.errors import Refused
from mpp.model.capabilities import NetworkRule
from mpp.model.jsontext import Json, canonical
from mpp.model.scope import Scope, covers
from mpp.stages.policy import GrantedPackage, extend_chain, token_from_chain, verify_grants
from mpp.stages.policy.token import mint, scope_json
from mpp.testing.agents import JTI, resigned
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import NOW

A, B, C, THIEF = (fixed_signer(f"host {name}") for name in "abct")
TRUSTED = {key_id(A.public_key): A.public_key}
CRM = GrantedPackage(publisher_id="a" * 64, package_id="com.example.crm", content_hash="c" * 64)
RULE = NetworkRule(host="example.com", wildcard=True, schemes=("https",), ports=(443,), methods=("GET",), paths=("/v1",))
WIDE = Scope(network=(RULE,), read=("/data",), write=("/data/out",), env=("REGION",), kv_max_bytes=100, tools=("lookup",))
SMALL = Scope(network=(replace(RULE, host="api.example.com", wildcard=False),), read=("/data/in",), tools=("lookup",))


def grant(chain: bytes, by: SeedSigner, to: SeedSigner, scope: Scope, depth: int, package: GrantedPackage = CRM) -> bytes:
    return extend_chain(
        by, chain, package=package, scope=scope, holder_public=to.public_key, depth_left=depth, not_before=NOW - 10, not_after=NOW + 100, jti=JTI
    )  # fmt: skip


ONE = grant(b"", A, B, WIDE, 1)
TWO = grant(ONE, B, C, SMALL, 0)


def links(chain: bytes) -> list[Json]:
    found: list[Json] = json.loads(chain)["links"]
    return found


def chain_of(*parts: Json) -> bytes:
    return canonical({"mpp_grants": 1, "links": list(parts)})


def signed_anew(part: Json, by: SeedSigner, **changes: Json) -> Json:
    found: Json = json.loads(resigned(canonical(part), by, **changes))
    return found


def refused(chain: bytes, holder: SeedSigner = C, now: int = NOW) -> str:
    with pytest.raises(Refused) as refusal:
        verify_grants(chain, TRUSTED, now, holder=key_id(holder.public_key))
    assert refusal.value.exit_code == 26
    return refusal.value.code


def test_the_chain_that_all_others_are_made_of_holds() -> None:
    assert verify_grants(TWO, TRUSTED, NOW, holder=key_id(C.public_key)).scope == replace(SMALL, until=NOW + 100)


def test_forged() -> None:
    one, two = links(TWO)
    assert refused(chain_of(signed_anew(one, THIEF), two)) == "token.signer"
    assert refused(chain_of(signed_anew(one, THIEF, issuer=key_id(THIEF.public_key)), two)) == "token.issuer"
    for thief in (A, C, THIEF):
        assert refused(chain_of(one, signed_anew(two, thief))) == "token.signer"
    assert refused(chain_of(one, signed_anew(two, THIEF, issuer=key_id(THIEF.public_key)))) == "token.signer"


def test_truncated_reordered_and_spliced() -> None:
    one, two = links(TWO)
    other = links(grant(grant(b"", A, B, SMALL, 1), B, C, SMALL, 0))
    assert refused(chain_of(two)) == "token.parent"
    assert refused(chain_of(two, one)) == "token.parent"
    assert refused(chain_of(one, one)) == "token.parent"
    assert refused(chain_of(one, other[1])) == "token.parent"
    assert refused(chain_of(one)) == "token.holder"
    assert refused(chain_of()) == "token.length"
    # Cut down to the wider beginning, it is a chain of somebody else.
    assert refused(chain_of(one), holder=C) == "token.holder"


WIDER: list[dict[str, Json]] = [
    {"read": ["/database"]}, {"read": ["/data2"]}, {"read": ["/data/in", "/srv"]}, {"write": ["/data"]}, {"write": ["/data/output"]}, {"env": ["TOKEN"]},
    {"kv_max_bytes": 101}, {"tools": ["lookup", "delete"]},
    {"network": [{"host": "example.com", "schemes": ["https"], "ports": [443], "methods": ["GET"], "paths": ["/v1"]}]},
    {"network": [{"host": "*.notexample.com", "schemes": ["https"], "ports": [443], "methods": ["GET"], "paths": ["/v1"]}]},
    {"network": [{"host": "api.example.com", "schemes": ["https"], "ports": [443], "methods": [], "paths": ["/v1"]}]},
    {"network": [{"host": "api.example.com", "schemes": ["https"], "ports": [443], "methods": ["GET"], "paths": []}]},
    {"network": [{"host": "api.example.com", "schemes": ["https"], "ports": [443], "methods": ["GET"], "paths": ["/v10"]}]},
    {"network": [{"host": "api.example.com", "schemes": ["https"], "ports": [8443], "methods": ["GET"], "paths": ["/v1"]}]},
    {"network": [{"host": "api.example.com", "schemes": ["https", "http"], "ports": [443], "methods": ["GET"], "paths": ["/v1"]}]},
]  # fmt: skip


@pytest.mark.parametrize("changes", WIDER, ids=range(len(WIDER)))
def test_widened(changes: dict[str, Json]) -> None:
    one, two = links(TWO)
    assert refused(chain_of(one, signed_anew(two, B, scope={**scope_json(SMALL), **changes}))) == "token.widened"


NEVER: list[dict[str, Json]] = [
    {"read": ["/data/../etc"]}, {"read": ["/data/in/"]}, {"read": ["/proc"]}, {"network": [{"host": "10.0.0.1", "schemes": ["https"], "ports": [443], "methods": [],
    "paths": []}]}, {"network": [{"host": "db.internal", "schemes": ["https"], "ports": [443], "methods": [], "paths": []}]},
    {"network": [{"host": "api.example.com.", "schemes": ["https"], "ports": [443], "methods": ["GET"], "paths": ["/v1"]}]},
    {"network": [{"host": "API.example.com", "schemes": ["https"], "ports": [443], "methods": ["GET"], "paths": ["/v1"]}]}, {"env": ["LD_PRELOAD"]},
]  # fmt: skip


@pytest.mark.parametrize("changes", NEVER, ids=range(len(NEVER)))
def test_what_no_manifest_may_ask_for_even_from_the_first_issuer(changes: dict[str, Json]) -> None:
    (one,) = links(ONE)
    assert refused(chain_of(signed_anew(one, A, scope={**scope_json(WIDE), **changes})), holder=B) == "token.scope"


def test_longer_deeper_and_late() -> None:
    one, two = links(TWO)
    assert refused(chain_of(one, signed_anew(two, B, not_after=NOW + 101))) == "token.widened"
    assert refused(chain_of(one, signed_anew(two, B, not_before=NOW - 11))) == "token.widened"
    assert refused(chain_of(one, signed_anew(two, B, depth_left=1))) == "token.depth"
    with pytest.raises(Refused) as refusal:
        grant(TWO, C, THIEF, SMALL, 0)
    assert refusal.value.code == "token.depth"
    assert refused(TWO, now=NOW + 101) == "token.expired"
    assert refused(TWO, now=NOW - 11) == "token.early"
    assert refused(chain_of(*([one] * 9))) == "token.length"


def test_by_and_for_somebody_else() -> None:
    one, two = links(TWO)
    assert refused(TWO, holder=THIEF) == "token.holder"
    assert refused(TWO, holder=B) == "token.holder"
    for about in (replace(CRM, package_id="com.example.pay"), replace(CRM, publisher_id="f" * 64), replace(CRM, content_hash="f" * 64)):
        row: Json = {"publisher": about.publisher_id, "id": about.package_id, "content": about.content_hash}
        assert refused(chain_of(one, signed_anew(two, B, package=row))) == "token.package"
        found = verify_grants(TWO, TRUSTED, NOW, holder=key_id(C.public_key))
        token = mint(tenant="local", publisher_id=about.publisher_id, package_id=about.package_id, content_hash=about.content_hash, scope=WIDE)
        with pytest.raises(Refused) as refusal:
            token_from_chain(token, found)
        assert refusal.value.code == "token.package"


def test_a_chain_never_adds_to_what_the_own_policy_gave() -> None:
    found = verify_grants(TWO, TRUSTED, NOW, holder=key_id(C.public_key))
    token = mint(tenant="local", publisher_id="a" * 64, package_id="com.example.crm", content_hash="c" * 64, scope=Scope(read=("/data/in/x",), tools=()))
    narrowed = token_from_chain(token, found).scope
    assert (narrowed.read, narrowed.network, narrowed.tools) == (("/data/in/x",), (), ())
    assert covers(token.scope, narrowed)


def test_a_large_chain_is_judged_or_refused_quickly() -> None:
    rules = tuple(
        NetworkRule(host="example.com", wildcard=False, schemes=("https",), ports=(443,), methods=("GET",), paths=(f"/{number}",)) for number in range(64)
    )
    chain, hosts = b"", [A, *(fixed_signer(f"host {number}") for number in range(8))]
    for step in range(8):
        chain = grant(chain, hosts[step], hosts[step + 1], Scope(network=rules), 7 - step)
    started = time.perf_counter()
    assert len(verify_grants(chain, TRUSTED, NOW, holder=key_id(hosts[8].public_key)).holders) == 8
    assert time.perf_counter() - started < 60
