"""Bundles: what they prove, that no part can be exchanged, and how large they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.ledger import keymap
from mpp.ledger.keymap import MapProof
from mpp.ledger.notes import sign_text, write_note
from mpp.protocol.registry.bundle import Absence, Bundle, proven, proven_absent, read_absence, read_bundle, write_absence, write_bundle
from mpp.protocol.registry.events import VersionStatusChanged
from mpp.protocol.registry.limits import BUNDLE_BYTES_MAX
from mpp.protocol.registry.state import LineProof, map_key, map_value
from mpp.testing.keys import rotated
from mpp.testing.registries import MemoryRegistry, cosigned, digest, witness

HELLO, OTHER = "com.example.hello", "com.example.other"


def made(name: str = "Example Registry") -> MemoryRegistry:
    registry = MemoryRegistry(name)
    for i in range(6):
        registry.publish(f"com.example.n{i}", "1.0.0")
    for version in ("1.0.0", "1.1.0", "2.0.0-rc.1"):
        registry.publish(HELLO, version)
    registry.publish(OTHER, "1.0.0")
    return registry


@pytest.fixture(scope="module")
def registry() -> MemoryRegistry:
    return made()


def code_of(judge: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        judge()
    return caught.value.code


def refusal(bundle: Bundle, registry: MemoryRegistry, *, known: RootChain | None = None) -> str:
    return code_of(lambda: proven(bundle, registry.id, now=registry.at, known=known))


def test_what_a_bundle_proves(registry: MemoryRegistry) -> None:
    data = write_bundle(registry.bundle(HELLO, "1.0.0"))
    bundle = read_bundle(data)
    assert write_bundle(bundle) == data
    found = proven(bundle, registry.id, now=registry.at + 60, max_age=60)
    assert (found.registry_id, found.package_id, found.version, found.publisher_id) == (registry.id, HELLO, "1.0.0", digest("owner"))
    assert (found.content_hash, found.file_hash) == (digest(HELLO + "@1.0.0"), digest(HELLO + "@1.0.0 file"))
    assert (found.status, found.latest, found.package_status) == ("active", "1.1.0", "active")
    assert (found.index, found.size, found.at) == (registry.published[HELLO, "1.0.0"], len(registry.leaves), registry.at)
    assert found.witnesses == ()
    assert found.chain == registry.keys.chain
    assert len(data) < 4000


def test_witnesses_are_named(registry: MemoryRegistry) -> None:
    key, signer = witness()
    note = cosigned(registry.checkpoint(), signer, key.name, registry.at)
    other, _ = witness("witness.example/two")
    found = proven(registry.bundle(HELLO, "1.0.0", checkpoint=note), registry.id, now=registry.at, witnesses=[key, other])
    assert found.witnesses == (key.name,)


def test_what_happened_since_shows() -> None:
    registry = made()
    registry.append(VersionStatusChanged(package_id=HELLO, version="1.1.0", status="yanked", reason="broken", by="admin"))
    found = proven(registry.bundle(HELLO, "1.1.0"), registry.id, now=registry.at)
    assert (found.status, found.latest) == ("yanked", "1.0.0")


def test_age(registry: MemoryRegistry) -> None:
    bundle = registry.bundle(HELLO, "1.0.0")
    assert code_of(lambda: proven(bundle, registry.id, now=registry.at + 61, max_age=60)) == "registry.stale"
    assert code_of(lambda: proven(bundle, registry.id, now=0)) == "registry.early"
    absence = registry.absence("com.example.none")
    assert code_of(lambda: proven_absent(absence, registry.id, "com.example.none", now=registry.at + 61, max_age=60)) == "registry.stale"


def test_whose_bundle_it_is(registry: MemoryRegistry) -> None:
    stranger = made("Another Registry")
    assert refusal(stranger.bundle(HELLO, "1.0.0"), registry) == "registry.identity"
    assert refusal(registry.bundle(HELLO, "1.0.0"), registry, known=stranger.keys.chain) == "registry.identity"
    # The root document of this registry, and all else of the other one.
    assert refusal(replace(stranger.bundle(HELLO, "1.0.0"), roots=registry.keys.chain.data), registry) == "registry.identity"
    assert refusal(replace(registry.bundle(HELLO, "1.0.0"), roots=b"{}"), registry) == "registry.roots"


def test_the_longer_root_document_decides() -> None:
    registry = made()
    old = registry.bundle(HELLO, "1.0.0")
    first = registry.keys
    registry.keys = rotated(first, "second", revoke=True)
    new = registry.bundle(HELLO, "1.0.0")
    assert proven(new, registry.id, now=registry.at, known=first.chain).chain == registry.keys.chain
    assert proven(old, registry.id, now=registry.at, known=first.chain).chain == first.chain
    # Attack: the old root document beside what a stolen key has signed.
    assert refusal(old, registry, known=registry.keys.chain) == "registry.unsigned"
    fork = rotated(first, "other", revoke=True)
    assert refusal(new, registry, known=fork.chain) == "registry.fork"


def test_parts_of_two_bundles(registry: MemoryRegistry) -> None:
    mine, older, other = registry.bundle(HELLO, "1.1.0"), registry.bundle(HELLO, "1.0.0"), registry.bundle(OTHER, "1.0.0")
    cases = {
        "registry.proof": [
            replace(mine, leaf=older.leaf),
            replace(mine, inclusion=older.inclusion),
            replace(mine, inclusion=()),
            replace(mine, value=other.value),
            replace(mine, map_proof=other.map_proof),
            replace(mine, line=LineProof(line=older.line.line, index=mine.line.index, path=mine.line.path)),
            replace(mine, line=LineProof(line=mine.line.line, index=mine.line.index + 1, path=mine.line.path)),
            replace(mine, line=LineProof(line=mine.line.line, index=mine.line.index, path=())),
        ],
        "registry.contradiction": [
            replace(mine, leaf=older.leaf, inclusion=older.inclusion),
            replace(mine, line=older.line),
            replace(mine, value=other.value, map_proof=other.map_proof, line=other.line),
            replace(mine, leaf=other.leaf, inclusion=other.inclusion),
        ],
    }
    for code, bundles in cases.items():
        for bundle in bundles:
            assert refusal(bundle, registry) == code


def test_a_leaf_of_another_kind(registry: MemoryRegistry) -> None:
    mine = registry.bundle(HELLO, "1.0.0")
    index = registry.published[HELLO, "1.0.0"]
    twin = MemoryRegistry()
    twin.leaves, twin.packages, twin.nodes = registry.leaves, registry.packages, registry.nodes
    twin.published = {(HELLO, "1.0.0"): index - 1}
    moved = twin.bundle(HELLO, "1.0.0")
    assert refusal(replace(mine, leaf=moved.leaf, inclusion=moved.inclusion), registry) == "registry.contradiction"


def test_leaves_that_come_after_what_is_said() -> None:
    """Attack: a registry that signs a map which knows less, or more, than its log."""
    registry = made()
    late = registry.bundle(HELLO, "1.0.0", checkpoint=registry.checkpoint(at=registry.at - 100))
    assert code_of(lambda: proven(late, registry.id, now=registry.at)) == "registry.contradiction"
    ahead = MemoryRegistry()
    ahead.leaves, ahead.published = registry.leaves, registry.published
    state = registry.packages[HELLO]
    for index in (1, len(registry.leaves)):
        ahead.packages = {HELLO: replace(state, index=index)}
        ahead.nodes.clear()
        ahead.nodes.update(keymap.update(ahead.nodes, map_key(HELLO), map_value(ahead.packages[HELLO])).nodes)
        assert code_of(lambda: proven(ahead.bundle(HELLO, "1.0.0"), registry.id, now=registry.at)) == "registry.contradiction"


def test_absence(registry: MemoryRegistry) -> None:
    absence = registry.absence("com.example.none")
    data = write_absence(absence)
    assert read_absence(data) == absence
    found = proven_absent(read_absence(data), registry.id, "com.example.none", now=registry.at, max_age=5)
    assert (found.registry_id, found.package_id, found.size, found.at) == (registry.id, "com.example.none", len(registry.leaves), registry.at)
    assert found.witnesses == ()
    for wrong in (registry.absence(HELLO), replace(absence, package_id=HELLO), replace(absence, map_proof=MapProof(siblings=(), is_empty=True))):
        assert code_of(lambda wrong=wrong: proven_absent(wrong, registry.id, wrong.package_id, now=registry.at)) == "registry.proof"  # type: ignore[misc]


def altered(data: bytes, key: str, item: object) -> bytes:
    document = {**json.loads(data), key: item}
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize("key", ["roots", "checkpoint", "leaf", "inclusion", "value", "map_proof", "line", "line_index", "line_path", "mpp_bundle"])
@pytest.mark.parametrize("item", [None, "", "AA", -1, [1], ["AAAA"], ["A" * 44], {}, "x" * 70_000])
def test_a_bundle_is_read_strictly(registry: MemoryRegistry, key: str, item: object) -> None:
    data = write_bundle(registry.bundle(HELLO, "1.0.0"))
    assert code_of(lambda: read_bundle(altered(data, key, item))).startswith("registry.")


def test_a_bundle_has_one_form_and_a_size(registry: MemoryRegistry) -> None:
    data, absence = write_bundle(registry.bundle(HELLO, "1.0.0")), write_absence(registry.absence("com.example.none"))
    for bad in (b"", b"{}", data + b"\n", data[:-1] + b',"z":1}', absence):
        assert code_of(lambda bad=bad: read_bundle(bad)).startswith("registry.")  # type: ignore[misc]
    for bad in (b"", b"{}", absence + b"\n", data):
        assert code_of(lambda bad=bad: read_absence(bad)).startswith("registry.")  # type: ignore[misc]
    for read in (read_bundle, read_absence):
        assert code_of(lambda read=read: read(b" " * (BUNDLE_BYTES_MAX + 1))) == "registry.length"  # type: ignore[misc]
    assert code_of(lambda: write_bundle(replace(registry.bundle(HELLO, "1.0.0"), checkpoint=bytes(60_000)))) == "registry.length"


def test_a_note_without_a_map_is_none_of_a_registry(registry: MemoryRegistry) -> None:
    text = f"{registry.origin}\n{len(registry.leaves)}\n{'A' * 43}=\n"
    note = write_note(text, [sign_text(text, registry.origin, registry.keys.release[0])])
    assert refusal(replace(registry.bundle(HELLO, "1.0.0"), checkpoint=note), registry) == "registry.checkpoint"


def test_absence_of_another(registry: MemoryRegistry) -> None:
    assert code_of(lambda: proven_absent(registry.absence("com.example.none"), registry.id, HELLO, now=registry.at)) == "registry.contradiction"
    absence: Absence = made("Another Registry").absence("com.example.none")
    assert code_of(lambda: proven_absent(absence, registry.id, "com.example.none", now=registry.at)) == "registry.identity"
