"""Syslog over TCP and TLS: a batch counts as taken only when the server read all of it and ended in good order."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mpp.host.audit.forwarding import to_syslog as module
from mpp.host.audit.forwarding.answers import Answer, LATER, Piece, YES
from mpp.host.audit.forwarding.targets import check_target, Target
from mpp.host.audit.forwarding.to_syslog import ToSyslog
from mpp.stages.audit.forward import SyslogHead, to_syslog
from tests.unit.audit.forward.cases import records
from tests.certificates import make_pair, Pair

PIECES = [Piece(record=one, data=to_syslog(one, SyslogHead())) for one in records()]
WHOLE = b"".join(b"%d %b" % (len(piece.data), piece.data) for piece in PIECES)
Behave = Callable[[socket.socket], None]
Serve = Callable[..., int]


def read_all(connected: socket.socket) -> bytes:
    found = b""
    while piece := connected.recv(65536):
        found += piece
    return found


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server for one connection, which it treats as it is told."""
    threads: list[threading.Thread] = []

    def start(behave: Behave, pair: Pair | None = None) -> int:
        listener = socket.create_server(("127.0.0.1", 0))

        def work() -> None:
            with listener, suppress(OSError):
                connected, _ = listener.accept()
                if pair is not None:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(pair.cert, pair.key)
                    connected = context.wrap_socket(connected, server_side=True, suppress_ragged_eofs=False)
                with connected:
                    behave(connected)

        threads.append(threading.Thread(target=work))
        threads[-1].start()
        return int(listener.getsockname()[1])

    yield start
    for one in threads:
        one.join(10)
        assert not one.is_alive()


def send(port: int, ack: str = "closed", ca: Path | None = None, seconds: float = 20, silence: float = 5) -> Answer:
    to = f"{'tls' if ca else 'tcp'}://localhost:{port}" if ca else f"tcp://127.0.0.1:{port}"
    target = check_target(Target(name="siem", to=to, format="syslog", ack=ack, ca=str(ca or "")))
    return ToSyslog(target, seconds=seconds, silence=silence).send(PIECES)


@pytest.mark.parametrize("ack", ["closed", "sent"])
def test_all_is_read(serve: Serve, ack: str) -> None:
    got: list[bytes] = []
    done = threading.Event()

    def behave(connected: socket.socket) -> None:
        got.append(read_all(connected))
        done.set()

    assert send(serve(behave), ack) == YES
    assert done.wait(10)
    assert got == [WHOLE]


def test_closed_with_bytes_unread_is_no_yes(serve: Serve) -> None:
    """A server that is killed: its system has the bytes, and nobody read them."""

    def behave(connected: socket.socket) -> None:
        # Everything has arrived, and is not read.
        while len(connected.recv(1 << 20, socket.MSG_PEEK)) < len(WHOLE):
            pass

    assert send(serve(behave)).kind == LATER


def test_a_reset_is_no_yes(serve: Serve) -> None:
    def behave(connected: socket.socket) -> None:
        connected.recv(10)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert send(serve(behave)).kind == LATER


@pytest.mark.parametrize("ack", ["closed", "sent"])
def test_nobody_there(ack: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    answer = send(port, ack)
    assert (answer.kind, answer.why) == (LATER, "Connection refused")


def test_a_server_that_never_closes(serve: Serve) -> None:
    over = threading.Event()

    def behave(connected: socket.socket) -> None:
        read_all(connected)
        over.wait(10)

    port = serve(behave)
    answer = send(port, silence=0.2)
    over.set()
    assert (answer.kind, answer.why) == (LATER, "it takes too long")


def test_a_server_that_drips_is_ended(serve: Serve) -> None:
    """Attack: one byte at a time, for ever. And one that talks without an end."""

    def behave(connected: socket.socket) -> None:
        read_all(connected)
        with suppress(OSError):
            while True:
                connected.sendall(b".")

    answer = send(serve(behave), seconds=20)
    assert (answer.kind, answer.why) == (LATER, "it talks, which a syslog server does not")


def test_time_as_a_whole_is_bounded(serve: Serve) -> None:
    over = threading.Event()

    def behave(connected: socket.socket) -> None:
        read_all(connected)
        over.wait(10)

    answer = send(serve(behave), seconds=0.1, silence=10)
    over.set()
    assert (answer.kind, answer.why) == (LATER, "it takes too long")


def test_sent_waits_for_the_system_of_the_server(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [3, 2, 1, 0]
    monkeypatch.setattr(module, "_unacked", lambda _: left.pop(0))
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0)
    assert send(serve(read_all), "sent") == YES
    assert left == []
    monkeypatch.setattr(module, "_unacked", lambda _: 1)
    answer = send(serve(read_all), "sent", silence=0.05)
    assert (answer.kind, answer.why) == (LATER, "it does not take what was sent")


def test_sent_sees_a_server_that_went_away(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = threading.Event()

    def behave(connected: socket.socket) -> None:
        got = b""
        while len(got) < len(WHOLE):
            got += connected.recv(65536)
        connected.shutdown(socket.SHUT_WR)
        closed.set()

    monkeypatch.setattr(module, "_unacked", lambda _: 0 if closed.wait(10) else 1)
    assert send(serve(behave), "sent").why == "it closed the connection"


def test_elsewhere_than_linux_nothing_is_known_of_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sys, "platform", "darwin")
    with socket.socket() as one:
        assert module._unacked(one) == 0


# -- TLS


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path)


@pytest.mark.parametrize("ack", ["closed", "sent"])
@pytest.mark.parametrize("polite", [True, False])
def test_all_is_read_over_tls(serve: Serve, pair: Pair, ack: str, polite: bool) -> None:
    """Servers that say goodbye inside of the encryption, and servers that only close."""
    got: list[bytes] = []
    done = threading.Event()

    def behave(connected: socket.socket) -> None:
        assert isinstance(connected, ssl.SSLSocket)
        found = b""
        while len(found) < len(WHOLE):
            found += connected.recv(65536)
        got.append(found)
        done.set()
        with suppress(ssl.SSLError, OSError):
            assert connected.recv(1) == b""
            if polite:
                connected.unwrap()

    assert send(serve(behave, pair), ack, pair.cert) == YES
    assert done.wait(10)
    assert got == [WHOLE]


def test_a_server_of_another_name_or_authority_gets_nothing(serve: Serve, pair: Pair, tmp_path: Path) -> None:
    """Attack: somebody on the way who answers in the server's place."""
    other = make_pair(tmp_path, "other.example")
    for shown, believed in ((other, other), (pair, other)):
        got: list[bytes] = []
        answer = send(serve(lambda connected, got=got: got.append(read_all(connected)), shown), ca=believed.cert)
        assert (answer.kind, answer.why.startswith("no safe connection: ")) == (LATER, True)
        assert got == []


def test_no_tls_at_all(serve: Serve, pair: Pair) -> None:
    answer = send(serve(lambda connected: connected.sendall(b"220 hello\r\n")), ca=pair.cert)
    assert (answer.kind, "no safe connection" in answer.why) == (LATER, True)


def test_tls_closed_with_bytes_unread_is_no_yes(serve: Serve, pair: Pair) -> None:
    """More than fits into the library of the server: the rest waits in its system, which resets the connection."""

    def behave(connected: socket.socket) -> None:
        connected.recv(1)

    port = serve(behave, pair)
    target = check_target(Target(name="siem", to=f"tls://localhost:{port}", format="syslog", ca=str(pair.cert)))
    assert ToSyslog(target).send(PIECES * 20).kind == LATER


def test_tls_that_talks_after_our_goodbye(serve: Serve, pair: Pair) -> None:
    def behave(connected: socket.socket) -> None:
        count = 0
        while count < len(WHOLE):
            count += len(connected.recv(65536))
        connected.sendall(b"x" * 100_000)

    assert send(serve(behave, pair), ca=pair.cert).kind == LATER
