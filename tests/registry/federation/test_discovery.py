"""Looking for a package: here first, then at the peers that may answer, and believing proofs alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.errors import MppError, Refused
from mpp.protocol.registry.bundle import proven, read_bundle
from mpp.protocol.registry.found import Found, read_found
from mpp_registry.federation.peers import all_evidence, all_seen, home_of
from tests.registry.federation.worlds import registries, Registry

Three = tuple[Registry, Registry, Registry]


def found(registry: Registry, package_id: str, version: str = "") -> Found:
    return read_found(registry.discover(package_id, version), where="x")


def code_of(registry: Registry, package_id: str, version: str = "") -> str:
    with pytest.raises(MppError) as caught:
        registry.discover(package_id, version)
    return caught.value.code


def test_what_is_here_is_answered_here_and_nobody_is_asked(three: Three) -> None:
    a, _, _ = three
    a.put("org.aaa.tool")
    answer = json.loads(a.discover("org.aaa.tool"))
    assert answer["is_local"] is True
    assert answer["home"]["registry_id"] == a.id
    assert proven(read_bundle(answer["bundle"].encode()), a.id, now=a.clock.now()).package_id == "org.aaa.tool"
    assert not a.cable.asked


def test_a_version_that_a_package_of_ours_lacks_is_not_looked_for_outside(three: Three) -> None:
    a, _, c = three
    a.put("org.aaa.tool", "1.0.0")
    c.put("org.aaa.tool", "2.0.0")
    assert code_of(a, "org.aaa.tool", "2.0.0") == "registry.absent"
    assert not a.cable.asked


def test_a_package_of_a_peer_comes_with_the_proof_of_its_home(three: Three) -> None:
    a, b, _ = three
    b.put("com.bee.hive", "1.0.0")
    b.put("com.bee.hive", "1.2.0")
    one = found(a, "com.bee.hive")
    assert (one.registry_id, one.url, one.version, one.introduced_by) == (b.id, b.url, "1.2.0", ())
    proof = proven(read_bundle(one.bundle), b.id, now=a.clock.now(), known=b.chain)
    assert (proof.package_id, proof.version) == ("com.bee.hive", "1.2.0")
    assert found(a, "com.bee.hive", "1.0.0").version == "1.0.0"
    with a.services.database.read() as rows:
        assert all_seen(rows)[b.id].size == 5
        assert home_of(rows, "com.bee.hive") == b.id


def test_the_newest_is_the_latest_stable_one_else_what_is_left(three: Three) -> None:
    _, b, _ = three
    b.put("com.bee.hive", "2.0.0-beta.1")
    assert found(b, "com.bee.hive").version == "2.0.0-beta.1"
    b.put("com.bee.hive", "1.0.0")
    assert found(b, "com.bee.hive").version == "1.0.0"
    b.withdraw("com.bee.hive", "1.0.0", "yanked")
    assert found(b, "com.bee.hive").version == "2.0.0-beta.1"
    b.withdraw("com.bee.hive", "2.0.0-beta.1")
    assert found(b, "com.bee.hive").version == "2.0.0-beta.1"


def test_only_those_who_are_named_for_a_namespace_are_asked_about_it(three: Three) -> None:
    a, b, c = three
    c.put("com.bee.hive")
    # b has a peer for everything, and would find it at c; but c is no home that a takes for com.bee.
    assert code_of(a, "com.bee.hive") == "registry.absent"
    assert [headers["Mpp-Via"] for name, _, headers in a.cable.asked if name == "c"] == [f"{a.id}, {b.id}"]
    c.put("org.sea.fish")
    assert found(a, "org.sea.fish").registry_id == c.id
    assert not any("fish" in path for path in a.cable.questions("b"))


def test_an_answer_is_kept_for_a_minute_and_a_no_for_some_seconds(three: Three) -> None:
    a, _, c = three
    assert code_of(a, "org.sea.fish") == "registry.absent"
    c.put("org.sea.fish")
    assert code_of(a, "org.sea.fish") == "registry.absent"
    a.moment.at += 16
    assert found(a, "org.sea.fish").version == "1.0.0"
    c.put("org.sea.fish", "1.1.0")
    assert found(a, "org.sea.fish").version == "1.0.0"
    assert len(a.cable.questions("c")) == 2
    a.moment.at += 61
    assert found(a, "org.sea.fish").version == "1.1.0"


def test_a_changed_list_ends_what_was_kept(three: Three) -> None:
    from mpp_registry.federation.peers import remove_peer

    a, _, c = three
    c.put("org.sea.fish")
    found(a, "org.sea.fish")
    remove_peer(a.services, c.id[:16])
    assert code_of(a, "org.sea.fish") == "registry.absent"


def test_one_that_is_down_is_left_alone_after_three_times_and_tried_again(three: Three) -> None:
    a, b, c = three
    c.put("org.sea.fish")
    b.put("com.bee.hive")
    a.cable.down.add("c")
    for number in range(5):
        assert code_of(a, f"org.sea.fish{number}") == "registry.absent"
    assert len(a.cable.questions("c")) == 3
    assert a.federation.discovery.breakers.is_resting(c.id)
    # The other one is not touched by it.
    assert found(a, "com.bee.hive").registry_id == b.id
    a.cable.down.clear()
    a.moment.at += 14
    assert code_of(a, "org.sea.fish") == "registry.absent"
    a.moment.at += 2
    assert found(a, "org.sea.fish").registry_id == c.id
    assert not a.federation.discovery.breakers.is_resting(c.id)


def test_a_no_that_was_cut_short_is_not_kept(three: Three) -> None:
    a, _, c = three
    c.put("org.sea.fish")
    a.cable.down.add("c")
    assert code_of(a, "org.sea.fish") == "registry.absent"
    a.cable.down.clear()
    assert found(a, "org.sea.fish").registry_id == c.id


@pytest.mark.parametrize("status", [408, 409, 429, 503])
def test_a_busy_peer_is_not_held_for_a_broken_one(three: Three, status: int) -> None:
    from dataclasses import replace

    a, _, c = three
    a.cable.twists["c"] = lambda path, headers, answer: replace(answer, status=status)
    for number in range(4):
        assert code_of(a, f"org.sea.fish{number}") == "registry.absent"
    assert a.federation.discovery.breakers.health(c.id).failures == 0
    a.cable.twists.clear()
    c.put("org.sea.fish0")
    assert found(a, "org.sea.fish0").registry_id == c.id


def test_an_unlisted_home_counts_only_by_a_peer_that_may_introduce(tmp_path: Path) -> None:
    with registries(tmp_path, "a", "b", "c") as (a, b, c):
        a.peer(b, "*")
        b.peer(c, "*")
        c.put("org.sea.fish")
        assert code_of(a, "org.sea.fish") == "registry.absent"
        with a.services.database.read() as rows:
            assert all_evidence(rows) == (), "an honest answer that we do not take is no crime"
        a.peer(b, "*", introduces=True)
        one = found(a, "org.sea.fish")
        assert (one.registry_id, one.url, one.introduced_by) == (c.id, c.url, (b.id,))
        assert [headers["Mpp-Via"] for name, _, headers in a.cable.asked if name == "c"] == [f"{a.id}, {b.id}"]


def test_a_home_that_may_not_answer_for_the_name_is_not_believed_through_another(tmp_path: Path) -> None:
    with registries(tmp_path, "a", "b", "c") as (a, b, c):
        a.peer(b, "*", introduces=True)
        a.peer(c, "org.sea")
        b.peer(c, "*")
        c.put("com.bank.pay")
        assert code_of(a, "com.bank.pay") == "registry.absent"


def test_the_log_of_a_home_is_followed_from_answer_to_answer(three: Three) -> None:
    a, _, c = three
    c.put("org.sea.fish")
    found(a, "org.sea.fish")
    c.put("org.sea.crab")
    c.put("org.sea.eel")
    assert found(a, "org.sea.eel").registry_id == c.id
    assert [path for _, path, _ in a.cable.asked if "consistency" in path] == ["/v1/log/consistency?from=3&to=7"]
    with a.services.database.read() as rows:
        assert all_seen(rows)[c.id].size == 7


def test_without_the_proof_of_consistency_an_answer_does_not_count(three: Three) -> None:
    from dataclasses import replace

    a, _, c = three
    c.put("org.sea.fish")
    found(a, "org.sea.fish")
    c.put("org.sea.crab")
    a.cable.twists["c"] = lambda path, headers, answer: replace(answer, status=500) if "consistency" in path else answer
    assert code_of(a, "org.sea.crab") == "registry.absent"
    a.cable.twists["c"] = lambda path, headers, answer: replace(answer, body=b'{"from":3,"to":5,"path":[]}') if "consistency" in path else answer
    assert code_of(a, "org.sea.crab") == "registry.absent"
    with a.services.database.read() as rows:
        assert [one.kind for one in all_evidence(rows)] == ["inconsistent"]
    a.cable.twists.clear()
    assert found(a, "org.sea.crab").registry_id == c.id


def test_many_questions_at_once_are_turned_away(three: Three) -> None:
    a, _, _ = three
    places = a.federation.discovery._places
    taken = 0
    while places.acquire(blocking=False):
        taken += 1
    assert code_of(a, "org.sea.fish") == "registry.busy"
    for _ in range(taken):
        places.release()
    assert code_of(a, "org.sea.fish") == "registry.absent"
    assert taken == 8


def test_names_that_are_none_are_refused_before_anything(three: Three) -> None:
    a, _, _ = three
    with pytest.raises(Refused) as caught:
        a.discover("org.sea.fish", "not a version")
    assert caught.value.code == "registry.parameter"
    with pytest.raises(Refused):
        a.discover("org.sea.fish", headers={"Mpp-Via": "x", "Mpp-Budget": "4"})
    assert not a.cable.asked


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"mpp_discovery":2}', b'{"mpp_discovery":1,"package_id":"org.sea.fish","version":"1.0.0","home":{},"bundle":7}', b"\xff"]
)
def test_what_is_no_answer_is_the_fault_of_its_sender(three: Three, body: bytes) -> None:
    from dataclasses import replace

    a, _, c = three
    a.cable.twists["c"] = lambda path, headers, answer: replace(answer, status=200, body=body)
    assert code_of(a, "org.sea.fish") == "registry.absent"
    assert a.federation.discovery.breakers.health(c.id).failures == 1


@pytest.mark.parametrize("roots", ["", "AAAA", "another's"])
def test_an_introduced_home_brings_its_own_sound_root_documents(tmp_path: Path, roots: str) -> None:
    from base64 import b64encode
    from dataclasses import replace

    with registries(tmp_path, "a", "b", "c") as (a, b, c):
        a.peer(b, "*", introduces=True)
        b.peer(c, "*")
        c.put("org.sea.fish")
        text = b64encode(b.chain.data).decode() if roots == "another's" else roots

        def twist(path: str, headers: object, answer: object) -> object:
            document = json.loads(answer.body)  # type: ignore[attr-defined]
            document["home"]["roots"] = text
            return replace(answer, body=json.dumps(document).encode())  # type: ignore[type-var]

        a.cable.twists["b"] = twist  # type: ignore[assignment]
        assert code_of(a, "org.sea.fish") == "registry.absent"
        a.cable.twists.clear()
        assert found(a, "org.sea.fish").registry_id == c.id


def test_a_root_document_in_the_list_that_parts_from_what_was_seen_closes_the_home(three: Three) -> None:
    from mpp_registry.federation.peers import keep_seen, Seen

    a, _, c = three
    c.put("org.sea.fish")
    found(a, "org.sea.fish")
    a.forget()
    with a.services.database.write() as rows:
        rows.run("DELETE FROM peer_seen")
        keep_seen(rows, Seen(registry_id=c.id, roots=a.chain.data, size=0, root=b"", note=b"", at=0))
    assert code_of(a, "org.sea.fish") == "registry.absent"
