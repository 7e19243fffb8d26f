"""T90: forged proofs of a registry. A mirror, a stranger or the registry itself shows what was never so, and each is seen.

What is forged: single bytes of a bundle, of a proof that a package does not exist, and of a request; parts of two bundles or of two registries put
together; a registry that goes back, stands still, or tells two stories; one proof in two forms.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256

import pytest

from mpp.errors import Refused
from mpp.ledger import keymap
from mpp.ledger.keymap import EMPTY, MapProof
from mpp.ledger.tree import is_included, leaf_hash
from mpp.protocol.registry.bundle import Bundle, proven, proven_absent, read_absence, read_bundle, write_absence, write_bundle
from mpp.protocol.registry.checkpoint import followed, read_signed, sign_checkpoint
from mpp.protocol.registry.events import VersionStatusChanged
from mpp.protocol.registry.state import map_key
from mpp.testing.registries import MemoryRegistry, cosigned, digest, witness

HELLO = "com.example.hello"


def made(name: str = "Example Registry", *versions: str) -> MemoryRegistry:
    registry = MemoryRegistry(name)
    for i in range(8):
        registry.publish(f"com.example.n{i}", "1.0.0")
    for version in versions or ("1.0.0", "1.1.0"):
        registry.publish(HELLO, version)
    return registry


@pytest.fixture(scope="module")
def registry() -> MemoryRegistry:
    return made()


def is_refused(data: bytes, registry: MemoryRegistry) -> bool:
    try:
        proven(read_bundle(data), registry.id, now=registry.at)
    except Refused as fault:
        return fault.code.partition(".")[0] in {"registry", "signature"}
    return False


def test_no_byte_of_a_bundle_can_be_changed(registry: MemoryRegistry) -> None:
    data = write_bundle(registry.bundle(HELLO, "1.0.0"))
    assert not is_refused(data, registry)
    # Each byte of the file, and each byte of what stands in it as base64.
    for at in range(0, len(data), 11):
        assert is_refused(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], registry), at
    document = json.loads(data)
    for key in ("checkpoint", "leaf", "value", "map_proof", "line"):
        inner = b64decode(document[key])
        for at in range(0, len(inner), 5):
            changed = inner[:at] + bytes([inner[at] ^ 0x10]) + inner[at + 1 :]
            bad = {**document, key: b64encode(changed).decode()}
            assert is_refused(json.dumps(bad, sort_keys=True, separators=(",", ":")).encode(), registry), (key, at)


def test_no_bundle_can_be_cut_or_grown(registry: MemoryRegistry) -> None:
    data = write_bundle(registry.bundle(HELLO, "1.0.0"))
    for end in range(0, len(data), 7):
        assert is_refused(data[:end], registry)
    for more in (b"\n", b" ", b"{}", b"\x00"):
        assert is_refused(data + more, registry)
        assert is_refused(more + data, registry)
    document = json.loads(data)
    for key in ("inclusion", "line_path"):
        for path in (document[key][:-1], [*document[key], b64encode(EMPTY).decode()], document[key][::-1]):
            if path != document[key]:
                bad = {**document, key: path}
                assert is_refused(json.dumps(bad, sort_keys=True, separators=(",", ":")).encode(), registry)


def test_no_byte_of_an_absence_can_be_changed(registry: MemoryRegistry) -> None:
    data = write_absence(registry.absence("com.example.none"))
    assert proven_absent(read_absence(data), registry.id, "com.example.none", now=registry.at).package_id == "com.example.none"
    for at in range(0, len(data), 4):
        bad = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(Refused):
            proven_absent(read_absence(bad), registry.id, "com.example.none", now=registry.at)


def test_what_exists_cannot_be_shown_absent(registry: MemoryRegistry) -> None:
    """A mirror that wants a name resolved elsewhere."""
    key = map_key(HELLO)
    there, strangers = keymap.prove(registry.nodes, key), [keymap.prove(registry.nodes, map_key(f"com.example.x{i}")) for i in range(60)]
    own = (key, sha256(b"").digest())
    forged = [
        there, replace(there, is_empty=True), replace(there, other=own), replace(there, siblings=there.siblings[:-1], is_empty=True),
        replace(there, siblings=(*there.siblings, EMPTY), is_empty=True), MapProof(siblings=(), is_empty=True), MapProof(siblings=(), other=own), *strangers,
    ]  # fmt: skip
    root = keymap.root_in(registry.nodes)
    assert keymap.proves(root, map_key("com.example.x0"), None, strangers[0])
    for proof in forged:
        with pytest.raises(Refused) as caught:
            proven_absent(replace(registry.absence(HELLO), map_proof=proof), registry.id, HELLO, now=registry.at)
        assert caught.value.code == "registry.proof"


def test_what_is_absent_cannot_be_shown_there(registry: MemoryRegistry) -> None:
    bundle = registry.bundle(HELLO, "1.0.0")
    value = bundle.value.replace(b"com.example.hello", b"com.example.evils")
    for proof in (bundle.map_proof, keymap.prove(registry.nodes, map_key("com.example.evils"))):
        with pytest.raises(Refused) as caught:
            proven(replace(bundle, value=value, map_proof=proof), registry.id, now=registry.at)
        assert caught.value.code == "registry.proof"


def test_a_yanked_version_cannot_be_shown_active() -> None:
    registry = made()
    before = registry.bundle(HELLO, "1.1.0")
    at_that_time = registry.at
    registry.append(VersionStatusChanged(package_id=HELLO, version="1.1.0", status="revoked", reason="malware", by="admin"), at=registry.at + 1000)
    after = registry.bundle(HELLO, "1.1.0", checkpoint=registry.checkpoint(at=registry.at + 1000))
    now = at_that_time + 2000
    assert proven(after, registry.id, now=now, max_age=3600).status == "revoked"
    # What was said before, under the new checkpoint: each part alone, and all together.
    for mixed in (
        replace(after, value=before.value, map_proof=before.map_proof, line=before.line), replace(after, line=before.line),
        replace(after, value=before.value), replace(before, checkpoint=after.checkpoint),
    ):  # fmt: skip
        with pytest.raises(Refused):
            proven(mixed, registry.id, now=now)
    # Freeze: the old bundle as it was. It holds in itself; its age gives it away.
    assert proven(before, registry.id, now=now).status == "active"
    with pytest.raises(Refused) as caught:
        proven(before, registry.id, now=now, max_age=600)
    assert caught.value.code == "registry.stale"


def test_parts_of_two_registries(registry: MemoryRegistry) -> None:
    """The same package at another registry, which anybody can open and which signs what its owner likes."""
    theirs = made("Another Registry", "1.0.0", "1.1.0")
    mine, other = registry.bundle(HELLO, "1.0.0"), theirs.bundle(HELLO, "1.0.0")
    parts = ("roots", "checkpoint", "leaf", "inclusion", "value", "map_proof", "line")
    refusals = 0
    for chosen in range(1, 2 ** len(parts)):
        mixed: Bundle = mine
        for place, name in enumerate(parts):
            if chosen >> place & 1:
                mixed = replace(mixed, **{name: getattr(other, name)})
        if mixed == mine:
            continue
        try:
            found = proven(mixed, registry.id, now=registry.at)
        except Refused:
            refusals += 1
        else:
            # What both registries say word for word is proven by mine all the same.
            assert found.content_hash == digest(HELLO + "@1.0.0")
            assert mixed.checkpoint == mine.checkpoint
    assert refusals > 90
    moved = sign_checkpoint(registry.origin, len(theirs.leaves), bytes(32), bytes(32), theirs.at, theirs.keys.release)
    with pytest.raises(Refused) as caught:
        read_signed(moved.note, registry.keys.chain)
    assert caught.value.code == "registry.unsigned"


def test_a_registry_that_goes_back_or_tells_two_stories(registry: MemoryRegistry) -> None:
    old = registry.checkpoint()
    seen = followed(None, old, ())
    shorter = made("Example Registry", "1.0.0")
    assert shorter.id == registry.id
    with pytest.raises(Refused) as caught:
        followed(seen, shorter.checkpoint(), ())
    assert caught.value.code == "registry.rollback"
    other = made("Example Registry", "1.0.0", "6.6.6", "6.6.7")
    for path in ((), other.consistency(seen.size), registry.consistency(seen.size)):
        with pytest.raises(Refused) as caught:
            followed(seen, other.checkpoint(), path)
        assert caught.value.code == "registry.fork"


def test_a_witness_cannot_be_invented(registry: MemoryRegistry) -> None:
    key, signer = witness()
    _, stranger = witness("stranger")
    true = cosigned(registry.checkpoint(), signer, key.name, registry.at)
    false = cosigned(registry.checkpoint(), stranger, key.name, registry.at)
    for checkpoint, names in ((true, (key.name,)), (false, ())):
        bundle = registry.bundle(HELLO, "1.0.0", checkpoint=checkpoint)
        assert proven(bundle, registry.id, now=registry.at, witnesses=[key]).witnesses == names


def test_a_node_of_the_log_is_no_leaf(registry: MemoryRegistry) -> None:
    """Second preimage: an inner node of the tree passed off as an entry, one level higher."""
    hashes = registry.hashes
    node = hashes[0] + hashes[1]
    size = len(hashes)
    path = registry.bundle("com.example.n0", "1.0.0").inclusion
    root = read_signed(registry.checkpoint().note, registry.keys.chain).root
    for index in range(size):
        for cut in range(len(path)):
            assert not is_included(leaf_hash(node), index, size, path[cut:], root)
    # In the map too leaf and node are hashed differently.
    left, right = map_key("a.b"), map_key("c.d")
    assert sha256(b"\x02" + left + right).digest() != sha256(b"\x03" + left + right).digest()
