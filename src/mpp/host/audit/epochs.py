"""The key of the present epoch, which signs checkpoints and one seal, and is gone after it. Spec: audit L-20 to L-25.

A file system may keep old bytes in places that nobody can overwrite (copies, flash memory). What we can do is done: the bytes are
overwritten and synced before the file goes.
"""

from __future__ import annotations

import contextlib
import os
import re

from mpp.crypto import base64text
from mpp.crypto.ed25519 import SEED_BYTES, SeedSigner
from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, read_bounded, sync_folder, write_atomic
from mpp.host.audit.places import LogPlaces
from mpp.limits import KIB
from mpp.model.value import value
from mpp.ports import Random, Signer

_LINE = re.compile(r"mpp-epoch-1 ([0-9a-f]{64}) (0|[1-9][0-9]{0,15}) ([A-Za-z0-9+/]{43}=)\n")
NO_LOG = "0" * 64
"""The log id in a key that was made before its log."""


@value
class EpochKey:
    log_id: str
    epoch: int
    signer: Signer


def make_key(places: LogPlaces, random: Random, epoch: int, log_id: str, *, is_next: bool) -> EpochKey:
    """A new key on the disk, before anybody hears of it."""
    seed = random.bytes(SEED_BYTES)
    _write(places.next_epoch_key if is_next else places.epoch_key, seed, epoch, log_id)
    return EpochKey(log_id=log_id, epoch=epoch, signer=SeedSigner(seed))


def _write(path: str, seed: bytes, epoch: int, log_id: str) -> None:
    write_atomic(path, f"mpp-epoch-1 {log_id} {epoch} {base64text.encode(seed)}\n".encode("ascii"), PRIVATE)


def read_key_file(path: str) -> EpochKey | None:
    """None where there is no key: no file, or one that has been overwritten."""
    if not os.path.lexists(path):
        return None
    try:
        found = _LINE.fullmatch(read_bounded(path, KIB).decode("ascii", "replace"))
    except Refused:
        return None
    seed = base64text.decode(found[3]) if found else None
    return EpochKey(log_id=found[1], epoch=int(found[2]), signer=SeedSigner(seed)) if found and seed is not None else None


def present_key(places: LogPlaces, epoch: int) -> EpochKey:
    """The key of this epoch, or the log cannot go on."""
    found = read_key_file(places.epoch_key)
    if found is None or found.epoch != epoch:
        raise HostFailed(
            "audit.key", f"the key of epoch {epoch} of the log is gone", where=places.epoch_key, hint="begin a new log: mpp audit restart"
        )  # fmt: skip
    return found


def take_next(places: LogPlaces) -> None:
    """The old private half is overwritten, then the next key takes its place."""
    with contextlib.suppress(FileNotFoundError):
        _overwrite(places.epoch_key)
    os.replace(places.next_epoch_key, places.epoch_key)
    sync_folder(places.keys)


def _overwrite(path: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.pwrite(fd, bytes(os.fstat(fd).st_size), 0)
        os.fsync(fd)
    finally:
        os.close(fd)
