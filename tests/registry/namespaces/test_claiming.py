"""Name spaces are proven, looked at again each day, and lost in public."""

from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.limits import DAY_SECONDS
from mpp.protocol.registry.events import NamespaceLapsed, NamespaceProven
from mpp_registry.namespaces import Absent, NamespaceClaim, Unreachable, World as Places, claim_namespace, give_up, prove_by_hand, recheck_namespaces
from mpp_registry.namespaces.limits import TAKEOVER_SECONDS
from mpp.testing.keys import TestPublisher
from tests.registry.publishing.worlds import ALICE, BOB, World


class Domain:
    """Records that a test changes."""

    def __init__(self) -> None:
        self.records: dict[str, str] = {}
        self.down: set[str] = set()

    @property
    def places(self) -> Places:
        return Places(txt=self._txt, fetch=self._fetch)

    def names(self, domain: str, who: TestPublisher) -> None:
        self.records[domain] = who.id

    def _txt(self, name: str) -> tuple[str, ...]:
        domain = name.removeprefix("_mpp.")
        if domain in self.down:
            raise Unreachable("no answer")
        return (f"mpp-publisher={self.records[domain]}",) if domain in self.records else ()

    def _fetch(self, url: str) -> bytes:
        domain = url.split("/")[2]
        if domain in self.down:
            raise Unreachable("no answer")
        if domain not in self.records:
            raise Absent("404")
        return f'{{"mpp_publishers":["{self.records[domain]}"],"more":1}}'.encode()


@pytest.fixture
def domain() -> Domain:
    return Domain()


def claim(world: World, domain: Domain, who: TestPublisher, namespace: str = "com.example", method: str = "dns") -> NamespaceClaim:
    return claim_namespace(world.services, namespace, method, world.actor(who), domain.places)  # type: ignore[arg-type] # dns or well-known


def code_of(call: object, *given: object) -> str:
    with pytest.raises(Refused) as refused:
        call(*given)  # type: ignore[operator] # a function
    return refused.value.code


@pytest.mark.parametrize("method", ["dns", "well-known"])
def test_a_domain_that_names_the_publisher_proves_the_name_space(joined: World, domain: Domain, method: str) -> None:
    asked = claim(joined, domain, ALICE, method=method)
    assert asked.state == "asked"
    assert ALICE.id in asked.record_value
    assert joined.cell("SELECT COUNT(*) FROM namespaces") == 0, "to ask reserves nothing"
    domain.names("example.com", ALICE)
    proven = claim(joined, domain, ALICE, method=method)
    assert (proven.state, proven.proven_at) == ("proven", joined.clock.now())
    assert joined.leaves()[-1] == NamespaceProven(namespace="com.example", publisher_id=ALICE.id, method=method)  # type: ignore[arg-type] # as above
    before = joined.kinds()
    joined.clock.moment += 60
    assert claim(joined, domain, ALICE, method=method).proven_at == proven.proven_at
    assert joined.kinds() == before


def test_another_publishers_record_proves_nothing(joined: World, domain: Domain) -> None:
    domain.names("example.com", BOB)
    assert claim(joined, domain, ALICE).state == "asked"


def test_a_name_space_that_looks_like_another_says_so(joined: World, domain: Domain) -> None:
    domain.names("example.com", ALICE)
    claim(joined, domain, ALICE)
    domain.names("exarnple.com", BOB)
    assert claim(joined, domain, BOB, "com.exarnple").notes == ("it looks like com.example",)


def test_what_is_held_is_not_taken(joined: World, domain: Domain) -> None:
    domain.names("example.com", ALICE)
    claim(joined, domain, ALICE)
    domain.names("example.com", BOB)
    assert code_of(claim, joined, domain, BOB) == "registry.namespace"
    assert code_of(prove_by_hand, joined.services, "com.example", BOB.id) == "registry.namespace"


def day(world: World, domain: Domain) -> tuple[str, ...]:
    world.clock.moment += DAY_SECONDS
    return recheck_namespaces(world.services, domain.places).lapsed


def lapsed(world: World, domain: Domain) -> None:
    """Alice holds com.example with a package, and loses the domain."""
    domain.names("example.com", ALICE)
    claim(world, domain, ALICE)
    world.publish(ALICE)
    del domain.records["example.com"]
    assert [day(world, domain) for _ in range(3)] == [(), (), ("com.example",)]


def test_three_days_without_the_record_and_it_has_lapsed(joined: World, domain: Domain) -> None:
    lapsed(joined, domain)
    assert joined.leaves()[-1] == NamespaceLapsed(namespace="com.example", publisher_id=ALICE.id, method="dns")
    assert joined.cell("SELECT state FROM namespaces") == "lapsed"
    with pytest.raises(Refused, match="lapsed") as refused:
        joined.publish(ALICE, version="1.1.0")
    assert refused.value.code == "registry.namespace"
    with pytest.raises(Refused, match="lapsed"):
        joined.publish(ALICE, "com.example.new")
    domain.names("example.com", ALICE)
    assert claim(joined, domain, ALICE).state == "proven", "it comes back at once with its record"
    assert joined.publish(ALICE, version="1.1.0").is_new


def test_a_day_on_which_it_is_there_counts_anew(joined: World, domain: Domain) -> None:
    domain.names("example.com", ALICE)
    claim(joined, domain, ALICE)
    for there in (False, False, True, False, False):
        domain.records = {"example.com": ALICE.id} if there else {}
        assert day(joined, domain) == ()
    assert joined.cell("SELECT failures FROM namespaces") == 2


def test_looks_on_one_day_are_one_failure(joined: World, domain: Domain) -> None:
    domain.names("example.com", ALICE)
    claim(joined, domain, ALICE)
    domain.records = {}
    joined.clock.moment += DAY_SECONDS
    assert recheck_namespaces(joined.services, domain.places).looked == 1
    for _ in range(5):
        joined.clock.moment += 60
        assert recheck_namespaces(joined.services, domain.places).looked == 0
    assert joined.cell("SELECT failures FROM namespaces") == 1


def test_when_nobody_can_be_reached_the_fault_is_ours(joined: World, domain: Domain) -> None:
    for name in ("one", "two", "three"):
        domain.names(f"{name}.com", ALICE)
        claim(joined, domain, ALICE, f"com.{name}")
    domain.down = {"one.com", "two.com", "three.com"}
    for _ in range(5):
        joined.clock.moment += DAY_SECONDS
        found = recheck_namespaces(joined.services, domain.places)
        assert (found.is_outage, found.failed, found.lapsed) == (True, 3, ())
    domain.down = {"one.com"}
    assert [day(joined, domain) for _ in range(3)] == [(), (), ("com.one",)]


def test_a_look_that_somebody_overtook_counts_nothing(joined: World, domain: Domain) -> None:
    domain.names("example.com", ALICE)
    claim(joined, domain, ALICE)
    joined.clock.moment += DAY_SECONDS

    def meanwhile(_: str) -> tuple[str, ...]:
        claim(joined, domain, ALICE)
        return ()

    recheck_namespaces(joined.services, Places(txt=meanwhile, fetch=domain.places.fetch))
    assert joined.cell("SELECT failures FROM namespaces") == 0


def test_a_lapsed_domain_is_taken_over_only_after_its_time_and_without_its_packages(joined: World, domain: Domain) -> None:
    lapsed(joined, domain)
    domain.names("example.com", BOB)
    assert code_of(claim, joined, domain, BOB) == "registry.namespace"
    with pytest.raises(Refused):
        joined.publish(BOB, "com.example.mine")
    joined.clock.moment += TAKEOVER_SECONDS
    assert claim(joined, domain, BOB).state == "proven"
    assert joined.publish(BOB, "com.example.brandnew").is_new
    with pytest.raises(Refused) as refused:
        joined.publish(BOB, version="2.0.0")
    assert refused.value.code == "registry.owned", "what was there stays with whoever published it"
    with pytest.raises(Refused, match="lapsed"):
        joined.publish(ALICE, version="2.0.0")
    domain.names("example.com", ALICE)
    assert code_of(claim, joined, domain, ALICE) == "registry.namespace", "now it is Bob's"


def test_a_proven_name_space_keeps_strangers_out(joined: World, domain: Domain) -> None:
    joined.publish(BOB, "com.example.early")
    domain.names("example.com", ALICE)
    claim(joined, domain, ALICE)
    assert joined.publish(BOB, "com.example.early", "1.1.0").is_new, "what was there before goes on"
    with pytest.raises(Refused) as refused:
        joined.publish(BOB, "com.example.late")
    assert refused.value.code == "registry.namespace"
    assert joined.publish(BOB, "com.examplefoo.tool").is_new, "a dot ends a name space"


def test_the_longest_name_space_decides(joined: World, domain: Domain) -> None:
    domain.names("example.com", ALICE)
    domain.names("team.example.com", BOB)
    claim(joined, domain, ALICE)
    claim(joined, domain, BOB, "com.example.team")
    assert joined.publish(BOB, "com.example.team.tool").is_new
    with pytest.raises(Refused):
        joined.publish(ALICE, "com.example.team.other")
    assert joined.publish(ALICE, "com.example.tool").is_new


def test_a_package_below_a_look_alike_of_a_name_space_is_refused(joined: World, domain: Domain) -> None:
    domain.names("example.com", ALICE)
    claim(joined, domain, ALICE)
    with pytest.raises(Refused, match=r"name space com\.example") as refused:
        joined.publish(BOB, "com.exarnple.tool")
    assert refused.value.code == "registry.lookalike"
    domain.names("exarnple.com", BOB)
    claim(joined, domain, BOB, "com.exarnple")
    assert joined.publish(BOB, "com.exarnple.tool").is_new, "it is his domain"


def test_an_administrator_vouches_and_takes_back(joined: World, domain: Domain) -> None:
    prove_by_hand(joined.services, "internal.tools", ALICE.id)
    joined.clock.moment += 10 * DAY_SECONDS
    assert recheck_namespaces(joined.services, domain.places).looked == 0
    assert give_up(joined.services, "internal.tools")
    assert not give_up(joined.services, "internal.tools")
    assert joined.kinds()[-2:] == ["namespace.proven", "namespace.lapsed"]
    assert code_of(prove_by_hand, joined.services, "internal.tools", "0" * 64) == "registry.absent"


def test_a_registry_that_demands_a_name_space(joined: World, domain: Domain) -> None:
    from dataclasses import replace

    joined.publish(ALICE)
    joined.services = replace(joined.services, settings=replace(joined.services.settings, require_namespace=True))
    with pytest.raises(Refused, match="proven"):
        joined.publish(BOB, "com.bobworks.tool")
    with pytest.raises(Refused, match="proven"):
        joined.publish(ALICE, version="1.1.0")
    domain.names("example.com", ALICE)
    claim(joined, domain, ALICE)
    assert joined.publish(ALICE, version="1.1.0").is_new
