"""Logs, maps and proofs of registries, put together from the words of the specification and none of our own code for them. Spec: registry.md."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from conformance.make.build import NOW, compact
from conformance.make.documents import STRANGER
from mpp.crypto.ed25519 import SeedSigner
from mpp.model.jsontext import Json
from mpp.testing.keys import TestPublisher, publisher

REGISTRY: TestPublisher = publisher("Example Registry")
OTHER_REGISTRY: TestPublisher = publisher("Another Registry")
ALICE, BOB, EVE = sorted(sha256(name).hexdigest() for name in (b"alice", b"bob", b"eve"))
HELLO, OTHER, ABSENT = "com.example.hello", "com.example.other", "com.example.absent"
EMPTY = bytes(32)


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def b64(data: bytes) -> str:
    return b64encode(data).decode()


# -- RFC 6962, section 2.1, by its own recursion


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def _half(count: int) -> int:
    half = 1
    while half * 2 < count:
        half *= 2
    return half


def tree_root(hashes: Sequence[bytes]) -> bytes:
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256(b"").digest()
    half = _half(len(hashes))
    return sha256(b"\x01" + tree_root(hashes[:half]) + tree_root(hashes[half:])).digest()


def tree_path(index: int, hashes: Sequence[bytes]) -> list[bytes]:
    if len(hashes) < 2:
        return []
    half = _half(len(hashes))
    if index < half:
        return [*tree_path(index, hashes[:half]), tree_root(hashes[half:])]
    return [*tree_path(index - half, hashes[half:]), tree_root(hashes[:half])]


def tree_growth(old: int, hashes: Sequence[bytes], *, is_whole: bool = True) -> list[bytes]:
    """Section 2.1.2: that a tree begins with the tree of ``old``."""
    if old == len(hashes):
        return [] if is_whole else [tree_root(hashes)]
    half = _half(len(hashes))
    if old <= half:
        return [*tree_growth(old, hashes[:half], is_whole=is_whole), tree_root(hashes[half:])]
    return [*tree_growth(old - half, hashes[half:], is_whole=False), tree_root(hashes[:half])]


# -- the map, section 4 of registry.md


def map_key(package_id: str) -> bytes:
    return sha256(package_id.encode()).digest()


def bit(key: bytes, depth: int) -> int:
    return int(f"{int.from_bytes(key, 'big'):0256b}"[depth])


def map_leaf(key: bytes, value_hash: bytes) -> bytes:
    return sha256(b"\x02" + key + value_hash).digest()


def map_root(entries: Mapping[bytes, bytes], depth: int = 0) -> bytes:
    if len(entries) < 2:
        return next((map_leaf(key, sha256(value).digest()) for key, value in entries.items()), EMPTY)
    halves = [{key: value for key, value in entries.items() if bit(key, depth) == side} for side in (0, 1)]
    return sha256(b"\x03" + map_root(halves[0], depth + 1) + map_root(halves[1], depth + 1)).digest()


@dataclass(frozen=True, kw_only=True)
class Way:
    """What proves something of a key, before it is bytes."""

    kind: int
    beside: tuple[bytes, ...]
    end: bytes = b""

    @property
    def data(self) -> bytes:
        bits = "".join("1" if one != EMPTY else "0" for one in self.beside)
        bits += "0" * (-len(bits) % 8)
        bitmap = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
        return bytes([self.kind]) + len(self.beside).to_bytes(2, "big") + bitmap + b"".join(one for one in self.beside if one != EMPTY) + self.end


def map_way(entries: Mapping[bytes, bytes], key: bytes) -> Way:
    beside: list[bytes] = []
    here = dict(entries)
    while len(here) > 1:
        depth = len(beside)
        halves = [{name: value for name, value in here.items() if bit(name, depth) == side} for side in (0, 1)]
        beside.append(map_root(halves[1 - bit(key, depth)], depth + 1))
        here = halves[bit(key, depth)]
    if key in here:
        return Way(kind=0, beside=tuple(beside))
    found = next(iter(here.items()), None)
    return Way(kind=1, beside=tuple(beside)) if found is None else Way(kind=2, beside=tuple(beside), end=found[0] + sha256(found[1]).digest())


# -- leaves, values, notes


def leaf(index: int, kind: str, *, at: int | None = None, **more: Json) -> dict[str, Json]:
    return {"mpp_registry_event": 1, "index": index, "at": NOW + index if at is None else at, "kind": kind, **more}


def published(index: int, version: str, *, by: str = ALICE, package_id: str = HELLO, content: str = "") -> dict[str, Json]:
    name = f"{package_id}@{version}"
    return leaf(
        index, "version.published", package_id=package_id, version=version, publisher_id=by, content_hash=digest(content or name), file_hash=digest(name + " file"),
        size=1000,
    )  # fmt: skip


def status(index: int, version: str, word: str, *, by: str = ALICE, package_id: str = HELLO) -> dict[str, Json]:
    return leaf(index, "version.status", package_id=package_id, version=version, status=word, reason="a reason", by=by)


def owners(index: int, *, by: str = ALICE, package_id: str = HELLO, of: Sequence[tuple[str, str]] = ((ALICE, "owner"), (BOB, "maintainer"))) -> dict[str, Json]:
    return leaf(index, "package.owners", package_id=package_id, owners=[{"publisher_id": who, "role": role} for who, role in of], by=by)


def beginning() -> list[dict[str, Json]]:
    """Five leaves: a registry, three publishers, a package that has no version yet."""
    named = [
        leaf(i, "publisher.registered", publisher_id=who, name=f"Publisher {i}", root_version=1, root_sha256=digest(who))
        for i, who in enumerate((ALICE, BOB, EVE), 1)
    ]
    return [leaf(0, "registry.opened", registry_id=REGISTRY.id, name="Example Registry"), *named, owners(4)]


def line(version: str, word: str = "active", *, by: str = ALICE, package_id: str = HELLO) -> bytes:
    name = f"{package_id}@{version}"
    return compact({"version": version, "content_hash": digest(name), "file_hash": digest(name + " file"), "publisher_id": by, "status": word})


def value(lines: Sequence[bytes], *, latest: str, index: int, by: str = ALICE, word: str = "active", package_id: str = HELLO) -> dict[str, Json]:
    root = tree_root([leaf_hash(one) for one in lines]).hex()
    return {"package_id": package_id, "publisher_id": by, "latest": latest, "status": word, "versions": root, "count": len(lines), "index": index}


def log_bytes(leaves: Sequence[Mapping[str, Json] | bytes]) -> bytes:
    return b"".join((one if isinstance(one, bytes) else compact({**one})) + b"\n" for one in leaves)


def note(text: str, *by: SeedSigner, name: str = "") -> bytes:
    """A signed note as C2SP has it."""
    origin = name or text.partition("\n")[0]
    made = text.encode() + b"\n"
    for signer in by:
        hint = sha256(origin.encode() + b"\n\x01" + signer.public_key).digest()[:4]
        made += f"\u2014 {origin} {b64(hint + signer.sign(text.encode()))}\n".encode()
    return made


def cosigned(data: bytes, text: str, name: str, signer: SeedSigner, now: int) -> bytes:
    hint = sha256(name.encode() + b"\n\x04" + signer.public_key).digest()[:4]
    signature = now.to_bytes(8, "big") + signer.sign(f"cosignature/v1\ntime {now}\n{text}".encode())
    return data + f"\u2014 {name} {b64(hint + signature)}\n".encode()


def witness_key(name: str, signer: SeedSigner) -> str:
    raw = b"\x04" + signer.public_key
    hint = sha256(name.encode() + b"\n" + raw).digest()[:4].hex()
    return f"{name}+{hint}+{b64(raw)}"


@dataclass(frozen=True, kw_only=True)
class Log:
    """A registry that was written by hand: its leaves, and what its map says."""

    leaves: Sequence[Mapping[str, Json]]
    values: Mapping[str, Mapping[str, Json]]
    lines: Mapping[str, Sequence[bytes]]
    keys: TestPublisher = field(default_factory=lambda: REGISTRY)

    @property
    def hashes(self) -> list[bytes]:
        return [leaf_hash(compact({**one})) for one in self.leaves]

    @property
    def root(self) -> bytes:
        return tree_root(self.hashes)

    @property
    def entries(self) -> dict[bytes, bytes]:
        return {map_key(name): compact({**one}) for name, one in self.values.items()}

    @property
    def origin(self) -> str:
        return f"mpp-registry/{self.keys.id[:32]}"

    @property
    def at(self) -> int:
        return NOW + len(self.leaves)

    def text(self, *, at: int | None = None, size: int | None = None, root: bytes | None = None, map_hash: bytes | None = None, origin: str = "") -> str:
        lines = (
            origin or self.origin, str(len(self.leaves) if size is None else size), b64(root or self.root), f"map {b64(map_hash or map_root(self.entries))}",
            f"time {self.at if at is None else at}",
        )  # fmt: skip
        return "".join(one + "\n" for one in lines)

    def checkpoint(self, text: str = "", *by: SeedSigner) -> bytes:
        return note(text or self.text(), *(by or self.keys.release))

    def bundle(self, version: str, package_id: str = HELLO, **more: Json) -> dict[str, Json]:
        """The JSON of a bundle; ``more`` takes the place of its keys."""
        index = next(
            i for i, one in enumerate(self.leaves) if one["kind"] == "version.published" and (one["package_id"], one["version"]) == (package_id, version)
        )
        lines = self.lines[package_id]
        place = next(i for i, one in enumerate(lines) if f'"version":"{version}"'.encode() in one)
        return {
            "mpp_bundle": 1, "roots": b64(self.keys.chain.data), "checkpoint": b64(self.checkpoint()), "leaf": b64(compact({**self.leaves[index]})),
            "inclusion": [b64(one) for one in tree_path(index, self.hashes)], "value": b64(self.entries[map_key(package_id)]),
            "map_proof": b64(map_way(self.entries, map_key(package_id)).data), "line": b64(lines[place]), "line_index": place,
            "line_path": [b64(one) for one in tree_path(place, [leaf_hash(one) for one in lines])], **more,
        }  # fmt: skip

    def absence(self, package_id: str = ABSENT, **more: Json) -> dict[str, Json]:
        proof = map_way(self.entries, map_key(package_id)).data
        return {
            "mpp_absence": 1, "roots": b64(self.keys.chain.data), "checkpoint": b64(self.checkpoint()), "package_id": package_id, "map_proof": b64(proof), **more,
        }  # fmt: skip


def example(keys: TestPublisher = REGISTRY) -> Log:
    """Twelve leaves: a package with three versions, of which one is yanked, another package that is revoked, and two more."""
    leaves = [
        *beginning(), published(5, "1.0.0"), published(6, "1.10.0", by=BOB), published(7, "1.9.0-rc.1"), status(8, "1.10.0", "yanked"),
        owners(9, package_id=OTHER), published(10, "0.1.0", package_id=OTHER), status(11, "0.1.0", "revoked", package_id=OTHER),
        owners(12, package_id="com.example.third"), owners(13, package_id="com.example.tenth"),
    ]  # fmt: skip
    # In the order of versions: numbers by their value, a pre-release below its release.
    hello = [line("1.0.0"), line("1.9.0-rc.1"), line("1.10.0", "yanked", by=BOB)]
    other = [line("0.1.0", "revoked", package_id=OTHER)]
    return Log(
        leaves=leaves,
        lines={HELLO: hello, OTHER: other},
        values={
            HELLO: value(hello, latest="1.0.0", index=8),
            OTHER: value(other, latest="", index=11, word="revoked", package_id=OTHER),
            "com.example.third": value([], latest="", index=12, by="", package_id="com.example.third"),
            "com.example.tenth": value([], latest="", index=13, by="", package_id="com.example.tenth"),
        },
        keys=keys,
    )


WITNESS, WITNESS_NAME = STRANGER, "witness.example.com"
