"""Publishers come, and change their keys."""

from __future__ import annotations

import pytest

from mpp.crypto.roots import extend, root_body
from mpp.errors import Refused
from mpp.protocol.registry.events import PublisherRegistered, PublisherRoot, PublisherStatusChanged
from mpp.protocol.registry.limits import REASON_MAX
from mpp.testing.keys import TestPublisher, publisher, rotated
from mpp_registry.publishers import register, rotate_root, set_publisher_status
from tests.registry.publishing.worlds import ALICE, BOB, World


def test_a_publisher_registers_once(world: World) -> None:
    first = world.join(ALICE)
    assert (first.is_new, first.publisher_id, first.notes) == (True, ALICE.id, ())
    assert world.leaves()[-1] == PublisherRegistered(publisher_id=ALICE.id, name="Alice Tools", root_version=1, root_sha256=ALICE.chain.newest.digest)
    before = world.kinds()
    assert not world.join(ALICE).is_new
    assert world.kinds() == before


def test_a_name_that_reads_as_another_is_said_and_not_refused(world: World) -> None:
    world.join(ALICE)
    found = world.join(publisher("A1ice Tools"))
    assert found.is_new
    assert found.notes == (f"its name reads like that of publisher {ALICE.id[:16]}",)


def test_somebody_elses_chain_is_refused(world: World) -> None:
    with pytest.raises(Refused) as refused:
        register(world.services, BOB.chain.data, world.newcomer(ALICE))
    assert refused.value.code == "registry.forbidden"


def test_keys_change_by_a_longer_chain(joined: World) -> None:
    newer = rotated(ALICE, "two", revoke=True)
    found = rotate_root(joined.services, ALICE.id, newer.chain.data, joined.newcomer(newer))
    assert (found.root_version, found.is_new) == (2, True)
    change = joined.leaves()[-1]
    assert isinstance(change, PublisherRoot)
    assert change.root_sha256 == newer.chain.newest.digest
    assert not rotate_root(joined.services, ALICE.id, newer.chain.data, joined.newcomer(newer)).is_new
    with pytest.raises(Refused) as refused:
        rotate_root(joined.services, ALICE.id, ALICE.chain.data, joined.newcomer(ALICE))
    assert refused.value.code == "registry.changed"


def test_a_fork_is_refused(joined: World) -> None:
    one, other = rotated(ALICE, "one"), rotated(ALICE, "other")
    rotate_root(joined.services, ALICE.id, one.chain.data, joined.newcomer(one))
    with pytest.raises(Refused) as refused:
        rotate_root(joined.services, ALICE.id, other.chain.data, joined.newcomer(other))
    assert refused.value.code == "publisher.fork"


def test_a_newer_chain_is_not_registered_anew(joined: World) -> None:
    newer = rotated(ALICE, "two")
    with pytest.raises(Refused) as refused:
        register(joined.services, newer.chain.data, joined.newcomer(newer))
    assert refused.value.code == "registry.exists"


def test_the_root_of_another_publisher_is_refused(joined: World) -> None:
    with pytest.raises(Refused) as refused:
        rotate_root(joined.services, ALICE.id, BOB.chain.data, joined.newcomer(BOB))
    assert refused.value.code == "registry.forbidden"


def test_a_new_root_without_the_old_one_is_no_rotation(world: World) -> None:
    """Attack: version 2 signed by new keys alone. The chain itself does not hold."""
    world.join(ALICE)
    other = publisher("Thief")
    body = root_body(2, "Alice Tools", {"root": ((other.root[0].public_key,), 1), "release": ((other.release[0].public_key,), 1)})
    with pytest.raises(Refused, match="threshold"):
        extend(ALICE.chain, body, other.root)


def test_a_long_document_is_not_read(world: World) -> None:
    big = TestPublisher(chain=ALICE.chain, root=ALICE.root, release=ALICE.release)
    with pytest.raises(Refused) as refused:
        register(world.services, b" " * 300_000, world.newcomer(big))
    assert refused.value.code == "registry.length"


def test_an_administrator_stops_a_publisher_and_lets_it_go_on(joined: World) -> None:
    assert set_publisher_status(joined.services, ALICE.id, "suspended", "asked for by its owner")
    assert not set_publisher_status(joined.services, ALICE.id, "suspended", "once more")
    assert joined.leaves()[-1] == PublisherStatusChanged(publisher_id=ALICE.id, status="suspended", reason="asked for by its owner")
    assert set_publisher_status(joined.services, ALICE.id, "active", "")
    assert set_publisher_status(joined.services, ALICE.id, "revoked", "keys are stolen")
    with pytest.raises(Refused) as refused:
        set_publisher_status(joined.services, ALICE.id, "active", "")
    assert refused.value.code == "registry.state"


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        ("gone", "x", "registry.choice"),
        ("revoked", "", "registry.form"),
        ("revoked", "a\u202eb", "registry.form"),
        ("revoked", "x" * (REASON_MAX + 1), "registry.form"),
    ],
)
def test_a_status_needs_words_that_can_be_shown(joined: World, status: str, reason: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        set_publisher_status(joined.services, ALICE.id, status, reason)  # type: ignore[arg-type] # what a caller might send
    assert refused.value.code == code


def test_an_unknown_publisher_has_no_status(joined: World) -> None:
    with pytest.raises(Refused) as refused:
        set_publisher_status(joined.services, "0" * 64, "suspended", "x")
    assert refused.value.code == "registry.absent"
