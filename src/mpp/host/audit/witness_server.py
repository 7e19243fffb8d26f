"""A small witness: a web server that cosigns checkpoints of the logs it accepts. Spec: audit L-50, L-51.

Anybody can reach it. So a request has few bytes and few seconds, there are few connections, and what is not signed by the key of
an accepted log costs one check of a signature and no write. It speaks plain HTTP: what it gives is signed. Where others reach it over a
network, a proxy with TLS stands before it, so that nobody on the way can withhold an answer unseen.
"""

from __future__ import annotations

import contextlib
import io
import re
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import NamedTuple

from mpp.errors import HostFailed, Refused
from mpp.host.audit.witness_folder import WitnessFolder, WitnessKey
from mpp.host.audit.witness_store import WitnessStore
from mpp.ledger.notes import cosign_text, is_signed, Note, NoteKey, NoteSignature, signature_line, write_note
from mpp.limits import KIB
from mpp.model.value import value
from mpp.ports import Clock
from mpp.stages.audit import ACCEPTED, Asked, Judgement, Known, REQUEST_BYTES_MAX, SIZE_TYPE, Turned, UNREADABLE, judge, read_request

REQUEST_SECONDS_MAX = 10
"""Seconds for one request, from its first byte awaited to its answer sent. Reason: it is one packet or two; who drips bytes holds a place no longer."""

HEAD_BYTES_MAX = 8 * KIB
"""Bytes of the lines above the body. Reason: a client and a proxy send less than one thousand."""

CONNECTIONS_MAX = 64
"""Connections at once. Reason: each is a thread; an honest log needs one for a moment."""

REQUESTS_MAX = 100
"""Requests of one connection. Reason: nobody keeps a place for good."""

_LENGTH = re.compile(r"0|[1-9][0-9]{0,8}")
_CHECKPOINT = re.compile(r"/checkpoint/([0-9a-f]{64})")
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_PLAIN = "text/plain; charset=utf-8"


@value
class Bounds:
    """How much one client may have. Tests give less."""

    seconds: float = REQUEST_SECONDS_MAX
    connections: int = CONNECTIONS_MAX
    requests: int = REQUESTS_MAX


class Answer(NamedTuple):
    status: int
    kind: str
    body: bytes


class Witness:
    """What the server answers, without the web around it."""

    def __init__(self, folder: WitnessFolder, who: WitnessKey, store: WitnessStore, clock: Clock) -> None:
        self._folder, self.who, self._store, self._clock = folder, who, store, clock
        self._lock = threading.Lock()

    def add_checkpoint(self, data: bytes) -> Answer:
        try:
            asked = read_request(data, where="request")
        except Refused as fault:
            return Answer(UNREADABLE, _PLAIN, f"{fault.message}\n".encode())
        key, signed = self._key_of(asked.checkpoint.origin), list[NoteSignature]()

        def sign() -> bytes:
            # Inside the transaction, so that its time is not behind that of a larger tree.
            signed.append(cosign_text(asked.note.text, self.who.name, self.who.signer, self._clock.now()))
            return write_note(asked.note.text, (*_by(asked.note, key), *signed))

        judged, _ = self._store.decide(asked.checkpoint.origin, lambda known: _judge(asked, known, key), sign, lambda: _only_by(asked.note, key))
        if isinstance(judged, Turned):
            return _turned(judged)
        return Answer(ACCEPTED, _PLAIN, signature_line(signed[0]).encode("utf-8"))

    def _key_of(self, origin: str) -> NoteKey | None:
        with self._lock:
            return self._folder.logs().get(origin)

    def about(self) -> Answer:
        return Answer(ACCEPTED, _PLAIN, f"name {self.who.name}\nkey {self.who.key}\n".encode())

    def newest(self, digest: str) -> Answer:
        note = self._store.newest(digest)
        return Answer(ACCEPTED, _PLAIN, note) if note is not None else Answer(404, _PLAIN, b"nothing was signed for this log\n")


def _judge(asked: Asked, known: Known | None, key: NoteKey | None) -> Judgement:
    return judge(asked, known, key)


def _by(note: Note, key: NoteKey | None) -> tuple[NoteSignature, ...]:
    """Attack: sixty lines of signatures by nobody, kept for good. Only that of the log's key is kept."""
    if key is None:
        return ()
    found = (one for one in note.signatures if is_signed(Note(text=note.text, signatures=(one,)), key))
    return tuple(islice(found, 1))


def _only_by(note: Note, key: NoteKey | None) -> bytes:
    return write_note(note.text, _by(note, key))


def _turned(judged: Turned) -> Answer:
    if judged.size is not None:
        return Answer(judged.status, SIZE_TYPE, b"%d\n" % judged.size)
    return Answer(judged.status, _PLAIN, f"{judged.why}\n".encode())


class _Wire(io.RawIOBase):
    """The bytes of one connection, until the time or the number of them is up."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        super().__init__()
        self._connection, self._seconds = connection, seconds
        self.begin()

    def begin(self) -> None:
        """A new request."""
        self._until = time.monotonic() + self._seconds
        self._left = HEAD_BYTES_MAX

    def allow(self, count: int) -> None:
        """A body, whose length was judged."""
        self._left += count

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Attack: one byte every few seconds lets no time limit of a single read pass."""
        left = self._until - time.monotonic()
        if left <= 0 or self._left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        count = self._connection.recv_into(buffer, min(len(buffer), self._left))
        self._left -= count
        return count


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer goes out whole: in two pieces, the second waits for the client to confirm the first.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: WitnessServer

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._wire = _Wire(self.connection, self.server.bounds.seconds)
        self.rfile = io.BufferedReader(self._wire)
        self._requests = 0

    def handle_one_request(self) -> None:
        self._wire.begin()
        self._requests += 1
        super().handle_one_request()
        if self._requests >= self.server.bounds.requests:
            self.close_connection = True

    def do_GET(self) -> None:
        found = _CHECKPOINT.fullmatch(self.path)
        self._guarded(lambda: self.server.witness.about() if self.path == "/" else self.server.witness.newest(found[1]) if found else _nothing())

    def do_POST(self) -> None:
        if self.path != "/add-checkpoint":
            self._refuse(_nothing())
            return
        lengths = self.headers.get_all("Content-Length") or []
        if "Transfer-Encoding" in self.headers or len(lengths) != 1 or _LENGTH.fullmatch(lengths[0].strip()) is None:
            # Attack: two readers of one connection that see its requests end in different places.
            self._refuse(Answer(411, _PLAIN, b"give the length of the body\n"))
            return
        length = int(lengths[0])
        if length > REQUEST_BYTES_MAX:
            self._refuse(Answer(413, _PLAIN, b"the body is too long\n"))
            return
        self._wire.allow(length)
        body = self.rfile.read(length)
        if len(body) == length:
            self._guarded(lambda: self.server.witness.add_checkpoint(body))
        else:
            self.close_connection = True

    def _guarded(self, work: Callable[[], Answer]) -> None:
        try:
            answer = work()
        except (HostFailed, Refused) as fault:
            # What is wrong here is for the operator, not for the client.
            self.server.tell(f"{fault}")
            self._refuse(Answer(500, _PLAIN, b"the witness cannot work now\n"))
            return
        self.server.tell(f"{self.client_address[0]} {self.command} {answer.status}")
        self._send(answer)

    def _refuse(self, answer: Answer) -> None:
        """What may still come of the request is not read as the next one."""
        self.close_connection = True
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.connection.settimeout(self.server.bounds.seconds)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """In plain text, without what was sent; also to what is no HTTP."""
        self.request_version = self.protocol_version
        self._refuse(Answer(code, _PLAIN, b"this is no request to a witness\n"))

    def version_string(self) -> str:
        return "mpp-witness"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing of what a client wrote."""


def _nothing() -> Answer:
    return Answer(404, _PLAIN, b"there is nothing here; POST /add-checkpoint\n")


class WitnessServer(ThreadingHTTPServer):
    """Give it a place, then ``serve_forever``."""

    daemon_threads = True
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, place: tuple[str, int], witness: Witness, tell: Callable[[str], None], bounds: Bounds | None = None) -> None:
        self.witness, self.tell, self.bounds = witness, tell, bounds or Bounds()
        self._places = threading.BoundedSemaphore(self.bounds.connections)
        if ":" in place[0]:
            self.address_family = socket.AF_INET6
        try:
            super().__init__(place, _Handler)
        except OSError as fault:
            where = f"{place[0]}:{place[1]}"
            raise HostFailed("host.listen", f"cannot listen there: {fault.strerror}", where=where, hint="give another --listen ADDRESS:PORT") from None

    def server_bind(self) -> None:
        """Without asking the names service who we are."""
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        if not self._places.acquire(blocking=False):
            self._too_many(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:
            # The system gives no more threads.
            self._places.release()
            self._too_many(request)

    def _too_many(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        if isinstance(request, socket.socket):
            request.setblocking(False)
            with contextlib.suppress(OSError):
                request.send(_BUSY)
        self.shutdown_request(request)

    def process_request_thread(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no fault of ours, and nothing of it is printed."""
