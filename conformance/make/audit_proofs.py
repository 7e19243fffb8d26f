"""Proofs of one entry, and checkpoints alone. Spec: 7-audit.md section 8."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from conformance.make.audit import SEAL0, WITNESSES, Audit, Given, small, std
from tests.verifier.minilog import MiniLog, base64, canonical, cosign, edited, key_of, public, vkey


# One case a line, however long.
# fmt: off

def proofs() -> Iterator[Audit]:
    log, one = std(), small()

    def of(name: str, title: str, proof: object, code: str = "", entry: int = -1, clauses: str = "L-70", *, verdict: str = "signed", **given: Given) -> Audit:
        data = proof if isinstance(proof, bytes) else canonical(proof)
        seen = "broken" if code else verdict
        place = ("audit." + code, "proof.json", "signed") if code else ("", "", "")
        return Audit(command="proof", name=name, title=title, clauses=clauses, files={"../proof.json": data}, verdict=seen, entry=entry, given=given, code=place[0], file=place[1], caught=place[2])

    yield of("entry", "An entry of a sealed segment", log.proof(6), entry=6)
    yield of("entry-newest", "The newest entry", log.proof(11), entry=11)
    yield of("entry-zero", "Entry 0 in a log of one epoch", one.proof(0), entry=0)
    yield of("entry-epoch", "The entry that announced the epoch", log.proof(8), entry=8)
    yield of("entry-epoch-0", "An entry in a log of one epoch", one.proof(2), entry=2)
    yield of("entry-earlier", "An entry by a checkpoint of an epoch that is over", log.proof(6, size=8, epoch=1), entry=6)
    yield of("indented", "A proof as people may read it", json.dumps(log.proof(6), indent=1).encode(), entry=6)
    yield of("log-id", "The log that was asked for", log.proof(6), entry=6, clauses="L-71", log_id=log.log_id)
    seen = log.proof(6, checkpoint=cosign(log.checkpoint(), "w1.example", "w2.example"))
    yield of("witnessed", "Two witnesses of three", seen, entry=6, verdict="witnessed", witnesses=WITNESSES, quorum=2)
    yield of("witnesses-few", "Two witnesses, three are asked for", seen, entry=6, witnesses=WITNESSES, quorum=3)
    yield of("log-id-other", "Another log of this host", log.proof(6), "log_id", 0, "L-71", log_id=MiniLog(nonce="aa" * 16).log_id)
    yield from _bad_proofs(of, log)


def _bad_proofs(of: object, log: MiniLog) -> Iterator[Audit]:
    def changed_row(at: int, **change: object) -> dict[str, object]:
        found = log.proof(6)
        found["entries"][at] |= change  # type: ignore[index]
        return found

    def fails(name: str, title: str, proof: object, code: str, entry: int, clauses: str = "L-70") -> Audit:
        return of(name, title, proof, code, entry, clauses)  # type: ignore[operator,no-any-return]

    sound_ = log.proof(6)
    rows: list[dict[str, object]] = sound_["entries"]  # type: ignore[assignment]
    path: list[str] = rows[2]["path"]  # type: ignore[assignment]
    line = log.lines[6].decode()
    yield fails("path-cut", "A hash of the path left out", changed_row(2, path=path[:-1]), "proof", 6, "L-12")
    yield fails("path-longer", "A hash too many", changed_row(2, path=[*path, "ab" * 32]), "proof", 6, "L-12")
    yield fails("path-bit", "Another hash in the path", changed_row(2, path=["ab" * 32, *path[1:]]), "proof", 6, "L-12")
    yield fails("path-upper", "Hex in upper case", changed_row(2, path=["AB" * 32, *path[1:]]), "proof", -1)
    yield fails("line-edited", "The entry changed", changed_row(2, line=edited(log.lines[6]).decode()), "proof", 6)
    yield fails("line-other", "Another entry than it says", changed_row(2, seq=7), "proof", 7)
    yield fails("line-end", "A line feed behind the line", changed_row(2, line=line + "\n"), "entry", 6)
    yield fails("line-spaced", "A line that is not canonical", changed_row(2, line=line.replace('"at":', '"at": ')), "entry", 6)
    yield fails("zero-missing", "Entry 0 does not stand first", {**sound_, "entries": rows[1:]}, "seq", 0)
    yield fails("zero-edited", "Another entry 0", changed_row(0, line=MiniLog(nonce="aa" * 16).lines[0].decode()), "log_id", -1, "L-5")
    yield fails("epoch-missing", "The entry that announced the key is left out", {**sound_, "entries": [rows[0], rows[2]]}, "epoch", 6, "L-21")
    fake = log.line(log.event("epoch", {"epoch": 2, "key": base64(public(key_of("thief")))}), prev=bytes(32), seq=8).decode()
    yield fails("epoch-made-up", "A key that the log never announced", changed_row(1, line=fake), "proof", 8, "L-21")
    yield fails("zero-linked", "Entry 0 has something before it", changed_row(0, line=log.line(log.event("log"), prev=bytes([1]) * 32, seq=0).decode()), "chain", 0, "L-3")
    one = small()
    three: list[dict[str, object]] = [one.proof(seq)["entries"][-1] for seq in (0, 1, 2)]  # type: ignore[index]
    yield fails("entries-unneeded", "An entry that nobody needs", {**one.proof(2), "entries": three}, "proof", -1)
    forged = one.sign(one.text(), 0, epoch_key=key_of("thief"))
    yield fails("epoch-0-stranger", "A stranger's key signed for epoch 0", one.proof(0, checkpoint=forged), "signature", -1, "L-20")
    for kind, sign in (("blank", "\u00a0"), ("tab", "\t"), ("return", "\r"), ("line", "\u2028"), ("null", "\0"), ("turned", "\u202e")):
        odd = f"{sound_['checkpoint']}\u2014 str{sign}anger AAAAAAA=\n"
        yield fails(f"name-{kind}", "A name of a key with a character that no name has", {**sound_, "checkpoint": odd}, "note", -1, "L-20")
    yield of("name-foreign", "A key of another witness with a name in other letters", {**sound_, "checkpoint": f"{sound_['checkpoint']}\u2014 \u00e9.example AAAAAAA=\n"}, entry=6, clauses="L-20")  # type: ignore[operator]
    yield fails("key-twice", "A key twice", canonical(sound_)[:-1] + b',"mpp_proof":1}', "proof", -1)
    yield fails("number-fraction", "A version with a fraction", canonical(sound_)[:-2] + b"1.0}", "proof", -1)
    yield fails("entries-none", "No entry", {**sound_, "entries": []}, "proof", -1)
    yield fails("entries-more", "Four entries", {**sound_, "entries": [*rows, rows[2]]}, "proof", -1)
    yield fails("key-unknown", "A key that nobody knows", {**sound_, "note": ""}, "proof", -1)
    yield fails("row-key", "A key of a row that nobody knows", changed_row(2, note=""), "proof", -1)
    yield fails("version", "Another version", {**sound_, "mpp_proof": 2}, "proof", -1)
    yield fails("not-json", "Not JSON", b"proof", "proof", -1)
    yield fails("not-note", "No note for a checkpoint", {**sound_, "checkpoint": "noise"}, "note", -1)
    for name, title, by in (("host-alone", "Only the host signed", ("host",)), ("epoch-alone", "Only the key of the epoch signed", ("epoch",))):
        yield fails(name, title, log.proof(6, checkpoint=log.sign(log.text(), 2, by=by)), "signature", -1, "L-20")
    stolen = log.sign(log.text(), 1, epoch_key=key_of("thief"))
    yield fails("epoch-stranger", "A stranger's key signed for the epoch", log.proof(6, checkpoint=stolen), "signature", -1, "L-20")


def alone() -> Iterator[Audit]:
    log = std()
    host, epoch = base64(public(log.host)), base64(public(log.key(2)))

    def of(name: str, title: str, data: bytes, verdict: str, code: str = "", clauses: str = "L-20", key: str = host, **given: Given) -> Audit:
        place = ("audit." + code, "checkpoint", "signed") if code else ("", "", "")
        given_: Mapping[str, Given] = {"host_key": key, **given}
        return Audit(command="checkpoint", name=name, title=title, clauses=clauses, files={"../checkpoint": data}, verdict=verdict, given=given_, code=place[0], file=place[1], caught=place[2])

    note = log.checkpoint()
    yield of("host-signed", "Signed by the host; the key of the epoch is not known", note, "host-signed")
    yield of("signed", "Signed by both keys", note, "signed", epoch_key=epoch)
    yield of("signed-named", "Both keys with their names", note, "signed", key=vkey(log.origin, 1, log.host), epoch_key=vkey(log.origin + "/2", 1, log.key(2)))
    yield of("seal", "A seal", log.files[SEAL0], "signed", epoch_key=base64(public(log.key(0))))
    yield of(
        "witnessed",
        "Two witnesses of three",
        cosign(note, "w1.example", "w3.example"),
        "witnessed",
        clauses="L-50",
        epoch_key=epoch,
        witnesses=WITNESSES,
        quorum=2,
    )
    yield of("host-other", "Another host", note, "broken", "signature", key=base64(public(key_of("thief"))))
    yield of("epoch-other", "The key of another epoch", note, "broken", "signature", epoch_key=base64(public(log.key(1))))
    yield of("epoch-missing", "Only the host signed", log.sign(log.text(), 2, by=("host",)), "broken", "signature", epoch_key=epoch)
    yield of("name-other", "The key of another log", note, "broken", "log_id", "L-5", key=vkey("mpp-audit/" + "ab" * 16, 1, log.host))
    yield of("log-id-other", "Another log than was asked for", note, "broken", "log_id", "L-71", log_id=MiniLog(nonce="aa" * 16).log_id)
    yield of("origin-other", "No log of MPP", log.sign(log.text(origin="example.com/log"), 2), "broken", "log_id", "L-5")
    yield of("noise", "No note", b"\n\n", "broken", "note")


TABLES = (proofs, alone)
