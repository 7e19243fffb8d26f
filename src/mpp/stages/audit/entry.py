"""An entry: one event with its place in the chain, as one canonical line. Pure.

Spec: audit L-1 to L-5.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256

import orjson

from mpp.crypto import base64text
from mpp.crypto.ed25519 import PUBLIC_BYTES
from mpp.errors import HostFailed, Refused
from mpp.ledger.checkpoints import origin_of
from mpp.limits import JSON_DEPTH_MAX, JSON_INT_MAX
from mpp.model.events import COMMITS, EVENT_BYTES_MAX, Event, event_of
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, read_canonical
from mpp.model.value import value
from mpp.stages.audit.limits import LINE_BYTES_MAX

FIRST_PREV = "0" * 64
FORMAT = 1

_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_PLAIN = frozenset((str, bool, int, type(None)))
"""Kinds of values that the writer takes as the subset has them: of integers it refuses those over 53 bits."""

_SALTED = {name: name.encode("ascii") + b"\0" for name in COMMITS}

_new_hash, _new_leaf = sha256().copy, sha256(b"\x00").copy
"""Copies cost less than new ones, and a line is not copied to stand behind its first byte."""

_ENDINGS_MAX = 256
"""Ends of events that are kept ready. Reason: a process writes a few kinds for a few tenants; each has a hundred bytes."""

_BODY_DEPTH_MAX = JSON_DEPTH_MAX - 3
"""Levels inside a value of a body. Reason: it stands in the body, in the event, in the line."""

_DIGEST = re.compile("[0-9a-f]{64}")
_NONCE = re.compile("[0-9a-f]{32}")
_FOLLOWS = re.compile("([0-9a-f]{64})?")
_TAIL = re.compile(rb',"prev":"([0-9a-f]{64})","seq":(0|[1-9][0-9]{0,15})\}')
_TAIL_BYTES_MAX = len(b',"prev":"","seq":}') + 64 + 16


@value
class Entry:
    seq: int
    prev: str
    leaf: str
    event: Event


@value
class Genesis:
    """Entry 0: whose log it is."""

    log_id: str
    host_key: bytes
    epoch_key: bytes
    follows: str

    @property
    def origin(self) -> str:
        return origin_of(self.log_id)


def encode_event(event: Event, salt: bytes, writer: str = "") -> bytes:
    """The event's part of a line; ``writer``: of an intent. ``canonical`` takes ten times as long; a test holds them equal."""
    try:
        written = event.written
        commit = {name: _commitment(salt, name, digest) for name, digest in event.commit.items()} if event.commit else {}
        # Attack: a wrapper that adds a label to the body, and a record that holds the body from before.
        if written is None or written.body is not event.body:
            data = _encoded(event, commit, writer)
        else:
            body = _with_writer(written.data, writer) if writer else written.data
            rest = orjson.dumps(commit, option=_CANONICAL), orjson.dumps(event.invocation), _ending(event.kind, event.tenant)
            data = b'{"at":%d,"body":%b,"commit":%b,"invocation":%b,%b' % (event.at, body, *rest)
    except (KeyError, TypeError, ValueError) as fault:
        raise HostFailed("audit.event", f"an event cannot be written: {fault}", where=event.kind, hint="report this as a fault of the host") from None
    if len(data) > EVENT_BYTES_MAX:
        raise HostFailed("audit.event", f"an event has more than {EVENT_BYTES_MAX} bytes", where=event.kind, hint="report this as a fault of the host")
    return data


def _encoded(event: Event, commit: Mapping[str, str], writer: str) -> bytes:
    body = event.body
    _check_values(body.values(), _BODY_DEPTH_MAX)
    if writer:
        body = {**body, "writer": writer}
    data = orjson.dumps(
        {"at": event.at, "body": body, "commit": commit, "invocation": event.invocation, "kind": event.kind, "mpp_event": 1, "tenant": event.tenant},
        option=_CANONICAL,
    )
    if not data.isascii():
        _check_keys(body)
    return data


def _with_writer(written: bytes, writer: str) -> bytes:
    """``writer`` stands behind all other keys of an intent."""
    return b'%b%b"writer":%b}' % (written[:-1], b"," if len(written) > 2 else b"", orjson.dumps(writer))


def _commitment(salt: bytes, name: str, digest: str) -> str:
    """``salted`` says what it is. A name that no reader knows is refused."""
    found = _new_hash()
    found.update(salt + _SALTED[name] + unhexlify(digest))
    return found.hexdigest()


@lru_cache(_ENDINGS_MAX)
def _ending(kind: str, tenant: str) -> bytes:
    return orjson.dumps({"kind": kind, "mpp_event": 1, "tenant": tenant})[1:]


def _check_values(found: Iterable[Json], left: int) -> None:
    """The subset of signed documents (K-12): what the writer would take and should not. ``left``: levels that these values may have below them."""
    for item in found:
        if type(item) in _PLAIN:
            continue
        if isinstance(item, (dict, list)):
            if not left:
                raise ValueError("it is nested too deep to be read again")
            _check_values(item.values() if isinstance(item, dict) else item, left - 1)
        elif isinstance(item, float):
            raise ValueError("it holds a decimal number")  # noqa: TRY004 - one error type for the subset
        elif isinstance(item, int) and abs(item) > JSON_INT_MAX:
            # Of a class of its own: plain ones the writer holds to 53 bits.
            raise ValueError("an integer is over 53 bits")


def _check_keys(found: Json) -> None:
    """Only where something is not ASCII: two writers would sort such keys in two ways."""
    if isinstance(found, dict):
        for key, item in found.items():
            if not key.isascii():
                raise ValueError("a key is not ASCII")
            _check_keys(item)
    elif isinstance(found, list):
        for item in found:
            _check_keys(item)


def line_of(encoded: bytes, prev: str, seq: int) -> bytes:
    """The line of an entry, without its line feed."""
    return b'{"event":%b,"prev":"%b","seq":%d}' % (encoded, prev.encode("ascii"), seq)


def lines_of(events: Sequence[bytes], prev: str, seq: int) -> tuple[bytes, list[str], bytes]:
    """The lines of some, with their line feeds, the leaf hash of each but the last, and the last line: who is in a hurry writes before it hashes that."""
    # Not ``list[bytes]()``: that takes longer than a hash, and each entry comes through here.
    lines: list[bytes] = []
    leaves: list[str] = []
    line = b""
    for number, event in enumerate(events, seq):
        if line:
            leaf = _new_leaf()
            leaf.update(line)
            leaves.append(prev := leaf.hexdigest())
        lines.append(line := b'{"event":%b,"prev":"%b","seq":%d}' % (event, prev.encode(), number))
    lines.append(b"")
    return b"\n".join(lines), leaves, line


def leaf_of(line: bytes) -> str:
    leaf = _new_leaf()
    leaf.update(line)
    return leaf.hexdigest()


def tail_of(line: bytes) -> tuple[str, int] | None:
    """``prev`` and ``seq`` of a line, without reading its event; None where the line is none of ours."""
    found = _TAIL.fullmatch(line, max(0, line.rfind(b',"prev":"', -_TAIL_BYTES_MAX)))
    if found is None or not line.startswith(b'{"event":{'):
        return None
    return found[1].decode("ascii"), int(found[2])


def read_entry(line: bytes, *, where: str) -> Entry:
    """Parse one line, without its line feed, strictly."""
    if len(line) > LINE_BYTES_MAX:
        raise Refused("audit.entry", f"an entry has more than {LINE_BYTES_MAX} bytes", where=where, hint="give a log that MPP wrote")
    faults = Faults("audit")
    fields = Fields(read_canonical(line, family="audit", where=where), where, faults)
    prev = fields.text("prev", most=64, least=64, pattern=_DIGEST, form="a SHA-256 in hex")
    seq = fields.number("seq", least=0, most=JSON_INT_MAX)
    found = fields.raw("event")
    fields.end()
    faults.stop()
    return Entry(seq=seq, prev=prev, leaf=leaf_of(line), event=event_of(found, where=f"{where}/event"))


def genesis_body(host_key: bytes, epoch_key: bytes, nonce: bytes, follows: str) -> dict[str, Json]:
    return {"format": FORMAT, "host": base64text.encode(host_key), "key": base64text.encode(epoch_key), "nonce": nonce.hex(), "follows": follows}


def read_genesis(entry: Entry, *, where: str) -> Genesis:
    """Spec: audit L-4."""
    faults = Faults("audit")
    body = Fields(entry.event.body, where, faults)
    body.number("format", least=FORMAT, most=FORMAT)
    host = base64text.read_field(body, "host", PUBLIC_BYTES, PUBLIC_BYTES)
    key = base64text.read_field(body, "key", PUBLIC_BYTES, PUBLIC_BYTES)
    body.text("nonce", most=32, least=32, pattern=_NONCE, form="hex")
    follows = body.text("follows", most=64, least=0, pattern=_FOLLOWS, form="a log id, or empty")
    body.end()
    if entry.event.kind != "log" or entry.seq != 0 or entry.prev != FIRST_PREV or faults.found:
        raise Refused("audit.genesis", "the log does not begin with the entry that says whose it is", where=where, hint="give a log from its first entry on")
    return Genesis(log_id=entry.leaf, host_key=host, epoch_key=key, follows=follows)


def epoch_body(epoch: int, key: bytes) -> dict[str, Json]:
    return {"epoch": epoch, "key": base64text.encode(key)}


def read_epoch(entry: Entry, *, where: str) -> tuple[int, bytes]:
    """The number and the key of the next epoch. Spec: audit L-21."""
    faults = Faults("audit")
    body = Fields(entry.event.body, where, faults)
    epoch = body.number("epoch", least=1, most=JSON_INT_MAX)
    key = base64text.read_field(body, "key", PUBLIC_BYTES, PUBLIC_BYTES)
    body.end()
    if entry.event.kind != "epoch" or faults.found:
        raise Refused("audit.epoch", "the segment does not end with the entry that announces the next key", where=where, hint="restore it from a copy")
    return epoch, key
