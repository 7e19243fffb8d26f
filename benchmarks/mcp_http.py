"""A call over streamable HTTP, and the front alone over both transports, beside the servers of others.

    python benchmarks/mcp_http.py [--quick] [--rivals PYTHON] [--json]

`whole`: ``mpp serve --http`` with its whole pipeline beside the official SDK's low-level server and fastmcp, whose ``add`` is a plain function. `alone`: our front with a plain function in
its own process, over pipes and over HTTP; beside it uvicorn with a constant answer, the floor of every such front. ``mcp_front.py`` runs this too. The same client asks all of them, in turns of 100 calls over
connections that stay open for the turn.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mcp_front import (
    _least, _seen, against, block, CALLS, Client, FLIGHTS, IN_MEMORY, make_home, ratios, ROUNDS, ROUNDS_QUICK, Row, TURNS, TURNS_QUICK, VERSION, WARM,
)  # fmt: skip

HERE = Path(__file__).resolve().parent
START_SECONDS_MAX = 120
ALONE = {"pipes": 60.0, "http": 100.0}
"""Microseconds of processor time that are promised for the front alone."""


class Line:
    """One connection that stays open: a request out, its answer in."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(60)
        self.kept = b""
        self.begun = 0.0

    def take(self) -> tuple[int, bytes, bytes] | None:
        """What came, once it is a whole answer: status, headers, body."""
        more = self.socket.recv(65536)
        if not more:
            raise RuntimeError(f"the server closed the connection after {self.kept[:500]!r}")
        self.kept += more
        head, ends, body = self.kept.partition(b"\r\n\r\n")
        if not ends:
            return None
        lower = head.lower()
        at = lower.find(b"content-length: ")
        if at >= 0:
            if len(body) < int(lower[at + 16 :].split(b"\r\n", 1)[0]):
                return None
        elif b"transfer-encoding: chunked" in lower and not body.endswith(b"0\r\n\r\n"):
            return None
        self.kept = b""
        return int(head[9:12]), head, body


class HttpClient:
    """The same for all servers; ``many`` has as many connections as calls in flight."""

    def __init__(self, command: list[str], environment: dict[str, str], path: str = "/mcp", *, speaks: bool = True) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        words = [one.replace("PORT", str(self.port)) for one in command]
        self.process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
        )
        self.path, self.session, self.number, self.tool = path, b"", 0, "add"
        self.lines: list[Line] = []
        self.wait()
        if speaks:
            params = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "bench", "version": "0"}}
            _, head, _ = self.one({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
            found = [row.partition(b":")[2].strip() for row in head.split(b"\r\n") if row.lower().startswith(b"mcp-session-id:")]
            self.session = b"mcp-session-id: %s\r\n" % found[0] if found else b""
            self.one({"jsonrpc": "2.0", "method": "notifications/initialized"})
            _, _, body = self.one({"jsonrpc": "2.0", "id": "list", "method": "tools/list", "params": {}})
            self.tool = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])["result"]["tools"][0]["name"]

    def wait(self) -> None:
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until:
            try:
                self.lines.append(Line(self.port))
            except ConnectionRefusedError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError("the server does not listen")

    def request(self, message: object) -> bytes:
        body = json.dumps(message).encode()
        return (
            b"POST %s HTTP/1.1\r\nhost: 127.0.0.1:%d\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n"
            b"mcp-protocol-version: %s\r\n%scontent-length: %d\r\n\r\n" % (self.path.encode(), self.port, VERSION.encode(), self.session, len(body))
        ) + body  # fmt: skip

    def one(self, message: object) -> tuple[int, bytes, bytes]:
        line = self.lines[0]
        line.socket.sendall(self.request(message))
        while (found := line.take()) is None:
            pass
        if found[0] >= 300:
            raise RuntimeError(str(found)[:500])
        return found

    def call(self) -> bytes:
        self.number += 1
        return self.request({"jsonrpc": "2.0", "id": self.number, "method": "tools/call", "params": {"name": self.tool, "arguments": {"a": 2, "b": 3}}})

    def many(self, count: int, flight: int) -> list[float]:
        """Seconds of each call with so many in flight."""
        # New ones each time, for all servers: some of them close a connection that was quiet while the others had their turns.
        for line in self.lines:
            line.socket.close()
        self.lines = [Line(self.port) for _ in range(flight)]
        took: list[float] = []
        with selectors.DefaultSelector() as waiting:
            left = count
            for line in self.lines[: min(flight, count)]:
                waiting.register(line.socket, selectors.EVENT_READ, line)
                left -= 1
                self.send(line)
            while len(took) < count:
                for key, _ in waiting.select():
                    line = key.data
                    found = line.take()
                    if found is None:
                        continue
                    took.append(time.perf_counter() - line.begun)
                    if found[0] != 200 or b'"isError":true' in found[2] or b'"error"' in found[2]:
                        raise RuntimeError(str(found)[:500])
                    if left:
                        left -= 1
                        self.send(line)
        return took

    def send(self, line: Line) -> None:
        request = self.call()
        line.begun = time.perf_counter()
        line.socket.sendall(request)

    def close(self) -> None:
        for line in self.lines:
            line.socket.close()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def clients(rivals: str) -> Iterator[dict[str, Client | HttpClient]]:
    memory = tempfile.mkdtemp(prefix="mpp-bench-", dir=IN_MEMORY)
    mine, servers = sys.executable, str(HERE / "mcp_servers")
    found: dict[str, Client | HttpClient] = {}
    try:
        make_home(memory + "/home", 10)
        found["mpp serve --http"] = HttpClient([mine, "-m", "mpp", "serve", "--http", "127.0.0.1:PORT"], {"MPP_HOME": memory + "/home"})
        found["front alone, pipes"] = Client([mine, servers + "/front_alone.py"], {})
        found["front alone, http"] = HttpClient([mine, servers + "/front_alone.py", "PORT"], {})
        found["uvicorn, a constant"] = HttpClient([mine, servers + "/hello.py", "PORT"], {}, speaks=False)
        if rivals:
            found["mcp.server.lowlevel, http"] = HttpClient([rivals, servers + "/sdk_lowlevel.py", "PORT"], {})
            found["fastmcp, http"] = HttpClient([rivals, servers + "/fast.py", "PORT"], {})
        yield found
    finally:
        for client in found.values():
            client.close()
        shutil.rmtree(memory, ignore_errors=True)


def measure(rivals: str, *, quick: bool) -> list[Row]:
    rounds, turns = (ROUNDS_QUICK, TURNS_QUICK) if quick else (ROUNDS, TURNS)
    rows: dict[tuple[str, int], Row] = {}
    for _ in range(rounds):
        with clients(rivals) as found:
            names = list(found)
            for client in found.values():
                client.many(WARM, 1)
                client.many(WARM, 16)
            for flight in FLIGHTS:
                for turn in range(turns):
                    for name in names[turn % len(names) :] + names[: turn % len(names)]:
                        block(found[name], rows.setdefault((name, flight), Row(name, flight)))
    return list(rows.values())


def plain(rows: list[Row]) -> list[dict[str, object]]:
    """For a program: medians, the least, and the medians of the ratios of blocks that stood side by side."""
    return ratios(rows, [row for row in rows if row.server.startswith(("mcp.", "fastmcp", "uvicorn"))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rivals", default="", metavar="PYTHON")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = parser.parse_args()
    before = os.getloadavg()[0]
    rows = measure(given.rivals, quick=given.quick)
    if given.json:
        print(json.dumps({"http": plain(rows)}))
        return
    print(f"load {before:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores; {CALLS} calls a turn")
    base = {row.flight: row for row in rows if row.server.startswith("mcp.")}
    print(f"{'server':<28} {'flight':>6} {'CPU us':>8} {'of SDK':>7} {'least':>7} {'p50 us':>8} {'of SDK':>7} {'p99 us':>8} {'calls/s':>8}")
    for row in rows:
        other = base.get(row.flight)
        share, middle = [f"{one:.2f}" for one in (against(row.cpu_us, other.cpu_us), against(row.p50_us, other.p50_us))] if other else ("-", "-")
        print(
            f"{row.server:<28} {row.flight:>6} {statistics.median(_seen(row.cpu_us)):>8.0f} {share:>7} {_least(row.cpu_us):>7.0f} "
            f"{statistics.median(row.p50_us):>8.0f} {middle:>7} {statistics.median(row.p99_us):>8.0f} {statistics.median(row.rate):>8.0f}"
        )


if __name__ == "__main__":
    main()
