"""What somebody does to a log who can write its folder, with no key, with those of today, or with a log of their own."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from mpp.host.audit.epochs import EpochKey, read_key_file
from mpp.host.audit.log import AuditLog
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.host.audit.reader import LogReader
from mpp.host.audit.signing import signed_checkpoint, signed_seal
from mpp.host.audit.tilefiles import put_tile
from mpp.host.home import Home
from mpp.host.host_key import host_key
from mpp.ledger.checkpoints import Checkpoint, origin_of, Seal
from mpp.ledger.notes import cosign_text, COSIGNATURE, NoteKey, read_note, write_note
from mpp.ledger.tree import leaf_hash, root_of
from mpp.model.events import Event
from mpp.ports import Signer
from mpp.stages.audit.chain import Tree
from mpp.stages.audit.entry import FIRST_PREV, leaf_of, line_of, tail_of
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import NOW, TestClock

ENTRIES = 6
"""Of each segment, with its last one."""


def event(kind: str = "agent", number: int = 0, at: int = NOW, **body: object) -> Event:
    return Event(kind=kind, at=at, tenant="local", invocation=f"{number:032x}", body={"n": number, **body})  # type: ignore[dict-item]


@dataclass
class Forged:
    """A copy of a log, its lines by segment, and every key that was ever used: an attack takes those it says it has."""

    places: LogPlaces
    host: Signer
    epochs: dict[int, EpochKey]
    log_id: str
    lines: list[list[bytes]] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return origin_of(self.log_id)

    @property
    def firsts(self) -> list[int]:
        """Where the segments began; forging does not move them."""
        return list(segment_files(self.places.segments))

    def segment(self, number: int) -> Path:
        return Path(self.places.segment(self.firsts[number]))

    def seal(self, number: int) -> Path:
        return Path(self.places.seal(self.firsts[number]))

    @property
    def checkpoint(self) -> Path:
        return Path(self.places.checkpoint)

    def all_lines(self) -> list[bytes]:
        return [line for lines in self.lines for line in lines]

    def put(self, number: int) -> None:
        self.segment(number).write_bytes(b"".join(line + b"\n" for line in self.lines[number]))

    def edit(self, number: int, at: int) -> None:
        """Another name of the same length in one entry."""
        before = self.lines[number][at]
        self.lines[number][at] = before.replace(b'"tenant":"local"', b'"tenant":"lokal"')
        assert self.lines[number][at] != before

    def rechain(self, number: int = 0) -> None:
        """All lines from this segment on, as if they had been written so."""
        earlier = self.lines[number - 1][-1] if number else None
        prev, seq = (FIRST_PREV, 0) if earlier is None else (leaf_of(earlier), (tail_of(earlier) or ("", -1))[1] + 1)
        for lines in self.lines[number:]:
            for at, line in enumerate(lines):
                lines[at] = new = line_of(line[len(b'{"event":') : line.rindex(b',"prev":"')], prev, seq)
                prev, seq = leaf_of(new), seq + 1

    def put_all(self, number: int = 0) -> None:
        for one in range(number, len(self.lines)):
            self.put(one)

    def root(self, size: int | None = None) -> bytes:
        return root_of([leaf_hash(line) for line in self.all_lines()[:size]])

    def put_tiles(self) -> None:
        """As the entries give them now."""
        shutil.rmtree(os.path.join(self.places.folder, "tile"))
        tree = Tree()
        for number, lines in enumerate(self.lines):
            for tile, data in tree.add([leaf_hash(line) for line in lines]):
                put_tile(self.places, tile, data)
            if number < len(self.lines) - 1:
                for tile, data in tree.partial():
                    put_tile(self.places, tile, data)

    def sign(self, size: int | None = None, *, epoch: int | None = None, root: bytes | None = None) -> None:
        size = len(self.all_lines()) if size is None else size
        key = self.epochs[len(self.lines) - 1 if epoch is None else epoch]
        self.checkpoint.write_bytes(signed_checkpoint(self.log_id, size, root or self.root(size), self.host, key))

    def sign_seal(self, number: int, key: EpochKey, *, root: bytes | None = None) -> None:
        """Segment ``number`` as it is now, sealed by ``key``."""
        size = sum(map(len, self.lines[: number + 1]))
        data = self.segment(number).read_bytes()
        seal = Seal(
            checkpoint=Checkpoint(origin=self.origin, size=size, root=root or self.root(size)), segment=number, first=self.firsts[number], count=len(data),
            sha256=sha256(data).hexdigest(), leaf=leaf_of(self.lines[number][-1]), next_key=self.epochs[number + 1].signer.public_key,
        )  # fmt: skip
        self.seal(number).write_bytes(signed_seal(seal, self.host, key))

    def cut_to(self, segments: int) -> None:
        """Only the first segments, all of them sealed."""
        for first in self.firsts[segments:]:
            for path in (self.places.segment(first), self.places.seal(first)):
                Path(path).unlink(missing_ok=True)
        del self.lines[segments:]


@dataclass
class Kept:
    """A log, and what somebody kept of it elsewhere while it was true."""

    home: Home
    host: Signer
    epochs: dict[int, EpochKey]
    log_id: str
    older: bytes
    """A checkpoint of the second epoch."""
    newest: bytes

    def copy(self, to: Path) -> Forged:
        """The log alone, as somebody takes it in hand."""
        places = LogPlaces(folder=str(to), keys=str(to / "no-keys"))
        shutil.copytree(self.home.log.folder, to)
        for first in segment_files(places.segments):
            path = Path(places.segment(first))
            path.write_bytes(path.read_bytes().rstrip(b"\0"))
        lines = [Path(places.segment(first)).read_bytes().split(b"\n")[:-1] for first in segment_files(places.segments)]
        return Forged(places=places, host=self.host, epochs=self.epochs, log_id=self.log_id, lines=lines)


def make_log(folder: Path, *, segments: int = 3, entries: int = ENTRIES, rest: int = 4, pad: str = "") -> Kept:
    """``segments`` sealed ones of ``entries`` entries, and an open one with ``rest``."""
    home = Home(path=str(folder))
    epochs: dict[int, EpochKey] = {}
    older, number = b"", 0
    with AuditLog(home, clock=TestClock()) as log:
        with log.held():
            pass
        for segment in range(segments + 1):
            is_open = segment == segments
            for _ in range((rest if is_open else entries - 1) - (segment == 0)):
                number += 1
                log.record(event("intent" if number % 2 else "result", (number + 1) // 2, pad=pad))
            found = read_key_file(home.log.epoch_key)
            assert found is not None
            epochs[segment] = found
            if segment == 1:
                log.checkpoint()
                older = Path(home.log.checkpoint).read_bytes()
            if not is_open:
                log.seal()
    log_id = leaf_of(LogReader(home.log).line(0))
    return Kept(home=home, host=host_key(home).signer, epochs=epochs, log_id=log_id, older=older, newest=Path(home.log.checkpoint).read_bytes())


WITNESS = fixed_signer("witness")
WITNESS_KEY = NoteKey(name="witness.example", public=WITNESS.public_key, algorithm=COSIGNATURE)


def witnessed(note: bytes) -> bytes:
    """The checkpoint with the cosignature of a witness."""
    found = read_note(note, where="checkpoint")
    return write_note(found.text, (*found.signatures, cosign_text(found.text, WITNESS_KEY.name, WITNESS, NOW)))
