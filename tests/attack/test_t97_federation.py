"""T97: registries that loop, lie, amplify or listen; codes, reports and policies of a fleet that somebody else uses.

Real registries in one process, and a network between them on which the attacker sits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import MppError, Refused
from mpp.host.enrolment.wire import Answer
from mpp.model.jsontext import canonical
from mpp.testing.keys import publisher
from mpp.testing.policies import body, bundle
from mpp.protocol.registry.found import read_found
from mpp.protocol.registry.peerlist import Peer
from mpp_registry.federation.peers import add_peer, all_evidence, all_seen, clear_evidence, home_of
from tests.registry.federation.worlds import registries, Registry
from tests.registry.fleet.worlds import ORG, World

Three = tuple[Registry, Registry, Registry]


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Three]:
    with registries(tmp_path, "a", "b", "c") as (a, b, c):
        a.peer(b, "com.bee")
        a.peer(c, "*")
        yield a, b, c


def is_absent(registry: Registry, package_id: str, version: str = "") -> bool:
    try:
        registry.discover(package_id, version)
    except MppError as fault:
        assert fault.code == "registry.absent", fault
        return True
    return False


def evidence(registry: Registry) -> list[tuple[str, str]]:
    with registry.services.database.read() as rows:
        return [(one.registry_id, one.kind) for one in all_evidence(rows)]


# -- loops and amplification


def test_a_ring_of_registries_comes_to_an_end(tmp_path: Path) -> None:
    with registries(tmp_path, "a", "b", "c") as ring:
        for one, other in zip(ring, (*ring[1:], ring[0]), strict=True):
            one.peer(other, "*", introduces=True)
        assert is_absent(ring[0], "net.nobody.tool")
        assert [name for name, _, _ in ring[0].cable.asked] == ["b", "c"]
        with pytest.raises(Refused) as caught:
            ring[0].discover("net.nobody.tool", headers={"Mpp-Via": f"{ring[1].id}, {ring[0].id}", "Mpp-Budget": "9"})
        assert caught.value.code == "registry.loop"


def test_one_question_causes_a_bounded_number_of_others(tmp_path: Path) -> None:
    """Everybody is a peer of everybody: without a bound this would be nine times eight times seven questions."""
    with registries(tmp_path, *"abcdefghi") as mesh:
        for one in mesh:
            for other in mesh:
                if other is not one:
                    one.peer(other, "*", introduces=True)
        assert is_absent(mesh[0], "net.nobody.tool")
        asked = mesh[0].cable.questions()
        assert 8 < len(asked) <= 16
        # The same question costs nothing for a while, and a forged way never makes it cost more.
        assert is_absent(mesh[0], "net.nobody.tool")
        assert len(mesh[0].cable.questions()) == len(asked)
        before = len(mesh[0].cable.questions())
        with pytest.raises(MppError):
            mesh[1].discover("net.nobody.third", headers={"Mpp-Via": "0" * 64, "Mpp-Budget": "9999"})
        assert len(mesh[0].cable.questions()) - before <= 16


# -- lying peers


def test_a_peer_can_name_no_home_of_its_own_making(tmp_path: Path) -> None:
    """Anybody can open a registry and publish com.bank.pay there, with sound proofs."""
    with registries(tmp_path, "a", "peer", "evil") as (a, peer, evil):
        a.peer(peer, "*")
        evil.put("com.bank.pay")
        a.cable.twists["peer"] = lambda path, headers, answer: Answer(status=200, kind="", body=evil.discover("com.bank.pay"))
        assert is_absent(a, "com.bank.pay")
        with a.services.database.read() as rows:
            assert (home_of(rows, "com.bank.pay"), all_seen(rows)) == ("", {})


@pytest.mark.parametrize("part", ["package", "version", "bundle", "cut", "another registry's id"])
def test_an_answer_that_was_changed_is_nobodys(three: Three, part: str) -> None:
    a, b, c = three
    b.put("com.bee.hive")
    b.put("com.bee.comb")
    c.put("org.sea.fish")

    def twist(path: str, headers: Mapping[str, str], answer: Answer) -> Answer:
        if not path.startswith("/v1/discover"):
            return answer
        found, other = json.loads(answer.body), json.loads(b.discover("com.bee.comb"))
        if part == "package":
            found = other
        elif part == "version":
            found["version"] = "2.0.0"
        elif part == "bundle":
            found["bundle"] = other["bundle"]
        elif part == "cut":
            found["bundle"] = found["bundle"][:-20]
        else:
            found["home"]["registry_id"] = a.id
        return replace(answer, body=canonical(found))

    a.cable.twists["b"] = twist
    assert is_absent(a, "com.bee.hive")
    # The one that sent it is named, and nobody else.
    assert {who for who, _ in evidence(a)} <= {b.id}
    a.cable.twists.clear()
    assert read_found(a.discover("org.sea.fish"), where="x").registry_id == c.id


def test_an_address_in_an_answer_leads_nobody_astray(three: Three) -> None:
    a, b, _ = three
    b.put("com.bee.hive")

    def twist(path: str, headers: Mapping[str, str], answer: Answer) -> Answer:
        found = json.loads(answer.body)
        found["home"]["url"] = "https://evil.example"
        return replace(answer, body=canonical(found))

    a.cable.twists["b"] = twist
    assert read_found(a.discover("com.bee.hive"), where="x").url == b.url


def test_no_request_goes_where_an_introducing_peer_points(tmp_path: Path) -> None:
    """Its address is handed on to the client, who has it proven; this registry asks it nothing, also not for files."""
    with registries(tmp_path, "a", "hub", "far") as (a, hub, far):
        a.peer(hub, "*", introduces=True)
        hub.peer(far, "*")
        far.put("net.far.tool")
        assert read_found(a.discover("net.far.tool"), where="x").registry_id == far.id
        far.put("net.far.other")
        a.moment.at += 100
        hub.moment.at += 100
        a.discover("net.far.other")
        with pytest.raises(MppError):
            a.federation.download(a.ask({"package_id": "net.far.tool", "version": "1.0.0"}))
        assert {whom for who, whom in a.cable.by if who == "a"} == {"hub"}
        assert ("hub", "far") in a.cable.by


def test_a_peer_further_down_takes_over_no_package_that_was_found_elsewhere(tmp_path: Path) -> None:
    with registries(tmp_path, "a", "b", "c") as (a, b, c):
        a.peer(b, "*")
        a.peer(c, "*")
        b.put("net.tool.one")
        c.put("net.tool.one", "9.0.0")
        assert read_found(a.discover("net.tool.one"), where="x").registry_id == b.id
        a.cable.down.add("b")
        a.forget()
        assert is_absent(a, "net.tool.one"), "its home is down, and nobody else is its home"
        clear_evidence(a.services, b.id, forget=True)
        assert read_found(a.discover("net.tool.one"), where="x").registry_id == c.id


def test_a_relay_cannot_incriminate_a_home(three: Three) -> None:
    """It brings an old, soundly signed state of it. That speaks against who brought it."""
    a, b, c = three
    c.put("org.sea.fish")
    old = c.discover("org.sea.fish")
    a.discover("org.sea.fish")
    a.clock.moment += 4000
    with c.services.database.write() as rows:
        c.services.ledger.renew(rows, a.clock.now())
    c.put("org.sea.eel")
    a.discover("org.sea.eel")
    add_peer(a.services, Peer(chain=b.chain, url=b.url, namespaces=("org.sea",)))
    add_peer(a.services, Peer(chain=c.chain, url=c.url, namespaces=("org.sea", "*")))
    a.cable.down.add("c")
    a.cable.twists["b"] = lambda path, headers, answer: Answer(status=200, kind="", body=old)
    assert is_absent(a, "org.sea.fish")
    assert evidence(a) == [(b.id, "forged")]


def test_a_home_that_goes_back_is_found_out(three: Three) -> None:
    a, _, c = three
    c.put("org.sea.fish")
    old = c.discover("org.sea.fish")
    a.clock.moment += 4000
    c.put("org.sea.eel")
    a.discover("org.sea.eel")
    a.cable.twists["c"] = lambda path, headers, answer: Answer(status=200, kind="", body=old)
    assert is_absent(a, "org.sea.fish")
    assert evidence(a) == [(c.id, "rollback")]


def test_a_question_that_always_fails_does_not_put_a_peer_to_rest(three: Three) -> None:
    """A client asks for a name whose answer is refused each time, so that nobody gets anything of that peer."""
    a, b, c = three
    c.put("com.bee.fake")
    b.peer(c, "*")
    b.put("com.bee.hive")
    for _ in range(6):
        assert is_absent(a, "com.bee.fake")
        a.moment.at += 20
    assert not a.federation.discovery.breakers.is_resting(b.id)
    assert read_found(a.discover("com.bee.hive"), where="x").registry_id == b.id


# -- private names


def test_private_names_are_neither_asked_about_nor_told(three: Three) -> None:
    from mpp_registry.federation.peers import keep_private

    a, b, _ = three
    a.put("com.acme.vault", visibility="private")
    keep_private(a.services, "net.secret")
    for name in ("com.acme.vault", "com.acme.vaultt", "net.secret.plan", "net.secret.deep.plan"):
        assert is_absent(a, name)
    assert a.cable.asked == []
    # Others who ask learn nothing either, and cannot tell private from absent.
    words = []
    for name in ("com.acme.vault", "com.acme.nothing"):
        with pytest.raises(Refused) as caught:
            a.discover(name, headers={"Mpp-Via": b.id, "Mpp-Budget": "3"})
        words.append((caught.value.code, caught.value.message.replace(name, "NAME"), caught.value.hint))
    assert words[0] == words[1]
    with pytest.raises(MppError):
        a.federation.download(a.ask({"package_id": "com.acme.vault", "version": "1.0.0"}))
    assert a.cable.asked == []


def test_a_namespace_that_is_proven_here_is_asked_about_nowhere(three: Three) -> None:
    a, _, c = three
    c.put("org.firm.tool")
    with a.services.database.write() as rows:
        rows.run(
            "INSERT INTO namespaces (namespace, publisher_id, method, state, proven_at, checked_at, failures) VALUES ('org.firm', 'x', 'dns', 'proven', 0, 0, 0)"
        )
    assert is_absent(a, "org.firm.tool")
    assert a.cable.asked == []
    a.peer(c, "org.firm")
    assert read_found(a.discover("org.firm.tool"), where="x").registry_id == c.id


# -- files through the registry


@pytest.mark.parametrize("how", ["other bytes", "more", "less", "nothing"])
def test_a_home_that_sends_another_file_sends_none(three: Three, how: str) -> None:
    from mpp_registry.federation.proxy import keep_bytes

    a, b, _ = three
    b.put("com.bee.hive", data=b"honey" * 100)
    keep_bytes(a.services, 10_000)
    changes = {"other bytes": b"poison" + b"y" * 494, "more": b"honey" * 101, "less": b"honey" * 99, "nothing": b""}
    a.cable.twists["b"] = lambda path, headers, answer: replace(answer, body=changes[how]) if path.endswith("/download") else answer
    ask = a.ask({"package_id": "com.bee.hive", "version": "1.0.0"})
    with pytest.raises(MppError) as caught:
        a.federation.download(ask)
    assert caught.value.code == "remote.answer"
    a.cable.twists.clear()
    blob = a.federation.download(ask).blob
    assert blob is not None
    assert b"".join(a.services.blobs.read(blob.sha256)) == b"honey" * 100
    b.withdraw("com.bee.hive", "1.0.0")
    a.moment.at += 61
    with pytest.raises(Refused) as gone:
        a.federation.download(ask)
    assert gone.value.code == "registry.gone"


# -- fleets


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.ready(3)
    yield made
    made.close()


def code_of(work: object) -> str:
    with pytest.raises(MppError) as caught:
        work()  # type: ignore[operator]
    return caught.value.code


def test_a_stolen_code_lets_one_in_and_never_two(world: World) -> None:
    code, host, thief = world.code(), world.host("honest"), world.host("thief")
    thief.join(code)
    assert code_of(lambda: host.join(code)) == "registry.fleet"
    alarms = world.admin("GET", "/v1/fleet/alarms")["alarms"]
    assert [(one["host"], one["kind"]) for one in alarms] == [("thief", "code")]  # type: ignore[union-attr, index, call-overload]


def test_an_enrolment_that_is_overheard_enrols_nobody_else(world: World) -> None:
    host = world.host()
    host.join(world.code())
    sent = host.web.sent[-1]
    assert world.answer(sent).status == 401, "the same bytes once more"
    body_ = sent.body.replace(host.name.encode(), b"mallory")
    assert b"registry.request" in world.answer(replace(sent, body=body_)).body


def test_a_rolled_back_policy_is_refused_here_and_there(world: World) -> None:
    assert code_of(lambda: world.admin("PUT", "/v1/fleet/policies/org", bundle(ORG, body(2)))) == "policy.rollback"
    host = world.host()
    host.join(world.code())
    host.become_fleet()
    host.following.take_policy(host.asking, "org")
    with world.services.database.write() as rows:
        rows.run("UPDATE fleet_documents SET document = ? WHERE kind = 'policy'", bundle(ORG, body(2)))
    assert code_of(lambda: host.following.take_policy(host.asking, "org")) == "policy.rollback"


def test_a_registry_in_wrong_hands_makes_no_policy(world: World) -> None:
    host = world.host()
    host.join(world.code())
    host.become_fleet()
    host.following.take_policy(host.asking, "org")
    evil = publisher("Evil")
    with world.services.database.write() as rows:
        rows.run("UPDATE fleet_documents SET document = ? WHERE kind = 'policy'", bundle(evil, body(9)))
        rows.run("UPDATE fleet_documents SET document = ? WHERE kind = 'root'", evil.chain.data)
    assert code_of(lambda: host.following.take_policy(host.asking, "org")) == "policy.publisher"
    from mpp.host.enrolment.joining import refresh

    assert code_of(lambda: refresh(host.home, clock=host.clock, random=host.random, web=host.web)) == "registry.enrolment"
