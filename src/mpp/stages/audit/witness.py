"""What a log asks of a witness, and how a witness judges it. Pure.

Spec: audit L-50, L-51; the form is that of C2SP tlog-witness.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from mpp.crypto import base64text
from mpp.errors import Refused
from mpp.ledger.checkpoints import Checkpoint, read_checkpoint
from mpp.ledger.notes import is_signed, Note, NOTE_BYTES_MAX, NoteKey, read_note
from mpp.ledger.tree import EMPTY_ROOT, HASH_BYTES, is_consistent
from mpp.limits import JSON_INT_MAX, KIB
from mpp.model.value import value

REQUEST_BYTES_MAX = 64 * KIB
"""Bytes of what is asked of a witness. Reason: a proof of 63 hashes and a checkpoint with all its signatures have less than twenty thousand."""

PROOF_LINES_MAX = 63
"""Hashes of a consistency proof. Reason: C2SP tlog-witness allows no more; they are enough for each tree that there can be."""

SIZE_TYPE = "text/x.tlog.size"
"""The media type of an answer that says how large the log is that the witness knows."""

ACCEPTED, UNREADABLE, UNSIGNED, UNKNOWN, CONFLICT, INCONSISTENT = 200, 400, 403, 404, 409, 422

_OLD = re.compile(r"old (0|[1-9][0-9]{0,15})")
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,15})\n")


@value
class Asked:
    """One request, read and not judged."""

    old: int
    """The size that the asker believes the witness to know."""
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


@value
class Known:
    """What a witness has signed last for one log."""

    size: int
    root: bytes


NOTHING = Known(size=0, root=EMPTY_ROOT)
"""What a witness knows of a log that it never saw."""


@value
class Accept:
    """To be kept, then cosigned."""

    known: Known


@value
class Turned:
    """Not cosigned."""

    status: int
    why: str
    size: int | None = None
    """With 409: the size that the witness knows."""
    is_fork: bool = False
    """Did the owner of the log's key sign what cannot stand beside what was signed before?"""


Judgement: TypeAlias = "Accept | Turned"


def write_request(old: int, proof: Sequence[bytes], note: bytes) -> bytes:
    lines = (f"old {old}", *(base64text.encode(one) for one in proof), "")
    return "".join(line + "\n" for line in lines).encode("ascii") + note


def read_request(data: bytes, *, where: str) -> Asked:
    """Parse what anybody may have sent."""
    head, gap, note = data.partition(b"\n\n")
    if not gap or len(data) > REQUEST_BYTES_MAX or len(note) > NOTE_BYTES_MAX or not head.isascii():
        raise _unreadable("it is too long, or has no empty line before the checkpoint", where)
    first, *lines = head.decode("ascii").split("\n")
    old = _OLD.fullmatch(first)
    if old is None or int(old[1]) > JSON_INT_MAX:
        raise _unreadable("its first line is not `old` and a size", where)
    if len(lines) > PROOF_LINES_MAX:
        raise _unreadable(f"its proof has more than {PROOF_LINES_MAX} hashes", where)
    found = read_note(note, where=where)
    return Asked(old=int(old[1]), proof=tuple(_hash(line, where) for line in lines), note=found, checkpoint=read_checkpoint(found.text, where=where))


def _hash(line: str, where: str) -> bytes:
    data = base64text.decode(line)
    if data is None or len(data) != HASH_BYTES:
        raise _unreadable("a line of its proof is no hash in base64", where)
    return data


def _unreadable(why: str, where: str) -> Refused:
    return Refused("audit.witness", f"this is no request to a witness: {why}", where=where, hint="send it as C2SP tlog-witness says")


def judge(asked: Asked, known: Known | None, key: NoteKey | None) -> Judgement:
    """Spec: audit L-51, in the order of C2SP tlog-witness. ``key``: that of the log's host; None where the origin is unknown."""
    before, after = known if known is not None else NOTHING, asked.checkpoint
    if key is None or key.name != after.origin:
        return Turned(status=UNKNOWN, why="this log is not known here")
    if not is_signed(asked.note, key):
        return Turned(status=UNSIGNED, why="the checkpoint is not signed by the key of this log")
    if asked.old > after.size:
        return Turned(status=UNREADABLE, why="the old size is larger than that of the checkpoint")
    if asked.old != before.size:
        # Also who goes back ends here: what is smaller than the known size cannot have it as its old size.
        return Turned(status=CONFLICT, why="another size is known here", size=before.size)
    if before.size == after.size > 0 and before.root != after.root:
        return Turned(status=CONFLICT, why="another root of this size is known here", size=before.size, is_fork=True)
    if not is_consistent(before.size, before.root, after.size, after.root, asked.proof):
        return Turned(status=INCONSISTENT, why="the proof does not lead from the known tree to this one")
    return Accept(known=Known(size=after.size, root=after.root))


def read_size(data: bytes, *, where: str) -> int:
    """The body of an answer 409."""
    found = _SIZE.fullmatch(data)
    if found is None or int(found[1]) > JSON_INT_MAX:
        raise Refused("audit.witness", "the witness does not say which size it knows", where=where, hint="ask who runs the witness")
    return int(found[1])


def with_lines(text: str, lines: bytes, *, where: str) -> Note:
    """The checkpoint with the lines that a witness answered.

    Attack: an answer with an empty line of its own moves the end of the text, and its signature stands over something else.
    """
    found = read_note(text.encode("utf-8") + b"\n" + lines, where=where)
    if found.text != text:
        raise Refused("audit.witness", "the witness answers with more than signatures", where=where, hint="ask who runs the witness")
    return found
