"""A writer of audit logs that follows spec/7-audit.md and shares no line with the product or the verifier. Small, slow, and able to cheat.

A log is a dictionary of file names and bytes, so that a test can damage it before it is written to a folder.
"""

from __future__ import annotations

import json
import struct
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from nacl.signing import SigningKey

Files = dict[str, bytes]
START = 1_790_000_000
NONCE = "0f" * 16


def key_of(name: str) -> SigningKey:
    """The key with this name, the same on each day."""
    return SigningKey(sha256(b"minilog " + name.encode()).digest())


def public(key: SigningKey) -> bytes:
    return bytes(key.verify_key)


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def canonical(found: object) -> bytes:
    return json.dumps(found, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def leaf_hash(line: bytes) -> bytes:
    return sha256(b"\x00" + line).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, word by word."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + root_of(leaves[:half]) + root_of(leaves[half:])).digest()


def inclusion(leaves: Sequence[bytes], seq: int) -> list[bytes]:
    """RFC 6962 section 2.1.1, word by word."""
    if len(leaves) < 2:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if seq < half:
        return [*inclusion(leaves[:half], seq), root_of(leaves[half:])]
    return [*inclusion(leaves[half:], seq - half), root_of(leaves[:half])]


def hint(name: str, algorithm: int, key: SigningKey) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + public(key)).digest()[:4]


def vkey(name: str, algorithm: int, key: SigningKey) -> str:
    """The key as C2SP writes it."""
    return f"{name}+{hint(name, algorithm, key).hex()}+{base64(bytes([algorithm]) + public(key))}"


def signature(text: str, name: str, key: SigningKey) -> str:
    return f"\u2014 {name} {base64(hint(name, 1, key) + key.sign(text.encode()).signature)}\n"


def cosignature(text: str, name: str, key: SigningKey, when: int) -> str:
    signed = key.sign(f"cosignature/v1\ntime {when}\n{text}".encode()).signature
    return f"\u2014 {name} {base64(hint(name, 4, key) + struct.pack('>Q', when) + signed)}\n"


def cosign(note: bytes, *names: str, when: int = START + 60) -> bytes:
    """The note with the cosignatures of these witnesses. The key of a witness has its name."""
    text = note.decode().rpartition("\n\n")[0] + "\n"
    return note + "".join(cosignature(text, name, key_of(name), when) for name in names).encode()


def packed(data: bytes) -> bytes:
    """A gzip file without compression: the same bytes whichever library is installed."""
    blocks = [data[i : i + 65_535] for i in range(0, len(data), 65_535)] or [b""]
    body = b"".join(bytes([at + 1 == len(blocks)]) + struct.pack("<HH", len(one), len(one) ^ 0xFFFF) + one for at, one in enumerate(blocks))
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + body + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFF_FFFF)


def tile_name(level: int, number: int) -> str:
    digits = f"{number:03d}"
    digits = "0" * (-len(digits) % 3) + digits
    parts = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    return f"tile/{level}/" + "/".join(["x" + part for part in parts[:-1]] + parts[-1:])


@dataclass
class MiniLog:
    """Entries and their files. ``key`` gives the key of an epoch; whoever steals one has it too."""

    host: SigningKey = field(default_factory=lambda: key_of("host"))
    name: str = "log"
    follows: str = ""
    nonce: str = NONCE
    genesis: Mapping[str, object] = field(default_factory=dict)
    """Keys of the body of entry 0 that are not as they should be."""
    lines: list[bytes] = field(default_factory=list)
    seals: list[tuple[int, int]] = field(default_factory=list)
    """First entry and size of each sealed segment."""
    files: Files = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.lines:
            body = {"format": 1, "host": base64(public(self.host)), "key": base64(public(self.key(0))), "nonce": self.nonce, "follows": self.follows}
            self.add("log", {**body, **self.genesis})

    def key(self, epoch: int) -> SigningKey:
        return key_of(f"{self.name} epoch {epoch}")

    @property
    def epoch(self) -> int:
        return len(self.seals)

    @property
    def first(self) -> int:
        return self.seals[-1][1] if self.seals else 0

    @property
    def leaves(self) -> list[bytes]:
        return [leaf_hash(line) for line in self.lines]

    @property
    def log_id(self) -> str:
        return leaf_hash(self.lines[0]).hex()

    @property
    def origin(self) -> str:
        return "mpp-audit/" + self.log_id[:32]

    def event(self, kind: str, body: Mapping[str, object] | None = None, **changes: object) -> dict[str, object]:
        seq = len(self.lines)
        found = {"mpp_event": 1, "kind": kind, "at": START + seq, "tenant": "local", "invocation": "", "body": body or {}, "commit": {}}
        return {**found, **changes}

    def line(self, event: object, *, prev: bytes | None = None, seq: int | None = None) -> bytes:
        before = leaf_hash(self.lines[-1]) if self.lines else bytes(32)
        return canonical({"event": event, "prev": (before if prev is None else prev).hex(), "seq": len(self.lines) if seq is None else seq})

    def add(self, kind: str = "policy", body: Mapping[str, object] | None = None, **changes: object) -> bytes:
        self.lines.append(self.line(self.event(kind, body, **changes)))
        return self.lines[-1]

    def fill(self, count: int) -> MiniLog:
        """That many entries of no importance."""
        for _ in range(count):
            self.add(body={"why": f"reason {len(self.lines)}"})
        return self

    def call(self, number: int, *ends: str) -> MiniLog:
        """A call: an intent, and what ends it."""
        for kind in ("intent", *ends):
            self.add(kind, {"tool": "greet"}, invocation=f"{number:032x}")
        return self

    def text(self, size: int | None = None, *, more: Iterable[str] = (), origin: str = "", root: bytes | None = None) -> str:
        count = len(self.lines) if size is None else size
        lines = (origin or self.origin, str(count), base64(root or root_of(self.leaves[:count])), *more)
        return "".join(line + "\n" for line in lines)

    def sign(self, text: str, epoch: int, *, by: Sequence[str] = ("host", "epoch"), epoch_key: SigningKey | None = None) -> bytes:
        """A note by the host and the key of an epoch, under the origin that the text has."""
        origin = text.partition("\n")[0]
        rows = {
            "host": lambda: signature(text, origin, self.host),
            "epoch": lambda: signature(text, f"{origin}/{epoch}", epoch_key or self.key(epoch)),
        }
        return (text + "\n" + "".join(rows[one]() for one in by)).encode()

    def checkpoint(self, size: int | None = None, *, epoch: int | None = None, **changes: object) -> bytes:
        """A checkpoint as the host would sign it now."""
        return self.sign(self.text(size, **changes), self.epoch if epoch is None else epoch)  # type: ignore[arg-type]

    def segment(self, first: int, size: int) -> bytes:
        return b"".join(line + b"\n" for line in self.lines[first:size])

    def seal_lines(self, first: int, size: int, epoch: int) -> list[str]:
        data = self.segment(first, size)
        return [
            f"segment {epoch} {first} {len(data)} {sha256(data).hexdigest()}",
            f"entry {leaf_hash(self.lines[size - 1]).hex()}",
            f"next {base64(public(self.key(epoch + 1)))}",
        ]

    def rotate(self, body: Mapping[str, object] | None = None) -> MiniLog:
        """End the segment: the entry that announces the next key, and the seal."""
        epoch, first = self.epoch, self.first
        self.add("epoch", {"epoch": epoch + 1, "key": base64(public(self.key(epoch + 1))), **(body or {})})
        self.seals.append((first, len(self.lines)))
        self.files[f"segments/{first:016d}.seal"] = self.seal(epoch)
        return self

    def seal(self, epoch: int, *, change: Callable[[list[str]], list[str]] = list, **how: object) -> bytes:
        first, size = self.seals[epoch]
        return self.sign(self.text(size, more=change(self.seal_lines(first, size, epoch))), epoch, **how)  # type: ignore[arg-type]

    def write(self, *, checkpoint: bool = True, tiles: bool = True, packs: Sequence[int] = (), prunes: Sequence[int] = ()) -> Files:
        """All files. The numbers are those of segments that are compressed, or left out."""
        found = dict(self.files)
        for epoch, (first, size) in enumerate([*self.seals, (self.first, len(self.lines))]):
            name, data = f"segments/{first:016d}.jsonl", self.segment(first, size)
            if epoch in packs:
                found[name + ".gz"] = packed(data)
            elif epoch in prunes:
                found[f"segments/{first:016d}.kept"] = b"".join(line + b"\n" for line in [*self.lines[:1][first:], self.lines[size - 1]])
            elif data:
                found[name] = data
        if tiles:
            found |= self.tiles({size for _, size in self.seals} | {len(self.lines)})
        if checkpoint:
            found.setdefault("checkpoint", self.checkpoint())
        return found

    def tiles(self, sizes: Iterable[int]) -> Files:
        """Whole tiles, and the partial ones for trees of these sizes."""
        found, row, level = Files(), self.leaves, 0
        while row:
            for number in range(len(row) // 256):
                found[tile_name(level, number)] = b"".join(row[number * 256 : number * 256 + 256])
            for size in sizes:
                whole = size >> 8 * level
                if whole % 256:
                    number = whole // 256
                    found[f"{tile_name(level, number)}.p/{whole % 256}"] = b"".join(row[number * 256 : whole])
            row = [root_of(row[i * 256 : i * 256 + 256]) for i in range(len(row) // 256)]
            level += 1
        return found

    def proof(self, seq: int, *, checkpoint: bytes | None = None, size: int | None = None, epoch: int | None = None) -> dict[str, object]:
        """Section 8, as an object that a test may still change."""
        count = len(self.lines) if size is None else size
        signer = self.epoch if epoch is None else epoch
        wanted = [0] + ([self.seals[signer - 1][1] - 1] if signer else [])
        rows: list[dict[str, object]] = []
        for one in wanted if seq in wanted[-1:] else [*wanted, seq]:
            rows.append({"seq": one, "line": self.lines[one].decode(), "path": [found.hex() for found in inclusion(self.leaves[:count], one)]})  # noqa: PERF401 - one row is one thing
        note = checkpoint or self.checkpoint(count, epoch=signer)
        return {"mpp_proof": 1, "checkpoint": note.decode(), "entries": rows}


def rechain(lines: Sequence[bytes], begin: int = 0) -> list[bytes]:
    """What anybody can do without a key: give each line its place and its link anew."""
    out: list[bytes] = list(lines[:begin])
    for line in lines[begin:]:
        found = json.loads(line)
        before = leaf_hash(out[-1]).hex() if out else "0" * 64
        out.append(canonical({**found, "prev": before, "seq": len(out)}))
    return out


def edited(line: bytes, why: str = "another reason") -> bytes:
    """The line with another body."""
    found = json.loads(line)
    found["event"]["body"] = {"why": why}
    return canonical(found)


def bit_flipped(note: bytes, which: int = -1) -> bytes:
    """The note with one bit of one of its signatures turned."""
    rows = note.decode().splitlines(keepends=True)
    head, _, encoded = rows[which].rstrip("\n").rpartition(" ")
    data = bytearray(b64decode(encoded))
    data[20] ^= 1
    rows[which] = f"{head} {base64(bytes(data))}\n"
    return "".join(rows).encode()


def unpack(files: Files, folder: Path) -> Path:
    """The files below ``folder``."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder
