"""A witness on a port of its own, and a log that it is asked about."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

from mpp.crypto.ed25519 import SeedSigner
from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.host.audit.witness_folder import WitnessFolder
from mpp.host.audit.witness_server import Bounds, Witness, WitnessServer
from mpp.host.home import Home
from mpp.host.host_key import host_key
from mpp.host.system import FixedClock, SystemClock
from mpp.ledger.checkpoints import Checkpoint, checkpoint_text
from mpp.ledger.notes import NoteKey, sign_text, write_note
from mpp.ledger.tree import consistency_path, root_of
from mpp.model.events import Event
from mpp.stages.audit.witness import write_request
from tests.unit.ledger import oracle

NAME = "witness.example/w1"
LOG = SeedSigner(b"l" * 32)
ORIGIN = "mpp-audit/" + "ab" * 16
KEY = NoteKey(name=ORIGIN, public=LOG.public_key)
LEAVES = [oracle.leaf(number) for number in range(40)]
FORK = [*LEAVES[:7], *(oracle.leaf(1000 + number) for number in range(33))]


class Running:
    """What answers at ``url``."""

    def __init__(self, folder: WitnessFolder, server: WitnessServer, key: NoteKey, told: list[str]) -> None:
        self.folder, self.server, self.key, self.told = folder, server, key, told
        self.port = server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body=body, headers={name.replace("_", "-"): text for name, text in headers.items()})
            with connection.getresponse() as answer:
                return answer.status, answer.headers["Content-Type"], answer.read()
        finally:
            connection.close()

    def add(self, data: bytes) -> tuple[int, str, bytes]:
        return self.ask("POST", "/add-checkpoint", data)


@contextlib.contextmanager
def running(path: Path, *keys: NoteKey, now: int | None = None, bounds: Bounds | None = None, name: str = NAME) -> Iterator[Running]:
    folder = WitnessFolder(str(path))
    for key in keys:
        folder.accept(str(key))
    who, store = folder.open(name)
    told: list[str] = []
    clock = SystemClock() if now is None else FixedClock(now)
    with contextlib.closing(store), WitnessServer(("127.0.0.1", 0), Witness(folder, who, store, clock), told.append, bounds) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield Running(folder, server, who.key, told)
        finally:
            server.shutdown()
            thread.join()


def note(size: int, leaves: list[bytes] = LEAVES, *, signer: SeedSigner = LOG, origin: str = ORIGIN, more: tuple[str, ...] = ()) -> bytes:
    text = checkpoint_text(Checkpoint(origin=origin, size=size, root=root_of(leaves[:size]), more=more))
    return write_note(text, (sign_text(text, origin, signer),))


def request(old: int, size: int, leaves: list[bytes] = LEAVES) -> bytes:
    return write_request(old, consistency_path(oracle.Leaves(leaves), old, size) if 0 < old <= size else [], note(size, leaves))


def grow(home: Home, count: int, word: str = "x") -> LogReader:
    """A log with ``count`` entries more."""
    with AuditLog(home) as log:
        log.record_all([Event(kind="stop", at=1_790_000_000, tenant="local", invocation="", body={"why": f"{word} {i}"}) for i in range(count)], durable=True)
    return LogReader(home.log)


def log_key(home: Home) -> NoteKey:
    return NoteKey(name=LogReader(home.log).checkpoint()[1].origin, public=host_key(home).public)
