"""Whether payloads are kept, for whom, and where the records lie: ``audit/vault.json`` and ``audit/vault/``. Off unless a person turned it on.

Spec: audit L-42.
"""

from __future__ import annotations

import contextlib
import os
import stat

from mpp.crypto import base64text
from mpp.crypto.sealedbox import AES_KEY_BYTES, AES_NONCE_BYTES, PUBLIC_BYTES, aes_seal, seal_to
from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, make_private_folder, read_bounded, sync_folder, write_atomic
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.salts import first_of
from mpp.limits import KIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read
from mpp.model.value import value
from mpp.stages.audit.limits import VAULT_RECORD_BYTES_MAX
from mpp.stages.audit import KEEPS

CONFIG_BYTES_MAX = 4 * KIB
"""Bytes of ``vault.json``. Reason: a key and four words."""

FILES_LISTED_MAX = 100_000
"""Records of one segment that are looked through when some are erased. Reason: a segment has fewer entries."""


@value
class VaultConfig:
    recipient: bytes
    """The X25519 public key of who may open what is kept."""
    keep: tuple[str, ...]
    """Which of ``KEEPS``."""


def config_path(places: LogPlaces) -> str:
    return f"{places.folder}/vault.json"


def load_config(places: LogPlaces) -> VaultConfig | None:
    """How the vault is set; None: it is off."""
    path = config_path(places)
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise HostFailed("audit.vault", f"cannot look how the vault is set: {fault.strerror}", where=path, hint="check who may read it") from None
    # Attack: whoever can write here has the payloads of everybody sealed for a key of their own.
    if not stat.S_ISREG(found.st_mode) or found.st_uid not in {os.geteuid(), 0} or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Refused("audit.vault", "others could change for whom the vault keeps", where=path, hint=f"see who did: ls -l {path}; then: mpp audit vault off")
    return read_config(read_bounded(path, CONFIG_BYTES_MAX), where=path)


def read_config(data: bytes, *, where: str) -> VaultConfig:
    faults = Faults("audit")
    fields = Fields(read(data, family="audit", where=where), where, faults)
    fields.number("mpp_vault", least=1, most=1)
    recipient = base64text.read_field(fields, "recipient", PUBLIC_BYTES, PUBLIC_BYTES)
    keep = fields.texts("keep", most=len(KEEPS), each_most=20, required=True, least=1)
    fields.end()
    if faults.found or not set(keep) <= set(KEEPS):
        raise Refused("audit.vault", "the setting of the vault cannot be read", where=where, hint="set it anew: mpp audit vault on --recipient PUBLIC, or off")
    return VaultConfig(recipient=recipient, keep=keep)


def save_config(places: LogPlaces, config: VaultConfig) -> None:
    make_private_folder(places.folder)
    keep: list[Json] = [*config.keep]
    document: dict[str, Json] = {"mpp_vault": 1, "recipient": base64text.encode(config.recipient), "keep": keep}
    write_atomic(config_path(places), canonical(document) + b"\n", PRIVATE)


def remove_config(places: LogPlaces) -> bool:
    """Turn it off; False where it was."""
    try:
        os.unlink(config_path(places))
        sync_folder(places.folder)
    except FileNotFoundError:
        return False
    except OSError as fault:
        raise HostFailed("audit.vault", f"cannot turn the vault off: {fault.strerror}", where=config_path(places), hint="check who may write it") from None
    return True


def judge_usable(places: LogPlaces, config: VaultConfig) -> None:
    """Before a call runs: what would keep its record from being written. Spec: audit L-42."""
    seal_to(config.recipient, b"")
    aes_seal(bytes(AES_KEY_BYTES), bytes(AES_NONCE_BYTES), b"", b"")
    make_private_folder(places.vault)
    try:
        room = os.statvfs(places.vault)
    except OSError as fault:
        raise HostFailed("audit.vault", f"the vault cannot be used: {fault.strerror}", where=places.vault, hint="check who may write it") from None
    if room.f_bavail * room.f_frsize < 2 * VAULT_RECORD_BYTES_MAX or not os.access(places.vault, os.W_OK | os.X_OK):
        message = "the vault has no room for the record of a call, or may not be written"
        raise HostFailed("audit.vault", message, where=places.vault, hint="make room; nothing runs until then, or: mpp audit vault off")


def record_path(places: LogPlaces, seq: int) -> str:
    """Where the record of the intent with this number lies."""
    return os.path.join(places.vault, f"{first_of(places, seq):016d}", f"{seq}.sealed")


def write_record(places: LogPlaces, seq: int, data: bytes) -> None:
    """Whole or not at all, and never over another."""
    path = record_path(places, seq)
    make_private_folder(os.path.dirname(path))
    write_atomic(path, data, PRIVATE, replace=False)


def read_record(places: LogPlaces, seq: int) -> bytes:
    path = record_path(places, seq)
    if not os.path.lexists(path):
        message = f"the vault holds nothing of entry {seq}: it was off, or the record was erased"
        raise Refused("audit.no_record", message, where=path, hint="see: mpp audit vault status, and mpp audit show")
    return read_bounded(path, VAULT_RECORD_BYTES_MAX)


def remove_records(places: LogPlaces, ranges: list[tuple[int, int]]) -> int:
    """Remove the records of all entries in ``ranges``; how many there were."""
    removed = 0
    with contextlib.suppress(FileNotFoundError):
        for folder in sorted(os.listdir(places.vault)):
            removed += _remove_in(os.path.join(places.vault, folder), ranges)
    return removed


def _remove_in(folder: str, ranges: list[tuple[int, int]]) -> int:
    removed = 0
    try:
        for name in os.listdir(folder)[:FILES_LISTED_MAX]:
            number = name.removesuffix(".sealed")
            if number.isascii() and number.isdecimal() and any(a <= int(number) <= b for a, b in ranges):
                os.unlink(os.path.join(folder, name))
                removed += 1
        sync_folder(folder)
    except OSError as fault:
        raise HostFailed("audit.vault", f"a record cannot be removed: {fault.strerror}", where=folder, hint="call again; what is done stays done") from None
    return removed


def records(places: LogPlaces) -> tuple[int, int]:
    """How many records there are, and their bytes."""
    count = size = 0
    for folder, _, names in os.walk(places.vault):
        for name in names:
            if name.endswith(".sealed"):
                with contextlib.suppress(OSError):
                    size += os.stat(os.path.join(folder, name)).st_size
                    count += 1
    return count, size
