"""States of versions, and owners of packages."""

from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.protocol.registry.events import Owner, PackageOwners, VersionStatusChanged
from mpp_registry.publishing import OwnersChange, change_owners, set_status, wishes
from mpp_registry.publishing.limits import WISH_SECONDS, WISHES_EACH_MAX
from mpp.testing.keys import publisher
from tests.registry.publishing.worlds import ALICE, BOB, EVE, World

HELLO = "com.example.hello"


def owner(who: object, role: str = "owner") -> Owner:
    return Owner(publisher_id=who.id, role=role)  # type: ignore[attr-defined, arg-type] # a publisher of a test


@pytest.fixture
def hello(joined: World) -> World:
    """Alice has a package with two versions."""
    joined.publish(ALICE)
    joined.publish(ALICE, version="1.1.0")
    return joined


def put(world: World, status: str, reason: str = "it fails", *, version: str = "1.1.0", by: object = ALICE) -> bool:
    actor = None if by is None else world.actor(by)  # type: ignore[arg-type] # a publisher of a test
    return set_status(world.services, HELLO, version, status, reason, actor)  # type: ignore[arg-type] # what a caller might send


def code_of(world: World, status: str, reason: str = "it fails", **other: object) -> str:
    with pytest.raises(Refused) as refused:
        put(world, status, reason, **other)  # type: ignore[arg-type] # as above
    return refused.value.code


def test_what_is_yanked_is_not_the_latest_and_comes_back(hello: World) -> None:
    assert put(hello, "yanked")
    assert hello.leaves()[-1] == VersionStatusChanged(package_id=HELLO, version="1.1.0", status="yanked", reason="it fails", by=ALICE.id)
    assert hello.cell("SELECT latest FROM packages") == "1.0.0"
    assert not put(hello, "yanked"), "once more it is nothing"
    assert put(hello, "active", "")
    assert hello.cell("SELECT latest FROM packages") == "1.1.0"


def test_what_is_revoked_stays_so(hello: World) -> None:
    assert put(hello, "revoked")
    assert code_of(hello, "active", "") == "registry.state"
    assert code_of(hello, "active", "", by=None) == "registry.state"
    with pytest.raises(Refused) as refused:
        hello.publish(ALICE, version="1.1.0")
    assert refused.value.code == "registry.exists"


def test_a_quarantine_is_the_registrys_own(hello: World) -> None:
    assert code_of(hello, "quarantined") == "registry.forbidden"
    assert put(hello, "quarantined", "reported as malware", by=None)
    assert code_of(hello, "active", "") == "registry.forbidden"
    change = hello.leaves()[-1]
    assert isinstance(change, VersionStatusChanged)
    assert change.by == "admin"
    assert put(hello, "active", "", by=None)
    assert put(hello, "quarantined", "once more", by=None)
    assert put(hello, "revoked", "they are right"), "its owner may be stricter"


def test_search_leads_nobody_to_what_is_stopped(hello: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(hello, "quarantined", "malware", version=version, by=None)
    assert hello.cell("SELECT status FROM packages") == "quarantined"
    assert hello.cell("SELECT COUNT(*) FROM search_rows") == 0


def test_strangers_and_maintainers(hello: World) -> None:
    assert code_of(hello, "yanked", by=BOB) == "registry.owned"
    change_owners(hello.services, HELLO, (owner(ALICE), owner(BOB, "maintainer")), None)
    assert put(hello, "yanked", by=BOB)
    assert code_of(hello, "revoked", by=BOB) == "registry.forbidden"


@pytest.mark.parametrize(("status", "reason", "version", "code"), [
    ("gone", "x", "1.1.0", "registry.choice"), ("yanked", "", "1.1.0", "registry.form"), ("yanked", "two\nlines", "1.1.0", "registry.form"),
    ("yanked", "x", "9.9.9", "registry.absent"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(hello: World, status: str, reason: str, version: str, code: str) -> None:
    assert code_of(hello, status, reason, version=version) == code


def change(world: World, by: object, *owners: Owner) -> OwnersChange:
    return change_owners(world.services, HELLO, owners, None if by is None else world.actor(by))  # type: ignore[arg-type] # a publisher of a test


def refused_change(world: World, by: object, *owners: Owner) -> str:
    with pytest.raises(Refused) as refused:
        change(world, by, *owners)
    return refused.value.code


def test_a_co_owner_has_to_agree(hello: World) -> None:
    found = change(hello, ALICE, owner(ALICE), owner(BOB))
    assert (found.is_done, found.waiting_for) == (False, (BOB.id,))
    before = hello.kinds()
    with pytest.raises(Refused):
        hello.publish(BOB, version="1.2.0")
    with hello.services.database.read() as rows:
        (wish,) = wishes(rows, HELLO, hello.clock.now())
    assert (wish.by, {one.publisher_id for one in wish.owners}) == ((ALICE.id,), {ALICE.id, BOB.id})
    assert change(hello, BOB, owner(BOB), owner(ALICE)).is_done
    assert hello.kinds() == [*before, "package.owners"]
    assert hello.publish(BOB, version="1.2.0").is_new
    with hello.services.database.read() as rows:
        assert not wishes(rows, HELLO, hello.clock.now())


def test_a_transfer_needs_both_and_is_a_leaf(hello: World) -> None:
    assert change(hello, ALICE, owner(BOB)).waiting_for == (BOB.id,)
    assert change(hello, BOB, owner(BOB)).is_done
    assert hello.leaves()[-1] == PackageOwners(package_id=HELLO, owners=(owner(BOB),), by=ALICE.id)
    with pytest.raises(Refused) as refused:
        hello.publish(ALICE, version="1.3.0")
    assert refused.value.code == "registry.owned"


def test_an_owner_is_not_thrown_out(hello: World) -> None:
    """Attack: a co-owner who was let in throws out whoever let him in."""
    change(hello, ALICE, owner(ALICE), owner(BOB))
    change(hello, BOB, owner(ALICE), owner(BOB))
    assert change(hello, BOB, owner(BOB)).waiting_for == (ALICE.id,)
    assert change(hello, BOB, owner(ALICE, "maintainer"), owner(BOB)).waiting_for == (ALICE.id,)
    assert change(hello, ALICE, owner(BOB)).is_done, "she goes by herself"


def test_a_maintainer_goes_without_being_asked(hello: World) -> None:
    change_owners(hello.services, HELLO, (owner(ALICE), owner(BOB, "maintainer")), None)
    assert refused_change(hello, BOB, owner(BOB)) == "registry.owned"
    assert change(hello, ALICE, owner(ALICE)).is_done


def test_a_stranger_wishes_nothing(hello: World) -> None:
    assert refused_change(hello, BOB, owner(BOB)) == "registry.owned"
    assert refused_change(hello, BOB, owner(ALICE), owner(BOB)) == "registry.owned"
    assert hello.cell("SELECT COUNT(*) FROM owner_wishes") == 0


def test_a_wish_ends(hello: World) -> None:
    change(hello, ALICE, owner(BOB))
    hello.clock.moment += WISH_SECONDS
    assert refused_change(hello, BOB, owner(BOB)) == "registry.owned"


def test_an_old_wish_is_not_completed_after_another_change(hello: World) -> None:
    change(hello, ALICE, owner(BOB))
    change(hello, None, owner(ALICE), owner(BOB, "maintainer"))
    assert refused_change(hello, BOB, owner(BOB)) == "registry.owned"


def test_wishes_are_bounded(hello: World) -> None:
    for number in range(WISHES_EACH_MAX):
        other = publisher(f"Friend {number}")
        hello.join(other)
        change(hello, ALICE, owner(ALICE), owner(other))
    hello.join(EVE)
    assert refused_change(hello, ALICE, owner(ALICE), owner(EVE)) == "registry.quota"


@pytest.mark.parametrize("owners", [(), (owner(ALICE), owner(ALICE)), (owner(ALICE, "maintainer"),), (owner(ALICE, "king"),)])
def test_a_list_that_makes_no_sense_is_refused(hello: World, owners: tuple[Owner, ...]) -> None:
    assert refused_change(hello, ALICE, *owners) == "registry.form"


def test_owners_are_registered_here(hello: World) -> None:
    assert refused_change(hello, ALICE, owner(ALICE), owner(EVE)) == "registry.absent"
    assert refused_change(hello, None, owner(EVE)) == "registry.absent"


def test_the_same_list_is_nothing(hello: World) -> None:
    before = hello.kinds()
    assert change(hello, ALICE, owner(ALICE)).is_done
    assert hello.kinds() == before


def test_a_package_that_is_not_there_has_no_owners(joined: World) -> None:
    assert refused_change(joined, ALICE, owner(ALICE)) == "registry.absent"
