"""What is signed for a fleet: judged here and on each host, never made and never older."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.errors import MppError, Refused
from mpp.protocol.registry.signed_file import write_signed
from mpp.host.enrolment.following import merged
from mpp.host.enrolment.trust_bundle import judge_trust, read_trust_bundle, sign_trust, TRUST_TYPE, TrustMark, write_trust_body
from mpp.host.trust_store import TrustStore
from mpp.model.jsontext import canonical, read
from mpp.stages.gatekeeper import NO_TRUST
from mpp.testing.keys import publisher, rotated
from mpp.testing.packages import NOW
from mpp.testing.policies import body, bundle, DAY
from tests.registry.fleet.worlds import ORG, pin, trust_body, World

ALICE, BOB = publisher("Alice"), publisher("Bob")


def code_of(work: object) -> str:
    with pytest.raises(MppError) as caught:
        work()  # type: ignore[operator]
    return caught.value.code


def signed(version: int = 1, *trusted: object, by: object = ORG, **more: object) -> bytes:
    return sign_trust(trust_body(version, *trusted, **more), by.chain, by.release)  # type: ignore[arg-type, attr-defined]


# -- the bundle itself


def test_a_trust_bundle_is_read_as_it_was_signed() -> None:
    body_ = trust_body(
        3, ALICE, BOB, pins={"com.alice.tool": ALICE.id}, prefixes={"com.bob.": BOB.id, "org.": BOB.id}, revoked_content=frozenset(("ab" * 32,)),
        revoked_publishers=frozenset(("cd" * 32,)), registries=(pin("*"), pin("com.example", "ef" * 32)),
    )  # fmt: skip
    data = sign_trust(body_, ORG.chain, ORG.release)
    found, standing = judge_trust(data, ORG.chain, TrustMark(), NOW, where="x")
    assert (found.body, standing, found.chain.publisher_id) == (body_, "new", ORG.id)
    assert judge_trust(data, ORG.chain, TrustMark(name="org", version=3, digest=found.digest), NOW, where="x")[1] == "same"


@pytest.mark.parametrize(
    ("mark", "moment", "code"),
    [
        (TrustMark(name="org", version=4, digest="0" * 64), NOW, "policy.rollback"),
        (TrustMark(name="org", version=3, digest="0" * 64), NOW, "policy.fork"),
        (TrustMark(name="other"), NOW, "policy.name"),
        (TrustMark(), NOW - 301, "policy.future"),
        (TrustMark(), NOW + 10 * DAY + 1, "policy.expired"),
    ],
)
def test_order_and_time(mark: TrustMark, moment: int, code: str) -> None:
    assert code_of(lambda: judge_trust(signed(3), ORG.chain, mark, moment, where="x")) == code


def test_who_may_sign() -> None:
    newer = rotated(ORG, "next")
    assert code_of(lambda: judge_trust(signed(by=BOB), ORG.chain, TrustMark(), NOW, where="x")) == "policy.publisher"
    assert code_of(lambda: judge_trust(signed(), newer.chain, TrustMark(), NOW, where="x")) == "policy.roots_behind"
    assert code_of(lambda: judge_trust(signed(by=rotated(ORG, "b")), newer.chain, TrustMark(), NOW, where="x")) == "policy.roots_fork"
    assert judge_trust(signed(by=newer), ORG.chain, TrustMark(), NOW, where="x")[0].chain.newest.version == 2
    payload = write_trust_body(trust_body())
    for signers, code in ((BOB.release, "policy.signer"), ((), "policy.threshold")):
        data = write_signed(ORG.chain, TRUST_TYPE, payload, signers)
        assert code_of(lambda data=data: judge_trust(data, ORG.chain, TrustMark(), NOW, where="x")) == code
    found = read(signed(1), family="trust", where="x")
    other = read(signed(2), family="trust", where="x")
    found["envelope"]["payload"] = other["envelope"]["payload"]  # type: ignore[index, call-overload]
    assert code_of(lambda: judge_trust(canonical(found), ORG.chain, TrustMark(), NOW, where="x")) == "policy.signature"
    # A policy of the same signer is no trust.
    assert code_of(lambda: judge_trust(bundle(ORG, body(1)), ORG.chain, TrustMark(), NOW, where="x")) == "trust.bundle"


@pytest.mark.parametrize(
    ("key", "item", "code"),
    [
        ("name", "Not A Name", "trust.form"),
        ("version", 0, "trust.range"),
        ("expires", NOW - 1, "trust.range"),
        ("pins", {"com.alice.tool": "ab" * 32}, "trust.publisher"),
        ("pins", {"x": "ab" * 32}, "trust.form"),
        ("prefixes", {"com.alice": "ab" * 32}, "trust.form"),
        ("revoked_content", ["x"], "trust.form"),
        ("publishers", [{"roots": [], "any_package": False}], "trust.roots"),
        ("registries", [{"namespace": "*", "url": "ftp://x", "registry_id": "ab" * 32}], "trust.form"),
        ("registries", [{"namespace": "*", "url": "https://x", "registry_id": "ab" * 32}] * 2, "trust.duplicate"),
        ("more", 1, "trust.unknown_key"),
    ],
)
def test_one_fault_refuses_the_whole(key: str, item: object, code: str) -> None:
    found = read(write_trust_body(trust_body()), family="trust", where="x")
    assert isinstance(found, dict)
    found[key] = item  # type: ignore[assignment]
    data = write_signed(ORG.chain, TRUST_TYPE, canonical(found), ORG.release)
    assert code_of(lambda: read_trust_bundle(data, where="x")) == code


def test_a_publisher_stands_once_and_sizes_are_bounded() -> None:
    found = read(write_trust_body(trust_body(1, ALICE)), family="trust", where="x")
    assert isinstance(found, dict)
    found["publishers"] = [*found["publishers"], *found["publishers"]]  # type: ignore[misc]
    data = write_signed(ORG.chain, TRUST_TYPE, canonical(found), ORG.release)
    assert code_of(lambda: read_trust_bundle(data, where="x")) == "trust.duplicate"
    assert code_of(lambda: read_trust_bundle(b"x" * 20_000_000, where="x")) == "trust.length"
    assert code_of(lambda: read_trust_bundle(b"{}", where="x")).startswith("trust.")
    many = trust_body(1, ALICE, pins={f"com.alice.t{i}": ALICE.id for i in range(10_001)})
    assert code_of(lambda: sign_trust(many, ORG.chain, ORG.release)) == "trust.length"
    assert (
        code_of(lambda: sign_trust(trust_body(1, ALICE, pins={"com.alice.x": ALICE.id}, revoked_publishers=frozenset((ALICE.id,))), ORG.chain, ORG.release))
        == "trust.publisher"
    )


# -- at the registry


def test_the_registry_takes_what_a_host_would_take(world: World) -> None:
    world.ready(3)
    size = leaves(world)
    put = lambda data: world.admin("PUT", "/v1/fleet/policies/org", data)  # noqa: E731 - said thrice
    assert put(bundle(ORG, body(3)))["version"] == 3
    assert leaves(world) == size, "the same once more is no change"
    assert code_of(lambda: put(bundle(ORG, body(2)))) == "policy.rollback"
    assert code_of(lambda: put(bundle(ORG, body(3, effect="deny")))) == "policy.fork"
    assert code_of(lambda: put(bundle(BOB, body(4)))) == "policy.publisher"
    assert code_of(lambda: put(bundle(ORG, body(4, layer="user")))) == "policy.layer"
    assert code_of(lambda: put(bundle(ORG, body(4, name="other")))) == "policy.name"
    assert put(bundle(ORG, body(4)))["version"] == 4
    trust = lambda data: world.admin("PUT", "/v1/fleet/trust/org", data)  # noqa: E731
    assert code_of(lambda: trust(signed(2))) == "policy.rollback"
    assert code_of(lambda: trust(signed(4, by=BOB))) == "policy.publisher"
    assert trust(signed(4))["version"] == 4
    assert leaves(world) == size + 2
    with world.services.database.read() as rows:
        last = world.services.ledger.leaf(rows, size + 1)
    assert b"fleet.changed" in last
    assert b'"trust-org"' in last
    assert code_of(lambda: world.admin("PUT", "/v1/fleet/trust/Not%20A%20Name", signed(4))) == "registry.absent"


def leaves(world: World) -> int:
    with world.services.database.read() as rows:
        return world.services.ledger.size(rows)


def test_newer_root_documents_in_a_bundle_count_from_then_on(world: World) -> None:
    world.ready()
    newer = rotated(ORG, "next")
    world.admin("PUT", "/v1/fleet/policies/org", bundle(newer, body(2)))
    assert code_of(lambda: world.admin("PUT", "/v1/fleet/trust/org", signed(2))) == "policy.roots_behind"
    found = world.admin("GET", "/v1/fleet/documents")["documents"]
    assert [(one["kind"], one["version"]) for one in found] == [("policy", 2), ("root", 2), ("trust", 1)]  # type: ignore[union-attr, index, call-overload]


def test_old_versions_are_kept_for_a_while(world: World) -> None:
    world.ready()
    for version in range(2, 25):
        world.admin("PUT", "/v1/fleet/trust/org", signed(version))
    with world.services.database.read() as rows:
        found = rows.all("SELECT version FROM fleet_documents WHERE kind = 'trust' ORDER BY version")
    assert [row[0] for row in found] == list(range(5, 25))


# -- on a host


def test_a_host_takes_policy_and_trust_from_its_fleet(world: World) -> None:
    world.ready()
    host = world.host()
    host.join(world.code())
    assert code_of(lambda: host.following.take_trust(host.asking, "org")) == "policy.enrolment", "not before an administrator says so"
    assert code_of(lambda: host.following.take_policy(host.asking, "org")) == "policy.enrolment"
    host.become_fleet("personal")
    assert code_of(lambda: host.following.take_trust(host.asking, "org")) == "policy.enrolment", "and not in personal mode"
    host.become_fleet()
    assert host.following.take_policy(host.asking, "org").bundle.body.version == 1
    world.admin("PUT", "/v1/fleet/trust/org", signed(2, ALICE, pins={"com.alice.tool": ALICE.id}, revoked_content=frozenset(("ab" * 32,))))
    took = host.following.take_trust(host.asking, "org")
    assert (took.changed, took.body.version, took.kept_back) == (True, 2, ())
    state = TrustStore(host.home.trust, known_only=True).load()
    assert (state.owner("com.alice.tool"), state.revoked_content) == (ALICE.id, frozenset(("ab" * 32,)))
    assert not host.following.take_trust(host.asking, "org").changed
    assert host.state.trust == TrustMark(name="org", version=2, digest=took.digest)


def test_a_registry_that_gives_old_or_foreign_papers_changes_nothing(world: World) -> None:
    world.ready()
    host = world.host()
    host.join(world.code())
    host.become_fleet()
    take_policy = lambda: host.following.take_policy(host.asking, "org")  # noqa: E731 - said often
    take_trust = lambda: host.following.take_trust(host.asking, "org")  # noqa: E731
    world.admin("PUT", "/v1/fleet/policies/org", bundle(ORG, body(5)))
    world.admin("PUT", "/v1/fleet/trust/org", signed(5, ALICE))
    take_policy()
    take_trust()
    for data, code in (
        (bundle(ORG, body(4)), "policy.rollback"),
        (bundle(BOB, body(6)), "policy.publisher"),
        (bundle(ORG, body(6, layer="user")), "policy.layer"),
    ):
        host.web.twist = lambda answer, data=data: replace(answer, body=data)
        assert code_of(take_policy) == code
    for data, code in ((signed(4, BOB), "policy.rollback"), (signed(6, BOB, by=BOB), "policy.publisher"), (signed(5, BOB), "policy.fork")):
        host.web.twist = lambda answer, data=data: replace(answer, body=data)
        assert code_of(take_trust) == code
    assert set(TrustStore(host.home.trust).load().publishers) == {ALICE.id}
    assert host.state.trust.version == 5


def test_a_home_that_enrolled_elsewhere_than_its_machine_takes_no_trust(world: World) -> None:
    """An agent as the user enrols the home with a fleet of its own."""
    world.ready()
    host = world.host()
    host.join(world.code())
    host.become_fleet()
    with open(host.system.path("policy-root.json"), "wb") as stream:
        stream.write(BOB.chain.data)
    assert code_of(lambda: host.following.apply_trust(signed(1), "org")) == "policy.publisher"


def test_papers_are_read_by_their_own_hosts_only(world: World) -> None:
    world.ready()
    host, stranger = world.host(), world.host()
    host.join(world.code())
    host.become_fleet()
    assert code_of(lambda: host.asking.ask("GET", "/v1/fleet/policies/other", 1000)) == "registry.fleet"
    with pytest.raises(Refused):
        stranger.asking  # noqa: B018 - it is in no fleet
    from tests.registry.fleet.worlds import Sent

    for name in ("policies", "trust"):
        assert world.answer(Sent(url=f"http://127.0.0.1:9/v1/fleet/{name}/org", headers={})).status == 401


def test_what_the_fleet_gave_and_gives_no_more_is_taken_away() -> None:
    first = trust_body(1, ALICE, BOB, pins={"com.alice.tool": ALICE.id, "com.bob.tool": BOB.id}, prefixes={"com.bob.": BOB.id})
    second = trust_body(2, ALICE, pins={"com.alice.other": ALICE.id}, revoked_publishers=frozenset((BOB.id,)))
    own = replace(NO_TRUST, pins={"net.own.tool": "12" * 32}, revoked_content=frozenset(("34" * 32,)))
    one, _ = merged(own, None, first)
    two, kept_back = merged(one, first, second)
    assert (set(two.publishers), dict(two.pins), dict(two.prefixes), kept_back) == (
        {ALICE.id}, {"net.own.tool": "12" * 32, "com.alice.other": ALICE.id}, {}, [],
    )  # fmt: skip
    assert (two.revoked_publishers, two.revoked_content) == (frozenset((BOB.id,)), frozenset(("34" * 32,)))
    three, _ = merged(two, second, trust_body(3, ALICE))
    assert three.revoked_publishers == frozenset((BOB.id,)), "a revocation is never taken back"


def test_a_forked_publisher_keeps_nothing_else_from_taking_effect() -> None:
    known, fork = rotated(ALICE, "a"), rotated(ALICE, "b")
    state, _ = merged(NO_TRUST, None, trust_body(1, known))
    after, kept_back = merged(state, trust_body(1, known), trust_body(2, fork, BOB, revoked_content=frozenset(("ab" * 32,))))
    assert kept_back == [ALICE.id]
    assert after.publishers[ALICE.id].chain.newest.digest == known.chain.newest.digest
    assert (BOB.id in after.publishers, after.revoked_content) == (True, frozenset(("ab" * 32,)))
    older, _ = merged(state, None, trust_body(2, ALICE))
    assert older.publishers[ALICE.id].chain.newest.version == 2, "root documents never go back"
