"""What a checkpoint says: of which log, how long, which root; and the further lines of a seal. Pure.

Spec: audit L-20, L-22.
"""

from __future__ import annotations

import re

from mpp.crypto import base64text
from mpp.crypto.ed25519 import PUBLIC_BYTES
from mpp.errors import Refused
from mpp.ledger.notes import is_name
from mpp.ledger.tree import HASH_BYTES
from mpp.limits import JSON_INT_MAX
from mpp.model.value import value

ORIGIN_PREFIX = "mpp-audit/"
ORIGIN_DIGITS = 32
"""Hex digits of the log id in an origin. Reason: nobody finds two logs with one origin, and a person can still read it."""

_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@value
class Checkpoint:
    origin: str
    size: int
    root: bytes
    more: tuple[str, ...] = ()
    """Further lines. Whoever signed it knows what they mean."""


@value
class Seal:
    """The end of a segment."""

    checkpoint: Checkpoint
    segment: int
    first: int
    count: int
    sha256: str
    leaf: str
    """Leaf hash of the last entry, in hex."""
    next_key: bytes


def origin_of(log_id: str) -> str:
    return ORIGIN_PREFIX + log_id[:ORIGIN_DIGITS]


def checkpoint_text(checkpoint: Checkpoint) -> str:
    lines = (checkpoint.origin, str(checkpoint.size), base64text.encode(checkpoint.root), *checkpoint.more)
    return "".join(line + "\n" for line in lines)


def read_checkpoint(text: str, *, where: str) -> Checkpoint:
    """The text of a note, which ends with a line feed."""
    lines = text[:-1].split("\n")
    if len(lines) >= 3 and is_name(lines[0]) and all(lines[3:]):
        size, root = _number(lines[1]), base64text.decode(lines[2])
        if size is not None and root is not None and len(root) == HASH_BYTES:
            return Checkpoint(origin=lines[0], size=size, root=root, more=tuple(lines[3:]))
    raise Refused("audit.note", "this is no checkpoint", where=where, hint="it has an origin, a size and a root, each in a line")


def seal_lines(seal: Seal) -> tuple[str, ...]:
    return (
        f"segment {seal.segment} {seal.first} {seal.count} {seal.sha256}",
        f"entry {seal.leaf}",
        f"next {base64text.encode(seal.next_key)}",
    )


def read_seal(checkpoint: Checkpoint, *, where: str) -> Seal:
    """Spec: audit L-22."""
    words = [line.split(" ") for line in checkpoint.more]
    if [(line[0], len(line)) for line in words] == [("segment", 5), ("entry", 2), ("next", 2)]:
        (_, *numbers, digest), (_, leaf), (_, encoded) = words
        found, key = [_number(text) for text in numbers], base64text.decode(encoded)
        segment, first, count = found
        is_right = key is not None and len(key) == PUBLIC_BYTES and _DIGEST.fullmatch(digest) and _DIGEST.fullmatch(leaf)
        if segment is not None and first is not None and count is not None and key is not None and is_right:
            return Seal(checkpoint=checkpoint, segment=segment, first=first, count=count, sha256=digest, leaf=leaf, next_key=key)
    raise Refused("audit.seal", "the seal is not one of a segment", where=where, hint="restore the seal from a copy")


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) and int(text) <= JSON_INT_MAX else None
