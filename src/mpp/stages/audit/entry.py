"""An entry: one event with its place in the chain, as one canonical line. Pure.

Spec: audit L-1 to L-5.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import compress

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

_HOLDING = frozenset((list, dict))
"""Of these, empty ones are plain too. An empty number is not: it may be a decimal."""

_PLAIN_OR_HOLDING = _PLAIN | _HOLDING

_SALTED = {name: name.encode("ascii") + b"\0" for name in COMMITS}

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
    """The event's part of a line; ``writer``: of an intent. It is put together by hand: ``canonical`` takes ten times as long. A test holds them equal."""
    try:
        written = event.written
        # Attack: a wrapper that adds a label to the body, and a record that holds the body from before.
        if written is None or written.body is not event.body:
            encoded = _body(event.body, writer)
        else:
            encoded = _with_writer(written.data, writer) if writer else written.data
        commit = _commitments(event.commit, salt) if event.commit else b""
        rest = _ending(event.kind, event.tenant)
        data = b'{"at":%d,"body":%b,"commit":{%b},"invocation":%b,%b' % (event.at, encoded, commit, orjson.dumps(event.invocation), rest)
    except (KeyError, TypeError, ValueError) as fault:
        raise HostFailed("audit.event", f"an event cannot be written: {fault}", where=event.kind, hint="report this as a fault of the host") from None
    if len(data) > EVENT_BYTES_MAX:
        raise HostFailed("audit.event", f"an event has more than {EVENT_BYTES_MAX} bytes", where=event.kind, hint="report this as a fault of the host")
    return data


def _body(body: Mapping[str, Json], writer: str) -> bytes:
    if not _PLAIN.issuperset(map(type, body.values())):
        _check_inside(body.values(), _BODY_DEPTH_MAX)
    encoded = orjson.dumps({**body, "writer": writer} if writer else body, option=_CANONICAL)
    if not encoded.isascii():
        _check_keys(dict(body))
    return encoded


def _with_writer(written: bytes, writer: str) -> bytes:
    """``writer`` stands behind all other keys of an intent."""
    return b'%b%b"writer":%b}' % (written[:-1], b"," if len(written) > 2 else b"", orjson.dumps(writer))


def _commitments(commit: Mapping[str, str], salt: bytes) -> bytes:
    """Inside of the braces; ``salted`` says what each is. Names and digests hold nothing that JSON escapes. A name that no reader knows is refused."""
    out = ""
    for name in sorted(commit) if len(commit) > 1 else commit:
        out += f'"{name}":"{sha256(salt + _SALTED[name] + unhexlify(commit[name])).hexdigest()}",'
    return out[:-1].encode("ascii")


@lru_cache(_ENDINGS_MAX)
def _ending(kind: str, tenant: str) -> bytes:
    return orjson.dumps({"kind": kind, "mpp_event": 1, "tenant": tenant})[1:]


def _check_plain(found: Json, left: int) -> None:
    """The subset of signed documents (K-12): what the writer would take and should not."""
    if isinstance(found, (dict, list)):
        if not left:
            raise ValueError("it is nested too deep to be read again")
        inner = found.values() if isinstance(found, dict) else found
        if not _PLAIN.issuperset(map(type, inner)):
            _check_inside(inner, left - 1)
    elif isinstance(found, float):
        raise ValueError("it holds a decimal number")  # noqa: TRY004 - one error type for the subset
    elif isinstance(found, int) and abs(found) > JSON_INT_MAX:
        # Of a class of its own: plain ones the writer holds to 53 bits.
        raise ValueError("an integer is over 53 bits")


def _check_inside(found: Collection[Json], left: int) -> None:
    """Not all of these are plain. Most that are not are lists and objects, picked out without a step of ours for each value; many of them are empty."""
    if _PLAIN_OR_HOLDING.issuperset(map(type, found)):
        for item in compress(found, map(_HOLDING.__contains__, map(type, found))):
            # An empty one is looked at only where it is one level too many.
            if item or not left:
                _check_plain(item, left)
    else:
        for item in found:
            _check_plain(item, left)


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


def lines_of(events: Sequence[bytes], prev: str, seq: int) -> tuple[bytes, list[str]]:
    """The lines of several, with their line feeds, and the leaf hash of each: ``line_of`` and ``leaf_of`` for each, in one go."""
    lines, leaves = list[bytes](), list[str]()
    for number, event in enumerate(events, seq):
        lines.append(line := b'{"event":%b,"prev":"%b","seq":%d}' % (event, prev.encode(), number))
        leaves.append(prev := sha256(b"\x00" + line).hexdigest())
    lines.append(b"")
    return b"\n".join(lines), leaves


def leaf_of(line: bytes) -> str:
    return sha256(b"\x00" + line).hexdigest()


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
