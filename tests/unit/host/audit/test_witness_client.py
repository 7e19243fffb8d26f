"""Asking witnesses: what is kept, what is refused, and when the alarm is raised."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.crypto.ed25519 import SeedSigner
from mpp.errors import HostFailed, MppError, Refused, RemoteFailed
from mpp.host.audit.reader import LogReader
from mpp.host.audit.witness_client import Cosigned, ask_all, count_distinct, keep, merged, own_key
from mpp.host.audit.witness_http import Reply
from mpp.host.audit.witness_list import NamedWitness
from mpp.host.home import Home
from mpp.host.host_key import host_key
from mpp.host.system import FixedClock, SystemClock
from mpp.ledger.checkpoints import Checkpoint, checkpoint_text, read_checkpoint
from mpp.ledger.notes import COSIGNATURE, Note, NoteKey, cosign_text, sign_text, signature_line, signed_at
from mpp.stages.audit.witness import read_request
from tests.unit.host.audit.witnesses import Running, grow, log_key, running

NOW = 1_790_000_000
WITNESS = SeedSigner(b"w" * 32)
KEY = NoteKey(name="w.example", public=WITNESS.public_key, algorithm=COSIGNATURE)
NAMED = NamedWitness(name="board", url="http://127.0.0.1:1", key=KEY)


@pytest.fixture
def log(tmp_path: Path) -> Home:
    found = Home(path=str(tmp_path / "home"))
    grow(found, 5)
    return found


def named(witness: Running, name: str = "board") -> NamedWitness:
    return NamedWitness(name=name, url=witness.url, key=witness.key)


def kept(home: Home) -> Note:
    return LogReader(home.log).note(home.log.witnessed)


def the(found: list[Cosigned]) -> MppError:
    assert len(found) == 1
    assert found[0].fault is not None
    return found[0].fault


# -- with a real witness


def test_the_log_is_witnessed_as_it_grows(log: Home, tmp_path: Path) -> None:
    reader = LogReader(log.log)
    with running(tmp_path / "w", log_key(log)) as witness:
        for count in (0, 1, 7, 300):
            if count:
                grow(log, count)
            checkpoint, found = ask_all(reader, [named(witness)], SystemClock())
            assert [one.fault for one in found] == [None]
            note = kept(log)
            assert read_checkpoint(note.text, where="x") == checkpoint == reader.checkpoint()[1]
            assert signed_at(note, witness.key) == found[0].at > 0
            assert len(note.signatures) == 3
        # Asked again about the same: the newer signature takes the place of the older.
        ask_all(reader, [named(witness)], SystemClock())
        assert len(kept(log).signatures) == 3
    assert count_distinct(found) == 1
    assert os.stat(log.log.witnessed).st_mode & 0o777 == 0o600


def test_a_witness_that_comes_later_is_asked_from_the_beginning(log: Home, tmp_path: Path) -> None:
    reader, key = LogReader(log.log), log_key(log)
    with running(tmp_path / "a", key, name="a") as first, running(tmp_path / "b", key, name="b") as second:
        ask_all(reader, [named(first)], SystemClock())
        ask_all(reader, [named(second)], SystemClock())
        assert signed_at(kept(log), first.key)
        assert signed_at(kept(log), second.key)
        grow(log, 3)
        # The second is not asked, grows old, and is then told a size that it does not know.
        ask_all(reader, [named(first)], SystemClock())
        assert signed_at(kept(log), second.key) is None
        grow(log, 3)
        _, found = ask_all(reader, [named(first), named(second, "other")], SystemClock())
        assert count_distinct(found) == 2
        assert len(kept(log).signatures) == 4


def test_witnesses_that_are_down_or_do_not_know_the_log(log: Home, tmp_path: Path) -> None:
    other = NoteKey(name=log_key(log).name, public=WITNESS.public_key)
    with running(tmp_path / "a") as stranger, running(tmp_path / "b", other) as wrong:
        _, found = ask_all(LogReader(log.log), [NAMED, named(stranger), named(wrong)], SystemClock())
    assert [one.fault.code if one.fault else "" for one in found] == ["remote.witness", "audit.witness", "audit.witness"]
    assert "accept" in str(found[1].fault and found[1].fault.hint)
    assert not os.path.exists(log.log.witnessed)
    assert count_distinct(found) == 0


def test_a_log_that_was_cut_off(log: Home, tmp_path: Path) -> None:
    shutil.copytree(log.path, tmp_path / "copy")
    copy = Home(path=str(tmp_path / "copy"))
    grow(log, 4)
    with running(tmp_path / "w", log_key(log)) as witness:
        ask_all(LogReader(log.log), [named(witness)], SystemClock())
        _, found = ask_all(LogReader(copy.log), [named(witness)], SystemClock())
        assert the(found).code == "audit.truncated"
        assert found[0].is_alarm
        # And without asking anybody, where the witnessed checkpoint is still there.
        shutil.copy(log.log.witnessed, copy.log.witnessed)
        with pytest.raises(Refused) as caught:
            ask_all(LogReader(copy.log), [named(witness)], SystemClock())
    assert caught.value.code == "audit.truncated"


@pytest.mark.parametrize("more", [4, 9])
def test_a_log_that_was_forked(log: Home, tmp_path: Path, more: int) -> None:
    shutil.copytree(log.path, tmp_path / "copy")
    copy = Home(path=str(tmp_path / "copy"))
    grow(log, 4)
    grow(copy, more, "another")
    with running(tmp_path / "w", log_key(log)) as witness:
        ask_all(LogReader(log.log), [named(witness)], SystemClock())
        _, found = ask_all(LogReader(copy.log), [named(witness)], SystemClock())
        assert the(found).code == "audit.fork"
        assert found[0].is_alarm
        assert not os.path.exists(copy.log.witnessed)
        shutil.copy(log.log.witnessed, copy.log.witnessed)
        with pytest.raises(Refused) as caught:
            ask_all(LogReader(copy.log), [named(witness)], SystemClock())
    assert caught.value.code == "audit.fork"


def test_a_new_log_takes_the_place_of_what_was_witnessed_of_another(log: Home, tmp_path: Path) -> None:
    other = Home(path=str(tmp_path / "other"))
    grow(other, 2)
    with running(tmp_path / "w", log_key(log), log_key(other)) as witness:
        ask_all(LogReader(log.log), [named(witness)], SystemClock())
        shutil.copy(log.log.witnessed, other.log.witnessed)
        _, found = ask_all(LogReader(other.log), [named(witness)], SystemClock())
        assert found[0].fault is None
    assert read_checkpoint(kept(other).text, where="x").origin == log_key(other).name


def test_damaged_tiles_are_not_called_a_fork(log: Home, tmp_path: Path) -> None:
    grow(log, 600)
    with running(tmp_path / "w", log_key(log)) as witness:
        ask_all(LogReader(log.log), [named(witness)], SystemClock())
        os.unlink(log.log.witnessed)
        grow(log, 10)
        for tile in (Path(log.log.folder) / "tile").rglob("*"):
            if tile.is_file():
                data = bytearray(tile.read_bytes())
                data[7] ^= 1
                tile.write_bytes(data)
        _, found = ask_all(LogReader(log.log), [named(witness)], SystemClock())
    assert isinstance(found[0].fault, HostFailed)
    assert found[0].fault.code == "audit.tile"
    assert not found[0].is_alarm


# -- with a witness that lies


def talk(log: Home, answer: Callable[[bytes], Reply], *, now: int = NOW) -> MppError:
    return the(ask_all(LogReader(log.log), [NAMED], FixedClock(now), lambda _url, body: answer(body))[1])


def sized(size: int) -> Reply:
    return Reply(409, "text/x.tlog.size", b"%d\n" % size)


def signed(body: bytes, *, signer: SeedSigner = WITNESS, at: int = NOW, text: str = "") -> Reply:
    asked = read_request(body, where="x")
    return Reply(200, "", signature_line(cosign_text(text or asked.note.text, KEY.name, signer, at)).encode())


def test_the_newest_checkpoint_is_sent_with_both_signatures(log: Home) -> None:
    sent: list[bytes] = []

    def answer(_url: str, body: bytes) -> Reply:
        sent.append(body)
        return signed(body)

    checkpoint, found = ask_all(LogReader(log.log), [NAMED], FixedClock(NOW), answer)
    assert found[0].fault is None
    asked = read_request(sent[0], where="x")
    assert asked.old == 0
    assert asked.checkpoint == checkpoint
    assert len(asked.note.signatures) == 2
    ask_all(LogReader(log.log), [NAMED], FixedClock(NOW), answer)
    assert read_request(sent[1], where="x").old == checkpoint.size


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda body: signed(body, signer=SeedSigner(b"x" * 32)), "audit.witness"),
        (lambda body: signed(body, text="another\n"), "audit.witness"),
        (lambda body: signed(body, at=NOW + 86_401), "audit.witness"),
        (lambda body: signed(body, at=NOW - 86_401), "audit.witness"),
        (lambda body: Reply(200, "", b""), "audit.note"),
        (lambda body: Reply(200, "", b"\n" + signed(body).body), "audit.witness"),
        (lambda body: Reply(200, "", signed(body).body + b"x"), "audit.note"),
        (lambda body: Reply(200, "", signed(body).body * 100), "audit.note"),
        (lambda body: Reply(409, "text/plain", b"5\n"), "remote.witness"),
        (lambda body: Reply(409, "text/x.tlog.size", b"x"), "audit.witness"),
        (lambda body: sized(0), "remote.witness"),
        (lambda body: sized(3), "remote.witness"),
        (lambda body: sized(99), "audit.truncated"),
        (lambda body: sized(read_request(body, where="x").old % 4 + 1), "remote.witness"),
        (lambda body: Reply(422, "", b""), "remote.witness"),
        (lambda body: Reply(400, "", b""), "remote.witness"),
        (lambda body: Reply(301, "", b""), "remote.witness"),
        (lambda body: Reply(500, "", b""), "remote.witness"),
    ],
)
def test_answers_that_do_not_count(log: Home, answer: Callable[[bytes], Reply], code: str) -> None:
    assert talk(log, answer).code == code
    assert not os.path.exists(log.log.witnessed)


@pytest.mark.parametrize("off", [-86_400, 0, 86_400])
def test_a_clock_that_is_a_little_off_counts(log: Home, off: int) -> None:
    _, found = ask_all(LogReader(log.log), [NAMED], FixedClock(NOW), lambda _url, body: signed(body, at=NOW + off))
    assert found[0].at == NOW + off


def test_a_witness_with_another_root_of_a_smaller_size_is_the_alarm(log: Home) -> None:
    size = LogReader(log.log).checkpoint()[1].size

    def answer(body: bytes) -> Reply:
        return sized(size - 1) if read_request(body, where="x").old == 0 else Reply(422, "", b"")

    assert talk(log, answer).code == "audit.fork"
    assert talk(log, lambda body: sized(size)).code == "audit.fork"


def test_a_larger_size_that_our_log_has_meanwhile_is_no_alarm(log: Home) -> None:
    """Another process had a newer checkpoint witnessed, between our reading and our asking."""
    before = LogReader(log.log).checkpoint()[1].size
    calls: list[int] = []

    def answer(_url: str, body: bytes) -> Reply:
        asked = read_request(body, where="x")
        calls.append(asked.checkpoint.size)
        if len(calls) == 1:
            grow(log, 2)
            return sized(before + 2)
        return signed(body)

    checkpoint, found = ask_all(LogReader(log.log), [NAMED], FixedClock(NOW), answer)
    assert found[0].fault is None
    assert calls == [before, before + 2]
    assert checkpoint.size == before + 2


def test_a_log_that_grows_under_each_question(log: Home) -> None:
    def answer(_url: str, body: bytes) -> Reply:
        grow(log, 1)
        return sized(read_request(body, where="x").checkpoint.size + 1)

    with pytest.raises(RemoteFailed, match="faster"):
        ask_all(LogReader(log.log), [NAMED], FixedClock(NOW), answer)


def test_the_key_of_the_log_is_that_of_its_checkpoint(log: Home, tmp_path: Path) -> None:
    reader = LogReader(log.log)
    assert own_key(reader, host_key(log).public) == log_key(log)
    with pytest.raises(Refused) as caught:
        own_key(reader, WITNESS.public_key)
    assert caught.value.code == "audit.signature"
    with pytest.raises(Refused) as caught:
        own_key(LogReader(Home(path=str(tmp_path / "none")).log), WITNESS.public_key)
    assert caught.value.code == "audit.no_checkpoint"


# -- what is kept

LOG = SeedSigner(b"l" * 32)


def made(size: int, *names: str, root: bytes = bytes(32), at: int = 1, more: tuple[str, ...] = ()) -> Note:
    text = checkpoint_text(Checkpoint(origin="o", size=size, root=root, more=more))
    return Note(text=text, signatures=(sign_text(text, "o", LOG), *(cosign_text(text, name, WITNESS, at) for name in names)))


def names(note: Note | None) -> list[str] | None:
    return None if note is None else [one.name for one in note.signatures]


@pytest.mark.parametrize(
    ("before", "size", "signers", "after"),
    [
        (None, 5, ("a",), ["o", "a"]),
        (made(4, "a", "b"), 5, ("a",), ["o", "a"]),
        (made(5, "a"), 5, ("b",), ["o", "b", "a"]),
        (made(5, "a"), 5, ("a",), ["o", "a"]),
        (made(6, "a"), 5, ("a", "b", "c"), None),
        (made(5, "a", more=("x",)), 5, ("b",), None),
        (made(5, "a", more=("x",)), 5, ("b", "c"), ["o", "b", "c"]),
        (made(5, *(f"w{i}" for i in range(63))), 5, ("new",), ["o", "new", *(f"w{i}" for i in range(62))]),
    ],
)
def test_no_more_is_given_up_for_less(before: Note | None, size: int, signers: tuple[str, ...], after: list[str] | None) -> None:
    new = made(size, *signers, at=2)
    found = merged(before, Note(text=new.text, signatures=new.signatures[:1]), new.signatures[1:])
    assert names(found) == after
    if found is not None:
        assert all(one.signature[:8] == (2).to_bytes(8, "big") for one in found.signatures if one.name in signers)


def test_nothing_signed_leaves_the_file_as_it_is(log: Home) -> None:
    reader = LogReader(log.log)
    note, _ = reader.checkpoint()
    keep(reader, note, [])
    assert not os.path.exists(log.log.witnessed)
    text = note.text.replace("\n6\n", "\n9000\n")
    big = Note(text=text, signatures=(cosign_text(text, "a", WITNESS, 1),))
    keep(reader, Note(text=text, signatures=()), big.signatures)
    keep(reader, note, [cosign_text(note.text, "a", WITNESS, 1)])
    assert kept(log) == big
