"""Grant chains only narrow: whatever links are put together, what comes out is covered by the first, and by each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpp.crypto.ed25519 import key_id
from mpp.errors import Refused
from mpp.model.capabilities import Hardware, NetworkRule, Secret
from mpp.model.hosts import covers as reaches
from mpp.model.scope import Scope, covers, meet
from mpp.stages.policy import GrantedPackage, VerifiedGrants, extend_chain, read_chain_of_grants, verify_grants
from mpp.stages.policy.chain_json import placed, read_scope
from mpp.stages.policy.identity_limits import GRANTS_MAX
from mpp.stages.policy.token import scope_json
from mpp.model.fields import Faults
from mpp.testing.agents import JTI
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import NOW

HOSTS = [fixed_signer(f"chain {number}") for number in range(GRANTS_MAX + 1)]
PACKAGE = GrantedPackage(publisher_id="a" * 64, package_id="com.example.crm", content_hash="c" * 64)
NAMES = ("example.com", "api.example.com", "a.api.example.com", "example.org", "notexample.com")


def some(items: tuple[object, ...], least: int = 0) -> st.SearchStrategy[tuple[object, ...]]:
    """A few of them, in their order."""
    return st.sets(st.sampled_from(items), min_size=least).map(lambda found: tuple(one for one in items if one in found))


RULES = st.builds(
    NetworkRule, host=st.sampled_from(NAMES), wildcard=st.booleans(), schemes=some(("https", "http"), 1), ports=some((443, 80, 8443), 1),
    methods=some(("GET", "POST")), paths=some(("/", "/v1", "/v1/items", "/v10")),
)  # fmt: skip
PATHS = ("/data", "/data/in", "/database", "/data/in/x", "${workspace}", "${workspace}/out")
SECRETS = st.builds(Secret, name=st.sampled_from(("A", "B")), host=st.sampled_from(NAMES), header=st.sampled_from(("X-A", "X-B")), format=st.just("{secret}"))
DEVICES = st.builds(Hardware, device=st.just("serial-port"), path=st.just("/dev/ttyUSB0"), mode=st.sampled_from(("r", "w", "rw")))
SCOPES = st.builds(
    Scope,
    network=st.lists(RULES, max_size=4, unique=True).map(tuple),
    read=some(PATHS),
    write=some(PATHS),
    env=some(("REGION", "ZONE", "LEVEL")),
    secrets=st.lists(SECRETS, max_size=2, unique_by=lambda one: (one.host, one.header)).map(tuple),
    kv_max_bytes=st.integers(0, 3),
    devices=st.lists(DEVICES, max_size=1).map(tuple),
    tools=some(("lookup", "list", "delete")),
    until=st.none() | st.integers(NOW, NOW + 3),
)


def extended(chain: bytes, step: int, scope: Scope) -> bytes:
    return extend_chain(
        HOSTS[step], chain, package=PACKAGE, scope=scope, holder_public=HOSTS[step + 1].public_key, depth_left=GRANTS_MAX - 1 - step, not_before=NOW - 1,
        not_after=NOW + 9, jti=JTI,
    )  # fmt: skip


def judged(chain: bytes, step: int) -> VerifiedGrants:
    return verify_grants(chain, {key_id(HOSTS[0].public_key): HOSTS[0].public_key}, NOW, holder=key_id(HOSTS[step].public_key))


@given(st.lists(st.tuples(SCOPES, st.booleans()), min_size=1, max_size=GRANTS_MAX))
def test_whatever_is_put_together_is_covered_by_the_first(steps: list[tuple[Scope, bool]]) -> None:
    chain, held = b"", 0
    for wanted, honest in steps:
        before = read_chain_of_grants(chain)[-1].scope if chain else None
        # An honest holder asks for what it has in common with its wish; another one for all of it.
        scope = meet(before, wanted) if before is not None and honest else wanted
        try:
            chain = extended(chain, held, scope)
        except Refused as refusal:
            assert refusal.code == "token.widened"
            assert before is not None
            assert not covers(before, placed(scope))
            continue
        held += 1
    found = judged(chain, held)
    for grant in read_chain_of_grants(chain):
        assert covers(grant.scope, found.scope)
    assert found.scope.until is not None
    assert found.scope.until <= NOW + 9


@given(SCOPES, SCOPES)
def test_an_honest_holder_can_always_pass_on(one: Scope, other: Scope) -> None:
    chain = extended(extended(b"", 0, one), 1, meet(placed(one), other))
    assert covers(one, judged(chain, 2).scope)


@given(SCOPES)
def test_a_scope_has_one_text_and_comes_back(scope: Scope) -> None:
    faults = Faults("token")
    sound = placed(scope)
    assert read_scope(scope_json(sound), "scope", faults) == sound
    assert not faults.found
    for secret in sound.secrets:
        assert any(reaches(rule.host, secret.host, wildcard=rule.wildcard) for rule in sound.network)


@pytest.mark.parametrize("empty", [Scope(), replace(Scope(), until=NOW)])
def test_a_grant_of_nothing_is_one_too(empty: Scope) -> None:
    assert judged(extended(b"", 0, empty), 1).scope.opens_nothing
