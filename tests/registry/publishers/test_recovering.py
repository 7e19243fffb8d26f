"""A lost root key: in public, with an administrator, and not at once."""

from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.protocol.registry.events import Owner, PackageOwners, PublisherRecovery
from mpp_registry.publishers import (
    ask_recovery,
    confirm_recovery,
    finish_recoveries,
    recoveries,
    refuse_recovery,
    set_publisher_status,
    veto_recovery,
)
from mpp_registry.publishers.limits import ASKED_EACH_MAX, RECOVERY_SECONDS
from mpp_registry.publishing import change_owners
from mpp.testing.keys import publisher
from tests.registry.publishing.worlds import ALICE, BOB, EVE, World


def asked(world: World) -> None:
    ask_recovery(world.services, ALICE.id, "the root key burnt with the office", world.actor(BOB))
    confirm_recovery(world.services, ALICE.id, BOB.id)


def code_of(world: World, *, publisher_id: str = ALICE.id) -> str:
    with pytest.raises(Refused) as refused:
        ask_recovery(world.services, publisher_id, "lost", world.actor(BOB))
    return refused.value.code


def test_what_was_only_asked_is_not_public(joined: World) -> None:
    before = joined.kinds()
    found = ask_recovery(joined.services, ALICE.id, "lost", joined.actor(BOB))
    assert (found.state, found.successor) == ("wanted", BOB.id)
    assert joined.kinds() == before
    assert not finish_recoveries(joined.services)


def test_after_seven_days_the_packages_have_a_new_owner(joined: World) -> None:
    joined.publish(ALICE)
    joined.publish(ALICE, "com.example.other")
    asked(joined)
    change = joined.leaves()[-1]
    due = joined.clock.now() + RECOVERY_SECONDS
    assert change == PublisherRecovery(publisher_id=ALICE.id, successor=BOB.id, state="asked", due=due, reason="the root key burnt with the office")
    joined.clock.moment += RECOVERY_SECONDS - 1
    assert not finish_recoveries(joined.services)
    joined.clock.moment += 1
    assert [one.publisher_id for one in finish_recoveries(joined.services)] == [ALICE.id]
    moved = [change for change in joined.leaves() if isinstance(change, PackageOwners) and change.by == "admin"]
    assert [one.package_id for one in moved] == ["com.example.hello", "com.example.other"]
    assert moved[0].owners == (Owner(publisher_id=BOB.id, role="owner"),)
    assert joined.cell("SELECT status FROM publishers WHERE publisher_id = ?", ALICE.id) == "revoked"
    assert joined.publish(BOB, version="1.1.0").is_new
    assert not finish_recoveries(joined.services), "it is done once"


def test_the_old_root_key_says_no(joined: World) -> None:
    asked(joined)
    veto_recovery(joined.services, ALICE.id, joined.actor(ALICE, ALICE.root[0]))
    change = joined.leaves()[-1]
    assert isinstance(change, PublisherRecovery)
    assert change.state == "vetoed"
    joined.clock.moment += 2 * RECOVERY_SECONDS
    assert not finish_recoveries(joined.services)
    with joined.services.database.read() as rows:
        assert [one.state for one in recoveries(rows, ALICE.id)] == ["vetoed"]


def test_a_release_key_is_no_veto(joined: World) -> None:
    """Attack: the thief of the release key keeps the publisher for himself."""
    asked(joined)
    with pytest.raises(Refused) as refused:
        veto_recovery(joined.services, ALICE.id, joined.actor(ALICE))
    assert refused.value.code == "registry.forbidden"
    with pytest.raises(Refused) as refused:
        veto_recovery(joined.services, ALICE.id, joined.actor(BOB, BOB.root[0]))
    assert refused.value.code == "registry.forbidden"


def test_a_veto_before_it_is_public_ends_it_silently(joined: World) -> None:
    ask_recovery(joined.services, ALICE.id, "lost", joined.actor(BOB))
    before = joined.kinds()
    veto_recovery(joined.services, ALICE.id, joined.actor(ALICE, ALICE.root[0]))
    assert joined.kinds() == before
    with pytest.raises(Refused) as refused:
        veto_recovery(joined.services, ALICE.id, joined.actor(ALICE, ALICE.root[0]))
    assert refused.value.code == "registry.absent"


def test_an_administrator_confirms_what_he_looked_at(joined: World) -> None:
    ask_recovery(joined.services, ALICE.id, "lost", joined.actor(BOB))
    with pytest.raises(Refused) as refused:
        confirm_recovery(joined.services, ALICE.id, EVE.id)
    assert refused.value.code == "registry.recovery"
    refuse_recovery(joined.services, ALICE.id)
    with pytest.raises(Refused) as refused:
        confirm_recovery(joined.services, ALICE.id, BOB.id)
    assert refused.value.code == "registry.absent"
    assert code_of(joined, publisher_id=BOB.id) == "registry.recovery"


def test_one_at_a_time(joined: World) -> None:
    ask_recovery(joined.services, ALICE.id, "lost", joined.actor(BOB))
    assert code_of(joined) == "registry.recovery"
    refuse_recovery(joined.services, ALICE.id)
    ask_recovery(joined.services, ALICE.id, "lost again", joined.actor(BOB))
    with joined.services.database.read() as rows:
        assert [one.state for one in recoveries(rows, ALICE.id)] == ["wanted", "refused"]
        assert len(recoveries(rows)) == 1


def test_nobody_asks_for_everybody(joined: World) -> None:
    for number in range(ASKED_EACH_MAX):
        other = publisher(f"Old {number}")
        joined.join(other)
        ask_recovery(joined.services, other.id, "lost", joined.actor(BOB))
    assert code_of(joined) == "registry.quota"


def test_who_cannot_be_recovered(joined: World) -> None:
    assert code_of(joined, publisher_id="0" * 64) == "registry.absent"
    set_publisher_status(joined.services, ALICE.id, "revoked", "stolen")
    assert code_of(joined) == "registry.state"


def test_a_successor_that_was_stopped_gets_nothing(joined: World) -> None:
    asked(joined)
    set_publisher_status(joined.services, BOB.id, "suspended", "odd")
    joined.clock.moment += RECOVERY_SECONDS
    assert not finish_recoveries(joined.services)


def test_a_successor_that_is_there_already_gets_the_higher_role(joined: World) -> None:
    joined.publish(ALICE)
    both = (Owner(publisher_id=ALICE.id, role="owner"), Owner(publisher_id=BOB.id, role="maintainer"))
    change_owners(joined.services, "com.example.hello", both, None)
    asked(joined)
    joined.clock.moment += RECOVERY_SECONDS
    finish_recoveries(joined.services)
    moved = [change for change in joined.leaves() if isinstance(change, PackageOwners)][-1]
    assert moved.owners == (Owner(publisher_id=BOB.id, role="owner"),)
