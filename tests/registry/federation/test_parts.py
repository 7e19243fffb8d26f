"""The parts below discovery: the list of peers, the way of a question, breakers, kept answers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.protocol.registry.signed_file import write_signed
from mpp.model.jsontext import canonical, read
from mpp.testing.keys import publisher, rotated
from mpp.testing.packages import NOW
from mpp_registry.federation.breaker import Breakers
from mpp_registry.federation.known import Bounds, Known
from mpp_registry.federation.limits import LIST_RENEW_SECONDS
from mpp.protocol.registry.limits import PEER_LIST_SECONDS_MAX
from mpp.protocol.registry.peerlist import check_url, covers, judged_namespace, Peer, PeerList, PEERS_TYPE, read_list, sign_list, whom_to_ask, write_body
from mpp_registry.federation.peers import (
    add_peer,
    clear_evidence,
    is_private,
    keep_private,
    list_document,
    named,
    peers_of,
    private_namespaces,
    remove_peer,
    renew_peers,
    unkeep_private,
)
from mpp_registry.federation.way import read_way, Way
from tests.registry.federation.worlds import registries

ME, OTHER, THIRD = publisher("Me"), publisher("Other"), publisher("Third")


def peer(by: object = OTHER, *namespaces: str, introduces: bool = False, url: str = "https://other.example") -> Peer:
    return Peer(chain=by.chain, url=url, namespaces=namespaces or ("*",), introduces=introduces)  # type: ignore[attr-defined]


def listed(*peers: Peer) -> PeerList:
    return PeerList(registry_id=ME.id, version=1, at=NOW, peers=peers)


def refused(work: object, code: str = "registry.peers") -> str:
    with pytest.raises(Refused) as caught:
        work()  # type: ignore[operator]
    assert caught.value.code == code
    return caught.value.message


def test_a_list_is_read_as_it_was_signed() -> None:
    before = listed(peer(OTHER, "com.bee", "org.sea"), peer(THIRD, "*", introduces=True, url="http://127.0.0.1:8000/x"))
    data = sign_list(before, ME.chain, ME.release)
    assert read_list(data, ME.chain, where="x") == before
    assert (before.peers[0].name, before.peer(THIRD.id), before.peer("0" * 64)) == ("Other", before.peers[1], None)


def test_a_list_of_somebody_else_or_without_its_signatures_is_refused() -> None:
    body = listed(peer())
    data = sign_list(body, ME.chain, ME.release)
    assert "another registry" in refused(lambda: read_list(data, OTHER.chain, where="x"))
    assert "(signer)" in refused(lambda: sign_list(body, ME.chain, OTHER.release))
    assert "(threshold)" in refused(lambda: sign_list(body, ME.chain, ()))
    wrong = replace(body, registry_id=OTHER.id, peers=())
    assert "names another registry" in refused(lambda: sign_list(wrong, ME.chain, ME.release))
    document = read(data, family="registry", where="x")
    assert isinstance(document, dict)
    envelope = document["envelope"]
    assert isinstance(envelope, dict)
    forged = sign_list(replace(body, at=NOW + 1), ME.chain, ME.release)
    other = read(forged, family="registry", where="x")
    assert isinstance(other, dict)
    assert isinstance(other["envelope"], dict)
    envelope["payload"] = other["envelope"]["payload"]
    assert "(signature)" in refused(lambda: read_list(canonical(document), ME.chain, where="x"))


def test_keys_that_were_taken_out_sign_no_list() -> None:
    after = rotated(ME, "new")
    old = sign_list(listed(peer()), ME.chain, ME.release)
    assert "(signer)" in refused(lambda: read_list(old, after.chain, where="x"))
    new = sign_list(listed(peer()), after.chain, after.release)
    assert read_list(new, ME.chain, where="x") == listed(peer())


@pytest.mark.parametrize("data", [b"{}", b"[", b'{"envelope":{},"roots":[]}', b"x" * 9_000_000])
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read_list(data, ME.chain, where="x")
    assert caught.value.code.startswith("registry.")


@pytest.mark.parametrize(
    ("key", "item", "code"),
    [
        ("registry_id", "0" * 64, "registry.peers"),
        ("url", "ftp://x", "registry.peers"),
        ("namespaces", ["com.*"], "registry.form"),
        ("namespaces", [], "registry.length"),
        ("roots", [], "registry.peers"),
        ("roots", 7, "registry.peers"),
        ("introduces", "no", "registry.type"),
        ("more", 1, "registry.unknown_key"),
    ],
)
def test_a_peer_that_does_not_hold_refuses_the_list(key: str, item: object, code: str) -> None:
    body = read(write_body(listed(peer())), family="registry", where="x")
    assert isinstance(body, dict)
    assert isinstance(body["peers"], list)
    assert isinstance(body["peers"][0], dict)
    body["peers"][0][key] = item  # type: ignore[assignment]
    data = write_signed(ME.chain, PEERS_TYPE, canonical(body), ME.release)
    refused(lambda: read_list(data, ME.chain, where="x"), code)


def test_nobody_is_a_peer_twice_or_of_itself() -> None:
    refused(lambda: sign_list(listed(peer(), peer(OTHER, "com.bee")), ME.chain, ME.release))
    refused(lambda: sign_list(listed(peer(ME)), ME.chain, ME.release))


def test_namespaces_cover_whole_parts() -> None:
    assert covers("com.bee", "com.bee.hive")
    assert covers("com.bee", "com.bee")
    assert covers("*", "com.bee")
    assert not covers("com.bee", "com.beehive")
    assert not covers("com.bee", "com.be")
    assert judged_namespace("com") == "com"
    for text in ("", "Com.Bee", "com.", ".com", "com..bee", "com.*", "1com"):
        refused(lambda text=text: judged_namespace(text))


@pytest.mark.parametrize("url", ["https://a.example", "https://a.example:8443/x/", "http://127.0.0.1:9", "http://[::1]/", "http://localhost:1"])
def test_addresses_of_registries(url: str) -> None:
    assert check_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "http://a.example",
        "https://me:pw@a.example",
        "https://a.example/?x=1",
        "https://a.example/#x",
        "https://a b",
        "https://[",
        "https://a/" + "x" * 600,
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    refused(lambda: check_url(url))


def test_who_is_named_best_is_asked_alone() -> None:
    near, far, all_ = peer(OTHER, "com.bee.lab"), peer(THIRD, "com.bee", "org.sea"), peer(publisher("Fourth"), "*", "net.owl")
    whole = listed(near, far, all_)
    assert whom_to_ask(whole, "com.bee.lab.x", is_ours=False) == (near,)
    assert whom_to_ask(whole, "com.bee.x", is_ours=False) == (far,)
    assert whom_to_ask(whole, "net.owl.x", is_ours=True) == (all_,)
    assert whom_to_ask(whole, "dev.cat.x", is_ours=False) == (all_,)
    assert whom_to_ask(whole, "dev.cat.x", is_ours=True) == ()
    assert whom_to_ask(whole, "Not An Id", is_ours=False) == ()


# -- the way


def test_a_clients_own_question_has_the_whole_budget() -> None:
    way = read_way(None, None, ME.id)
    assert way.is_whole
    count, further = way.split(ME.id, 3)
    assert (count, further.via, further.budget) == (3, (ME.id,), (16 - 3) // 3)
    assert way.split(ME.id, 100)[0] == 8
    assert way.split(ME.id, 0) == (0, Way(via=(ME.id,), budget=0))


def test_the_way_ends_at_the_third_registry() -> None:
    way = Way(via=("1" * 64, "2" * 64), budget=5)
    assert way.split(ME.id, 4) == (0, way)
    assert Way(via=("1" * 64,), budget=5).split(ME.id, 4) == (4, Way(via=("1" * 64, ME.id), budget=0))


def test_all_questions_together_stay_within_the_budget() -> None:
    def count(way: Way, fan: int, me: int) -> int:
        asked, further = way.split(f"{me:064x}", fan)
        return asked + sum(count(further, fan, 100 * me + i) for i in range(asked))

    assert max(count(Way(), fan, 1) for fan in range(12)) <= 16


@pytest.mark.parametrize(
    ("via", "budget", "after"),
    [("", "5", 5), (OTHER.id, "99", 16), (OTHER.id, "-1", 0), (OTHER.id, None, 0), (OTHER.id, "x", 0), (OTHER.id, "00", 0), (None, "3", 3)],
)
def test_a_budget_is_never_made_larger(via: str | None, budget: str | None, after: int) -> None:
    way = read_way(via, budget, ME.id)
    assert way.budget == after
    assert not way.is_whole or after == 16
    assert read_way(way.headers()["Mpp-Via"], way.headers()["Mpp-Budget"], ME.id) == way


def test_a_question_that_comes_round_ends() -> None:
    refused(lambda: read_way(f"{OTHER.id}, {ME.id}", "9", ME.id), "registry.loop")
    refused(lambda: read_way(f"{OTHER.id}, {OTHER.id}", "9", ME.id), "registry.loop")
    refused(lambda: read_way("x" * 64, "9", ME.id), "registry.form")
    refused(lambda: read_way(", ".join(f"{i:064x}" for i in range(4)), "9", ME.id), "registry.form")


# -- breakers and kept answers


def test_a_rest_doubles_and_ends_with_one_trial() -> None:
    at = [0.0]
    breakers = Breakers(lambda: at[0])
    for _ in range(3):
        assert breakers.take("x")
        breakers.failed("x", "down")
    assert not breakers.take("x")
    at[0] = 15.0
    assert breakers.take("x")
    assert not breakers.take("x"), "one trial at a time"
    breakers.failed("x", "still down")
    at[0] = 44.0
    assert not breakers.take("x")
    at[0] = 45.0
    assert breakers.take("x")
    breakers.answered("x", 7)
    assert breakers.health("x").answered == 7
    assert all(breakers.take("x") for _ in range(3))
    assert not breakers.take("x"), "three at once"
    for _ in range(40):
        breakers.failed("y", "down")
    assert breakers.health("y").until <= at[0] + 600


def test_what_is_kept_is_bounded_by_number_bytes_and_time() -> None:
    at = [0.0]
    known: Known[str] = Known(lambda: at[0], len, Bounds(entries=3, size=1000, seconds=10, absent_seconds=2))
    for name in "abcd":
        known.keep(name, "x")
    assert (len(known), known.find("a"), known.find("d")) == (3, (False, None), (True, "x"))
    known.keep("e", None)
    assert known.find("e") == (True, None)
    at[0] = 2.0
    assert known.find("e") == (False, None)
    known.keep("big", "x" * 900)
    assert len(known) == 1
    known.keep("larger", "x" * 2000)
    assert len(known) == 0
    known.keep("a", "1")
    at[0] = 13.0
    assert known.find("a") == (False, None)
    known.keep("b", "1")
    known.forget()
    assert (len(known), known.find("b")) == (0, (False, None))


# -- the store


def test_each_change_of_the_list_is_a_leaf_with_the_digest_of_the_file(tmp_path: Path) -> None:
    with registries(tmp_path, "a", "b") as (a, b):
        a.peer(b, "com.bee")
        a.peer(b, "*", introduces=True)
        with a.services.database.read() as rows:
            found, document = peers_of(rows, a.chain), list_document(rows)
            leaf = a.services.ledger.leaf(rows, a.services.ledger.size(rows) - 1)
        assert (found.version, len(found.peers), found.peers[0].namespaces, found.peers[0].introduces) == (2, 1, ("*",), True)
        assert document is not None
        assert sha256(document).hexdigest().encode() in leaf
        assert b"peers.changed" in leaf
        assert remove_peer(a.services, b.id).peers == ()
        refused(lambda: named(found, "0" * 64))
        refused(lambda: named(found, b.id[:15]))
        refused(lambda: add_peer(a.services, Peer(chain=b.chain, url=b.url, namespaces=())))
        refused(lambda: add_peer(a.services, Peer(chain=b.chain, url="http://b.example", namespaces=("*",))))


def test_a_list_is_signed_anew_before_it_grows_old(tmp_path: Path) -> None:
    with registries(tmp_path, "a", "b") as (a, b):
        # Without a list there is nothing to sign.
        assert not renew_peers(a.services)
        a.peer(b, "com.bee")
        with a.services.database.read() as rows:
            first, size = peers_of(rows, a.chain), a.services.ledger.size(rows)
        a.clock.moment += LIST_RENEW_SECONDS - 1
        assert not renew_peers(a.services)
        a.clock.moment += 1
        assert renew_peers(a.services)
        # A second replica, or the next minute, finds a fresh one.
        assert not renew_peers(a.services)
        with a.services.database.read() as rows:
            found, document = peers_of(rows, a.chain), list_document(rows)
            leaf = a.services.ledger.leaf(rows, a.services.ledger.size(rows) - 1)
            assert (found.version, found.at, found.peers) == (first.version + 1, first.at + LIST_RENEW_SECONDS, first.peers)
            assert a.services.ledger.size(rows) == size + 1
            # What only renews leaves no second copy.
            assert rows.one("SELECT COUNT(*) FROM peer_lists") == (1,)
        assert document is not None
        assert sha256(document).hexdigest().encode() in leaf
        assert LIST_RENEW_SECONDS * 2 <= 24 * 3600 <= PEER_LIST_SECONDS_MAX // 2
        # One that says that there are no peers any more is renewed as well: else the one before would be the newest that can be shown.
        remove_peer(a.services, b.id)
        a.clock.moment += LIST_RENEW_SECONDS
        assert renew_peers(a.services)
        with a.services.database.read() as rows:
            assert peers_of(rows, a.chain).peers == ()


def test_two_replicas_sign_it_once(tmp_path: Path) -> None:
    with registries(tmp_path, "a", "b") as (a, b):
        a.peer(b, "com.bee")
        a.clock.moment += LIST_RENEW_SECONDS
        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(lambda _: renew_peers(a.services), range(4))) == [False, False, False, True]


def test_a_list_that_somebody_wrote_into_the_database_asks_nobody(tmp_path: Path) -> None:
    with registries(tmp_path, "a", "b") as (a, b):
        b.put("com.bee.hive")
        document = sign_list(PeerList(registry_id=b.id, version=9, at=NOW, peers=()), b.chain, (b.services.ledger.signer,))
        with a.services.database.write() as rows:
            rows.run("INSERT INTO peer_lists (version, document, sha256, at) VALUES (9, ?, '', 0)", document)
        refused(lambda: a.discover("com.bee.hive"))
        assert not a.cable.asked


def test_private_names(tmp_path: Path) -> None:
    with registries(tmp_path, "a") as (a,):
        keep_private(a.services, "com.acme")
        keep_private(a.services, "com.acme")
        a.put("org.firm.lab.secret", visibility="private")
        a.put("io.host.alice.tool", visibility="private")
        a.put("org.firm.open.tool")
        with a.services.database.read() as rows:
            assert private_namespaces(rows) == ("com.acme",)
            kept = (
                "com.acme",
                "com.acme.x",
                "com.acme.x.y",
                "org.firm.lab.other",
                "org.firm.lab.secret",
                "org.firm.lab.secret.x",
                "org.firm.lab",
                "io.host.alice.x",
            )
            assert [one for one in kept if not is_private(rows, one)] == []
            free = ("com.acmes.x", "org.firm.x", "org.firm.open.other", "io.host.bob.tool", "io.host.alicia.x", "org.firm.labs")
            assert [one for one in free if is_private(rows, one)] == []
        refused(lambda: keep_private(a.services, "*"))
        assert unkeep_private(a.services, "com.acme")
        assert not unkeep_private(a.services, "com.acme")
        assert clear_evidence(a.services, "0" * 64) == 0


def test_what_is_kept_of_others_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that introduces registries without end, each with a fork of its own."""
    from mpp_registry.federation import peers
    from mpp_registry.federation.peers import all_evidence, all_seen, Evidence, home_of, keep_evidence, keep_home, keep_seen, Seen

    for name in ("EVIDENCE_MAX", "SEEN_MAX", "HOMES_MAX"):
        monkeypatch.setattr(peers, name, 2)
    with registries(tmp_path, "a") as (a,), a.services.database.write() as rows:
        for number in range(4):
            keep_evidence(rows, Evidence(registry_id=f"{number}", kind="fork", at=number, words="x", before=b"", after=b""))
            keep_seen(rows, Seen(registry_id=f"{number}", roots=b"r", size=1, root=b"x", note=b"n", at=number))
            keep_home(rows, f"com.example.t{number}", "x", 0)
        keep_seen(rows, Seen(registry_id="1", roots=b"r", size=5, root=b"x", note=b"n", at=9))
        assert [one.registry_id for one in all_evidence(rows)] == ["0", "1"]
        assert {one.registry_id: one.size for one in all_seen(rows).values()} == {"0": 1, "1": 5}
        assert [home_of(rows, f"com.example.t{number}") for number in range(3)] == ["x", "x", ""]
