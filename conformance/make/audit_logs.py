"""Logs that hold, and what was kept elsewhere: checkpoints, anchors, witnesses. Spec: 7-audit.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.make.audit import S1, S2, SEAL0, SEAL1, WITNESSES, Audit, Given, bad, changed, good, replaced, small, std, stolen_tail
from tests.verifier.minilog import START, Files, MiniLog, base64, bit_flipped, canonical, cosign, cosignature, key_of, public, vkey


# One case a line, however long.
# fmt: off

ALIAS = vkey("w1-too.example", 4, key_of("w1.example"))


def sound() -> Iterator[Audit]:
    log, one = std(), small()
    ahead = one.write()
    yield good("chained", "Entries without a signature", "L-1 L-3 L-4", one.write(checkpoint=False), "chained", "4 0 0 0")
    yield good("signed", "One open segment and its checkpoint", "L-20", one.write(), "signed", "4 4 0 0")
    yield good("segments", "Two sealed segments and an open one", "L-21 L-22 L-25", log.write(), "signed", "12 12 0 0")
    yield good("log-id", "The log that was asked for", "L-5 L-71", log.write(), "signed", "12 12 0 0", given={"log_id": log.log_id})
    ended = MiniLog().fill(3).rotate()
    yield good(
        "ended", "Nothing behind the last seal, which is the checkpoint too", "L-22", {**ended.write(), "checkpoint": ended.files[SEAL0]}, "signed", "5 5 0 0"
    )
    yield good("ended-alone", "Nothing behind the last seal, and no checkpoint", "L-22", ended.write(checkpoint=False), "signed", "5 5 0 0")
    yield good("rotated", "A checkpoint by a new epoch that has no entry yet", "L-20", ended.write(), "signed", "5 5 0 0")
    yield good("behind", "Two entries behind the checkpoint", "L-60", changed(log, checkpoint=log.checkpoint(10)), "signed", "12 10 0 0")
    yield good("epoch-unsigned", "No checkpoint of the present epoch", "L-60", changed(log, checkpoint=log.checkpoint(7, epoch=1)), "chained", "12 9 0 0")
    more = log.sign(log.text(more=["a further line", "another"]), 2)
    yield good("checkpoint-lines", "A checkpoint with further lines", "L-20", changed(log, checkpoint=more), "signed", "12 12 0 0")
    yield good(
        "signature-more",
        "A signature by a key that nobody asks for",
        "L-20",
        changed(log, checkpoint=cosign(log.checkpoint(), "stranger")),
        "signed",
        "12 12 0 0",
    )
    yield good("packed", "A segment compressed", "L-22", log.write(packs=[0]), "signed", "12 12 0 0")
    yield good("packed-all", "All sealed segments compressed", "L-22", log.write(packs=[0, 1]), "signed", "12 12 0 0")
    yield good("pruned", "A segment pruned", "L-11", log.write(prunes=[1]), "signed", "12 12 0 0")
    yield good("pruned-first", "The first segment pruned, entry 0 kept", "L-11", log.write(prunes=[0]), "signed", "12 12 0 0")
    yield good("pruned-all", "All sealed segments pruned", "L-11", log.write(prunes=[0, 1]), "signed", "12 12 0 0")
    yield good("no-tiles", "No tile: whoever has the entries can make them", "L-11", log.write(tiles=False), "signed", "12 12 0 0")
    wide = MiniLog().fill(5).tiles([6])
    yield good("tile-ahead", "A partial tile that is ahead of what was read", "L-11", {**ahead, **wide}, "signed", "4 4 0 0")
    yield good("torn", "A last line without its end", "L-31", replaced(log.write(), {S2: log.write()[S2] + b'{"event":{"at":17'}), "signed", "12 12 0 0")
    yield good(
        "foreign", "Files that are the host's own", "L-22", {**log.write(), "state.db": b"x", "segments/lock": b"", "salts/0": bytes(32)}, "signed", "12 12 0 0"
    )
    yield good("follows", "A log that follows another", "L-4", MiniLog(follows=log.log_id).fill(1).write(), "signed", "2 2 0 0")
    announced = small()
    announced.add("epoch", {"epoch": 1, "key": base64(public(announced.key(1)))})
    yield good("announced", "The next key is announced, the seal not yet written", "L-23", announced.write(), "signed", "5 5 0 0", mode="thorough")
    calls = MiniLog().call(1, "result").call(2, "interrupted").call(3)
    yield good("calls", "A call that ended, one that was interrupted, one that runs", "L-63", calls.write(), "signed", "6 6 0 0", mode="thorough")
    told = MiniLog()
    told.add("intent", {"tool": 'gr\u00fc\u00dfe \u4f60 \U0001f44b "\\/\t\x7f\u2028'}, invocation="0" * 32, commit={"in": "ab" * 32, "out_shown": "cd" * 32})
    yield good("text", "Text beyond ASCII, and commitments", "L-1 L-40", told.write(), "signed", "2 2 0 0", mode="thorough")
    other = MiniLog(name="thief", host=key_of("thief"), nonce="ee" * 16).fill(3)
    yield good("made-up", "A whole log made up, by its own keys: only the log id tells", "L-71", other.write(), "signed", "4 4 0 0")
    yield good("resigned", "The open segment written anew with stolen keys: only an anchor tells", "L-62", stolen_tail().write(), "signed", "12 12 0 0")


def anchored() -> Iterator[Audit]:
    log = std()
    files = log.write()

    def with_(data: bytes) -> Files:
        return {**files, "../anchor": data}

    told: Mapping[str, Given] = {"anchors": ["anchor"]}
    yield good("anchored", "A checkpoint of an earlier epoch, kept elsewhere", "L-62", with_(log.checkpoint(3, epoch=0)), "anchored", "12 12 3 0", given=told)
    yield good("anchored-seal", "A seal, kept elsewhere", "L-62", with_(files[SEAL0]), "anchored", "12 12 5 0", given=told)
    yield good("anchored-newest", "The newest checkpoint, kept elsewhere", "L-62", with_(files["checkpoint"]), "anchored", "12 12 12 0", given=told)
    yield good("anchored-entry", "The line of an entry, kept elsewhere", "L-62", with_(log.lines[6] + b"\n"), "anchored", "12 12 7 0", given=told)
    yield good("anchored-proof", "A proof, kept elsewhere", "L-62 L-70", with_(canonical(log.proof(6, size=8, epoch=1))), "anchored", "12 12 8 0", given=told)
    pruned = {**log.write(prunes=[0, 1]), "../anchor": log.checkpoint(3, epoch=0)}
    yield good("anchored-pruned", "An anchor inside of what was pruned", "L-11 L-62", pruned, "anchored", "12 12 3 0", given=told)
    unsigned = replaced(with_(log.checkpoint(3, epoch=0)), {"checkpoint": None})
    yield good("anchored-unsigned", "An anchor, but no checkpoint of the present epoch", "L-60", unsigned, "chained", "12 9 3 0", given=told)
    signs = replaced(with_(log.checkpoint(11)), {"checkpoint": None})
    yield good("anchored-signs", "An anchor that is the checkpoint of the present epoch", "L-60", signs, "anchored", "12 11 11 0", given=told)
    two = {**with_(log.checkpoint(3, epoch=0)), "../older": log.checkpoint(2, epoch=0)}
    yield good("anchored-two", "Two anchors", "L-60", two, "anchored", "12 12 3 0", given={"anchors": ["anchor", "older"]})

    yield from _unfit(log, files, told)


def _unfit(log: MiniLog, files: Files, told: Mapping[str, Given]) -> Iterator[Audit]:
    """Anchors that do not fit."""
    def with_(data: bytes) -> Files:
        return {**files, "../anchor": data}

    def fails(name: str, title: str, clauses: str, data: bytes, code: str, entry: int, covers: str = "12 12 0 0", *, of: Files | None = None) -> Audit:
        return bad(name, title, clauses, {**(of or files), "../anchor": data}, code, ("anchor", entry), covers, "anchored", given=told)

    longer = std().fill(2)
    yield fails("cut-off", "The anchor knows two more entries", "L-62", longer.checkpoint(), "truncated", 12)
    yield fails("cut-off-entry", "The anchor is an entry behind the end", "L-62", longer.lines[13], "truncated", 12)
    sealed = MiniLog().fill(3).rotate().fill(3).rotate()
    cut = replaced(sealed.write(), {S1: None, SEAL1: None, "checkpoint": sealed.files[SEAL0]})
    cut = {name: data for name, data in cut.items() if not name.startswith("tile/")}
    yield fails(
        "cut-off-segment",
        "A whole segment was cut off, with its seal; the older checkpoint put back",
        "L-62",
        log.checkpoint(),
        "truncated",
        5,
        "5 5 0 0",
        of=cut,
    )
    yield fails("forked", "The open segment written anew with stolen keys", "L-62", log.checkpoint(), "fork", 11, of=stolen_tail().write())
    yield fails("forked-entry", "The same, and an entry kept elsewhere", "L-62", log.lines[10], "fork", 10, of=stolen_tail().write())
    yield fails("forked-proof", "The same, and a proof kept elsewhere", "L-62", canonical(log.proof(10)), "fork", 11, of=stolen_tail().write())
    later = MiniLog()
    later.key = lambda epoch: key_of(f"log epoch {epoch}" if epoch < 2 else "thief")  # type: ignore[method-assign]
    later.fill(3).rotate().fill(2).rotate().fill(4)
    yield fails(
        "forked-epoch",
        "The second epoch written anew with its stolen keys, the next key is the thief's",
        "L-62",
        log.checkpoint(11),
        "fork",
        10,
        of=later.write(),
    )
    yield fails("anchor-other-log", "The anchor is one of another log of this host", "L-5", MiniLog(nonce="aa" * 16).fill(2).checkpoint(), "log_id", -1)
    yield fails("anchor-unsigned", "Nobody signed the anchor", "L-20", log.sign(log.text(3), 0, by=("epoch",)), "signature", 2)
    yield fails("anchor-host-alone", "Only the host signed the anchor", "L-20", log.sign(log.text(3), 0, by=("host",)), "signature", 2)
    yield fails("anchor-noise", "The anchor is nothing", "L-20", b"hello\n", "note", -1)
    broken = log.proof(6)
    broken["entries"][-1]["path"] = []  # type: ignore[index]
    yield fails("anchor-proof-broken", "The proof in the place of the anchor does not hold", "L-70", canonical(broken), "proof", 6)


def witnessed() -> Iterator[Audit]:
    log = std()
    files = log.write()
    note = files["checkpoint"]

    def row(name: str, title: str, data: bytes, verdict: str, covers: str, quorum: int, keys: list[str] = WITNESSES) -> Audit:
        return good(name, title, "L-50 L-60", {**files, "witnessed": data}, verdict, covers, given={"witnesses": keys, "quorum": quorum})

    both = cosign(note, "w1.example", "w2.example")
    yield row("witnessed", "One witness of one", cosign(note, "w1.example"), "witnessed", "12 12 12 12", 1, WITNESSES[:1])
    yield row("witnessed-2-of-3", "Two witnesses of three, and a stranger", cosign(both, "stranger"), "witnessed", "12 12 12 12", 2)
    yield row("witnessed-behind", "The witnesses saw an earlier size", cosign(log.checkpoint(10), "w1.example"), "witnessed", "12 12 10 10", 1)
    yield row("witnesses-few", "Two witnesses, three are asked for", both, "signed", "12 12 0 0", 3)
    yield row("witnesses-strange", "Only witnesses that the verifier does not know", cosign(note, "stranger"), "signed", "12 12 0 0", 1)
    alias = cosign(note, "w1.example") + _alias(note)
    yield row("witness-twice", "One key under two names is one witness", alias, "signed", "12 12 0 0", 2, [*WITNESSES[:2], ALIAS])
    yield row("witness-bit", "One bit of the cosignature turned", bit_flipped(cosign(note, "w1.example")), "signed", "12 12 0 0", 1)
    moved = log.checkpoint(10) + cosign(note, "w1.example")[len(note) :]
    yield row("witness-other-size", "A cosignature over another checkpoint", moved, "signed", "12 12 0 0", 1)
    yield row("witness-none", "A checkpoint without cosignatures in the place of the witnessed one", note, "signed", "12 12 0 0", 1)
    told: Mapping[str, Given] = {"witnesses": WITNESSES, "quorum": 1}
    forked = {**stolen_tail().write(), "witnessed": cosign(note, "w1.example")}
    yield bad("witnessed-fork", "Witnesses saw another history", "L-50 L-62", forked, "fork", ("witnessed", 11), "12 12 0 0", "witnessed", given=told)
    short = {**files, "witnessed": cosign(std().fill(1).checkpoint(), "w1.example")}
    yield bad("witnessed-cut-off", "Witnesses saw more entries", "L-50 L-62", short, "truncated", ("witnessed", 12), "12 12 0 0", "witnessed", given=told)
    alone = {**files, "witnessed": cosign(log.sign(log.text(), 2, by=("host",)), "w1.example")}
    yield bad(
        "witnessed-host-alone",
        "Witnesses saw what only the host's key signed",
        "L-20",
        alone,
        "signature",
        ("witnessed", 11),
        "12 12 0 0",
        "witnessed",
        given=told,
    )


def _alias(note: bytes) -> bytes:
    text = note.decode().rpartition("\n\n")[0] + "\n"
    return cosignature(text, "w1-too.example", key_of("w1.example"), START).encode()


def checkpoints() -> Iterator[Audit]:
    log = std()

    def of(name: str, title: str, data: bytes, code: str, entry: int, clauses: str = "L-20", caught: str = "signed") -> Audit:
        return bad(f"checkpoint-{name}", title, clauses, {**log.write(), "checkpoint": data}, code, ("checkpoint", entry), "12 9 0 0", caught)

    text = log.text()
    yield of("host-alone", "Only the host signed it", log.sign(text, 2, by=("host",)), "signature", 11)
    yield of("epoch-alone", "Only the key of the epoch signed it", log.sign(text, 2, by=("epoch",)), "signature", 11)
    yield of("bit", "One bit of the host's signature turned", bit_flipped(log.checkpoint(), -2), "signature", 11)
    yield of("yesterday", "Today's key signs a size of an epoch that is over", log.checkpoint(7, epoch=2), "signature", 6, "L-20 L-23")
    yield of("outlived", "A key of an epoch that is over signs what came later", log.checkpoint(11, epoch=1), "signature", 10, "L-20 L-23")
    yield of("epoch-unknown", "The key of an epoch that nobody announced", log.checkpoint(epoch=3), "signature", 11, "L-21")
    yield of("larger", "It knows more entries than there are", std().fill(2).checkpoint(), "truncated", 12, "L-62")
    yield of("root", "A signed root that the entries do not give", log.checkpoint(root=b"\1" * 32), "root", 11, "L-61")
    yield of("other-log", "One of another log of this host", MiniLog(nonce="aa" * 16).fill(3).checkpoint(), "log_id", -1, "L-5")
    yield of("noise", "No note", b"\xff\xfe", "note", -1)
    yield of("no-signatures", "No signature", text.encode() + b"\n", "note", -1)
    crowd = log.checkpoint() + cosign(log.checkpoint(), "stranger").splitlines(keepends=True)[-1] * 63
    yield of("crowded", "65 signatures", crowd, "note", -1)
    head, last = log.checkpoint()[:-3], log.checkpoint()[-3:-2]
    yield of("bits", "Base64 with an unused bit that is not zero", head + bytes([last[0] + 1]) + b"=\n", "note", -1)
    yield of("proof", "A proof in its place", canonical(log.proof(6)), "note", -1)
    yield of("size-zero", "A size with a zero before it", log.sign(text.replace("\n12\n", "\n012\n"), 2), "note", -1)
    yield of("root-short", "A root of 31 bytes", log.sign(log.text(root=b"\1" * 31), 2), "note", -1)
    yield of("padding", "Base64 without its padding", log.checkpoint()[:-1].rstrip(b"=") + b"\n", "note", -1)
    gone = std()
    gone.lines = gone.lines[:10]
    cut = {**gone.write(), "checkpoint": log.checkpoint()}
    yield bad("cut-below", "Entries below the newest checkpoint cut off", "L-31 L-62", cut, "truncated", ("checkpoint", 10), "10 9 0 0", "signed")
    torn = std()
    torn_files = torn.write()
    torn_files[S2] = torn_files[S2][:-5]
    yield bad("torn-below", "The torn line is one that the checkpoint knows", "L-31", torn_files, "truncated", ("checkpoint", 11), "11 9 0 0", "signed")


TABLES = (sound, anchored, witnessed, checkpoints)
