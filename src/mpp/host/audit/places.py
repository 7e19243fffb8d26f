"""The files of a log. Those of the first group prove what happened; the others help to write it. Spec: audit section 3."""

from __future__ import annotations

import os
import re

from mpp.ledger.tiles import Tile
from mpp.model.value import value

_SEGMENT = re.compile(r"([0-9]{16})\.(jsonl|jsonl\.gz|seal|kept)")


@value
class LogPlaces:
    """The folder of one log, and that of its keys."""

    folder: str
    keys: str
    """Where the private keys are: not with the log, so that a copy of the one does not hold the other."""

    @property
    def segments(self) -> str:
        return os.path.join(self.folder, "segments")

    def segment(self, first: int) -> str:
        return os.path.join(self.segments, f"{first:016d}.jsonl")

    def seal(self, first: int) -> str:
        return os.path.join(self.segments, f"{first:016d}.seal")

    def kept(self, first: int) -> str:
        """Of a pruned segment: the lines that proofs need."""
        return os.path.join(self.segments, f"{first:016d}.kept")

    def tile(self, tile: Tile) -> str:
        return os.path.join(self.folder, "tile", tile.path)

    @property
    def checkpoint(self) -> str:
        return os.path.join(self.folder, "checkpoint")

    @property
    def witnessed(self) -> str:
        return os.path.join(self.folder, "witnessed")

    @property
    def head(self) -> str:
        return os.path.join(self.folder, "head")

    @property
    def lock(self) -> str:
        return os.path.join(self.folder, "lock")

    @property
    def sync_lock(self) -> str:
        return os.path.join(self.folder, "sync.lock")

    @property
    def reserve(self) -> str:
        return os.path.join(self.folder, "reserve")

    @property
    def follows(self) -> str:
        """The id of the log that ended before this one."""
        return os.path.join(self.folder, "follows")

    @property
    def torn(self) -> str:
        return os.path.join(self.folder, "torn")

    @property
    def writers(self) -> str:
        return os.path.join(self.folder, "writers")

    def salts(self, first: int) -> str:
        return os.path.join(self.folder, "salts", f"{first:016d}.salts")

    @property
    def vault(self) -> str:
        return os.path.join(self.folder, "vault")

    @property
    def index(self) -> str:
        return os.path.join(self.folder, "index.sqlite")

    @property
    def epoch_key(self) -> str:
        return os.path.join(self.keys, "audit-epoch.key")

    @property
    def next_epoch_key(self) -> str:
        return os.path.join(self.keys, "audit-epoch.next")

    @property
    def user_key(self) -> str:
        return os.path.join(self.keys, "audit-user.key")


def segment_files(folder: str) -> dict[int, set[str]]:
    """The first entry of each segment in ``folder``, in order, with the endings of its files."""
    found: dict[int, set[str]] = {}
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return found
    for name in names:
        match = _SEGMENT.fullmatch(name)
        if match:
            found.setdefault(int(match[1]), set()).add(match[2])
    return dict(sorted(found.items()))
