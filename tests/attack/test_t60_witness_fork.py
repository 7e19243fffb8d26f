"""T60, two histories of one log: cut, forked, replayed, with stolen keys, by many at once, and with a witness that is killed in between.

A witness that lives signs one of them and never the other; the host that comes with the other is told so.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.crypto.ed25519 import SeedSigner
from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.host.audit.witness_client import ask_all
from mpp.host.audit.witness_folder import WitnessFolder
from mpp.host.audit.witness_list import NamedWitness
from mpp.host.home import Home
from mpp.host.host_key import host_key
from mpp.host.system import SystemClock
from mpp.ledger.checkpoints import Checkpoint, checkpoint_text, read_checkpoint
from mpp.ledger.notes import cosign_text, read_note, sign_text, signed_at, write_note
from mpp.ledger.tree import consistency_path
from mpp.stages.audit.witness import with_lines, write_request
from tests.unit.host.audit.witnesses import FORK, KEY, LEAVES, LOG, NAME, ORIGIN, Running, grow, log_key, note, request, running

THREADS = 8


def named(witness: Running) -> NamedWitness:
    return NamedWitness(name="board", url=witness.url, key=witness.key)


def ask(home: Home, witness: Running) -> str:
    """The code of what the witness said; empty if it signed."""
    _, found = ask_all(LogReader(home.log), [named(witness)], SystemClock())
    return "" if found[0].fault is None else found[0].fault.code


@pytest.fixture
def two(tmp_path: Path) -> tuple[Home, Home]:
    """A log, and a copy of it with all its keys."""
    first = Home(path=str(tmp_path / "first"))
    grow(first, 5)
    with AuditLog(first) as log:
        log.seal()
    grow(first, 3)
    shutil.copytree(first.path, tmp_path / "second")
    return first, Home(path=str(tmp_path / "second"))


@pytest.mark.parametrize("more", [1, 4, 5, 30])
def test_of_two_copies_that_diverge_one_is_signed(two: tuple[Home, Home], tmp_path: Path, more: int) -> None:
    """Shorter, as long, longer: with the stolen keys of the host and of the epoch, and in the right form."""
    first, second = two
    grow(first, 4, "true")
    grow(second, more, "false")
    with running(tmp_path / "w", log_key(first)) as witness:
        assert ask(first, witness) == ""
        assert ask(second, witness) == ("audit.truncated" if more < 4 else "audit.fork")
        grow(first, 50, "true")
        assert ask(first, witness) == ""
        # Each time it comes, and after each of its growths.
        grow(second, 3, "false")
        assert ask(second, witness) in {"audit.truncated", "audit.fork"}
    assert not os.path.exists(second.log.witnessed)


def test_an_old_copy_that_is_put_in_place_is_seen_and_does_not_take_the_witness_back(two: tuple[Home, Home], tmp_path: Path) -> None:
    first, old = two
    with running(tmp_path / "w", log_key(first)) as witness:
        assert ask(old, witness) == ""
        grow(first, 4)
        assert ask(first, witness) == ""
        assert ask(old, witness) == "audit.truncated"
        # Replayed as it was sent, by whoever saw it.
        before, checkpoint = LogReader(old.log).checkpoint()
        data = write_note(before.text, before.signatures)
        for size in (0, checkpoint.size, checkpoint.size + 4):
            status, _, _ = witness.add(write_request(size, [], data))
            assert status in {400, 409}
        assert ask(first, witness) == ""


def test_a_stolen_host_key_makes_no_second_history(two: tuple[Home, Home], tmp_path: Path) -> None:
    """All that a thief of the key can sign: other roots of the known size, of larger ones, and proofs of other trees."""
    first, _ = two
    reader, key = LogReader(first.log), host_key(first)
    with running(tmp_path / "w", log_key(first)) as witness:
        assert ask(first, witness) == ""
        _, checkpoint = reader.checkpoint()

        def forged(size: int, root: bytes) -> bytes:
            text = checkpoint_text(Checkpoint(origin=checkpoint.origin, size=size, root=root))
            return write_note(text, (sign_text(text, checkpoint.origin, key.signer),))

        true = consistency_path(reader.hashes(checkpoint.size), 3, checkpoint.size)
        for size in (checkpoint.size, checkpoint.size + 1, 2 * checkpoint.size, 2**53 - 1):
            for proof in ([], true, [bytes(32)] * 63):
                assert witness.add(write_request(checkpoint.size, proof, forged(size, bytes(32))))[0] in {409, 422}
        assert witness.add(write_request(0, [], forged(0, bytes(32))))[0] == 409
        grow(first, 1)
        assert ask(first, witness) == ""


def test_a_cosignature_of_a_thief_of_the_log_is_not_the_witnesses(two: tuple[Home, Home], tmp_path: Path) -> None:
    """Attack: a witness of one's own at the address of the true one; and the log's own key in the place of a witness's."""
    first, _ = two
    with running(tmp_path / "w", log_key(first)) as true, running(tmp_path / "x", log_key(first)) as false:
        _, found = ask_all(LogReader(first.log), [NamedWitness(name="board", url=false.url, key=true.key)], SystemClock())
        assert found[0].fault is not None
        assert found[0].fault.code == "audit.witness"
        text = LogReader(first.log).checkpoint()[0].text
        own = cosign_text(text, NAME, host_key(first).signer, 1_790_000_000)
        assert signed_at(with_lines(text, write_note(text, (own,)).split(b"\n\n")[1], where="x"), true.key) is None
    assert not os.path.exists(first.log.witnessed)


def cosigned(answers: list[tuple[bool, int, bytes]]) -> set[bool]:
    return {is_fork for is_fork, status, _ in answers if status == 200}


def storm(witness: Running, steps: list[tuple[int, int]]) -> list[tuple[bool, int, bytes]]:
    """Eight at once, four for each history, all through the same steps."""
    barrier, answers = threading.Barrier(THREADS), list[tuple[bool, int, bytes]]()

    def run(is_fork: bool) -> None:
        for old, size in steps:
            data = request(old, size, FORK if is_fork else LEAVES)
            barrier.wait()
            status, _, body = witness.add(data)
            answers.append((is_fork, status, body))

    threads = [threading.Thread(target=run, args=(bool(i % 2),)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.parametrize("attempt", range(5))
def test_eight_at_once_get_one_history_signed(tmp_path: Path, attempt: int) -> None:
    with running(tmp_path / "w", KEY) as witness:
        # Up to entry 7 both are the same, then they part.
        assert witness.add(request(0, 7))[0] == 200
        answers = storm(witness, [(7, 10 + attempt), (10 + attempt, 20), (20, 33)])
        assert len(answers) == 3 * THREADS
        assert len(cosigned(answers)) == 1
        # A status for each: signed, another size, the same size, or no proof.
        assert {status for _, status, _ in answers} <= {200, 409, 422}
        assert witness.add(request(33, 33, FORK if True in cosigned(answers) else LEAVES))[0] == 200


def test_eight_first_checkpoints_at_once(tmp_path: Path) -> None:
    """Nothing is known yet: the moment at which a fork is easiest."""
    with running(tmp_path / "w", KEY) as witness:
        answers = storm(witness, [(0, 12)])
        assert len(cosigned(answers)) == 1
        assert [status for _, status, _ in answers].count(200) == 1
        assert {body for _, status, body in answers if status == 409} == {b"12\n"}


SERVER = """
import os, signal, sys
from mpp.host.audit.witness_folder import WitnessFolder
from mpp.host.audit.witness_server import Witness, WitnessServer
from mpp.host.audit import witness_store
from mpp.host.system import SystemClock

folder = WitnessFolder(sys.argv[1])
who, store = folder.open({name!r})
where = sys.argv[2]
keep = witness_store._keep

def kept(*words):
    if where == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    keep(*words)
    if where == "inside":
        os.kill(os.getpid(), signal.SIGKILL)

class Dying(Witness):
    def add_checkpoint(self, data):
        answer = super().add_checkpoint(data)
        if where == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

witness_store._keep = kept
server = WitnessServer(("127.0.0.1", 0), Dying(folder, who, store, SystemClock()), lambda line: None)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextlib.contextmanager
def dying(folder: Path, where: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    process = subprocess.Popen([sys.executable, "-c", SERVER.format(name=NAME), str(folder), where], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def send(port: int, body: bytes) -> bytes:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))
    return b""


@pytest.mark.parametrize(("where", "is_kept"), [("before", False), ("inside", False), ("after", True)])
def test_a_witness_that_is_killed_forgets_nothing_that_it_may_have_answered(tmp_path: Path, where: str, is_kept: bool) -> None:
    """kill -9 before the write, within the transaction, and between the write and the answer."""
    WitnessFolder(str(tmp_path / "w")).accept(str(KEY))
    with running(tmp_path / "w") as witness:
        assert witness.add(request(0, 7))[0] == 200
    with dying(tmp_path / "w", where) as (process, port):
        assert b"\xe2\x80\x94" not in send(port, request(7, 12))
        assert process.wait(60) == -signal.SIGKILL
    with running(tmp_path / "w") as witness:
        status, _, body = witness.add(request(7, 12, FORK))
        # Nobody had the signature of the first when it died before the write was done: then the other may come. Else never.
        assert (status, body) == (409, b"12\n") if is_kept else status == 200
        assert witness.add(request(12, 12, FORK))[0] == (409 if is_kept else 200)
        assert witness.add(request(12, 12))[0] == (200 if is_kept else 409)


def fire(port: int, is_fork: bool, stop: threading.Event, answers: list[tuple[int, bool]]) -> None:
    """One step after the other, for one history; what was signed is noted."""
    for old, size in [(one, one + step) for one in range(7, 38) for step in (1, 2)]:
        if stop.is_set():
            return
        if send(port, request(old, size, FORK if is_fork else LEAVES)).startswith(b"HTTP/1.1 200"):
            answers.append((size, is_fork))


def fire_and_kill(folder: Path, after: float) -> list[tuple[int, bool]]:
    answers, stop = list[tuple[int, bool]](), threading.Event()
    with dying(folder, "never") as (process, port):
        threads = [threading.Thread(target=fire, args=(port, bool(i % 2), stop, answers)) for i in range(4)]
        for thread in threads:
            thread.start()
        # At any moment: what counts is that it is somewhere in the middle of the fire, or behind it.
        threads[0].join(after)
        process.kill()
        process.wait(60)
        stop.set()
        for thread in threads:
            thread.join()
    return answers


def test_a_witness_that_is_killed_many_times_under_fire_signs_one_history(tmp_path: Path) -> None:
    """What was answered before each death, for either history, is put together: one history."""
    with running(tmp_path / "w", KEY) as witness:
        key = witness.key
        assert witness.add(request(0, 7))[0] == 200
    signed = [one for after in (0.1, 0.15, 0.2, 10.0) for one in fire_and_kill(tmp_path / "w", after)]
    assert len({is_fork for _, is_fork in signed}) == 1, "nothing was signed, or both"
    with running(tmp_path / "w") as witness:
        assert witness.key == key
        size = witness.server.witness._store.rows()[0].size
        assert size >= max(one for one, _ in signed)
        assert witness.add(request(size, size, FORK if signed[0][1] else LEAVES))[0] == 200


def test_hostile_bytes_get_a_bounded_answer_and_change_nothing(tmp_path: Path) -> None:
    """Each prefix of a sound request, and the request with each of many bytes changed; never signed, never 5xx."""
    body = request(7, 12)
    with running(tmp_path / "w", KEY) as witness:
        assert witness.add(request(0, 7))[0] == 200
        for end in range(0, len(body), 7):
            assert witness.add(body[:end])[0] == 400
        for at in range(0, len(body), 3):
            changed = bytearray(body)
            changed[at] ^= 0x04
            status, _, answer = witness.add(bytes(changed))
            assert status in {400, 403, 404, 409, 422}
            assert len(answer) < 500
        assert [row.size for row in witness.server.witness._store.rows()] == [7]
        assert witness.add(body)[0] == 200


def test_a_signature_line_of_a_stranger_changes_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "w", KEY) as witness:
        text = read_note(note(9), where="x").text
        stranger = sign_text(text, ORIGIN, SeedSigner(b"s" * 32))
        data = write_note(text, (stranger, sign_text(text, ORIGIN, LOG), stranger))
        status, _, body = witness.add(write_request(0, [], data))
        assert status == 200
        assert signed_at(with_lines(text, body, where="x"), witness.key) is not None
        assert re.fullmatch(rb"\xe2\x80\x94 \S+ \S+\n", body)
        assert read_checkpoint(text, where="x").size == 9
