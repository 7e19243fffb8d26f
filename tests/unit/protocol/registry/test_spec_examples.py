"""The worked example of spec/registry.md is what the code makes of its inputs, value for value."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from mpp.crypto import base64text
from mpp.ledger import keymap
from mpp.ledger.tree import leaf_hash
from mpp.protocol.registry.bundle import proven, proven_absent, read_bundle, write_bundle
from mpp.protocol.registry.checkpoint import read_signed
from mpp.protocol.registry.requests import check_request, read_request, sign_request
from mpp.protocol.registry.state import map_key, map_value, version_line
from tests.unit.protocol.registry.example import ABSENT, FILE, HELLO, OTHER, registry, release_key

TEXT = (Path(__file__).resolve().parents[4] / "spec" / "registry.md").read_text(encoding="utf-8")
MADE = registry()


def proof_of(package_id: str) -> str:
    return base64text.encode(keymap.write_proof(keymap.prove(MADE.nodes, map_key(package_id))))


def leaf_in_map(package_id: str) -> str:
    value = map_value(MADE.packages[package_id])
    return sha256(keymap.leaf_of(map_key(package_id), sha256(value).digest())).hexdigest()


VALUES = {
    "registry id": MADE.id,
    "bytes of its root document": f"has {len(MADE.keys.chain.data)} bytes",
    "first leaf": leaf_hash(MADE.leaves[0]).hex(),
    "leaf 3": MADE.leaves[3].decode(),
    "its hash": leaf_hash(MADE.leaves[3]).hex(),
    "leaf 6": MADE.leaves[6].decode(),
    "checkpoint": MADE.checkpoint().note.decode(),
    "map root": keymap.root_in(MADE.nodes).hex(),
    "value": map_value(MADE.packages[HELLO]).decode(),
    "proof": proof_of(HELLO),
    "absence": proof_of(ABSENT),
    "bundle": sha256(write_bundle(MADE.bundle(HELLO, "0.1.0"))).hexdigest(),
    "bytes of the bundle": f"{len(write_bundle(MADE.bundle(HELLO, '0.1.0'))):,} bytes with the SHA-256",
    **{f"{one} key": map_key(one).hex() for one in (HELLO, OTHER)},
    **{f"{one} versions": leaf_hash(version_line(MADE.packages[one].versions[0])).hex() for one in (HELLO, OTHER)},
    **{f"{one} value": sha256(map_value(MADE.packages[one])).hexdigest() for one in (HELLO, OTHER)},
    **{f"{one} leaf": leaf_in_map(one) for one in (HELLO, OTHER)},
}


@pytest.mark.parametrize("name", VALUES)
def test_the_text_has_the_value(name: str) -> None:
    assert VALUES[name] in TEXT


def test_the_map_of_two_is_what_the_text_says() -> None:
    """By hand, from the hashes in the table and nothing of ours."""
    hello, other = (bytes.fromhex(leaf_in_map(one)) for one in (HELLO, OTHER))
    inner = sha256(b"\x03" + other + hello).digest()
    assert sha256(b"\x03" + inner + bytes(32)).hexdigest() == VALUES["map root"]
    assert [map_key(one)[0] >> 6 for one in (HELLO, OTHER)] == [0b01, 0b00]
    assert map_key(ABSENT)[0] >> 7 == 1


def test_the_example_holds() -> None:
    now = MADE.at
    assert read_signed(MADE.checkpoint().note, MADE.keys.chain).size == len(MADE.leaves) == 7
    assert proven(read_bundle(write_bundle(MADE.bundle(HELLO, "0.1.0"))), MADE.id, now=now).file_hash == FILE
    assert proven(MADE.bundle(OTHER, "0.1.0"), MADE.id, now=now).status == "yanked"
    assert proven_absent(MADE.absence(ABSENT), MADE.id, ABSENT, now=now).size == 7


def test_the_request_of_the_text() -> None:
    target, nonce, at = "/v1/packages?visibility=public", "0123456789abcdef" * 2, 1_767_225_600
    header = sign_request(release_key(), method="POST", target=target, body_sha256=FILE, audience=MADE.id, at=at, nonce=nonce)
    signed = read_request(header)
    assert signed.payload.decode() in TEXT
    assert base64text.encode(signed.signature) in TEXT
    check_request(signed, method="POST", target=target, body_sha256=FILE, audience=MADE.id, now=at, public=release_key().public_key)
