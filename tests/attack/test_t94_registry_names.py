"""T94, names at a registry: squatting, look-alikes, a lapsed domain, a package that changes hands, and what a stranger makes the registry ask.

Spec: registry section 6, docs/adr/0046-dns.md.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host.services.http_addresses import Sockaddr
from mpp.limits import DAY_SECONDS
from mpp.protocol.registry.events import Owner
from mpp_registry.namespaces import Unreachable, World as Places, claim_namespace, recheck_namespaces
from mpp_registry.namespaces.limits import TAKEOVER_SECONDS
from mpp_registry.namespaces.web import SafeFetch
from mpp_registry.publishing import change_owners
from tests.registry.namespaces.places import Page, web_server
from tests.registry.publishing.worlds import ALICE, BOB, EVE, World

HOST = "example.com"
URL = f"https://{HOST}/.well-known/mpp-publisher.json"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    for one in (ALICE, BOB, EVE):
        found.join(one)
    yield found
    found.close()


# --- what a stranger makes the registry ask


class Listener:
    """A service behind the wall that must never hear of anybody."""

    def __init__(self) -> None:
        self._sock = socket.socket()
        self._sock.bind(("127.0.0.1", 0))
        self._sock.listen()
        self.port = int(self._sock.getsockname()[1])

    def was_reached(self) -> bool:
        self._sock.setblocking(False)
        try:
            self._sock.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        self._sock.close()


@pytest.fixture
def behind() -> Iterator[Listener]:
    with closing(Listener()) as found:
        yield found


ADDRESSES = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0", "224.0.0.1", "255.255.255.255",
    "100.64.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
    "2002:7f00:1::", "::127.0.0.1", "fc00::1",
]  # fmt: skip


def at(address: str, port: int) -> Sockaddr:
    return (address, port, 0, 0) if ":" in address else (address, port)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_name_that_leads_behind_the_wall_is_not_asked(address: str) -> None:
    fetch = SafeFetch(resolve=lambda _, port: [at(address, port)], seconds=60)
    with pytest.raises(Unreachable, match="not public"):
        fetch(URL)


def test_one_private_address_among_public_ones_spoils_all() -> None:
    fetch = SafeFetch(resolve=lambda _, port: [("93.184.215.14", port), ("10.0.0.1", port)], seconds=60)
    with pytest.raises(Unreachable, match="not public"):
        fetch(URL)


@pytest.mark.parametrize("url", [
    "http://example.com/", "https://example.com:8443/", "https://example.com:22/", "https://localhost/", "https://127.0.0.1/", "https://2130706433/",
    "https://[::1]/", "https://0x7f.1/", "https://user@example.com/", "https://example.com@127.0.0.1/", "https://intra/",
    "file:///etc/passwd", "gopher://example.com/", "https://example.com\\@127.0.0.1/", "https://example.com/\r\nHost: x", "https://example.com/../x", "",
])  # fmt: skip
def test_an_address_of_another_form_is_not_asked(url: str, behind: Listener) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[Sockaddr]:
        asked.append(host)
        return [("127.0.0.1", behind.port)]

    with pytest.raises(Unreachable):
        SafeFetch(resolve=resolve, seconds=60)(url)
    assert not asked, "it is refused before anything is looked up"
    assert not behind.was_reached()


def test_a_name_is_looked_up_once(behind: Listener) -> None:
    """Attack: a name that has one address when it is judged, and another one when it is connected to."""
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        nobody = sock.getsockname()[1]  # bound and not listening: a connection to it is refused
        answers = iter([[("127.0.0.1", nobody)], [("127.0.0.1", behind.port)]])
        with pytest.raises(Unreachable, match="connection"):
            SafeFetch(private={HOST: nobody}, resolve=lambda *_: list(next(answers)), seconds=60)(URL)
    assert not behind.was_reached()
    assert len(list(answers)) == 1, "the second answer was asked for by nobody"


def test_a_host_that_the_operator_names_does_not_open_the_metadata_service() -> None:
    fetch = SafeFetch(private={HOST: 443}, resolve=lambda _, port: [("169.254.169.254", port)], seconds=60)
    with pytest.raises(Unreachable, match="not public"):
        fetch(URL)


def test_no_redirect_is_followed(tmp_path: Path, behind: Listener) -> None:
    seen: list[str] = []

    def page(path: str) -> Page:
        seen.append(path)
        return 307, {"Location": f"http://127.0.0.1:{behind.port}/latest/meta-data"}, b""

    with web_server(tmp_path, HOST, page) as (port, authority):
        fetch = SafeFetch(private={HOST: port}, extra_ca_file=authority, resolve=lambda _, to: [("127.0.0.1", to)], seconds=60)
        with pytest.raises(Unreachable, match="redirect"):
            fetch(URL)
    assert seen == ["/.well-known/mpp-publisher.json"]
    assert not behind.was_reached()


def test_a_server_that_says_nothing_holds_nobody_up() -> None:
    """Attack: a thousand claims, each of which waits for a server that never answers."""
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        fetch = SafeFetch(private={HOST: sock.getsockname()[1]}, resolve=lambda _, port: [("127.0.0.1", port)], seconds=0.3)
        done = threading.Event()

        def ask() -> None:
            with pytest.raises(Unreachable):
                fetch(URL)
            done.set()

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        assert done.wait(60)


# --- names


def domain_of(who: dict[str, str]) -> Places:
    """A name server that answers out of ``who``, which a test changes."""
    return Places(txt=lambda name: (f"mpp-publisher={who[name]}",) if name in who else (), fetch=lambda _: b"")


def code_of(call: object, *given: object) -> str:
    with pytest.raises(Refused) as refused:
        call(*given)  # type: ignore[operator] # a function
    return refused.value.code


def test_sixteen_squatters_for_one_name(world: World) -> None:
    """The first comer owns; all others are told that it belongs to somebody."""
    found: list[str] = []

    def one(number: int) -> None:
        who = (ALICE, BOB, EVE)[number % 3]
        try:
            found.append("new" if world.publish(who, version=f"1.0.{number}").is_new else "known")
        except Refused as fault:
            found.append(fault.code)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(one, range(16)))
    owner = world.cell("SELECT publisher_id FROM package_owners")
    assert world.cell("SELECT COUNT(*) FROM package_owners") == 1
    assert world.cell("SELECT COUNT(DISTINCT publisher_id) FROM versions") == 1
    assert world.cell("SELECT COUNT(*) FROM versions WHERE publisher_id <> ?", str(owner)) == 0
    assert set(found) <= {"new", "registry.owned"}
    assert found.count("new") in {5, 6}


def test_a_squatter_below_a_proven_domain(world: World) -> None:
    who = {"_mpp.example.com": ALICE.id}
    claim_namespace(world.services, "com.example", "dns", world.actor(ALICE), domain_of(who))
    assert code_of(world.publish, EVE, "com.example.update") == "registry.namespace"
    assert code_of(world.publish, EVE, "com.example.deep.down.below") == "registry.namespace"


def test_the_buyer_of_a_lapsed_domain_gets_a_name_and_no_package(world: World) -> None:
    who = {"_mpp.example.com": ALICE.id}
    places = domain_of(who)
    claim_namespace(world.services, "com.example", "dns", world.actor(ALICE), places)
    world.publish(ALICE)
    who["_mpp.example.com"] = EVE.id
    # The day on which she has the domain, and the whole time of grace.
    for _ in range(2):
        assert code_of(claim_namespace, world.services, "com.example", "dns", world.actor(EVE), places) == "registry.namespace"
        world.clock.moment += DAY_SECONDS
        recheck_namespaces(world.services, places)
    world.clock.moment += DAY_SECONDS
    assert recheck_namespaces(world.services, places).lapsed == ("com.example",)
    world.clock.moment += TAKEOVER_SECONDS - 1
    assert code_of(claim_namespace, world.services, "com.example", "dns", world.actor(EVE), places) == "registry.namespace"
    world.clock.moment += 1
    assert claim_namespace(world.services, "com.example", "dns", world.actor(EVE), places).state == "proven"
    assert code_of(world.publish, EVE, "com.example.hello", "9.9.9") == "registry.owned"
    wanted = (Owner(publisher_id=EVE.id, role="owner"),)
    assert code_of(change_owners, world.services, "com.example.hello", wanted, world.actor(EVE)) == "registry.owned"
    assert code_of(world.publish, ALICE, "com.example.hello", "1.1.0") == "registry.namespace", "and nobody goes on under the bought name"
    assert "namespace.lapsed" in world.kinds()


def test_two_publishers_in_one_record_set(world: World) -> None:
    """Attack: one who may write a record beside that of the holder. Who holds the name space keeps it."""
    both = Places(txt=lambda _: (f"mpp-publisher={ALICE.id}", f"mpp-publisher={EVE.id}"), fetch=lambda _: b"")
    claim_namespace(world.services, "com.example", "dns", world.actor(ALICE), both)
    assert code_of(claim_namespace, world.services, "com.example", "dns", world.actor(EVE), both) == "registry.namespace"


@pytest.mark.parametrize("record", [
    "mpp-publisher={id} ", " mpp-publisher={id}", "MPP-PUBLISHER={id}", "mpp-publisher={short}", "mpp-publisher={id},{id}", "mpp-publisher = {id}", "{id}",
    "mpp-publisher=*", "mpp-publisher=",
])  # fmt: skip
def test_a_record_of_another_form_proves_nothing(world: World, record: str) -> None:
    text = record.format(id=EVE.id, short=EVE.id[:63])
    places = Places(txt=lambda _: (text,), fetch=lambda _: b"")
    assert claim_namespace(world.services, "com.example", "dns", world.actor(EVE), places).state == "asked"


def test_a_name_space_of_everybody_cannot_be_claimed(world: World) -> None:
    for name in ("com", "io", "org", "COM.example", "com.example\n", "com.*", "."):
        assert code_of(claim_namespace, world.services, name, "dns", world.actor(EVE), domain_of({})) == "registry.form"


def test_a_package_is_not_taken_by_asking(world: World) -> None:
    world.publish(ALICE)
    me, us = (Owner(publisher_id=EVE.id, role="owner"),), (Owner(publisher_id=ALICE.id, role="owner"), Owner(publisher_id=EVE.id, role="owner"))
    for wanted in (me, us):
        assert code_of(change_owners, world.services, "com.example.hello", wanted, world.actor(EVE)) == "registry.owned"
    # Two accomplices agree with each other; no owner has said anything.
    for who in (BOB, EVE):
        both = tuple(sorted((Owner(publisher_id=one.id, role="owner") for one in (BOB, EVE)), key=lambda one: one.publisher_id))
        assert code_of(change_owners, world.services, "com.example.hello", both, world.actor(who)) == "registry.owned"


def test_nobody_is_given_a_package_against_his_will(world: World) -> None:
    """Attack: a package with malware is moved to a known name, a moment before it is found."""
    world.publish(EVE, "com.eve.bad")
    found = change_owners(world.services, "com.eve.bad", (Owner(publisher_id=ALICE.id, role="owner"),), world.actor(EVE))
    assert (found.is_done, found.waiting_for) == (False, (ALICE.id,))
    assert world.cell("SELECT publisher_id FROM package_owners WHERE package_id = 'com.eve.bad'") == EVE.id
