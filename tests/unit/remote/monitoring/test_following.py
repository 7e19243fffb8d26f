"""A monitor reads the log, computes what follows, and sees what a registry must not do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from mpp.errors import HostFailed, Refused, RemoteFailed
from mpp.ledger import keymap
from mpp.ledger.notes import COSIGNATURE, NoteKey, read_note, signed_at
from mpp.ledger.tree import leaf_hash, root_of
from mpp.protocol.registry.checkpoint import RegistryCheckpoint, sign_checkpoint
from mpp.protocol.registry.events import Leaf, PublisherRegistered, PublisherRoot, RegistryOpened, VersionPublished, VersionStatusChanged, write_leaf
from mpp.protocol.registry.state import map_key, map_value
from mpp.remote.monitoring.following import Looked, Wanted, look
from mpp.remote.monitoring.growing import Growing, grown, read_growing
from mpp.remote.monitoring.limits import FINDINGS_MAX
from mpp.remote.monitoring.store import Finding, MonitorStore
from mpp.remote.monitoring.witness import Witness, open_witness
from mpp.testing.keys import rotated
from mpp.testing.packages import TestRandom
from mpp.testing.registries import MemoryRegistry, digest
from tests.unit.remote.monitoring.sources import MemorySource, opened

HELLO = "com.example.hello"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MonitorStore]:
    with closing(MonitorStore(str(tmp_path / "state.sqlite"))) as made:
        yield made


@pytest.fixture
def source() -> MemorySource:
    return MemorySource(opened(HELLO, "com.example.other"))


def seen(
    source: MemorySource, store: MonitorStore, *, witness: Witness | None = None, registry_id: str = "", max_age: int | None = 60, later: int = 0
) -> Looked:
    wanted = Wanted(registry_id=registry_id, max_age=max_age, now=source.registry.at + later)
    return look(source, store, wanted, witness, lambda _done, _whole: None)


def refused(source: MemorySource, store: MonitorStore, **more: str) -> Refused:
    with pytest.raises(Refused) as caught:
        seen(source, store, **more)  # type: ignore[arg-type]
    return caught.value


def test_an_honest_registry_holds(source: MemorySource, store: MonitorStore) -> None:
    registry = source.registry
    found = seen(source, store, registry_id=registry.id)
    assert (found.size, found.read, found.packages, found.cosigned) == (6, 6, 2, "no")
    assert found.map_root == keymap.root_in(registry.nodes)
    assert found.root == root_of(registry.hashes)
    assert store.package(HELLO) == registry.packages[HELLO]
    # Nothing new, then something new: only that is read.
    assert seen(source, store).read == 0
    registry.publish(HELLO, "1.1.0")
    registry.append(VersionStatusChanged(package_id=HELLO, version="1.0.0", status="revoked", reason="", by="admin"))
    source.asked.clear()
    assert seen(source, store).read == 2
    assert source.asked == [(6, 2)]
    assert store.findings() == []
    assert store.progress().tree.root == root_of(registry.hashes)


@pytest.mark.parametrize("page", [1, 2, 5])
def test_it_goes_on_where_it_was_ended(source: MemorySource, tmp_path: Path, page: int) -> None:
    source.page = page
    for version in ("1.1.0", "1.2.0", "2.0.0"):
        source.registry.publish(HELLO, version)
    path, size = str(tmp_path / "other.sqlite"), len(source.registry.leaves)
    for fails_at in (page, 2 * page):
        source.fails_at = fails_at
        with closing(MonitorStore(path)) as store:
            if fails_at < size:
                with pytest.raises(RemoteFailed):
                    seen(source, store)
                assert store.progress().tree.size == fails_at
                assert store.progress().note == b""
    source.fails_at = -1
    with closing(MonitorStore(path)) as store:
        assert seen(source, store).packages == 2
        assert store.package(HELLO) == source.registry.packages[HELLO]


def signed(registry: MemoryRegistry, *, root: bytes | None = None, map_root: bytes | None = None, at: int | None = None) -> RegistryCheckpoint:
    return sign_checkpoint(
        registry.origin, len(registry.leaves), root or root_of(registry.hashes), map_root or keymap.root_in(registry.nodes),
        registry.at if at is None else at, registry.keys.release,
    )  # fmt: skip


def test_a_map_that_says_something_else(source: MemorySource, store: MonitorStore) -> None:
    """Clients are shown a version as active that the log says was revoked."""
    registry = source.registry
    seen(source, store)
    before = registry.packages[HELLO]
    registry.append(VersionStatusChanged(package_id=HELLO, version="1.0.0", status="revoked", reason="", by="admin"))
    lie = replace(before, index=registry.packages[HELLO].index)
    registry.packages[HELLO] = lie
    registry.nodes.update(keymap.update(registry.nodes, map_key(HELLO), map_value(lie)).nodes)
    fault = refused(source, store)
    assert fault.code == "registry.mismatch"
    assert fault.exit_code == 41
    assert HELLO in fault.where
    assert '"latest":"1.0.0"' in fault.where
    # It stays found, whatever is shown later.
    source.registry = opened(HELLO, "com.example.other")
    again = refused(source, store)
    assert (again.code, "found before" in again.message) == ("registry.mismatch", True)
    (kept,) = store.findings()
    assert kept.is_final
    assert kept.note == signed(registry).note


def test_a_package_that_only_the_map_knows(source: MemorySource, store: MonitorStore) -> None:
    source.registry.nodes.update(keymap.update(source.registry.nodes, map_key("com.example.ghost"), b"{}").nodes)
    assert refused(source, store).where == "size 6"


def test_packages_of_which_nothing_can_be_shown(source: MemorySource, store: MonitorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    source.note = signed(source.registry, map_root=bytes(32))
    monkeypatch.setattr(source, "bundle", lambda _package, _version: b"{}")
    fault = refused(source, store)
    assert (fault.code, fault.where) == ("registry.mismatch", "size 6")


def forged(registry: MemoryRegistry, change: object, *, index: int | None = None, at: int | None = None) -> None:
    """A leaf that the registry signs, whatever the rules say."""
    place = len(registry.leaves)
    leaf = Leaf(index=place if index is None else index, at=registry.at + 1 if at is None else at, change=change)  # type: ignore[arg-type]
    registry.leaves.append(write_leaf(leaf))


OTHER = VersionPublished(package_id=HELLO, version="1.0.0", publisher_id=digest("owner"), content_hash=digest("x"), file_hash=digest("y"), size=1)


@pytest.mark.parametrize(
    ("change", "more"),
    [
        (OTHER, {}),
        (replace(OTHER, version="2.0.0", publisher_id=digest("stranger")), {}),
        (replace(OTHER, package_id="com.example.none"), {}),
        (RegistryOpened(registry_id=digest("x"), name="Again"), {}),
        (PublisherRegistered(publisher_id=digest("owner"), name="Owner", root_version=2, root_sha256=digest("x")), {}),
        (PublisherRoot(publisher_id=digest("owner"), name="Owner", root_version=1, root_sha256=digest("x")), {}),
        (PublisherRoot(publisher_id=digest("new"), name="New", root_version=2, root_sha256=digest("x")), {}),
        (replace(OTHER, version="2.0.0"), {"index": 3}),
        (replace(OTHER, version="2.0.0"), {"at": 5}),
        (replace(OTHER, version="2.0.0"), {"at": 2_000_000_000}),
    ],
)
def test_leaves_that_the_rules_forbid(source: MemorySource, store: MonitorStore, change: object, more: dict[str, int]) -> None:
    forged(source.registry, change, **more)
    fault = refused(source, store)
    assert fault.code == "registry.rule"
    assert "6" in fault.where
    assert store.progress().tree.size == 0, "nothing of the batch is kept"
    assert [one.is_final for one in store.findings()] == [True]


def test_a_publisher_whose_root_document_grows(source: MemorySource, store: MonitorStore) -> None:
    source.registry.append(PublisherRoot(publisher_id=digest("owner"), name="Owner", root_version=4, root_sha256=digest("x")))
    assert seen(source, store).size == 7
    assert store.root_version(digest("owner")) == 4


def test_a_first_leaf_that_opens_nothing(store: MonitorStore) -> None:
    registry = MemoryRegistry()
    registry.leaves.clear()
    forged(registry, PublisherRegistered(publisher_id=digest("owner"), name="Owner", root_version=1, root_sha256=digest("x")))
    assert refused(MemorySource(registry), store).code == "registry.rule"


def test_a_leaf_that_is_none(source: MemorySource, store: MonitorStore) -> None:
    source.registry.leaves.append(b'{"mpp_registry_event":2}')
    fault = refused(source, store)
    assert fault.code.startswith("registry.")
    assert store.findings()[0].is_final


def test_leaves_that_were_not_signed(source: MemorySource, store: MonitorStore) -> None:
    """Somebody in between; nothing of it stays, and the registry is not to blame for ever."""
    true = source.registry.leaves[3]
    note = source.registry.checkpoint()
    source.registry.leaves[3] = true.replace(b"1.0.0", b"6.6.6")
    source.note = note
    assert refused(source, store).code == "registry.fork"
    assert store.findings() == []
    assert store.progress().tree.size == 0
    source.registry.leaves[3] = true
    assert seen(source, store).size == 6


def test_a_registry_that_goes_back(source: MemorySource, store: MonitorStore) -> None:
    old = source.registry.checkpoint()
    source.registry.publish(HELLO, "1.1.0")
    seen(source, store)
    source.note = old
    assert refused(source, store).code == "registry.rollback"
    source.note = signed(source.registry, at=source.registry.at - 1)
    assert refused(source, store).code == "registry.rollback"
    # A mirror may lag: it is kept and does not decide for ever.
    source.note = None
    assert seen(source, store).size == 7
    assert [(one.code, one.is_final) for one in store.findings()] == [("registry.rollback", False)] * 2


def test_two_states_of_one_size(source: MemorySource, store: MonitorStore) -> None:
    seen(source, store)
    source.note = signed(source.registry, map_root=bytes(32), at=source.registry.at + 1)
    assert refused(source, store).code == "registry.fork"
    source.note = None
    fault = refused(source, store)
    assert "found before" in fault.message
    (kept,) = store.findings()
    assert (kept.before, kept.is_final) == (signed(source.registry).note, True)


def test_a_log_with_another_beginning(source: MemorySource, store: MonitorStore) -> None:
    seen(source, store)
    twin = opened("com.example.evil", "com.example.other", HELLO)
    assert refused(MemorySource(twin), store).code == "registry.fork"


def test_a_look_that_was_ended_before_its_verdict(source: MemorySource, store: MonitorStore) -> None:
    """All leaves are there and no checkpoint: another one of the same size comes."""
    seen(source, store)
    with store.step():
        store.keep_progress(replace(store.progress(), note=b""))
    source.note = signed(source.registry, root=bytes(32))
    assert refused(source, store).code == "registry.fork"
    source.note = None
    assert seen(source, store).read == 0


def test_whose_registry_it_is(source: MemorySource, store: MonitorStore) -> None:
    assert refused(source, store, registry_id=digest("another")).code == "registry.identity"
    seen(source, store)
    assert refused(source, store, registry_id=digest("another")).code == "registry.identity"
    stranger = MemorySource(opened(name="Another Registry"))
    assert refused(stranger, store).code == "registry.identity"


def test_a_registry_that_changes_its_key(source: MemorySource, store: MonitorStore) -> None:
    seen(source, store)
    source.registry.keys = rotated(source.registry.keys, "second", revoke=True)
    source.registry.publish(HELLO, "1.1.0")
    assert seen(source, store).size == 7


def test_a_silent_registry(source: MemorySource, store: MonitorStore) -> None:
    with pytest.raises(Refused) as caught:
        seen(source, store, later=61)
    assert caught.value.code == "registry.stale"
    assert seen(source, store, max_age=None, later=10**6).size == 6


def witness_of(store: MonitorStore, folder: Path, name: str = "monitor.example.org") -> Witness:
    return open_witness(str(folder / "witness.key"), name, store, TestRandom())


def test_a_witness_cosigns_what_held(source: MemorySource, store: MonitorStore, tmp_path: Path) -> None:
    witness = witness_of(store, tmp_path)
    assert seen(source, store, witness=witness).cosigned == "yes"
    note = read_note(source.registry.checkpoint().note + source.cosignatures[0], where="note")
    key = NoteKey(name="monitor.example.org", public=witness.signer.public_key, algorithm=COSIGNATURE)
    assert signed_at(note, key) == source.registry.at
    progress = store.progress()
    assert (progress.signed_size, progress.signed_root) == (6, root_of(source.registry.hashes))
    for status, words in ((409, "gone on"), (404, "--witness"), (403, "--witness")):
        source.status = status
        assert words in seen(source, store, witness=witness).cosigned


def test_a_witness_withholds_its_cosignature(source: MemorySource, store: MonitorStore, tmp_path: Path) -> None:
    witness = witness_of(store, tmp_path)
    source.note = signed(source.registry, map_root=bytes(32))
    for _ in range(2):
        with pytest.raises(Refused):
            seen(source, store, witness=witness)
    assert source.cosignatures == []
    assert store.progress().signed_size == 0


def test_a_witness_does_not_sign_less_than_before(source: MemorySource, store: MonitorStore, tmp_path: Path) -> None:
    witness = witness_of(store, tmp_path)
    seen(source, store, witness=witness)
    progress = store.progress()
    for size, root in ((5, bytes(32)), (6, bytes(32))):
        with pytest.raises(Refused) as caught:
            witness.promised(progress, replace(source.registry.checkpoint(), size=size, root=root))
        assert caught.value.code == "registry.rollback"


def test_the_key_of_a_witness_belongs_to_one_state(source: MemorySource, store: MonitorStore, tmp_path: Path) -> None:
    path = tmp_path / "witness.key"
    with pytest.raises(Refused, match="no name"):
        witness_of(store, tmp_path, name="")
    made = witness_of(store, tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(witness_of(store, tmp_path, name="").key) == str(made.key)
    with closing(MonitorStore(str(tmp_path / "new.sqlite"))) as other, pytest.raises(Refused, match="another state"):
        witness_of(other, tmp_path)
    with pytest.raises(Refused, match="is of the witness"):
        witness_of(store, tmp_path, name="else")
    seen(source, store, witness=made)
    text = path.read_bytes()
    path.write_bytes(b"mpp-witness-1 name AAAA\n")
    with pytest.raises(Refused, match="no key of a witness"):
        witness_of(store, tmp_path)
    path.write_bytes(text)
    path.chmod(0o644)
    with pytest.raises(Refused) as caught:
        witness_of(store, tmp_path)
    assert caught.value.code == "key.mode"
    path.unlink()
    with pytest.raises(Refused, match="that is not there"):
        witness_of(store, tmp_path)


def test_a_tree_that_grows() -> None:
    hashes = [leaf_hash(bytes([i])) for i in range(70)]
    tree = Growing()
    for size in range(70):
        assert tree.root == root_of(hashes[:size])
        assert read_growing(size, tree.data) == tree
        tree = grown(tree, hashes[size : size + 1])
    assert grown(Growing(), hashes).root == root_of(hashes)
    assert read_growing(3, bytes(32)) is None


def test_a_state_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    path.write_bytes(b"no database, and long enough to be looked at as one " * 40)
    path.chmod(0o600)
    with pytest.raises(HostFailed):
        MonitorStore(str(path))
    path.unlink()
    with closing(MonitorStore(str(path))) as made, made.step():
        made._run("DROP TABLE progress")
    with pytest.raises(Refused, match="no state of a monitor"):
        MonitorStore(str(path))
    path.unlink()
    with closing(MonitorStore(str(path))) as made, made.step():
        made.keep_roots(digest("x"), b"")
        made._run("UPDATE about SET format = 2")
    with pytest.raises(Refused, match="another version"):
        MonitorStore(str(path))
    path.unlink()
    path.write_bytes(b"")
    path.chmod(0o666)
    with pytest.raises(Refused, match="others can change"):
        MonitorStore(str(path))
    with pytest.raises(HostFailed):
        MonitorStore(str(tmp_path / "absent" / "x.sqlite"))


def test_a_library_that_loses_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.45.1")
    with pytest.raises(HostFailed, match="can lose"):
        MonitorStore(str(tmp_path / "x.sqlite"))


def test_a_damaged_state(store: MonitorStore, source: MemorySource) -> None:
    seen(source, store)
    with store.step():
        store._run("UPDATE progress SET size = 5")
        store._run("UPDATE progress SET size = 5, peaks = x'00'")
    with pytest.raises(HostFailed, match="damaged"):
        store.progress()
    with pytest.raises(HostFailed), store.step():
        store._run("NO SQL")
    for broken in (lambda: store._one("NO SQL"), lambda: store._all("NO SQL")):
        with pytest.raises(HostFailed):
            broken()


def test_findings_are_bounded(store: MonitorStore) -> None:
    with store.step():
        for i in range(2 * FINDINGS_MAX):
            one = Finding(code="registry.rollback", message="m", place="p", at=i, is_final=False, before=b"", note=b"%d" % (i // 2))
            store.keep_finding(one)
    assert [one.note for one in store.findings()] == [b"%d" % i for i in range(FINDINGS_MAX)]
