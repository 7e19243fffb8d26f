#!/usr/bin/env python3
"""Verifies an audit log of MPP, a proof of one entry or a checkpoint, by spec/7-audit.md alone. One file; the standard library is enough."""
# ruff: noqa: E401, E731, T201 - a script for Python 3.9 and later that prints; imports and small functions take one line each

from __future__ import annotations

import argparse, base64, collections.abc, functools, gzip, hashlib, itertools, json, os, re, sys, zlib

LEVELS = ("chained", "signed", "anchored", "witnessed")
LINE_MAX, EVENT_MAX, NOTE_MAX, FILE_MAX, SEGMENT_MAX = 66_000, 65_536, 65_536, 1 << 20, 64 << 20  # bytes
INT_MAX, TIME_MAX, DEPTH_MAX, FAULTS_MAX = 2**53 - 1, 253_402_300_799, 32, 20


class Fault(Exception):
    """What does not hold, as a row of the report, and how many entries hold in spite of it."""


def need(fact: object, code: str, why: str, file: str = "", entry: int = -1, offset: int = -1, holds: int = INT_MAX) -> None:
    if not fact:
        raise Fault({"code": code, "file": file, "entry": entry, "offset": offset, "why": why}, holds if entry < 0 else min(holds, entry))


# Ed25519, strict: keys.md section 1. A point is X, Y, Z, T. Attack: under a key of small order one signature fits many messages (K-2).
P, ORDER, ZERO, ONE = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493, (0, 1, 1, 0), bytes([1]) + bytes(31)  # ONE: ZERO encoded
D = -121665 * pow(121666, -1, P) % P
_encode = lambda point: (point[1] * pow(point[2], -1, P) % P | (point[0] * pow(point[2], -1, P) % P & 1) << 255).to_bytes(32, "little")
_times = lambda k, point: _add(_times(k >> 1, _add(point, point)), point if k & 1 else ZERO) if k else ZERO
valid_key = functools.lru_cache(1024)(lambda key: len(key) == 32 and _decode(key) is not None and key != ONE == _encode(_times(ORDER, _decode(key))))


def _add(a: tuple, b: tuple) -> tuple:
    c, d, t, z = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0]), 2 * a[3] * b[3] * D, 2 * a[2] * b[2]
    e, f, g, h = d - c, z - t, z + t, d + c
    return e * f % P, g * h % P, f * g % P, e * h % P


def _decode(data: bytes) -> tuple | None:  # None for what is no canonical encoding
    y, sign = int.from_bytes(data, "little") & (2**255 - 1), data[31] >> 7
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    x = x * pow(2, (P - 1) // 4, P) % P if (v * x * x + u) % P == 0 else x
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P) if y < P and x < P and (v * x * x - u) % P == 0 else None


def verifies(key: bytes, message: bytes, signature: bytes) -> bool:  # K-3, K-4: S below the order, R canonical and not of small order, no cofactor
    s, h = int.from_bytes(signature[32:], "little"), int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little")
    if len(signature) != 64 or s >= ORDER or not valid_key(key):
        return False
    found = _add(_times(s, _decode(b"\x58" + b"\x66" * 31)), _times(ORDER - h % ORDER, _decode(key)))
    return _encode(found) == signature[:32] and _encode(_times(8, found)) != ONE


def read_json(data: bytes, is_canonical: bool = True) -> object:  # K-10 to K-12: what they forbid becomes a text, or None, and fits no form
    record = lambda pairs: dict(pairs) if len(dict(pairs)) == len(pairs) and all(key.isascii() for key, _ in pairs) else ""
    number = lambda text: int(text) if len(text) < 18 and abs(int(text)) <= INT_MAX else text
    steps = (1 if bracket in b"[{" else -1 for bracket in re.sub(rb'"(\\.|[^"\\])*"|[^][{}"]+', b"", data))
    try:
        found = json.loads(data.decode(), object_pairs_hook=record, parse_int=number, parse_float=str, parse_constant=str)
        again = json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return None
    return found if max(itertools.accumulate(steps), default=0) <= DEPTH_MAX and (again == data or not is_canonical) else None


BASE64 = "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?"  # no unused bit. Attack: one signature with many texts
unbase64 = lambda text: base64.b64decode(text) if isinstance(text, str) and re.fullmatch(BASE64, text) else b""
text = lambda pattern: lambda found: isinstance(found, str) and re.fullmatch(pattern, found, re.DOTALL) is not None  # forms, made of smaller ones
whole = lambda least, most: lambda found: type(found) is int and least <= found <= most
array = lambda form, least, most: lambda found: isinstance(found, list) and least <= len(found) <= most and all(map(form, found))
exactly = lambda **forms: lambda found: is_object(found) and found.keys() == forms.keys() and all(form(found[key]) for key, form in forms.items())
is_key, is_object = lambda found: valid_key(unbase64(found)), lambda found: isinstance(found, dict)
is_commit = lambda found: is_object(found) and found.keys() <= {"in", "out_raw", "out_shown", "binding", "text"} and all(map(text(HEX), found.values()))
HEX, NUMBER = "[0-9a-f]{64}", "(0|[1-9][0-9]{0,14})"
OFF = "\0- +\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\U000e0000-\U000e0fff"  # no name of a key has these: L-20
KINDS = "decision|question|answer|consent|approval-spent|approval-refused|standing|standing-used|token-granted|token-narrowed|token-used|agent|intent|reveal"
KINDS += "|result|receipt|policy|package|trust|stop|refused|log|epoch|torn|interrupted|erased|pruned|vault"
EVENT = {"kind": text(KINDS), "at": whole(0, TIME_MAX), "tenant": text(".{1,200}"), "invocation": text("([0-9a-f]{32})?"), "mpp_event": whole(1, 1)}
ENTRY = exactly(event=exactly(**EVENT, body=is_object, commit=is_commit), prev=text(HEX), seq=whole(0, INT_MAX))
LOG = exactly(format=whole(1, 1), host=is_key, key=is_key, nonce=text("[0-9a-f]{32}"), follows=text(f"({HEX})?"))
EPOCH = exactly(epoch=whole(1, INT_MAX), key=is_key)
ROW = exactly(seq=whole(0, INT_MAX), line=text(".*"), path=array(text(HEX), 0, 64))
PROOF = exactly(mpp_proof=whole(1, 1), checkpoint=text(".*"), entries=array(ROW, 1, 3))
END = re.compile(rb',"prev":"([0-9a-f]{64})","seq":(0|[1-9][0-9]{0,14})\}\Z')
NOTE = re.compile(f"(([!-*,-~]+)\n{NUMBER}\n([A-Za-z0-9+/]{{43}}=)\n((?:[^\n]+\n)*))\n((?:\u2014 [^{OFF}]{{1,200}} [A-Za-z0-9+/=]+\n){{1,64}})")
SEAL = re.compile(f"segment {NUMBER} {NUMBER} {NUMBER} ({HEX})\nentry ({HEX})\nnext (.+)\n")
Note, sha256 = argparse.Namespace, lambda *parts: hashlib.sha256(b"".join(parts)).digest()
hint = lambda name, public, algorithm: sha256(name.encode(), b"\n", bytes([algorithm]), public)[:4]
# The tree of RFC 6962: the root over hashes, as a list of one. A last hash without a partner goes up as it is.
fold = lambda row: fold([sha256(b"\x01", *row[i : i + 2]) for i in range(0, len(row) - 1, 2)] + row[len(row) & ~1 :]) if len(row) > 1 else row
root_of = lambda rows: b"".join(functools.reduce(lambda top, row: fold(row + top), rows.values(), []))
tile_name = lambda level, number: f"tile/{level}/" + re.sub("(...)(?=.)", r"x\1/", str(number).zfill(-(-len(str(number)) // 3) * 3))


def path_root(leaf: bytes, seq: int, size: int, path: list) -> bytes | None:  # where an inclusion proof leads, with nothing left over
    if size < 2 or not path:
        return leaf if (seq, size, path) == (0, 1, []) else None
    half = 1 << (size - 1).bit_length() - 1
    below = path_root(leaf, seq, half, path[:-1]) if seq < half else path_root(leaf, seq - half, size - half, path[:-1])
    return below and sha256(b"\x01", *((below, path[-1]) if seq < half else (path[-1], below)))


def read_note(data: bytes, file: str) -> Note:  # section 3
    whole_text = data.decode("utf-8", "replace")
    found = NOTE.fullmatch(whole_text) if len(data) <= NOTE_MAX and whole_text.encode() == data else None
    need(found, "audit.note", "this is no signed checkpoint", file)
    signatures, root = [(name, unbase64(code)) for name, code in re.findall("\u2014 (.+) (.+)\n", found[6])], unbase64(found[4])
    need(root and all(len(one) > 4 for _, one in signatures), "audit.note", "its base64 is not strict", file)
    return Note(text=found[1], signatures=signatures, origin=found[2], size=int(found[3]), root=root, more=found[5])


def signed(note: Note, name: str, public: bytes, algorithm: int = 1) -> int:  # -1 if this key did not sign it; of a witness the time when it did
    for found, data in note.signatures:
        stamp, when = data[4:-64], int.from_bytes(data[4:-64], "big")
        said = f"cosignature/v1\ntime {when}\n{note.text}" if stamp else note.text
        is_its = (found, data[:4], len(data)) == (name, hint(name, public, algorithm), 76 if algorithm == 4 else 68)
        if is_its and verifies(public, said.encode(), data[-64:]):
            return when
    return -1


def read_file(path: str, most: int, is_given: bool = False) -> bytes | None:  # it may be anybody's: one byte more than it may have tells enough
    if not is_given and (os.path.islink(path) or not os.path.isfile(path)):
        return None
    with open(path, "rb") as stream:
        return stream.read(most + 1)


class Verifier:  # a log is read once, to the first fault of its chain; faults of signatures, roots and tiles are gathered
    def __init__(self, want: argparse.Namespace) -> None:
        self.want, self.folder, self.log_id, self.size, self.prev, self.covers = want, want.file + "/", "", 0, bytes(32), dict.fromkeys(LEVELS, 0)
        self.faults, self.notes, self.kept, self.epochs = [], [], [], []  # epochs: first entry and key of each
        self.rows, self.seen, self.open = collections.defaultdict(list), {}, set()  # rows: up to 256 hashes a level of tiles; seen: size to root and leaf
        self.is_pruned, self.is_present, self.is_sealed, self.verdict, self.asked = False, False, True, "none", -1  # is_sealed: every seal so far is signed

    def gather(self, work: collections.abc.Callable, *given: object) -> int | None:  # keeps a fault, and says how many entries hold in spite of it
        try:
            return work(*given)
        except Fault as fault:
            self.faults.append(fault.args[0])
            return fault.args[1]

    def split_entry(self, line: bytes, where: tuple) -> tuple:  # ``prev`` and ``seq``, by the two ends of the line. ``where`` is file, entry and offset
        found = END.search(line[-110:])
        need(found and line.startswith(b'{"event":{') and len(line) <= LINE_MAX, "audit.entry", "the line is not one of an entry", *where)
        return bytes.fromhex(found[1].decode()), int(found[2])

    def read_event(self, line: bytes, where: tuple, kind: str = "", form: object = None, code: str = "") -> dict:  # E-4, L-1, L-40
        self.split_entry(line, where)
        found = read_json(line)
        need(ENTRY(found) and END.search(line).start() - 9 <= EVENT_MAX, "audit.entry", "it is not canonical JSON with exactly what an entry has", *where)
        event = found["event"]
        need(not kind or (event["kind"] == kind and form(event["body"])), code, f"it is not what an entry of the kind {kind} must be", *where)
        return event["body"] if kind else event  # whoever asks for a kind wants its body

    def genesis(self, line: bytes, where: tuple) -> tuple:  # L-4, L-5, L-71: log id, origin, key of the host, key of epoch 0
        prev, seq = self.split_entry(line, where)
        need(seq == 0, "audit.seq", "the first entry is not entry 0", *where)
        need(prev == bytes(32), "audit.chain", "entry 0 has something before it", *where)
        body, found = self.read_event(line, where, "log", LOG, "audit.genesis"), sha256(b"\x00", line).hex()
        need(self.want.log_id in {None, found}, "audit.log_id", f"this is the log {found}", *where)
        return found, "mpp-audit/" + found[:32], unbase64(body["host"]), unbase64(body["key"])

    def proof(self, data: bytes, file: str) -> tuple:  # L-70, L-71: checkpoint, verdict, log id, the entry in question
        found = read_json(data, is_canonical=False) if len(data) <= FILE_MAX else None
        need(PROOF(found), "audit.proof", "this is no proof", file)
        note, rows = read_note(found["checkpoint"].encode(), file), [(row["seq"], row["line"].encode(), row["path"]) for row in found["entries"]]
        log_id, origin, host, key = self.genesis(rows[0][1], (file, 0))
        need(note.origin == origin, "audit.log_id", "the checkpoint is one of another log", file)
        for seq, line, path in rows:
            need(self.split_entry(line, (file, seq))[1] == seq, "audit.proof", "a line is not the entry that it should be", file, seq)
            self.read_event(line, (file, seq))
            root = path_root(sha256(b"\x00", line), seq, note.size, [*map(bytes.fromhex, path)])
            need(root == note.root, "audit.proof", "the entry is not in the tree of the checkpoint", file, seq)
        need(signed(note, origin, host) >= 0, "audit.signature", "the host did not sign the checkpoint", file)
        epoch = 0
        if len(rows) > 1 and signed(note, origin + "/0", key) < 0:
            body = self.read_event(rows[1][1], (file, rows[1][0]), "epoch", EPOCH, "audit.epoch")
            epoch, key = body["epoch"], unbase64(body["key"])
        need(signed(note, f"{origin}/{epoch}", key) >= 0, "audit.signature", "the key of its epoch did not sign the checkpoint", file)
        need(epoch or len(rows) < 3, "audit.proof", "it has more entries than it needs", file)
        return note, "signed", log_id, rows[-1][0]

    def checkpoint(self, data: bytes, file: str) -> tuple:  # the same
        note, want, (name, host, _) = read_note(data, file), self.want, self.want.host_key
        expected = {"mpp-audit/" + want.log_id[:32] if want.log_id else "", name, note.origin} - {""}
        need(note.origin.startswith("mpp-audit/") and len(expected) == 1, "audit.log_id", "it is one of another log", file)
        need(signed(note, note.origin, host) >= 0, "audit.signature", "the host did not sign it", file)
        is_signed = not want.epoch_key or any(signed(note, name, want.epoch_key[1]) >= 0 for name, _ in note.signatures if name.startswith(note.origin + "/"))
        need(is_signed, "audit.signature", "the key of its epoch did not sign it", file)
        return note, "signed" if want.epoch_key else "host-signed", "", -1

    def is_witnessed(self, note: Note) -> bool:  # Attack: one key under two names counts once
        times = {key[1]: when for key in self.want.witness for when in [signed(note, *key)] if when >= 0}
        is_enough = len(times) >= self.want.quorum > 0
        self.notes += [f"{len(times)} known witnesses saw {note.size} entries, the first at {min(times.values())}"] if is_enough else []
        return is_enough

    def alone(self) -> None:
        data, check = read_file(self.want.file, FILE_MAX, is_given=True), self.proof if self.want.command == "proof" else self.checkpoint
        note, verdict, self.log_id, self.asked = check(data, self.want.file)
        self.size, self.verdict = note.size, "witnessed" if self.is_witnessed(note) else verdict

    def log(self) -> None:
        for name, is_anchor in [("checkpoint", False), ("witnessed", False), *((one, True) for one in self.want.anchor)]:
            self.gather(self.keep, name, is_anchor)  # first of all: while we read, a host may write
        holds = self.gather(self.segments)
        self.covers["chained"] = self.size if holds is None else min(self.size, holds)
        for kept in [kept for kept in self.kept if holds is None or (self.log_id and kept[0] <= self.size)]:
            self.gather(self.judge, *kept)
        for level in [*self.rows]:
            self.compare(level)
        self.verdict = ["none", *itertools.takewhile(lambda level: self.covers[level] and (level != "signed" or self.is_present), LEVELS)][-1]

    def keep(self, name: str, is_anchor: bool) -> None:  # a checkpoint; as an anchor also a proof, or the line of an entry
        data = read_file(name if is_anchor else self.folder + name, FILE_MAX, is_anchor)
        if is_anchor and data.startswith(b'{"event":{'):
            line = data[:-1] if data.endswith(b"\n") else data
            self.kept.append((self.split_entry(line, (name,))[1] + 1, sha256(b"\x00", line), None, name, True))
        elif data is not None:
            note = self.proof(data, name)[0] if is_anchor and data.startswith(b"{") else read_note(data, name)
            self.kept.append((note.size, note.root, note, name, is_anchor))

    def segments(self) -> None:  # each in its order; L-21, L-22. Entry 0 is that of the first, or of the lines that were kept of it
        names = [name for name in os.listdir(self.folder + "segments") if re.fullmatch(r"[0-9]{16}\.(jsonl|jsonl\.gz|kept|seal)", name)]
        firsts = sorted({0, *(int(name[:16]) for name in names)})
        for first in firsts:
            name = f"segments/{first:016d}"
            data = next((name + end for end in (".jsonl", ".jsonl.gz") if name[9:] + end in names), "")
            need(first == self.size, "audit.seal", f"the segment that begins at entry {self.size} is missing", name, self.size, 0)
            if first == 0:
                begin = data or name + ".kept"
                line = next(self.lines(begin), b"") if os.path.isfile(self.folder + begin) else b""
                need(line.endswith(b"\n"), "audit.genesis", "there is no entry 0", begin, 0, 0)
                self.log_id, self.origin, self.host, key = self.genesis(line[:-1], (begin, 0, 0))
                self.epochs = [(0, key)]
            if name[9:] + ".seal" in names:
                self.sealed(name, data)
            else:
                need(first == firsts[-1] and data.endswith("l"), "audit.seal", "the segment has no seal", name, first, 0)
                self.entries(data, INT_MAX, None)

    def sealed(self, name: str, data: str) -> None:  # L-22
        number, first, file = len(self.epochs) - 1, self.size, name + ".seal"
        note = read_note(read_file(self.folder + file, NOTE_MAX) or b"", file)
        seal = SEAL.fullmatch(note.more)
        need(seal, "audit.seal", "its lines are not those of a seal", file)
        need(is_key(seal[6]), "audit.epoch", "the next key is none", file)
        need(note.origin == self.origin, "audit.log_id", "the seal is one of another log", file, first)
        is_next = (int(seal[1]), int(seal[2])) == (number, first) and first < note.size and int(seal[3]) <= SEGMENT_MAX
        need(is_next, "audit.seal", f"the seal is not that of segment {number}", file, first)
        self.entries(data, note.size, seal) if data else self.pruned(name + ".kept", note, seal)
        self.seen[self.size], self.covers["chained"] = (root_of(self.rows), self.prev), self.size
        self.is_sealed = self.gather(self.judge, note.size, note.root, note, file, False) is None and self.is_sealed
        self.epochs.append((self.size, unbase64(seal[6])))

    def entries(self, name: str, size: int, seal: re.Match | None) -> None:
        first, offset, sha, source = self.size, 0, hashlib.sha256(), self.lines(name)
        for line in source:
            where = (name, self.size, offset)
            if not line.endswith(b"\n"):  # L-31: an open segment may end with half a line, which a crash leaves, and zero bytes, room for what comes
                half = line.rstrip(b"\0")
                holds = not seal and b"\0" not in half and len(half) <= LINE_MAX and not any(more.strip(b"\0") for more in source)
                need(holds, "audit.seal" if seal else "audit.entry", "a line has no end", *where)
                self.notes += [f"the last line is torn: {len(half)} bytes that nobody acknowledged"] if half else []
                break
            need(self.size < size, "audit.seal", "the segment goes on behind its seal", *where, first)
            self.entry(line[:-1], where, source)
            sha.update(line)
            offset += len(line)
        need(seal or os.path.getsize(self.folder + name) <= SEGMENT_MAX, "audit.seal", "the segment was never sealed", name, first, 0)
        if seal:
            need(self.size == size, "audit.seal", "the segment is cut", name, self.size, offset, first)
            self.ends(line[:-1], seal, where, (str(offset), sha.hexdigest()) == (seal[3], seal[4]))

    def lines(self, name: str) -> collections.abc.Iterator:  # with their ends, a long one in pieces. Attack: a few bytes that unpack to many
        first = self.size
        try:
            with (gzip.open if name.endswith(".gz") else open)(self.folder + name, "rb") as stream:
                while stream.tell() <= SEGMENT_MAX and (line := stream.readline(LINE_MAX + 2)):
                    yield line
        except (EOFError, zlib.error, gzip.BadGzipFile):
            need(False, "audit.seal", "its gzip file is cut, or is none", name, first)

    def ends(self, last: bytes, seal: re.Match, where: tuple, is_same: bool) -> None:  # L-22, L-25: the last entry announces the next key
        need(is_same and sha256(b"\x00", last).hex() == seal[5], "audit.seal", "the segment is not what was sealed", *where, int(seal[2]))
        body = self.read_event(last, where, "epoch", EPOCH, "audit.epoch")
        need(body == {"epoch": int(seal[1]) + 1, "key": seal[6]}, "audit.epoch", "the last entry announces another key than the seal", *where)

    def pruned(self, name: str, note: Note, seal: re.Match) -> None:  # entry 0, if it held that, its last entry, and the hashes in the tiles
        self.is_pruned, first = True, self.size
        self.notes.append(f"entries {first} to {note.size - 1} were pruned: they are known by their hashes")
        *kept, rest = [b"", *(read_file(self.folder + name, 2 * LINE_MAX + 2) or b"").split(b"\n")]
        self.ends(kept[-1], seal, (name, note.size - 1, 0), not rest and len(kept) <= 2 + (first == 0))
        for number in range(first // 256, (note.size + 255) // 256):
            begin, end = max(first - 256 * number, 0), min(note.size - 256 * number, 256)
            data = next((data for _, width, data in self.tiles(0, number) if width >= end), b"")
            need(len(data) >= 32 * end, "audit.tile", "a tile is missing or cut", tile_name(0, number), 256 * number + begin)
            need(self.size or data[:32].hex() == self.log_id, "audit.genesis", "entry 0 is not the one of the tiles", tile_name(0, 0), 0, 0)
            for i in range(begin, end):
                self.add(data[32 * i : 32 * i + 32])
        need((root_of(self.rows), self.prev.hex()) == (note.root, seal[5]), "audit.tile", "they do not give its root", tile_name(0, first // 256), first, 0)

    def entry(self, line: bytes, where: tuple, source: collections.abc.Iterator) -> None:  # L-1 to L-3, L-63
        (prev, number), seq, leaf = self.split_entry(line, where), self.size, sha256(b"\x00", line)
        need(number == seq, "audit.seq", f"here stands entry {number}", *where)
        if prev != self.prev:  # a changed line breaks the link behind it, and both of its own if its link was changed too: the next line tells
            at = seq - (leaf.hex().encode() in next(source, leaf.hex().encode()))
            need(False, "audit.chain", f"entry {seq} does not follow from entry {seq - 1}: entry {at} was changed", where[0], at, where[2])
        if self.want.thorough:
            event = self.read_event(line, where)
            call, begins, ends = event["invocation"], event["kind"] == "intent", event["kind"] in {"result", "interrupted"}
            need(event["kind"] != "log" or seq == 0, "audit.genesis", "a log begins inside of a log", *where)
            is_next = call not in self.open if begins else call in self.open or self.is_pruned or not ends
            need(is_next, "audit.entry", "the call has an intent already, or ends without one", *where)
            self.open ^= {call} if begins else {call} & self.open if ends else set()
        self.add(leaf)

    def add(self, node: bytes, level: int = 0) -> None:
        self.rows[level].append(node)
        if level == 0:
            self.size, self.prev, self.is_present = self.size + 1, node, False
        if len(self.rows[level]) == 256:
            self.compare(level)
            self.add(*fold(self.rows[level]), level + 1)
            self.rows[level] = []
        if level == 0 and any(kept[0] == self.size for kept in self.kept):
            self.seen[self.size] = (root_of(self.rows), node)

    def compare(self, level: int) -> None:  # L-11. A partial tile may be ahead of what was read: a host writes while we read
        row, number = self.rows[level], (self.size - 1) >> 8 * (level + 1)
        for name, width, data in self.tiles(level, number) if row else ():
            at = next((i for i, node in enumerate(row[:width]) if data[32 * i : 32 * i + 32] != node), min(len(row), width))
            fact = at == min(len(row), width) and len(data) == 32 * width
            self.gather(need, fact, "audit.tile", "the tile is not what the entries give", name, (256 * number + at) << 8 * level, 32 * at)

    def tiles(self, level: int, number: int) -> list:  # name, width and bytes of those with this place, the widest first
        base = tile_name(level, number)
        names = [(f"{base}.p/{width}", width) for width in range(255 * os.path.isdir(f"{self.folder}{base}.p"), 0, -1)]
        return [(name, width, data) for name, width in [(base, 256), *names] if (data := read_file(self.folder + name, 32 * width)) is not None]

    def judge(self, size: int, goal: bytes, note: Note | None, file: str, is_anchor: bool) -> None:  # L-20, L-62. Attack: today's key signs a size of yesterday
        need(not note or note.origin == self.origin, "audit.log_id", "it is one of another log", file)
        need(not note or signed(note, self.origin, self.host) >= 0, "audit.signature", "the host did not sign it", file, size - 1)
        need(size <= self.size, "audit.truncated", f"it knows {size} entries, here are {self.size}: the end was cut off", file, self.size)
        is_ours = self.seen.get(size, (b"", b""))[note is None] == goal
        need(is_ours or not is_anchor, "audit.fork", "it has another history", file, size - 1)
        had = [epoch for epoch, (first, _) in enumerate(self.epochs) if note and first <= size <= (*self.epochs, (size,))[epoch + 1][0]]
        signers = [epoch for epoch in had if signed(note, f"{self.origin}/{epoch}", self.epochs[epoch][1]) >= 0]
        need(signers or not note, "audit.signature", "the key of its epoch did not sign it", file, size - 1)
        need(is_ours, "audit.fork" if file == "witnessed" else "audit.root", "the entries do not give its root", file, size - 1)
        is_enough = note is not None and self.is_witnessed(note)
        self.is_present = self.is_present or (self.is_sealed and len(self.epochs) - 1 in signers)
        levels = (("signed", note and self.is_sealed), ("anchored", is_anchor or is_enough), ("witnessed", is_enough))
        self.covers.update({level: max(self.covers[level], min(size, self.covers["chained"])) for level, holds in levels if holds})


def read_key(text: str, algorithm: int = 1) -> tuple:  # name, key, algorithm, of NAME+HASH+BASE64 (C2SP); of a host also the base64 of 32 bytes
    (name, _, rest), data = text.partition("+"), unbase64(text.partition("+")[2][9:])
    if algorithm == 1 and is_key(text):
        return "", unbase64(text), 1
    if not name or data[:1] != bytes([algorithm]) or not valid_key(data[1:]) or rest[:9] != hint(name, data[1:], algorithm).hex() + "+":
        raise argparse.ArgumentTypeError("this is no such key: give NAME+HASH+BASE64")
    return name, data[1:], algorithm


def main(given: list | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, epilog="Exit code: 0 it holds, 1 it does not, 2 it could not be asked.")
    parser.add_argument("command", choices=("log", "proof", "checkpoint"))
    parser.add_argument("file", help="the folder of the log, which has segments, tile and checkpoint; or the file")
    parser.add_argument("--log-id", metavar="HEX", help="the log that it must be")
    parser.add_argument("--thorough", action="store_true", help="log: read each event too, and follow each call")
    parser.add_argument("--anchor", action="append", default=[], metavar="FILE", help="log: a checkpoint, proof or line of an entry kept elsewhere")
    parser.add_argument("--require", choices=LEVELS, default="", help="log: exit 1 for less")
    parser.add_argument("--witness", action="append", type=lambda text: read_key(text, 4), default=[], metavar="KEY")
    parser.add_argument("--quorum", type=int, metavar="N", help="cosignatures of these witnesses that are needed; all by default")
    parser.add_argument("--host-key", type=read_key, metavar="KEY", help="checkpoint: the key of the host")
    parser.add_argument("--epoch-key", type=read_key, metavar="KEY", help="checkpoint: the key of its epoch")
    parser.add_argument("--json", action="store_true")
    want = parser.parse_args(given)
    known = len({key[1] for key in want.witness})
    want.quorum = known if want.quorum is None else want.quorum
    if not min(known, 1) <= want.quorum <= known or not re.fullmatch(f"({HEX})?", want.log_id or "") or (want.command == "checkpoint" and not want.host_key):
        parser.error(f"--quorum is from 1 to the number of witnesses, {known}; --log-id has 64 hex digits; a checkpoint needs --host-key")
    it, is_log = Verifier(want), want.command == "log"
    try:
        it.gather(it.log if is_log else it.alone)
    except OSError as fault:
        parser.error(ascii(str(fault)))
    found = {"ok": not it.faults, "verdict": "broken" if it.faults else it.verdict, "size": it.size, "log_id": it.log_id, "entry": it.asked}
    found.update(covers=it.covers, notes=it.notes, faults=sorted(it.faults, key=lambda row: row["code"] == "audit.tile")[:FAULTS_MAX])  # tiles last
    said = lambda one: ", ".join(f"{key} {item}" for key, item in one.items()) if isinstance(one, dict) else one
    words = [f"{key}: {said(one)}" for key, item in found.items() for one in (item if isinstance(item, list) else [item]) if is_log or key != "covers"]
    print(json.dumps(found, indent=1) if want.json else "\n".join(ascii(line)[1:-1] for line in words))  # escaped: names may be anybody's
    return 0 if found["ok"] and (not want.require or found["verdict"] in LEVELS[LEVELS.index(want.require) :]) else 1


if __name__ == "__main__":
    sys.exit(main())
