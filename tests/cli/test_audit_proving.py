"""``mpp audit verify``, ``prove`` and ``verify-proof``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.cli.audit import verify
from mpp.cli.store import progress
from mpp.crypto.ed25519 import SeedSigner
from mpp.host.audit.log import AuditLog
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.host.home import Home
from mpp.ledger.notes import COSIGNATURE, NoteKey, cosign_text, read_note, write_note
from tests import auditlogs
from tests.cli.conftest import Mpp

WITNESS = SeedSigner(b"w" * 32)
VKEY = str(NoteKey(name="w.example", public=WITNESS.public_key, algorithm=COSIGNATURE))


@pytest.fixture
def places(home: Path) -> LogPlaces:
    auditlogs.write(home, auditlogs.some_days(), seal_every=20)
    with AuditLog(Home(path=str(home))) as log:
        log.record_all([*auditlogs.stopped("com.example.a"), *auditlogs.stopped("com.example.b")])
    return Home(path=str(home)).log


def cosign(places: LogPlaces) -> None:
    note = read_note(Path(places.checkpoint).read_bytes(), where="x")
    Path(places.witnessed).write_bytes(write_note(note.text, (*note.signatures, cosign_text(note.text, "w.example", WITNESS, 1_790_000_000))))


def flip(path: str, at: int) -> None:
    data = bytearray(Path(path).read_bytes())
    data[at] ^= 1
    Path(path).write_bytes(data)


@pytest.mark.parametrize("depth", [(), ("--deep",), ("--thorough",)])
def test_a_whole_record_is_signed_and_says_what_that_leaves_open(mpp: Mpp, places: LogPlaces, depth: tuple[str, ...]) -> None:
    answer = mpp("audit", "verify", *depth)
    assert answer.code == 0, answer.err
    assert " signed: " in answer.out
    assert "whose log id nobody compared" in answer.out
    log_id = LogReader(places).entry(0).leaf
    assert log_id in answer.out
    pinned = mpp("audit", "verify", *depth, "--log-id", log_id.upper(), "--json").json
    assert (pinned["ok"], pinned["verdict"], pinned["log_id"]) == (True, "signed", log_id)
    assert pinned["covered"]["signed"] == LogReader(places).last() + 1
    assert "nobody compared" not in pinned["reason"]


def test_what_is_asked_for_and_not_reached_fails(mpp: Mpp, places: LogPlaces) -> None:
    answer = mpp("audit", "verify", "--require", "witnessed")
    assert answer.code == 27
    assert "[audit.level]" in answer.err
    assert "--witness" in answer.err
    Path(places.checkpoint).unlink()
    answer = mpp("audit", "verify", "--require", "signed")
    assert answer.code == 27
    assert "run any tool" in answer.err
    assert mpp("audit", "verify", "--require", "signed", "--json").json["ok"] is False


def test_a_flipped_byte_is_named_with_its_entry(mpp: Mpp, places: LogPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    flip(places.segment(0), 700)
    answer = mpp("audit", "verify", "--deep")
    assert answer.code == 27
    assert " broken: " in answer.out
    assert "byte" in answer.err
    found = mpp("audit", "verify", "--deep", "--json").json
    assert (found["ok"], found["verdict"]) == (False, "broken")
    assert found["faults"][0]["where"].startswith(f"{places.segment(0)}: entry ")
    flip(places.seal(0), 3)
    monkeypatch.setattr(verify, "FAULTS_SHOWN_MAX", 1)
    assert "more faults" in mpp("audit", "verify", "--deep").err


def test_another_record_in_its_place(mpp: Mpp, places: LogPlaces) -> None:
    assert "[audit.log_id]" in mpp("audit", "verify", "--log-id", "0" * 64).err
    assert "[usage.option]" in mpp("audit", "verify", "--log-id", "xyz").err


def test_an_anchor_shows_what_was_cut_off(mpp: Mpp, places: LogPlaces, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor"
    shutil.copy(places.checkpoint, anchor)
    last = LogReader(places).entry(5)
    line = tmp_path / "line"
    line.write_bytes(LogReader(places).line(5) + b"\n")
    proof = tmp_path / "proof.json"
    assert mpp("audit", "prove", 5, "-o", proof).code == 0
    for given in (anchor, proof, line, f"{last.seq}:{last.leaf}"):
        answer = mpp("audit", "verify", "--anchor", given, "--require", "anchored")
        assert answer.code == 0, (given, answer.err)
        assert "when the anchor was taken" in answer.out
    copy = tmp_path / "copy"
    shutil.copytree(places.folder, copy)
    newest = max(int(path.name[:16]) for path in (copy / "segments").glob("*.jsonl"))
    cut = LogPlaces(folder=str(copy), keys="")
    data = Path(cut.segment(newest)).read_bytes()
    Path(cut.segment(newest)).write_bytes(data[: data.find(b"\n") + 1])
    Path(cut.checkpoint).unlink()
    answer = mpp("audit", "verify", copy, "--anchor", anchor)
    assert answer.code == 27
    assert "[audit.truncated]" in answer.err
    assert "[audit.proof]" in mpp("audit", "verify", "--anchor", _broken(proof)).err


def _broken(proof: Path) -> Path:
    found = json.loads(proof.read_text())
    found["entries"][-1]["path"][0] = "0" * 64
    proof.write_text(json.dumps(found))
    return proof


def test_witnesses_that_are_named_count(mpp: Mpp, places: LogPlaces) -> None:
    cosign(places)
    answer = mpp("audit", "verify", "--witness", VKEY, "--require", "witnessed")
    assert answer.code == 0, answer.err
    assert "w.example at 2026-" in answer.out
    assert mpp("audit", "verify", "--witness", VKEY, "--quorum", 2, "--require", "witnessed").code == 27
    own = mpp("audit", "verify", "--json").json["host_key"]
    assert "[audit.witness_key]" in mpp("audit", "verify", "--witness", own).err
    assert mpp("audit", "witness", "add", "board", "--url", "http://127.0.0.1:1", "--key", VKEY).code == 0
    assert mpp("audit", "verify", "--require", "witnessed").code == 0


def test_notes_are_shown_and_bounded(mpp: Mpp, places: LogPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "NOTES_SHOWN_MAX", 0)
    Path(places.checkpoint).unlink()
    assert "more notes" in mpp("audit", "verify").err


def test_progress_is_drawn_for_a_person_only(mpp: Mpp, places: LogPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", -1)
    assert "segments" not in mpp("audit", "verify").err
    monkeypatch.setattr(progress, "_is_drawn", lambda *, quiet: not quiet)
    assert "segments\n" in mpp("audit", "verify").err
    assert "segments" not in mpp("audit", "verify", "--json").err


def test_where_there_is_no_record(mpp: Mpp, tmp_path: Path) -> None:
    assert "[audit.empty]" in mpp("audit", "verify").err
    assert "[usage.no_file]" in mpp("audit", "verify", tmp_path / "absent").err
    assert "[audit.empty]" in mpp("audit", "prove", 0, "--log", tmp_path).err
    assert "[audit.empty]" in mpp("audit", "prove", "last").err


def test_a_proof_is_made_and_verified(mpp: Mpp, places: LogPlaces, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    made = mpp("audit", "prove", "last", "-o", proof, "--json").json
    assert made == {"ok": True, "entry": LogReader(places).last(), "file": str(proof)}
    answer = mpp("audit", "verify-proof", proof)
    assert answer.code == 0, answer.err
    assert f"entry {made['entry']} is in the log" in answer.out
    assert "compare the log id" in answer.err
    log_id = LogReader(places).entry(0).leaf
    found = mpp("audit", "verify-proof", proof, "--log-id", log_id, "--json").json
    assert (found["ok"], found["entry"], found["log_id_compared"]) == (True, made["entry"], True)
    assert "[audit.log_id]" in mpp("audit", "verify-proof", proof, "--log-id", "0" * 64).err
    assert "[audit.level]" in mpp("audit", "verify-proof", proof, "--witness", VKEY, "--quorum", 1).err
    assert json.loads(mpp("audit", "prove", 3).out)["entries"][-1]["seq"] == 3


def test_a_proof_with_witnesses(mpp: Mpp, places: LogPlaces, tmp_path: Path) -> None:
    cosign(places)
    shutil.copy(places.witnessed, places.checkpoint)
    proof = tmp_path / "proof.json"
    assert mpp("audit", "prove", 3, "-o", proof).err == f"The proof of entry 3 is in {proof}.\n"
    answer = mpp("audit", "verify-proof", proof, "--witness", VKEY, "--quorum", 1)
    assert answer.code == 0
    assert "witness w.example at" in answer.out
    assert mpp("audit", "verify-proof", proof, "--witness", VKEY, "--json").json["witnesses"][0]["name"] == "w.example"


def test_an_entry_behind_the_checkpoint_is_signed_first(mpp: Mpp, places: LogPlaces, home: Path, tmp_path: Path) -> None:
    log = AuditLog(Home(path=str(home)))
    (ref,) = log.record_all(auditlogs.stopped("com.example.bad"))
    found = json.loads(mpp("audit", "prove", ref.seq).out)
    assert found["entries"][-1]["seq"] == ref.seq
    copy = tmp_path / "copy"
    shutil.copytree(places.folder, copy)
    log.record_all(auditlogs.stopped("com.example.bad"))
    assert "[audit.no_entry]" in mpp("audit", "prove", ref.seq + 99, "--log", copy).err or "[audit.unsigned]" in mpp("audit", "prove", 99999, "--log", copy).err
    assert "[usage.option]" in mpp("audit", "prove", "first").err


@pytest.mark.parametrize("change", [lambda text: text[:-9], lambda text: text.replace('"seq":3', '"seq":4'), lambda _: "{}", lambda _: "x" * 2_000_000])
def test_a_proof_from_elsewhere_is_read_strictly(mpp: Mpp, places: LogPlaces, tmp_path: Path, change: Callable[[str], str]) -> None:
    proof = tmp_path / "proof.json"
    proof.write_text(change(mpp("audit", "prove", 3).out))
    assert mpp("audit", "verify-proof", proof).code != 0
