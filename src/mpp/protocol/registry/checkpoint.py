"""Signed checkpoints of a registry, and what a client remembers of the last one. Pure.

Spec: registry sections 2 and 6.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mpp.crypto import base64text
from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.ledger.checkpoints import Checkpoint, checkpoint_text, read_checkpoint
from mpp.ledger.notes import NoteKey, is_signed, read_note, sign_text, signed_at, write_note
from mpp.ledger.tree import HASH_BYTES, is_consistent
from mpp.model.value import value
from mpp.ports import Signer
from mpp.protocol.registry.limits import SKEW_SECONDS_MAX, TIME_MAX

ORIGIN_PREFIX = "mpp-registry/"
ORIGIN_DIGITS = 32
"""Hex digits of the registry id in an origin. Reason: nobody finds two registries with one origin, and a person can still read it."""

_TIME = re.compile(r"time (0|[1-9][0-9]{0,11})")


@value
class RegistryCheckpoint:
    """The state of a registry at one moment: its log, and the map of its packages."""

    origin: str
    size: int
    root: bytes
    map_root: bytes
    at: int
    note: bytes
    """The signed note that says so."""


@value
class Seen:
    """What a client keeps of the newest checkpoint that it took."""

    origin: str
    size: int
    root: bytes
    at: int


def origin_of(registry_id: str) -> str:
    return ORIGIN_PREFIX + registry_id[:ORIGIN_DIGITS]


def text_of(origin: str, size: int, root: bytes, map_root: bytes, at: int) -> str:
    more = (f"map {base64text.encode(map_root)}", f"time {at}")
    return checkpoint_text(Checkpoint(origin=origin, size=size, root=root, more=more))


def sign_checkpoint(origin: str, size: int, root: bytes, map_root: bytes, at: int, signers: Sequence[Signer]) -> RegistryCheckpoint:
    text = text_of(origin, size, root, map_root, at)
    note = write_note(text, [sign_text(text, origin, signer) for signer in signers])
    return RegistryCheckpoint(origin=origin, size=size, root=root, map_root=map_root, at=at, note=note)


def read_unsigned(note: bytes, *, where: str) -> RegistryCheckpoint:
    """What a note says. Nobody has looked who signed it."""
    try:
        found = read_checkpoint(read_note(note, where=where).text, where=where)
    except Refused as fault:
        raise Refused("registry.checkpoint", fault.message, where=where, hint="get it again from the registry") from None
    if len(found.more) == 2 and found.more[0].startswith("map "):
        map_root, at = base64text.decode(found.more[0][4:]), _TIME.fullmatch(found.more[1])
        if map_root is not None and len(map_root) == HASH_BYTES and at is not None and int(at[1]) <= TIME_MAX:
            return RegistryCheckpoint(origin=found.origin, size=found.size, root=found.root, map_root=map_root, at=int(at[1]), note=note)
    raise Refused("registry.checkpoint", "this is no checkpoint of a registry", where=where, hint="it says the root of its map, and a time")


def log_keys(chain: RootChain) -> tuple[NoteKey, ...]:
    """The keys that may sign checkpoints of this registry now."""
    origin, newest = origin_of(chain.publisher_id), chain.newest
    return tuple(NoteKey(name=origin, public=newest.keys[key]) for key in newest.role("release").keys)


def read_signed(note: bytes, chain: RootChain, *, where: str = "checkpoint") -> RegistryCheckpoint:
    """A checkpoint that this registry signed, with as many keys as its root document asks for."""
    found = read_unsigned(note, where=where)
    # Attack: the checkpoint of another registry, which is soundly signed too.
    if found.origin != origin_of(chain.publisher_id):
        raise Refused("registry.identity", "the checkpoint is of another registry", where=where, hint="ask the registry that you mean")
    read = read_note(note, where=where)
    signed = sum(is_signed(read, key) for key in log_keys(chain))
    needed = chain.newest.role("release").threshold
    if signed < needed:
        message = f"the checkpoint has {signed} of {needed} signatures by the registry's log keys"
        raise Refused("registry.unsigned", message, where=where, hint="get it again from the registry; where its keys have changed, get its root document too")
    return found


def witnessed_by(checkpoint: RegistryCheckpoint, witnesses: Sequence[NoteKey]) -> tuple[tuple[str, int], ...]:
    """The names of those of the witnesses who cosigned it, and when."""
    note = read_note(checkpoint.note, where="checkpoint")
    times = ((key.name, signed_at(note, key)) for key in witnesses)
    return tuple((name, at) for name, at in times if at is not None)


def check_age(checkpoint: RegistryCheckpoint, *, now: int, max_age: int | None, where: str = "checkpoint") -> None:
    """Spec: registry Z-50, Z-51. Attack: a mirror that shows the registry as it was before something was yanked."""
    if checkpoint.at > now + SKEW_SECONDS_MAX:
        raise Refused("registry.early", f"the checkpoint is {checkpoint.at - now} seconds from the future", where=where, hint="set the clock of this machine")
    if max_age is not None and now - checkpoint.at > max_age:
        message = f"the checkpoint is {now - checkpoint.at} seconds old, and may be {max_age}"
        raise Refused("registry.stale", message, where=where, hint="get a new one from the registry, or from another mirror")


def followed(seen: Seen | None, checkpoint: RegistryCheckpoint, path: Sequence[bytes], *, where: str = "checkpoint") -> Seen:
    """What to remember after a checkpoint. ``path`` proves that the log of what was seen is the beginning of this one."""
    now = Seen(origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root, at=checkpoint.at)
    if seen is None:
        return now
    if seen.origin != checkpoint.origin:
        raise Refused("registry.identity", "the checkpoint is of another registry", where=where, hint="ask the registry that you mean")
    if checkpoint.size < seen.size or checkpoint.at < seen.at:
        message = f"the registry shows {checkpoint.size} leaves of {checkpoint.at}, and had {seen.size} of {seen.at}"
        raise Refused("registry.rollback", message, where=where, hint="ask another mirror; report it if the registry itself answers so")
    if not is_consistent(seen.size, seen.root, checkpoint.size, checkpoint.root, path):
        hint = "keep both checkpoints: together they show that the registry told two stories; report it"
        raise Refused("registry.fork", "the log does not go on from the one that was seen before", where=where, hint=hint)
    return now
