from __future__ import annotations

import json
import os
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host import trust_store as module
from mpp.host.trust_store import (
    ENTRIES_MAX,
    TrustStore,
    load_chain_file,
    remember_root,
    with_accepted,
    with_first_use,
    find_publisher,
    load_trust_file,
    read_trust,
    with_pin,
    with_publisher,
    without_pin,
    without_publisher,
    write_trust,
)
from mpp.model.jsontext import Json
from mpp.stages.gatekeeper import NO_TRUST, TrustedPublisher, TrustState
from mpp.testing.keys import publisher, rotated
from mpp.testing.packages import trusting

ADA, BOB = publisher("Ada"), publisher("Bob")
ADA2 = rotated(ADA, "2")
D = "ab" * 32
FULL = replace(
    trusting(ADA, BOB, any_package=False),
    pins={"com.example.a": ADA.id},
    prefixes={"org.example.": BOB.id},
    revoked_publishers=frozenset((D,)),
    revoked_content=frozenset((D, "cd" * 32)),
    installed=frozenset((D,)),
    first_use=False,
)


@pytest.mark.parametrize("state", [NO_TRUST, FULL, trusting(ADA2), replace(NO_TRUST, publishers={ADA.id: TrustedPublisher(chain=ADA.chain, until=5)})])
def test_a_state_comes_back(state: TrustState) -> None:
    again = read_trust(write_trust(state), where="t")
    assert again.digest == state.digest
    assert write_trust(again) == write_trust(state)


def test_a_document_may_leave_out_what_is_empty() -> None:
    assert read_trust(b'{"mpp_trust": 1, "publishers": []}', where="t").digest == NO_TRUST.digest


def changed(path: str, item: Json) -> bytes:
    document = json.loads(write_trust(FULL))
    at = document
    *steps, last = path.split("|")
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if item is None:
        del at[last]
    else:
        at[last] = item
    return json.dumps(document).encode()


def row(chain_of: object) -> Json:
    return {"roots": json.loads(chain_of.chain.data)["roots"], "any_package": False}  # type: ignore[attr-defined]


WRONG: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "json"),
    "half a document": (write_trust(FULL)[:-40], "json"),
    "a list": (b"[]", "type"),
    "another version": (changed("mpp_trust", 2), "range"),
    "an unknown key": (changed("trust_all", True), "unknown_key"),
    "more pins than may be": (changed("pins", dict.fromkeys((f"com.example.p{i}" for i in range(ENTRIES_MAX + 1)), D)), "length"),
    "more prefixes than may be": (changed("prefixes", dict.fromkeys((f"com.example.p{i}." for i in range(ENTRIES_MAX + 1)), D)), "length"),
    "publishers as an object": (changed("publishers", {}), "type"),
    "a publisher as a text": (changed("publishers", ["x"]), "type"),
    "a publisher without roots": (changed("publishers|0|roots", None), "missing"),
    "a publisher with no root": (changed("publishers|0|roots", []), "roots"),
    "a publisher with a number that no signed document holds": (changed("publishers|0|roots", [1.5]), "roots"),
    "a publisher whose root is not signed": (changed("publishers|0|roots|0|signatures", []), "roots"),
    "a publisher whose root was changed": (changed("publishers|0|roots|0|signed|name", "Eve"), "roots"),
    "an unknown key of a publisher": (changed("publishers|0|admin", True), "unknown_key"),
    "any_package as a text": (changed("publishers|0|any_package", "yes"), "type"),
    "trust until before 1970": (changed("publishers|0|until", -1), "range"),
    "trust until far beyond": (changed("publishers|0|until", 10**13), "range"),
    "one publisher twice": (changed("publishers", [row(ADA), row(ADA)]), "duplicate"),
    "one publisher at two versions": (changed("publishers", [row(ADA2), row(ADA)]), "duplicate"),
    "pins as a list": (changed("pins", []), "type"),
    "a pin of no package": (changed("pins", {"x y": D}), "form"),
    "a pin of a prefix": (changed("pins", {"com.example.": D}), "form"),
    "a pin to no publisher": (changed("pins", {"com.example.a": "Ada"}), "form"),
    "a prefix without a dot": (changed("prefixes", {"com.example": D}), "form"),
    "a prefix of everything": (changed("prefixes", {".": D}), "form"),
    "an empty prefix": (changed("prefixes", {"": D}), "form"),
    "a short digest": (changed("revoked_content", ["ab"]), "form"),
    "a digest twice": (changed("installed", [D, D]), "duplicate"),
    "a digest that is a number": (changed("revoked_publishers", [1]), "type"),
    "first_use as a number": (changed("first_use", 1), "type"),
}


@pytest.mark.parametrize(("data", "code"), WRONG.values(), ids=WRONG.keys())
def test_half_a_document_is_no_trust(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_trust(data, where="t")
    assert f"trust.{code}" in {fault.code for fault in refusal.value.faults}


# --- the store


def test_an_absent_file_trusts_nobody(tmp_path: Path) -> None:
    assert TrustStore(str(tmp_path / "t.json")).load() is NO_TRUST


def test_changes_are_kept(tmp_path: Path) -> None:
    store = TrustStore(str(tmp_path / "trust" / "t.json"))
    store.change(lambda state: with_publisher(state, ADA.chain))
    after = store.change(lambda state: with_pin(state, "com.example.a", ADA.id))
    assert store.load().digest == after.digest
    assert set(after.publishers) == {ADA.id}
    assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "trust").stat().st_mode) == 0o700


def test_a_failing_change_changes_nothing(tmp_path: Path) -> None:
    store = TrustStore(str(tmp_path / "t.json"))
    store.change(lambda state: with_publisher(state, ADA.chain))
    before = Path(store.path).read_bytes()
    with pytest.raises(Refused):
        store.change(lambda state: with_pin(state, "x.y", find_publisher(state, "nobody")))
    assert Path(store.path).read_bytes() == before


def test_a_damaged_document_is_never_overwritten(tmp_path: Path) -> None:
    store = TrustStore(str(tmp_path / "t.json"))
    Path(store.path).write_bytes(b"{")
    with pytest.raises(Refused):
        store.change(lambda state: with_publisher(state, ADA.chain))
    assert Path(store.path).read_bytes() == b"{"


def test_changes_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    store = TrustStore(str(tmp_path / "t.json"))
    names = [f"com.example.p{i}" for i in range(12)]
    threads = [threading.Thread(target=lambda name=name: store.change(lambda state: with_pin(state, name, ADA.id))) for name in names]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(store.load().pins) == sorted(names)


def test_a_lock_that_cannot_be_taken(tmp_path: Path) -> None:
    store = TrustStore(str(tmp_path / "t.json"))
    (tmp_path / "t.json.lock").mkdir()
    with pytest.raises(HostFailed) as failure:
        store.change(lambda state: state)
    assert failure.value.code == "host.file"


# --- steps


def test_a_publisher_is_kept_at_the_newest_root() -> None:
    state = with_publisher(with_publisher(NO_TRUST, ADA2.chain), ADA.chain)
    assert state.publishers[ADA.id].chain.newest.version == 2
    state = with_publisher(with_publisher(NO_TRUST, ADA.chain), ADA2.chain)
    assert state.publishers[ADA.id].chain.newest.version == 2


@pytest.mark.parametrize(("before", "given", "after"), [(False, False, False), (False, True, True), (True, False, True), (True, True, True)])
def test_a_wider_right_is_not_lost(before: bool, given: bool, after: bool) -> None:
    state = with_publisher(with_publisher(NO_TRUST, ADA.chain, any_package=before), ADA.chain, any_package=given)
    assert state.publishers[ADA.id].any_package is after


def test_pins_and_prefixes() -> None:
    state = with_pin(with_pin(NO_TRUST, "a.b", ADA.id), "a.", BOB.id)
    assert (dict(state.pins), dict(state.prefixes)) == ({"a.b": ADA.id}, {"a.": BOB.id})
    assert without_pin(without_pin(state, "a.b"), "a.").digest == NO_TRUST.digest
    assert without_pin(state, "c.d").digest == state.digest


def test_a_removed_publisher_takes_its_bindings_along() -> None:
    state = without_publisher(FULL, ADA.id)
    assert set(state.publishers) == {BOB.id}
    assert (dict(state.pins), dict(state.prefixes)) == ({}, {"org.example.": BOB.id})
    assert state.revoked_content == FULL.revoked_content


@pytest.mark.parametrize(
    "wanted", ["Ada", ADA.id, ADA.id[:16], ADA.id.upper(), " ".join(ADA.id[i : i + 4] for i in range(0, 64, 4)), ADA.id[:8] + ":" + ADA.id[8:16]]
)
def test_a_publisher_is_found(wanted: str) -> None:
    assert find_publisher(FULL, wanted) == ADA.id


@pytest.mark.parametrize("wanted", ["", "Eve", "x", " ", D, "ada", "Ada ", ADA.id[0], ADA.id[:15], ADA.id[:4] + " " * 20])
def test_no_publisher_is_guessed(wanted: str) -> None:
    with pytest.raises(Refused) as refusal:
        find_publisher(FULL, wanted)
    assert refusal.value.code == "trust.publisher"


def test_two_publishers_of_one_name_are_not_one() -> None:
    from mpp.crypto.roots import extend, root_body

    other = extend(None, root_body(1, "Ada", {"root": ((BOB.root[0].public_key,), 1), "release": ((BOB.release[0].public_key,), 1)}), BOB.root)
    with pytest.raises(Refused, match="2 trusted publishers"):
        find_publisher(with_publisher(FULL, other), "Ada")


def test_a_name_that_is_another_publishers_fingerprint_hits_nobody() -> None:
    twin = publisher(ADA.id[:20])
    state = with_publisher(FULL, twin.chain)
    with pytest.raises(Refused, match="2 trusted publishers"):
        find_publisher(state, ADA.id[:20])
    assert find_publisher(state, "Ada") == ADA.id
    assert find_publisher(state, twin.id) == twin.id


ASKABLE = replace(FULL, first_use=True, revoked_publishers=frozenset())


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (ASKABLE, ""),
        (replace(ASKABLE, first_use=False), "publisher.not_listed"),
        (replace(ASKABLE, revoked_publishers=frozenset((ADA.id,))), "publisher.revoked"),
    ],
)
def test_a_yes_lifts_neither_revocation_nor_fleet(state: TrustState, code: str) -> None:
    for step in (lambda: with_first_use(state, ADA.chain, "com.example.new"), lambda: with_accepted(state, ADA.chain)):
        try:
            after = step()
        except Refused as fault:
            assert fault.code == code
        else:
            assert (code, ADA.id in after.publishers) == ("", True)


def test_a_removed_publisher_is_not_remembered_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is removed by another process after this one looked, and before this one has the lock."""
    store = TrustStore(str(tmp_path / "t.json"))
    store.change(lambda state: with_publisher(state, ADA.chain))
    seen = store.load()
    store.change(lambda state: without_publisher(state, ADA.id))
    real, answers = store.load, [seen]
    monkeypatch.setattr(store, "load", lambda: answers.pop() if answers else real())
    assert remember_root(store, ADA2.chain) is False
    assert real().publishers == {}


def test_a_newer_root_is_remembered_once(tmp_path: Path) -> None:
    store = TrustStore(str(tmp_path / "t.json"))
    assert remember_root(store, ADA2.chain) is False
    store.change(lambda state: with_publisher(state, ADA.chain))
    assert [remember_root(store, chain) for chain in (ADA.chain, ADA2.chain, ADA2.chain, ADA.chain)] == [False, True, False, False]
    assert store.load().publishers[ADA.id].chain == ADA2.chain


def test_a_document_too_large_to_be_read_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = TrustStore(str(tmp_path / "t.json"))
    store.change(lambda state: with_publisher(state, ADA.chain))
    before = Path(store.path).read_bytes()
    monkeypatch.setattr(module, "TRUST_BYTES_MAX", len(before) + 10)
    with pytest.raises(Refused) as refusal:
        store.change(lambda state: with_publisher(state, BOB.chain))
    assert refusal.value.code == "trust.length"
    assert Path(store.path).read_bytes() == before
    store.load()


def test_no_pin_too_many_is_written(tmp_path: Path) -> None:
    store = TrustStore(str(tmp_path / "t.json"))
    full = replace(NO_TRUST, pins={f"com.example.p{i}": D for i in range(ENTRIES_MAX)})
    store.change(lambda _: full)
    with pytest.raises(Refused) as refusal:
        store.change(lambda state: with_pin(state, "com.example.more", D))
    assert refusal.value.code == "trust.length"
    assert store.load().digest == full.digest


@pytest.mark.parametrize("mode", [0o020, 0o002])
@pytest.mark.parametrize("what", ["file", "folder", "folder alone"])
def test_trust_that_others_may_change_is_no_trust(tmp_path: Path, mode: int, what: str) -> None:
    store = TrustStore(str(tmp_path / "trust" / "t.json"))
    store.change(lambda state: with_publisher(state, ADA.chain))
    path = Path(store.path) if what == "file" else Path(store.path).parent
    if what == "folder alone":
        os.unlink(store.path)
    path.chmod(path.stat().st_mode | mode)
    for act in (store.load, lambda: store.change(lambda state: state)):
        with pytest.raises(Refused) as refusal:
            act()
        assert (refusal.value.code, refusal.value.where) == ("trust.mode", str(path))
        assert f"chmod go-w {path}" in refusal.value.faults[0].hint
    path.chmod(path.stat().st_mode & ~0o022)
    store.load()


# --- files


def test_wrong_files_are_the_trust_familys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(ADA.chain.data.replace(b'"Ada"', b'"Eve"'))
    for load in (load_trust_file, load_chain_file):
        with pytest.raises(Refused) as refusal:
            load(str(path))
        assert (refusal.value.code, refusal.value.where.startswith(str(path))) == ("trust.roots", True)
    path.write_bytes(write_trust(FULL))
    monkeypatch.setattr(module, "TRUST_BYTES_MAX", 100)
    for act in (lambda: load_trust_file(str(path)), TrustStore(str(path)).load):
        with pytest.raises(Refused) as refusal:
            act()
        assert refusal.value.code == "trust.length"


def test_a_trust_file(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_bytes(write_trust(FULL))
    assert load_trust_file(str(tmp_path / "t.json")).digest == FULL.digest


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_publisher_document(tmp_path: Path, end: bytes) -> None:
    (tmp_path / "p.json").write_bytes(ADA.chain.data + end)
    state = load_trust_file(str(tmp_path / "p.json"))
    assert set(state.publishers) == {ADA.id}
    assert state.publishers[ADA.id].any_package


@pytest.mark.parametrize("data", [b"", b"[]", b'{"roots":[]}', b"PK\3\4"])
def test_any_other_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(Refused):
        load_trust_file(str(tmp_path / "x"))


def test_a_machine_that_knows_its_publishers_asks_about_none_and_writes_nothing_of_it(tmp_path: Path) -> None:
    path = str(tmp_path / "trust" / "trust.json")
    open_, closed = TrustStore(path), TrustStore(path, known_only=True)
    assert not closed.load().first_use
    closed.change(lambda state: with_pin(state, "com.example.hello", "a" * 64))
    assert open_.load().first_use
    assert closed.load().pins == {"com.example.hello": "a" * 64}
    open_.change(lambda state: replace(state, first_use=False))
    assert closed.load() == open_.load()
