"""The server of a witness: what it answers, what it keeps, and what it lets nobody do."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from pathlib import Path

import apsw
import pytest

from mpp.crypto.ed25519 import SeedSigner
from mpp.errors import HostFailed, MppError, Refused
from mpp.host.audit import witness_folder, witness_server, witness_store
from mpp.host.audit.witness_folder import WitnessFolder
from mpp.host.audit.witness_server import HEAD_BYTES_MAX, Bounds, WitnessServer
from mpp.host.audit.witness_store import WitnessStore, make_store, origin_digest
from mpp.ledger.notes import COSIGNATURE, NoteKey, is_signed, read_note, signed_at
from mpp.stages.audit.witness import REQUEST_BYTES_MAX, Accept, Known, with_lines
from tests.unit.host.audit.witnesses import FORK, KEY, NAME, ORIGIN, Running, note, request, running

NOW = 1_790_000_000


def text(size: int) -> str:
    return read_note(note(size), where="x").text


def test_it_cosigns_what_grows_and_answers_as_the_clause_says(tmp_path: Path) -> None:
    with running(tmp_path / "w", KEY, now=NOW) as witness:
        status, kind, body = witness.add(request(0, 5))
        assert (status, kind) == (200, "text/plain; charset=utf-8")
        assert signed_at(with_lines(text(5), body, where="x"), witness.key) == NOW
        assert witness.add(request(0, 9)) == (409, "text/x.tlog.size", b"5\n")
        status, _, body = witness.add(request(5, 9))
        assert status == 200
        assert signed_at(with_lines(text(9), body, where="x"), witness.key) == NOW
        assert witness.add(request(9, 9))[0] == 200
        assert witness.add(request(9, 9, FORK)) == (409, "text/x.tlog.size", b"9\n")
        assert witness.add(request(9, 12, FORK))[0] == 422
        assert witness.add(request(5, 4))[0] == 400
        assert witness.add(b"old 0\n\nx")[0] == 400
        assert witness.add(request(0, 5).replace(ORIGIN.encode(), b"mpp-audit/" + b"cd" * 16))[0] == 404
        forged = note(12, signer=SeedSigner(b"o" * 32))
        assert witness.add(b"old 9\n\n" + forged)[0] == 403


def test_it_says_who_it_is_and_what_it_signed_last(tmp_path: Path) -> None:
    with running(tmp_path / "w", KEY, now=NOW) as witness:
        assert witness.ask("GET", "/") == (200, "text/plain; charset=utf-8", f"name {NAME}\nkey {witness.key}\n".encode())
        place = f"/checkpoint/{origin_digest(ORIGIN)}"
        assert witness.ask("GET", place)[0] == 404
        assert witness.add(request(0, 5))[0] == 200
        found = read_note(witness.ask("GET", place)[2], where="x")
        assert found.text == text(5)
        assert is_signed(found, KEY)
        assert signed_at(found, witness.key) == NOW
        assert len(found.signatures) == 2


def test_it_keeps_no_lines_of_strangers_with_a_checkpoint(tmp_path: Path) -> None:
    with running(tmp_path / "w", KEY) as witness:
        extra = b"".join(f"— stranger{i} AAAAAAA=\n".encode() for i in range(60))
        assert witness.add(request(0, 5) + extra)[0] == 200
        assert len(read_note(witness.ask("GET", f"/checkpoint/{origin_digest(ORIGIN)}")[2], where="x").signatures) == 2


def test_a_log_is_accepted_and_dropped_while_it_runs_and_never_forgotten(tmp_path: Path) -> None:
    with running(tmp_path / "w") as witness:
        assert witness.add(request(0, 5))[0] == 404
        WitnessFolder(witness.folder.path).accept(str(KEY))
        assert witness.add(request(0, 5))[0] == 200
        WitnessFolder(witness.folder.path).drop(ORIGIN)
        assert witness.add(request(5, 6))[0] == 404
        WitnessFolder(witness.folder.path).accept(str(KEY))
        assert witness.add(request(0, 8, FORK)) == (409, "text/x.tlog.size", b"5\n")


def test_a_fork_is_kept_as_evidence(tmp_path: Path) -> None:
    with running(tmp_path / "w", KEY) as witness:
        witness.add(request(0, 9))
        witness.add(request(9, 9, FORK))
        witness.add(request(9, 12))
    _, store = witness.folder.open("")
    with contextlib.closing(store):
        assert [(row.origin, row.size, row.is_forked) for row in store.rows()] == [(ORIGIN, 12, True)]
        pair = store.evidence(ORIGIN)
        assert store.evidence("another") is None
    assert pair is not None
    ours, theirs = (read_note(one, where="x") for one in pair)
    assert is_signed(ours, KEY)
    assert is_signed(theirs, KEY)
    assert ours.text == text(9) != theirs.text == read_note(note(9, FORK), where="x").text


def test_what_it_signed_is_on_the_disk_before_the_answer(tmp_path: Path) -> None:
    with running(tmp_path / "w", KEY) as witness:
        assert witness.add(request(0, 5))[0] == 200
        # Another process, while this one runs: it sees only what was committed.
        other = WitnessStore(str(tmp_path / "w" / "witness.sqlite"))
        with contextlib.closing(other):
            assert [(row.origin, row.size) for row in other.rows()] == [(ORIGIN, 5)]
            assert other._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    with running(tmp_path / "w") as again:
        assert again.key == witness.key
        assert again.add(request(0, 6)) == (409, "text/x.tlog.size", b"5\n")


def test_a_failure_to_keep_gives_no_signature(tmp_path: Path) -> None:
    with running(tmp_path / "w", KEY) as witness:
        assert witness.add(request(0, 5))[0] == 200
        blocker = apsw.Connection(str(tmp_path / "w" / "witness.sqlite"))
        witness.server.witness._store._connection.set_busy_timeout(1)
        with contextlib.closing(blocker):
            blocker.execute("BEGIN IMMEDIATE")
            status, _, body = witness.add(request(5, 6))
        assert (status, body) == (500, b"the witness cannot work now\n")
        assert any("audit.witness_state" in line for line in witness.told)
        assert witness.add(request(5, 6))[0] == 200


def test_two_processes_of_one_witness_see_what_the_other_has_signed(tmp_path: Path) -> None:
    """The second comes while the first judges: it waits, and then judges by what the first has left."""
    folder = WitnessFolder(str(tmp_path / "w"))
    folder.open(NAME)[1].close()
    stores = [WitnessStore(str(tmp_path / "w" / "witness.sqlite")) for _ in range(2)]
    seen: list[Known | None] = []

    def second_judge(known: Known | None) -> Accept:
        seen.append(known)
        return Accept(known=Known(size=9, root=bytes(32)))

    second = threading.Thread(target=lambda: stores[1].decide(ORIGIN, second_judge, lambda: b"second", lambda: b""))

    def first_judge(known: Known | None) -> Accept:
        assert known is None
        second.start()
        # Time enough for it to come in between, if nothing kept it out.
        second.join(0.5)
        return Accept(known=Known(size=5, root=bytes(32)))

    with contextlib.closing(stores[0]), contextlib.closing(stores[1]):
        stores[0].decide(ORIGIN, first_judge, lambda: b"first", lambda: b"")
        second.join()
        assert seen == [Known(size=5, root=bytes(32))]
        assert [row.size for row in stores[0].rows()] == [9]


def test_the_file_itself_lets_no_log_go_back(tmp_path: Path) -> None:
    with running(tmp_path / "w", KEY) as witness:
        witness.add(request(0, 5))
    connection = apsw.Connection(str(tmp_path / "w" / "witness.sqlite"))
    with contextlib.closing(connection):
        for statement in ("UPDATE log SET size = 4", "UPDATE log SET root = zeroblob(32)", "DELETE FROM log"):
            with pytest.raises(apsw.ConstraintError):
                connection.execute(statement)
    _, store = witness.folder.open("")
    with contextlib.closing(store), pytest.raises(HostFailed, match="damaged"):
        store.decide(ORIGIN, lambda _known: Accept(known=Known(size=1, root=bytes(32))), lambda: b"x", lambda: b"")


def test_a_damaged_list_of_logs_is_no_empty_list(tmp_path: Path) -> None:
    with running(tmp_path / "w", KEY) as witness:
        (tmp_path / "w" / "logs.json").write_bytes(b"{")
        assert witness.add(request(0, 5))[0] == 500


# -- what the web may send


def raw(witness: Running, data: bytes, *, end: bool = False) -> bytes:
    with socket.create_connection(("127.0.0.1", witness.port), 20) as connection:
        pieces = []
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                pieces.append(piece)
        return b"".join(pieces)


def post(*lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join(("POST /add-checkpoint HTTP/1.1", "Host: x", *lines, "", "")).encode() + body


BAD = [
    (post(), b"411"),
    (post("Content-Length: x"), b"411"),
    (post("Content-Length: -1"), b"411"),
    (post("Content-Length: +5", body=b"hello"), b"411"),
    (post("Content-Length: 05", body=b"hello"), b"411"),
    (post("Content-Length: 5, 5", body=b"hello"), b"411"),
    (post("Content-Length: 5", "Content-Length: 5", body=b"hello"), b"411"),
    (post("Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), b"411"),
    (post("Transfer-Encoding: chunked", body=b"0\r\n\r\n"), b"411"),
    (post(f"Content-Length: {REQUEST_BYTES_MAX + 1}"), b"413"),
    (post("Content-Length: 999999999"), b"413"),
    (post("Content-Length: 9999999999"), b"411"),
    (post("Content-Length: 0") + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"400"),
    (b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"404"),
    (b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n", b"404"),
    (b"GET /checkpoint/../x HTTP/1.1\r\nConnection: close\r\n\r\n", b"404"),
    (b"DELETE / HTTP/1.1\r\n\r\n", b"501"),
    (b"HEAD / HTTP/1.1\r\n\r\n", b"501"),
    (b"GET / HTTP/2.0\r\n\r\n", b"505"),
    (b"GET / HTTP/x\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nA: " + b"b" * HEAD_BYTES_MAX + b"\r\n\r\n", b""),
    (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n", b"431"),
    (b"GET / HTTP/1.1\r\nA: " + b"b" * 65_530 + b"\r\n\r\n", b""),
    (b"GET /" + b"a" * 65_540 + b" HTTP/1.1\r\n\r\n", b""),
    (b"A" * (HEAD_BYTES_MAX + REQUEST_BYTES_MAX + 10), b""),
    (b"GET / HTTP/1.1\r\n" + (b"A: " + b"b" * 8000 + b"\r\n") * 20 + b"\r\n", b""),
]


@pytest.mark.parametrize(("data", "status"), BAD, ids=range(len(BAD)))
def test_what_is_no_request_gets_a_short_answer_or_none(tmp_path: Path, data: bytes, status: bytes) -> None:
    with running(tmp_path / "w", KEY) as witness:
        found = raw(witness, data)
        assert found.startswith(b"HTTP/1.1 " + status) if status else found == b""
        assert len(found) < 1000
        assert b"Server: mpp-witness\r\n" in found or not found.startswith(b"HTTP")
        # And the next one is served.
        assert witness.add(request(0, 5))[0] == 200


def test_a_body_that_ends_early_is_no_request(tmp_path: Path) -> None:
    with running(tmp_path / "w", KEY) as witness:
        body = request(0, 5)
        assert raw(witness, post(f"Content-Length: {len(body) + 1}", body=body), end=True) == b""
        assert witness.ask("GET", f"/checkpoint/{origin_digest(ORIGIN)}")[0] == 404


def test_several_requests_on_one_connection_and_not_for_ever(tmp_path: Path) -> None:
    with running(tmp_path / "w", KEY, bounds=Bounds(requests=3)) as witness:
        assert raw(witness, b"GET / HTTP/1.1\r\n\r\n" * 5).count(b"HTTP/1.1 200") == 3
        body = request(0, 5)
        both = raw(witness, (post(f"Content-Length: {len(body)}", body=body) + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"))
        assert both.count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize("begin", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nA: ", post("Content-Length: 500", body=b"old")])
def test_who_drips_bytes_is_let_go_and_nobody_waits_for_it(tmp_path: Path, begin: bytes) -> None:
    """The connection ends by the server's hand: the reading below returns, although one byte comes after the other."""
    with running(tmp_path / "w", KEY, bounds=Bounds(seconds=2.0)) as witness:  # noqa: SIM117
        with socket.create_connection(("127.0.0.1", witness.port), 20) as connection:
            connection.sendall(begin)
            stop = threading.Event()

            def drip() -> None:
                with contextlib.suppress(OSError):
                    while not stop.wait(0.05):
                        connection.send(b"a")

            dripping = threading.Thread(target=drip)
            dripping.start()
            assert witness.add(request(0, 5))[0] == 200
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(100) == b""
            stop.set()
            dripping.join()


def test_too_many_connections_are_told_so(tmp_path: Path) -> None:
    with running(tmp_path / "w", KEY, bounds=Bounds(connections=2)) as witness, contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(("127.0.0.1", witness.port), 20)) for _ in range(2)]
        for one in held:
            # Answered: so its thread runs, and holds its place.
            one.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert one.recv(1000).startswith(b"HTTP/1.1 200")
        with socket.create_connection(("127.0.0.1", witness.port), 20) as late:
            assert late.recv(1000).startswith(b"HTTP/1.1 503")
        for one in held:
            one.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            while one.recv(1000):
                pass
        places = witness.server._places
        assert places.acquire(timeout=20)
        assert places.acquire(timeout=20)
        places.release(2)
        assert witness.add(request(0, 5))[0] == 200


def test_a_system_without_threads_gives_the_place_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path / "w", KEY, bounds=Bounds(connections=1)) as witness:

        def none(*_: object) -> None:
            raise RuntimeError

        with monkeypatch.context() as patched:
            patched.setattr(witness_server.ThreadingHTTPServer, "process_request", none)
            with contextlib.suppress(OSError):
                assert raw(witness, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 503")
        assert witness.add(request(0, 5))[0] == 200


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with running(tmp_path / "w", KEY) as witness:
        with pytest.raises(HostFailed) as caught:
            WitnessServer(("127.0.0.1", witness.port), witness.server.witness, print)
        assert caught.value.code == "host.listen"


def test_it_listens_on_ipv6_too(tmp_path: Path) -> None:
    with running(tmp_path / "w", KEY) as witness:
        try:
            server = WitnessServer(("::1", 0), witness.server.witness, print)
        except HostFailed:
            pytest.skip("this machine has no IPv6")
        server.server_close()


# -- the folder


def refused(code: str, step: object) -> MppError:
    with pytest.raises(MppError) as caught:
        step()  # type: ignore[operator]
    assert caught.value.code == code
    return caught.value


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = WitnessFolder(str(tmp_path / "w"))
    assert not folder.is_there()
    refused("audit.witness_name", lambda: folder.open(""))
    refused("audit.witness_name", lambda: folder.open("a b"))
    first, store = folder.open(NAME)
    store.close()
    assert first.key.algorithm == COSIGNATURE
    assert os.stat(tmp_path / "w" / "witness.key").st_mode & 0o777 == 0o600
    assert os.stat(tmp_path / "w" / "witness.sqlite").st_mode & 0o777 == 0o600
    assert os.stat(tmp_path / "w").st_mode & 0o777 == 0o700
    for name in ("", NAME):
        again, store = WitnessFolder(folder.path).open(name)
        store.close()
        assert again.key == first.key
    assert NAME in str(refused("audit.witness_name", lambda: folder.open("another")))


def test_a_key_without_what_it_signed_signs_nothing(tmp_path: Path) -> None:
    """Attack: the file of what was signed is removed, and the witness begins anew."""
    folder = WitnessFolder(str(tmp_path / "w"))
    folder.open(NAME)[1].close()
    os.unlink(tmp_path / "w" / "witness.sqlite")
    assert "is gone" in str(refused("audit.witness_state", lambda: folder.open(NAME)))
    assert not os.path.exists(tmp_path / "w" / "witness.sqlite")


def test_a_crash_between_the_file_and_the_key_is_mended(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "w", 0o700)
    make_store(str(tmp_path / "w" / "witness.sqlite"))
    folder = WitnessFolder(str(tmp_path / "w"))
    folder.open(NAME)[1].close()
    assert folder.is_there()


@pytest.mark.parametrize("data", [b"", b"x", b"SQLite format 3\x00" + bytes(4096)])
def test_a_damaged_file_signs_nothing(tmp_path: Path, data: bytes) -> None:
    folder = WitnessFolder(str(tmp_path / "w"))
    folder.open(NAME)[1].close()
    for name in os.listdir(tmp_path / "w"):
        if name.startswith("witness.sqlite"):
            os.unlink(tmp_path / "w" / name)
    path = tmp_path / "w" / "witness.sqlite"
    path.write_bytes(data)
    path.chmod(0o600)
    refused("audit.witness_state", lambda: folder.open(NAME))


def test_a_file_of_another_version_or_open_to_others(tmp_path: Path) -> None:
    folder = WitnessFolder(str(tmp_path / "w"))
    folder.open(NAME)[1].close()
    path = str(tmp_path / "w" / "witness.sqlite")
    os.chmod(path, 0o644)
    refused("audit.witness_state", lambda: folder.open(NAME))
    os.chmod(path, 0o600)
    with contextlib.closing(apsw.Connection(path)) as connection:
        connection.execute("UPDATE about SET format = 2")
    refused("audit.witness_state", lambda: folder.open(NAME))
    os.unlink(path)
    os.symlink("/dev/null", path)
    refused("audit.witness_state", lambda: folder.open(NAME))


def test_a_place_where_nothing_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    refused("audit.witness_state", lambda: make_store(str(tmp_path / "file" / "x.sqlite")))
    refused("audit.witness_state", lambda: WitnessStore(str(tmp_path / "file" / "x.sqlite")))


def test_a_key_file_that_is_none(tmp_path: Path) -> None:
    folder = WitnessFolder(str(tmp_path / "w"))
    folder.open(NAME)[1].close()
    path = tmp_path / "w" / "witness.key"
    good = path.read_text()
    for text in ("", "x\n", good[:-2] + "\n", good.replace(NAME, "a+b"), good.replace("mpp-witness-1", "mpp-host-1")):
        path.write_text(text)
        refused("audit.witness_key", lambda: folder.open(""))
    path.write_text(good)
    path.chmod(0o640)
    refused("key.mode", lambda: folder.open(""))
    path.unlink()
    refused("host.file", folder._read_key)


def test_the_list_of_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = WitnessFolder(str(tmp_path / "w"))
    assert folder.logs() == {}
    assert folder.accept(f" {KEY}\n") == KEY
    assert folder.accept(str(KEY)) == KEY
    assert WitnessFolder(folder.path).logs() == {ORIGIN: KEY}
    assert folder.logs() is folder.logs()
    assert os.stat(tmp_path / "w" / "logs.json").st_mode & 0o777 == 0o600
    other = NoteKey(name=ORIGIN, public=SeedSigner(b"o" * 32).public_key)
    refused("audit.witness_key", lambda: folder.accept(str(other)))
    refused("audit.witness_key", lambda: folder.accept(str(NoteKey(name="w", public=KEY.public, algorithm=COSIGNATURE))))
    refused("audit.note", lambda: folder.accept("x"))
    refused("audit.witness_key", lambda: folder.drop("another"))
    monkeypatch.setattr(witness_folder, "LOGS_MAX", 1)
    refused("audit.witness_key", lambda: folder.accept(str(NoteKey(name="second", public=KEY.public))))
    folder.drop(ORIGIN)
    assert folder.logs() == {}
    assert folder.accept(str(other)) == other


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"[]", "audit.type"),
        (b'{"mpp_witness_logs":2,"logs":[]}', "audit.range"),
        (b'{"mpp_witness_logs":1}', "audit.missing"),
        (b'{"mpp_witness_logs":1,"logs":["x"]}', "audit.note"),
        (b'{"mpp_witness_logs":1,"logs":[],"more":1}', "audit.unknown_key"),
        (f'{{"mpp_witness_logs":1,"logs":["{KEY}"," {KEY}"]}}'.encode(), "audit.witness_key"),
        (f'{{"mpp_witness_logs":1,"logs":["{NoteKey(name="w", public=KEY.public, algorithm=COSIGNATURE)}"]}}'.encode(), "audit.witness_key"),
    ],
)
def test_a_list_of_logs_that_is_none(tmp_path: Path, data: bytes, code: str) -> None:
    (tmp_path / "logs.json").write_bytes(data)
    refused(code, WitnessFolder(str(tmp_path)).logs)


def test_a_list_of_logs_that_cannot_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"")
    refused("host.file", WitnessFolder(str(tmp_path / "w")).logs)


def test_an_unsound_library_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.45.0")
    folder = WitnessFolder(str(tmp_path / "w"))
    refused("audit.witness_state", lambda: folder.open(NAME))
    assert not folder.is_there()
    assert witness_store.FORMAT == 1
    assert isinstance(Refused("audit.witness", "x"), MppError)
