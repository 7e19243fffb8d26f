"""Logs that somebody damaged, and those of a host that cheats. Spec: 7-audit.md."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator

from conformance.make.audit import KEPT0, KEPT1, S0, S1, S2, SEAL0, SEAL1, WEAK, Audit, bad, joined, replaced, std
from tests.verifier.minilog import Files, MiniLog, base64, bit_flipped, canonical, cosign, edited, key_of, packed, public, rechain


# One case a line, however long.
# fmt: off

def lines() -> Iterator[Audit]:
    """What can be wrong with the lines. The thief has no key."""
    log = std()
    files, kept = log.write(), log.lines

    def of(name: str, title: str, clauses: str, file: str, new: list[bytes], code: str, entry: int, covers: str) -> Audit:
        return bad(name, title, clauses, {**files, file: joined(new)}, code, (file, entry), covers)

    first, second, third = kept[:5], kept[5:9], kept[9:]
    yield of("edit", "An entry of a sealed segment changed", "L-3", S0, [*first[:2], edited(first[2]), *first[3:]], "chain", 2, "2 0 0 0")
    yield of("edit-second", "An entry of the second segment changed", "L-3", S1, [second[0], edited(second[1]), *second[2:]], "chain", 6, "6 5 0 0")
    yield of("edit-open", "An entry of the open segment changed", "L-3", S2, [edited(third[0]), *third[1:]], "chain", 9, "9 9 0 0")
    relinked = canonical({**json.loads(second[1]), "prev": "5" * 64})
    yield of("edit-link", "The link of an entry changed", "L-3", S1, [second[0], relinked, *second[2:]], "chain", 6, "6 5 0 0")
    yield of("edit-last", "The last entry of a sealed segment changed", "L-22", S0, [*first[:4], edited(first[4])], "seal", 4, "0 0 0 0")
    yield bad(
        "edit-newest",
        "The newest entry changed: nothing but the checkpoint tells",
        "L-61",
        {**files, S2: joined([*third[:2], edited(third[2])])},
        "root",
        ("checkpoint", 11),
        "12 9 0 0",
        "signed",
    )
    yield of("delete", "An entry left out", "L-1", S0, [*first[:2], *first[3:]], "seq", 2, "2 0 0 0")
    yield of("insert", "An entry put in", "L-1", S0, [*first[:2], first[2], *first[2:]], "seq", 3, "3 0 0 0")
    yield of("swap", "Two entries exchanged", "L-1", S1, [second[0], second[2], second[1], second[3]], "seq", 6, "6 5 0 0")
    yield of("delete-first", "Entry 0 left out", "L-4", S0, first[1:], "seq", 0, "0 0 0 0")
    yield of("delete-open", "An entry of the open segment left out", "L-1", S2, [third[0], third[2]], "seq", 10, "10 9 0 0")
    yield of(
        "rechain",
        "A sealed segment changed and chained anew, without a key",
        "L-22",
        S1,
        rechain([*first, second[0], edited(second[1]), *second[2:]], 6)[5:],
        "seal",
        8,
        "5 5 0 0",
    )
    yield of("cut", "The end of a sealed segment cut off", "L-22", S1, second[:3], "seal", 8, "5 5 0 0")
    yield of("append", "An entry behind the seal, in the segment", "L-22", S1, [*second, third[0]], "seal", 9, "5 5 0 0")
    yield bad("torn-sealed", "A sealed segment whose last line has no end", "L-22", {**files, S0: files[S0][:-1]}, "seal", (S0, 4), "4 0 0 0")
    whole = rechain([kept[0], kept[1], edited(kept[2]), *kept[3:]], 2)
    anew = {**files, S0: joined(whole[:5]), S1: joined(whole[5:9]), S2: joined(whole[9:])}
    yield bad("rechain-all", "All entries chained anew, without a key", "L-22", anew, "seal", (S0, 4), "0 0 0 0")
    yield from _forms(files, third)
    yield from _packed(log)


def _forms(files: Files, third: list[bytes]) -> Iterator[Audit]:
    """Lines of the open segment that are none."""
    def of(name: str, title: str, clauses: str, file: str, new: list[bytes], code: str, entry: int, covers: str) -> Audit:
        return bad(name, title, clauses, {**files, file: joined(new)}, code, (file, entry), covers)

    yield of("spaces", "Not the line that entries are", "L-1", S2, [third[0].replace(b'{"event":', b'{"event": '), *third[1:]], "entry", 9, "9 9 0 0")
    yield of(
        "seq-zero", "A number with a zero before it", "L-1", S2, [third[0], third[1].replace(b'"seq":10', b'"seq":010'), third[2]], "entry", 10, "10 9 0 0"
    )
    zeros = joined(third[:1]) + bytes(9) + joined(third[1:])
    yield bad("room-inside", "Zero bytes between two entries", "L-1", {**files, S2: zeros}, "entry", (S2, 10), "10 9 0 0")
    yield bad("room-sealed", "Zero bytes behind a sealed segment", "L-22", {**files, S1: files[S1] + bytes(9)}, "seal", (S1, 9), "9 5 0 0")
    yield bad("room-torn", "Zero bytes, and more behind them", "L-1", {**files, S2: files[S2] + bytes(9) + b"x"}, "entry", (S2, 12), "12 12 0 0")
    yield of("empty-line", "An empty line", "L-1", S2, [third[0], b"", *third[1:]], "entry", 10, "10 9 0 0")
    long = third[1].replace(b'"why":"', b'"why":"' + b"x" * 66_000)
    yield of("long", "A line of more than 66,000 bytes", "L-1", S2, [third[0], long, third[2]], "entry", 10, "10 9 0 0")


def _packed(log: MiniLog) -> Iterator[Audit]:
    files, first = log.write(), log.lines[:5]
    packs = log.write(packs=[0])
    yield bad("packed-cut", "A gzip file cut", "L-22", {**packs, S0 + ".gz": packs[S0 + ".gz"][:-9]}, "seal", (S0 + ".gz", 0), "0 0 0 0")
    yield bad("packed-noise", "No gzip file under its name", "L-22", {**packs, S0 + ".gz": files[S0]}, "seal", (S0 + ".gz", 0), "0 0 0 0")
    edits = packed(joined([*first[:2], edited(first[2]), *first[3:]]))
    yield bad("packed-edit", "An entry of a compressed segment changed", "L-3", {**packs, S0 + ".gz": edits}, "chain", (S0 + ".gz", 2), "2 0 0 0")
    large = packed(files[S0] + b"\n" * 200)
    yield bad("packed-large", "A compressed segment larger than its seal says", "L-22", {**packs, S0 + ".gz": large}, "seal", (S0 + ".gz", 5), "0 0 0 0")


def odd_log(line: bytes | None = None, **event: object) -> MiniLog:
    """A log whose host signed an entry that is none."""
    log = MiniLog().fill(1)
    log.lines.append(line or log.line({**log.event("policy"), **event}))
    return log.fill(1)


def events() -> Iterator[Audit]:
    """Faults that the host itself signed: only a thorough verifier reads so far."""

    def of(name: str, title: str, clauses: str, log: MiniLog, entry: int = 2, code: str = "entry", covers: str = "") -> Audit:
        return bad(name, title, clauses, log.write(), code, (S0, entry), covers or f"{entry} 0 0 0", mode="thorough")

    log = MiniLog().fill(1)
    plain = log.line(log.event("policy", {"n": 1}))
    yield of("key-twice", "A key twice", "L-1", odd_log(plain.replace(b'{"n":1}', b'{"n":1,"n":1}')))
    yield of("number", "A number with a fraction", "L-1", odd_log(plain.replace(b'{"n":1}', b'{"n":1.0}')))
    yield of("number-large", "An integer of more than 53 bits", "L-1", odd_log(plain.replace(b'{"n":1}', b'{"n":9007199254740992}')))
    yield of("key-letters", "A key beyond ASCII", "L-1", odd_log(plain.replace(b'{"n":1}', '{"\u00fc":1}'.encode())))
    yield of("keys-order", "Keys in another order", "L-1", odd_log(plain.replace(b'"body":{"n":1}', b'"body":{"n":1,"a":1}')))
    yield of("space", "A space inside of a line", "L-1", odd_log(plain.replace(b'{"n":1}', b'{"n": 1}')))
    yield of("utf-8", "Bytes that are not UTF-8", "L-1", odd_log(plain.replace(b'{"n":1}', b'{"n":"\xff"}')))
    yield of("surrogate", "Half a surrogate", "L-1", odd_log(plain.replace(b'{"n":1}', b'{"n":"\\ud800"}')))
    yield of("depth", "33 levels", "L-1", odd_log(plain.replace(b'{"n":1}', b'{"n":' + b"[" * 30 + b"]" * 30 + b"}")))
    yield of("key-unknown", "A key of an event that nobody knows", "L-1", odd_log(more=1))
    yield of("entry-key", "A key of an entry that nobody knows", "L-1", odd_log(plain.replace(b'},"prev"', b'},"more":1,"prev"')))
    yield of("kind-unknown", "A kind that nobody knows", "L-1", odd_log(kind="party"))
    yield of("version", "An event of another version", "L-1", odd_log(mpp_event=2))
    yield of("at-true", "A truth value for a number", "L-1", odd_log(mpp_event=True))
    yield of("at-text", "A text for a time", "L-1", odd_log(at="1790000000"))
    yield of("at-late", "A time behind the year 9999", "L-1", odd_log(at=253_402_300_800))
    yield of("tenant-empty", "No tenant", "L-1", odd_log(tenant=""))
    yield of("invocation", "A call without its 32 digits", "L-1", odd_log(invocation="12"))
    yield of("body-list", "A list for a body", "L-1", odd_log(body=[]))
    yield of("commit-name", "A commitment to something that has no name", "L-40", odd_log(commit={"everything": "ab" * 32}))
    yield of("commit-form", "A commitment in upper case", "L-40", odd_log(commit={"in": "AB" * 32}))
    yield of("log-inside", "A log begins inside of a log", "L-4", odd_log(kind="log"), code="genesis")
    yield of("call-ends-twice", "A call with two results", "L-63", MiniLog().call(1, "result", "result"), 3)
    yield of("call-ends-both", "A call with a result that was interrupted too", "L-63", MiniLog().call(1, "result", "interrupted"), 3)
    yield of("call-without-intent", "A result without an intent", "L-63", odd_log(kind="result", invocation="0" * 32))
    yield of("call-twice", "A call with two intents", "L-63", MiniLog().call(1).call(1, "result"), 2)
    broken = std()
    broken.lines[2] = edited(broken.lines[2])
    broken.files = {SEAL0: broken.seal(0), SEAL1: broken.seal(1)}
    yield bad("sealed-broken", "The host sealed a segment that is not chained", "L-3", broken.write(), "chain", (S0, 2), "2 0 0 0", mode="deep")


def genesis() -> Iterator[Audit]:
    def of(name: str, title: str, log: MiniLog, code: str = "genesis", clauses: str = "L-4") -> Audit:
        return bad(f"genesis-{name}", title, clauses, log.write(), code, (S0, 0), "0 0 0 0")

    def with_(**body: object) -> MiniLog:
        return MiniLog(genesis=body).fill(1)

    def entry0(**change: object) -> MiniLog:
        found = json.loads(MiniLog().lines[0])
        event = change.pop("event", {})
        line = canonical({**found, **change, "event": {**found["event"], **event}})  # type: ignore[dict-item]
        return MiniLog(lines=[line]).fill(1)

    yield of("kind", "Entry 0 is of another kind", entry0(event={"kind": "policy"}))
    yield of("format", "Another format", with_(format=2))
    yield of("format-true", "A truth value for the format", with_(format=True))
    yield of("host-weak", "A host key of small order", with_(host=WEAK))
    yield of("key-weak", "An epoch key of small order", with_(key=WEAK))
    yield of("key-short", "A key of 31 bytes", with_(key=base64(bytes(31))))
    yield of("nonce", "A nonce in upper case", with_(nonce="AB" * 16))
    yield of("follows", "It follows half a log", with_(follows="ab" * 16))
    yield of("key-unknown", "A key that nobody knows", with_(note="x"))
    yield of("seq", "The first entry is not entry 0", entry0(seq=1), "seq")
    yield of("prev", "Entry 0 has something before it", entry0(prev="ab" * 32), "chain")
    log = std()
    gone = replaced(log.write(), {S0: None, SEAL0: None})
    yield bad("genesis-missing", "The first segment is gone, and its seal", "L-4", gone, "genesis", (KEPT0, 0), "0 0 0 0")
    pruned = log.write(prunes=[0])
    last = log.lines[4] + b"\n"
    yield bad("kept-missing", "The first segment pruned, and the lines that should be kept", "L-4", replaced(pruned, {KEPT0: None}), "genesis", (KEPT0, 0), "0 0 0 0")
    yield bad("kept-no-zero", "The first segment pruned, and entry 0 not kept", "L-4", {**pruned, KEPT0: last}, "seq", (KEPT0, 0), "0 0 0 0")
    yield bad("kept-no-last", "The first segment pruned, and its last entry not kept", "L-21", {**pruned, KEPT0: log.lines[0] + b"\n"}, "seal", (KEPT0, 4), "0 0 0 0")
    yield bad("kept-more", "The first segment pruned, a third line kept", "L-21", {**pruned, KEPT0: log.lines[0] + b"\n" + last + last}, "seal", (KEPT0, 4), "0 0 0 0")
    kept = log.write(prunes=[1])
    yield bad("kept-edited", "The second segment pruned, another last entry kept", "L-22", {**kept, KEPT1: edited(log.lines[8]) + b"\n"}, "seal", (KEPT1, 8), "5 5 0 0")
    other = MiniLog(nonce="aa" * 16)
    yield bad("kept-other", "The first segment pruned, and entry 0 of another log", "L-5", {**pruned, KEPT0: other.lines[0] + b"\n" + last}, "log_id", (SEAL0, 0), "0 0 0 0")
    yield bad("log-id-other", "Another log of this host in its place", "L-5 L-71", std().write(), "log_id", (S0, 0), "0 0 0 0", given={"log_id": other.log_id})


def seals() -> Iterator[Audit]:
    """What can be wrong with a seal. The signatures are sound where nothing else is said: so it is the host that cheats."""

    def of(
        name: str, title: str, data: bytes | None, code: str, *, clauses: str = "L-22", entry: int = 5, covers: str = "5 5 0 0", caught: str = "chained"
    ) -> Audit:
        return bad(f"seal-{name}", title, clauses, replaced(std().write(), {SEAL1: data}), code, (SEAL1, entry), covers, caught)

    log = std()
    lines = log.seal_lines(5, 9, 1)

    def resealed(at: int, word: int, text: str) -> bytes:
        words = lines[at].split(" ")
        words[word] = text
        return log.sign(log.text(9, more=[*lines[:at], " ".join(words), *lines[at + 1 :]]), 1)

    yield of("number", "The number of another segment", resealed(0, 1, "2"), "seal")
    yield of("first", "Another first entry", resealed(0, 2, "4"), "seal")
    yield of("zero", "A number with a zero before it", resealed(0, 1, "01"), "seal", entry=-1)
    yield of("line-more", "A fourth line", log.sign(log.text(9, more=[*lines, "more"]), 1), "seal", entry=-1)
    yield of("line-less", "A checkpoint in place of a seal", log.checkpoint(9, epoch=1), "seal", entry=-1)
    yield of("weak", "A next key of small order", resealed(2, 1, WEAK), "epoch", clauses="L-25", entry=-1)
    for name, title, at, word, text in (
        ("bytes", "Another length", 0, 3, "999"),
        ("sha256", "Another digest", 0, 4, "ab" * 32),
        ("entry", "Another last entry", 1, 1, "ab" * 32),
    ):
        yield bad(f"seal-{name}", title, "L-22", {**std().write(), SEAL1: resealed(at, word, text)}, "seal", (S1, 8), "5 5 0 0")
    key = base64(public(key_of("thief")))
    yield bad("seal-next", "Another next key than its last entry announced", "L-25", {**std().write(), SEAL1: resealed(2, 1, key)}, "epoch", (S1, 8), "8 5 0 0")
    none = MiniLog().fill(4)
    none.seals.append((0, 5))
    none.files[SEAL0] = none.seal(0)
    yield bad("epoch-missing", "The last entry announces no epoch", "L-21", none.fill(1).write(), "epoch", (S0, 4), "4 0 0 0")
    other = MiniLog().fill(3).rotate({"epoch": 2}).fill(1)
    yield bad("epoch-number", "The last entry announces another epoch", "L-21", other.write(), "epoch", (S0, 4), "4 0 0 0")
    more = MiniLog().fill(3).rotate({"note": 1}).fill(1)
    yield bad("epoch-key-unknown", "The last entry announces more than a key", "L-21", more.write(), "epoch", (S0, 4), "4 0 0 0")
    kind = MiniLog().fill(3)
    kind.add("policy", {"epoch": 1, "key": base64(public(kind.key(1)))})
    kind.seals.append((0, 5))
    kind.files[SEAL0] = kind.seal(0)
    yield bad("epoch-kind", "The last entry is of another kind", "L-21", kind.fill(1).write(), "epoch", (S0, 4), "4 0 0 0")
    yield of("noise", "No note", b"noise\n", "note", entry=-1)
    gone = replaced(std().write(), {SEAL1: None})
    yield bad("seal-gone", "A segment in the middle without its seal", "L-22", gone, "seal", (S1[:-6], 5), "5 5 0 0")
    both = replaced(std().write(), {SEAL1: None, S1: None})
    yield bad("segment-gone", "A segment and its seal are gone", "L-22", both, "seal", (S2[:-6], 5), "5 5 0 0")
    swapped = replaced(std().write(), {SEAL1: log.files[SEAL0]})
    yield bad("seal-exchanged", "The seal of another segment", "L-22", swapped, "seal", (SEAL1, 5), "5 5 0 0")
    foreign = MiniLog(nonce="aa" * 16).fill(3).rotate().fill(3).rotate()
    yield of("other-log", "A seal of another log of this host", foreign.files[SEAL1], "log_id", clauses="L-5")
    root = log.sign(log.text(9, root=b"\1" * 32, more=lines), 1)
    yield of("root", "A root that the entries do not give", root, "root", clauses="L-61", entry=8, covers="12 5 0 0", caught="signed")
    yield from _seal_signatures(log)


def _seal_signatures(log: MiniLog) -> Iterator[Audit]:
    text = log.files[SEAL1].decode().rpartition("\n\n")[0] + "\n"

    def signed(name: str, title: str, data: bytes) -> Audit:
        return bad(f"seal-{name}", title, "L-20 L-22", {**std().write(), SEAL1: data}, "signature", (SEAL1, 8), "12 5 0 0", "signed")

    yield signed("host-alone", "Only the host signed it", log.sign(text, 1, by=("host",)))
    yield signed("epoch-alone", "Only the key of the epoch signed it", log.sign(text, 1, by=("epoch",)))
    yield signed("unsigned", "A stranger signed it", log.sign(text, 1, by=()) + cosign(log.checkpoint(), "stranger").splitlines(keepends=True)[-1])
    yield signed("epoch-other", "The key of another epoch signed it, under its own name", log.sign(text, 2))
    yield signed("epoch-stolen", "Today's key signed yesterday, under yesterday's name", log.sign(text, 1, epoch_key=log.key(2)))
    yield signed("host-bit", "One bit of the host's signature turned", bit_flipped(log.files[SEAL1], -2))
    yield signed("epoch-bit", "One bit of the epoch's signature turned", bit_flipped(log.files[SEAL1], -1))
    yield signed("plus-order", "S plus the group order: the same signature for verifiers that do not look", _plus_order(log.files[SEAL1]))
    yield from _stolen()


def _plus_order(note: bytes) -> bytes:
    head, _, last = note[:-1].rpartition(b" ")
    data = b64decode(last)
    s = int.from_bytes(data[36:], "little") + 2**252 + 27742317777372353535851937790883648493
    return head + b" " + base64(data[:36] + s.to_bytes(32, "little")).encode() + b"\n"


def _stolen() -> Iterator[Audit]:
    """Yesterday's segment written anew by a thief of the keys of today: host and epoch 1."""
    log = MiniLog().fill(3).rotate().fill(3)
    log.lines = rechain([*log.lines[:2], edited(log.lines[2]), *log.lines[3:]], 2)
    log.files[SEAL0] = log.seal(0, epoch_key=log.key(1))
    yield bad("stolen-key", "Yesterday written anew with all keys of today", "L-23", log.write(), "signature", (SEAL0, 4), "8 0 0 0", "signed")


def tiles() -> Iterator[Audit]:
    log = std()
    files = log.write()
    tile = "tile/0/000.p/12"
    spoilt = files[tile][:64] + b"\1" + files[tile][65:]
    yield bad("tile-changed", "A partial tile changed", "L-11", {**files, tile: spoilt}, "tile", (tile, 2), "12 12 0 0", "chained")
    yield bad("tile-cut", "A partial tile cut", "L-10", {**files, tile: files[tile][:-1]}, "tile", (tile, 11), "12 12 0 0", "chained")
    pruned = log.write(prunes=[1])
    bare = {name: data for name, data in pruned.items() if not name.startswith("tile/")}
    yield bad("pruned-no-tiles", "A segment pruned, its tiles too", "L-11", bare, "tile", ("tile/0/000", 5), "5 5 0 0")
    wrong = {name: data[:192] + b"\1" + data[193:] if name.startswith("tile/") and len(data) > 192 else data for name, data in pruned.items()}
    yield bad("pruned-tile-changed", "A segment pruned, the tile of its hashes changed", "L-11", wrong, "tile", ("tile/0/000", 5), "5 5 0 0")


TABLES = (lines, events, genesis, seals, tiles)
