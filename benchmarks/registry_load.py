"""Load for a server of HTTP/1.1: requests at planned moments, whose answers are timed from those moments; and downloads as fast as they come.

A client that waits for an answer before it asks again (a closed loop) hides every stall of a server: it just asks less. So the moments are planned beforehand, and an answer that is late because
another one was late counts as late.
"""

from __future__ import annotations

import asyncio
import random
import socket
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

HOST = "127.0.0.1"
HEAD_MAX = 1 << 16
PIECE = 1 << 18
WAIT_SECONDS = 60.0


class Ask(NamedTuple):
    """One request."""

    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def raw(self, host: str) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}", *(f"{name}: {told}" for name, told in self.headers)]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join((*lines, "", "")).encode() + self.body


class Seen(NamedTuple):
    """How one request went, in seconds from its planned moment. Status 0: no answer."""

    status: int
    seconds: float
    size: int
    began_late: float
    """How late the client itself was to send it."""


class Shares(NamedTuple):
    """What is said of many answers, in milliseconds."""

    count: int
    wrong: int
    """Those with another status than was wanted."""
    p50: float
    p90: float
    p99: float
    worst: float
    late_p99: float
    rate: float
    """Answers each second."""

    @classmethod
    def of(cls, seen: Sequence[Seen], seconds: float, wanted: Iterable[int] = (200,)) -> Shares:
        right = frozenset(wanted)
        times, late = sorted(one.seconds for one in seen), sorted(one.began_late for one in seen)

        def at(share: float, row: list[float]) -> float:
            return 1000 * row[min(int(share * len(row)), len(row) - 1)]

        wrong = sum(one.status not in right for one in seen)
        return cls(len(seen), wrong, at(0.5, times), at(0.9, times), at(0.99, times), 1000 * times[-1], at(0.99, late), len(seen) / seconds)


@dataclass
class Connection:
    """One connection that is used again and again."""

    port: int
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def ask(self, raw: bytes) -> tuple[int, int]:
        """Status and size of the body."""
        if self.reader is None or self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(HOST, self.port, limit=HEAD_MAX)
        self.writer.write(raw)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        status, size = int(head[9:12]), 0
        if b"\r\ntransfer-encoding: chunked" in head:
            while piece := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
                size += len(await self.reader.readexactly(piece + 2)) - 2
            await self.reader.readuntil(b"\r\n")
        elif b"\r\ncontent-length: " in head:
            size = int(head.split(b"\r\ncontent-length: ", 1)[1].split(b"\r\n", 1)[0])
            await self.reader.readexactly(size)
        if b"\r\nconnection: close" in head:
            self.close()
        return status, size

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


@dataclass
class OpenLoop:
    """Requests at moments of a Poisson process: as independent people ask, now and then several at once."""

    port: int
    rate: float
    seed: int = 9
    idle: list[Connection] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    async def _one(self, raw: bytes, planned: float) -> None:
        began = time.perf_counter()
        connection = self.idle.pop() if self.idle else Connection(self.port)
        try:
            status, size = await asyncio.wait_for(connection.ask(raw), WAIT_SECONDS)
        except (TimeoutError, OSError, EOFError, asyncio.LimitOverrunError, ValueError):
            status, size = 0, 0
            connection.close()
        self.seen.append(Seen(status, time.perf_counter() - planned, size, began - planned))
        self.idle.append(connection)

    async def _all(self, asks: Iterable[Ask], seconds: float) -> None:
        moments, host = random.Random(self.seed), f"{HOST}:{self.port}"
        planned = begin = time.perf_counter() + 0.05
        tasks: set[asyncio.Task[None]] = set()
        for ask in asks:
            planned += moments.expovariate(self.rate)
            if planned - begin > seconds:
                break
            await asyncio.sleep(max(0.0, planned - time.perf_counter()))
            task = asyncio.create_task(self._one(ask.raw(host), planned))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        for connection in self.idle:
            connection.close()

    def run(self, asks: Iterable[Ask], seconds: float) -> list[Seen]:
        asyncio.run(self._all(asks, seconds))
        return self.seen


class Flow(NamedTuple):
    """How much came, of how many answers, in how long."""

    answers: int
    size: int
    seconds: float
    wrong: int

    @property
    def rate(self) -> float:
        return self.answers / self.seconds

    @property
    def megabytes(self) -> float:
        """Each second."""
        return self.size / self.seconds / 1e6


class Downloads:
    """A closed loop over plain sockets: some connections, each asks again as soon as it has an answer. The body goes into one buffer and is looked at by nobody."""

    def __init__(self, port: int, paths: Sequence[str], connections: int, *, many: bool = False) -> None:
        """``many``: each request says that it comes from another address, for a server that counts what one address asks."""
        self.port, self.paths, self.connections, self.many = port, paths, connections, many
        self.guard = threading.Lock()
        self.answers = self.size = self.wrong = 0

    def _connection(self, number: int, until: float) -> None:
        buffer, host, answers, size, wrong = memoryview(bytearray(PIECE)), f"{HOST}:{self.port}", 0, 0, 0
        line = _connected(self.port)
        try:
            while time.perf_counter() < until:
                turn = number + answers * self.connections
                address = (("X-Forwarded-For", f"10.{turn >> 16 & 255}.{turn >> 8 & 255}.{turn & 255}"),) if self.many else ()
                line.sendall(Ask(self.paths[turn % len(self.paths)], headers=address).raw(host))
                status, got, is_last = _received(line, buffer)
                answers, size, wrong = answers + 1, size + got, wrong + (status != 200)
                if is_last:
                    line.close()
                    line = _connected(self.port)
        finally:
            line.close()
        with self.guard:
            self.answers, self.size, self.wrong = self.answers + answers, self.size + size, self.wrong + wrong

    def run(self, seconds: float) -> Flow:
        begin = time.perf_counter()
        threads = [threading.Thread(target=self._connection, args=(number, begin + seconds)) for number in range(self.connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return Flow(self.answers, self.size, time.perf_counter() - begin, self.wrong)


def _connected(port: int) -> socket.socket:
    line = socket.create_connection((HOST, port), WAIT_SECONDS)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _received(line: socket.socket, buffer: memoryview) -> tuple[int, int, bool]:
    """Status and size of one answer that says its length; whether the server takes no more on this connection."""
    head = b""
    while b"\r\n\r\n" not in head:
        got = line.recv_into(buffer)
        if not got:
            raise OSError("the server hung up")
        head += bytes(buffer[:got])
    told, _, rest = head.partition(b"\r\n\r\n")
    fields: Mapping[bytes, bytes] = {name.strip(): value.strip() for row in told.lower().split(b"\r\n")[1:] for name, _, value in [row.partition(b":")]}
    size = int(fields[b"content-length"])
    left = size - len(rest)
    while left > 0:
        got = line.recv_into(buffer, min(left, PIECE))
        if not got:
            raise OSError("the server hung up")
        left -= got
    return int(told[9:12]), size, fields.get(b"connection") == b"close"


def fetch(port: int, ask: Ask, most: int = 1 << 26) -> tuple[int, dict[str, str], bytes]:
    """One request and its whole answer, on a connection of its own."""
    import http.client  # noqa: PLC0415 - the only use

    connection = http.client.HTTPConnection(HOST, port, timeout=WAIT_SECONDS)
    try:
        connection.request(ask.method, ask.path, body=ask.body or None, headers=dict(ask.headers))
        answer = connection.getresponse()
        return answer.status, {name.lower(): told for name, told in answer.getheaders()}, answer.read(most)
    finally:
        connection.close()
