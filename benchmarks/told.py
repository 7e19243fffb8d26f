"""What is told without a promise: rates of the parts, and what a hostile file of the largest size costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

import content
from figures import file_of
from measure import Row, compare, fastest

from mpp.crypto.envelope import Envelope, sign, write_envelope
from mpp.errors import Refused
from mpp.limits import MIB
from mpp.model.manifest import read_manifest
from mpp.stages.archive import PUBLISHER_NAME, SIGNATURE_NAME, read_archive, read_member
from mpp.stages.archive.limits import TOTAL_BYTES_MAX
from mpp.stages.gatekeeper import PAYLOAD_TYPE, read_seal, read_wasm, write_statement
from mpp.stages.gatekeeper.wasm_limits import WASM_BYTES_MAX
from mpp.testing import packages, wasm
from mpp.testing.rawzip import RawMember, raw_members, raw_zip

SECONDS_MOST, MEMORY_MOST = 2.0, 100 * MIB


class Hostile(NamedTuple):
    """One hostile file: what the judge's process took above an idle one."""

    what: str
    seconds: float
    memory: int
    code: str

    @property
    def kept(self) -> bool:
        return self.seconds < SECONDS_MOST and self.memory < MEMORY_MOST


def rates(rounds: int) -> Iterator[tuple[str, str]]:
    """Name and rate in words, of each part by itself."""
    many = content.many()
    seconds = fastest(lambda: read_archive(many), rounds)
    yield "read an archive (checks 1 to 3)", f"{seconds / content.SMALL_FILES * 1e6:.1f} us a member"
    archive = read_archive(content.one_member())
    member = max(archive.members, key=lambda one: one.size)
    seconds = fastest(lambda: read_member(archive, member), rounds)
    yield "inflate a member, size and CRC", f"{member.size / MIB / seconds:.0f} MB/s inflated"
    text = json.dumps(packages.manifest()).encode()
    seconds = fastest(lambda: read_manifest(text), rounds * 20)
    yield "read a small manifest", f"{seconds * 1e6:.0f} us ({len(text) / MIB / seconds:.1f} MB/s)"
    module = wasm.module(functions=20_000, body=b"\x41\0\x1a" * 40)
    seconds = fastest(lambda: read_wasm(module), rounds)
    yield f"static rules of a {len(module) / MIB:.1f} MiB module, 20,000 functions", f"{len(module) / MIB / seconds:.0f} MB/s"


def stored_parts(rounds: int) -> Iterator[Row]:
    """Why the stored case is slow: the member digest is a second SHA-256 over the same bytes."""
    data = content.noise(20 * MIB)
    ours, base = compare(lambda: (sha256(data), sha256(data), zlib.crc32(data)), lambda: (sha256(data), zlib.crc32(data)), rounds)
    yield Row("  two SHA-256 + CRC, nothing else", ours, "SHA-256 + CRC", base, None, note="the least that the stored case can reach")


def hostile(folder: str) -> Iterator[Hostile]:
    for what, data in _hostile_files():
        path, size = file_of(data, folder, "hostile.mpp"), len(data)
        del data
        run = subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), "judge.py"), path], check=True, capture_output=True, text=True)
        found = json.loads(run.stdout)
        yield Hostile(what, found["seconds"], found["peak"] - found["before"] - size, found["code"])


def _hostile_files() -> Iterator[tuple[str, bytes]]:
    """The largest files and the largest insides, each spoilt as late as possible, all but the first signed by a trusted publisher."""
    half = TOTAL_BYTES_MAX // 2 - 64 * 1024
    largest = bytearray(content.package({"assets/a": content.noise(half), "assets/b": content.noise(half)}))
    largest[TOTAL_BYTES_MAX // 2] ^= 1
    yield "256 MiB, one byte changed", bytes(largest)
    del largest
    plain = content.text(32 * MIB)
    yield "256 MiB of text inflated, last CRC wrong", spoilt_late(content.package({f"assets/{i}": plain for i in range(7)} | {"assets/z": plain[: 31 * MIB]}))
    # Each 20 KB of noise and zeros shrinks to about a hundredth of that.
    dense = (content.noise(190) + bytes(36_000)) * (32 * MIB // 36_190)
    yield (
        "256 MiB inflated from 2 MiB, last CRC wrong",
        spoilt_late(content.package({f"assets/{i}": dense for i in range(7)} | {"assets/z": dense[: 31 * MIB]})),
    )
    code = wasm.module(custom=[("noise", content.noise(WASM_BYTES_MAX - 200))])
    yield f"an entrypoint of {WASM_BYTES_MAX // MIB} MiB, last CRC wrong", spoilt_late(content.package({packages.ENTRYPOINT: code, "z": b"z"}))


def spoilt_late(data: bytes) -> bytes:
    """A sound package whose last member states a wrong CRC, signed again: nothing is wrong until the last byte has been inflated."""
    archive = read_archive(data)
    seal = read_seal(archive)
    if isinstance(seal, Refused):
        raise seal
    members = raw_members(archive)[:-2]
    members[-1].crc = (members[-1].crc or 0) ^ 1
    payload = write_statement(replace(seal.statement, content_hash=sha256(raw_zip(members)).hexdigest()))
    envelope = Envelope(payload_type=PAYLOAD_TYPE, payload=payload, signatures=sign(PAYLOAD_TYPE, payload, content.PUBLISHER.release))
    ends = [
        RawMember(name=PUBLISHER_NAME.encode(), plain=content.PUBLISHER.chain.data),
        RawMember(name=SIGNATURE_NAME.encode(), plain=write_envelope(envelope)),
    ]
    return raw_zip([*members, *ends])
