"""From a header to a publisher."""

from __future__ import annotations

from hashlib import sha256

import pytest

from mpp.errors import HostFailed, Refused
from mpp.crypto.roots import extend, root_body
from mpp.testing.keys import TestPublisher, fixed_signer, publisher, rotated
from mpp_registry.publishers import register, rotate_root, set_publisher_status
from mpp_registry.publishing import authenticate, authenticate_new
from mpp_registry.publishing.chains import chain_of
from tests.registry.publishing.worlds import ALICE, BOB, EVE, World

EMPTY = sha256(b"").hexdigest()


def ask(world: World, header: str, *, method: str = "POST", target: str = "/v1/packages", body_sha256: str = EMPTY) -> object:
    return authenticate(world.services, header, method, target, body_sha256)


def refused(world: World, header: str, **other: str) -> str:
    with pytest.raises(Refused) as found:
        ask(world, header, **other)
    return found.value.code


def test_a_release_key_is_its_publisher(joined: World) -> None:
    actor = joined.actor(ALICE)
    assert (actor.publisher_id, actor.key_id, actor.how, actor.roles) == (ALICE.id, ALICE.release_ids[0], "signed", ("release",))


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "mpp-signed x", "MPP-Signed", "MPP-Signed !!", "MPP-Signed " + "A" * 9000])
def test_what_is_no_proof_is_none(joined: World, header: str) -> None:
    assert refused(joined, header) in {"registry.unauthenticated", "registry.request", "registry.token"}


def test_a_request_counts_once(joined: World) -> None:
    header = joined.header(ALICE.release[0])
    ask(joined, header)
    assert refused(joined, header) == "registry.replay"


def test_a_nonce_is_its_keys_own(joined: World) -> None:
    """Nobody spends the nonces of others."""
    ask(joined, joined.header(ALICE.release[0], nonce="f" * 32))
    ask(joined, joined.header(BOB.release[0], nonce="f" * 32))


def test_what_was_refused_spends_no_nonce(joined: World) -> None:
    header = joined.header(ALICE.release[0])
    assert refused(joined, header, target="/v1/other") == "registry.request"
    ask(joined, header)


@pytest.mark.parametrize(
    "other", [{"method": "PUT"}, {"target": "/v1/packages?visibility=private"}, {"body_sha256": "0" * 64}], ids=lambda found: next(iter(found))
)
def test_a_request_for_one_thing_is_none_for_another(joined: World, other: dict[str, str]) -> None:
    assert refused(joined, joined.header(ALICE.release[0]), **other) == "registry.request"


def test_a_request_for_another_registry_is_none_here(joined: World) -> None:
    assert refused(joined, joined.header(ALICE.release[0], audience="a" * 64)) == "registry.request"


@pytest.mark.parametrize("seconds", [-61, 61, 3600])
def test_a_request_holds_for_a_minute(joined: World, seconds: int) -> None:
    header = joined.header(ALICE.release[0], at=joined.clock.now() + seconds)
    assert refused(joined, header) == "registry.request_time"


def test_a_nonce_is_kept_longer_than_its_request_holds(joined: World) -> None:
    header = joined.header(ALICE.release[0], at=joined.clock.now() + 60)
    ask(joined, header)
    joined.clock.moment += 119
    assert refused(joined, header) == "registry.replay"
    joined.clock.moment += 10_000
    ask(joined, joined.header(ALICE.release[0]))
    assert joined.cell("SELECT COUNT(*) FROM once") == 1, "those that count no more are removed"


def test_a_key_that_is_rotated_out_is_none_at_once(joined: World) -> None:
    newer = rotated(ALICE, "two")
    rotate_root(joined.services, ALICE.id, newer.chain.data, joined.newcomer(newer))
    assert refused(joined, joined.header(ALICE.release[0])) == "registry.key"
    assert joined.actor(newer).publisher_id == ALICE.id


def test_a_stopped_publisher_asks_nothing(joined: World) -> None:
    set_publisher_status(joined.services, ALICE.id, "suspended", "looks odd")
    assert refused(joined, joined.header(ALICE.release[0])) == "registry.suspended"
    with pytest.raises(Refused) as found:
        joined.newcomer(ALICE)
    assert found.value.code == "registry.suspended"
    set_publisher_status(joined.services, ALICE.id, "active", "")
    assert joined.actor(ALICE).publisher_id == ALICE.id


def with_keys_of(who: TestPublisher, name: str) -> TestPublisher:
    """A publisher whose root document names the release key of somebody else beside its own."""
    root, own = fixed_signer(name + " root"), fixed_signer(name + " release")
    keys = (own.public_key, who.release[0].public_key)
    body = root_body(1, name, {"root": ((root.public_key,), 1), "release": (keys, 1)})
    return TestPublisher(chain=extend(None, body, (root,)), root=(root,), release=(own,))


def test_the_key_of_somebody_else_is_not_ones_own(world: World) -> None:
    """Attack: a root document may name any public key. What that key signs counts for those for whom it has signed."""
    mallory = with_keys_of(ALICE, "Mallory")
    world.join(mallory)
    world.join(ALICE)
    assert world.actor(ALICE).publisher_id == ALICE.id
    assert world.actor(mallory).publisher_id == mallory.id


def test_a_key_that_several_name_and_that_has_signed_for_none_is_nobodys(world: World) -> None:
    alice = publisher("Alice Tools", releases=2)
    mallory = with_keys_of(ALICE, "Mallory")
    world.join(mallory)
    register(world.services, alice.chain.data, world.newcomer(alice, alice.release[1]))
    assert refused(world, world.header(alice.release[0])) == "registry.key"
    # The root document once more, signed by this very key, says whose it is.
    rotate_root(world.services, alice.id, alice.chain.data, world.newcomer(alice, alice.release[0]))
    assert world.actor(alice, alice.release[0]).publisher_id == alice.id


def test_a_newcomer_proves_a_key_of_its_chain(world: World) -> None:
    with pytest.raises(Refused) as found:
        world.newcomer(ALICE, BOB.release[0])
    assert found.value.code == "registry.key"
    with pytest.raises(Refused) as found:
        authenticate_new(world.services, "Bearer x", "POST", "/v1/publishers", ALICE.chain.data)
    assert found.value.code == "registry.unauthenticated"
    header = world.header(ALICE.release[0], target="/v1/publishers", body=EVE.chain.data)
    with pytest.raises(Refused):
        authenticate_new(world.services, header, "POST", "/v1/publishers", ALICE.chain.data)


def test_a_publish_approve_key_registers_nobody(world: World) -> None:
    root, release, second = fixed_signer("a"), fixed_signer("b"), fixed_signer("c")
    roles = {"root": ((root.public_key,), 1), "release": ((release.public_key,), 1), "publish-approve": ((second.public_key,), 1)}
    chain = extend(None, root_body(1, "Team", roles), (root,))  # type: ignore[arg-type] # the three names are those of roles
    with pytest.raises(Refused) as found:
        world.newcomer(TestPublisher(chain=chain, root=(root,), release=(release,)), second)
    assert found.value.code == "registry.key"


def test_rows_that_were_exchanged_are_seen(joined: World) -> None:
    with joined.services.database.write() as rows:
        rows.run("UPDATE publishers SET roots = ? WHERE publisher_id = ?", BOB.chain.data, ALICE.id)
    with joined.services.database.read() as rows, pytest.raises(HostFailed) as found:
        chain_of(rows, ALICE.id)
    assert found.value.code == "registry.data"
