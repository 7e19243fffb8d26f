"""The record on its way to real servers: rsyslog from Debian, and Rotel, a collector for OpenTelemetry, from PyPI.

Servers are restarted and forwarders are killed while entries are written. Nothing is lost, and what came twice has one number and one hash.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.host.home import Home
from mpp.model.events import Event
from tests.servers import Process, Rotel, Rsyslog, wait_for
from tests.certificates import make_pair

MPP = [sys.executable, "-m", "mpp", "audit", "forward"]
AT = 1_790_000_000
Got = Callable[[], list[tuple[int, str]]]
"""Numbers and hashes of entries that a server has written."""


def mpp(*words: str) -> str:
    done = subprocess.run([*MPP, *words], capture_output=True, text=True, check=False, timeout=300, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Follower:
    """`mpp audit forward run --follow` as a process, to be killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.home.parent / "follower.out").open("ab") as out:
            self.child = subprocess.Popen([*MPP, "run", "--follow"], stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def end(self, how: int) -> int:
        if self.child is None:
            return 0
        assert self.child.poll() is None, (self.home.parent / "follower.out").read_text()
        self.child.send_signal(how)
        code, self.child = self.child.wait(120), None
        return code

    def taken(self) -> int:
        path = self.home / "audit" / "forward" / "far.cursor"
        return int(json.loads(path.read_text())["seq"]) if path.exists() else -1


class Record:
    """The log that is forwarded."""

    def __init__(self, home: Path) -> None:
        self.home = Home(path=str(home))
        self.log = AuditLog(self.home)
        self.calls = 0

    def write(self, calls: int) -> None:
        """Calls of three events each."""
        for _ in range(calls):
            self.calls += 1
            call = f"{self.calls:032x}"
            who = {
                "publisher": "a" * 64,
                "package": "com.example.crm",
                "content": "b" * 64,
                "tool": 'fi"nd]\\',
                "agent": {"name": "claude é", "proof": "signed"},
            }
            events = [
                ("decision", {"effect": "allow", "risk": 7}),
                ("intent", who),
                ("result", {"outcome": "ok" if self.calls % 2 else "tool.trap", "hosts": ["h"]}),
            ]
            self.log.record_all(
                [Event(kind=kind, at=AT + self.calls, tenant="local", invocation=call, body=body) for kind, body in events],
                durable=self.calls % 10 == 0,
            )

    def whole(self) -> dict[int, str]:
        self.log.checkpoint()
        return {entry.seq: entry.leaf for entry in LogReader(self.home.log).entries()}


@pytest.fixture
def record(home: Path) -> Iterator[Record]:
    found = Record(home)
    found.write(1)
    yield found
    found.log.close()


@pytest.fixture
def follower(home: Path) -> Iterator[Follower]:
    found = Follower(home)
    yield found
    if found.child is not None:
        found.child.kill()
        found.child.wait()


@pytest.fixture
def servers() -> Iterator[list[Process]]:
    made: list[Process] = []
    yield made
    for one in made:
        one.stop(signal.SIGKILL)


def through_faults(record: Record, follower: Follower, server: Process, got: Got) -> dict[int, str]:
    """Entries are written all the while. ``got``: what the server has written by now. At last it is killed when nothing is on its way."""
    follower.start()
    record.write(200)
    wait_for(lambda: follower.taken() > 100, "the first entries to be taken")
    server.stop(signal.SIGTERM)
    record.write(200)
    assert follower.end(signal.SIGKILL) == -signal.SIGKILL
    follower.start()
    record.write(50)
    server.start()
    seen = follower.taken()
    record.write(300)
    wait_for(lambda: follower.taken() > seen, "entries to be taken after the restart")
    follower.end(signal.SIGKILL)
    server.stop(signal.SIGTERM)
    server.start()
    follower.start()
    record.write(100)
    sent = record.whole()
    wait_for(lambda: follower.taken() == max(sent), "everything to be taken")
    # With nothing to send, killed and begun anew on both sides.
    follower.end(signal.SIGKILL)
    # What the server has read it may still be writing; a kill is to find it at rest.
    wait_for(lambda: set(got()) >= set(sent.items()), "the server to write what it has read", look=0.3)
    server.stop(signal.SIGKILL)
    server.start()
    record.write(50)
    follower.start()
    whole = record.whole()
    wait_for(lambda: follower.taken() == max(whole), "the end to be taken")
    assert follower.end(signal.SIGTERM) == 0
    return whole


def nothing_lost(whole: dict[int, str], got: list[tuple[int, str]]) -> None:
    """Each entry has arrived, under its own hash; what came twice is the same."""
    assert set(got) == set(whole.items())


# -- syslog

LINE = re.compile(r'(\d+)\|([^|]*)\|mpp\|([a-z-]+)\|\[mpp@32473 origin="(mpp-audit/[0-9a-f]{32})" seq="(\d+)" leaf="([0-9a-f]{64})" (.*)\]\|(.*)')


def received(server: Rsyslog) -> list[tuple[int, str]]:
    found = [LINE.fullmatch(line) for line in server.lines()]
    assert all(found), [line for line, one in zip(server.lines(), found, strict=True) if one is None][:3]
    return [(int(one[5]), one[6]) for one in found if one is not None]


def test_syslog_with_restarts_on_both_sides(record: Record, follower: Follower, servers: list[Process], tmp_path: Path) -> None:
    server = Rsyslog(tmp_path)
    servers.append(server)
    server.start()
    mpp("add", "far", "--to", f"tcp://127.0.0.1:{server.port}", "--yes")
    whole = through_faults(record, follower, server, lambda: received(server))
    wait_for(lambda: set(received(server)) >= set(whole.items()), "the server to write what it has read", look=0.1)
    nothing_lost(whole, received(server))
    text = next(line for line in server.lines() if "|intent|" in line)
    assert 'tool="fi\\"nd\\]\\\\"' in text
    assert 'agent="claude é"' in text
    assert json.loads(mpp("status", "--json"))["targets"][0] == {
        "name": "far", "to": f"tcp://127.0.0.1:{server.port}", "format": "syslog", "taken_up_to": max(whole), "behind": 0, "dead": 0, "running": False,
        "fault": "",
    }  # fmt: skip


def test_syslog_that_is_killed_with_everything_unread(record: Record, servers: list[Process], tmp_path: Path) -> None:
    """Its system has confirmed every byte; the server read none. That is no yes, and it is all sent again."""
    server = Rsyslog(tmp_path)
    servers.append(server)
    server.start()
    mpp("add", "far", "--to", f"tcp://127.0.0.1:{server.port}", "--yes")
    assert server.child is not None
    server.child.send_signal(signal.SIGSTOP)
    with subprocess.Popen([*MPP, "run", "--once"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as once:
        assert once.stderr is not None
        wait_for(lambda: _unread(server.port) > 0, "bytes to wait in the system of the server")
        server.stop(signal.SIGKILL)
        assert b"trying again" in once.stderr.readline()
        server.start()
        assert once.wait(120) == 0
    whole = record.whole()
    wait_for(lambda: set(received(server)) >= set(whole.items()), "the server to write what it has read", look=0.1)
    nothing_lost(whole, received(server))


def _unread(port: int) -> int:
    """Bytes that arrived at this port and were not read, by the kernel's table of connections. The other side may have closed already."""
    total = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[1].endswith(f":{port:04X}") and words[3] in {"01", "08"}:
            total += int(words[4].partition(":")[2], 16)
    return total


def test_syslog_over_tls(record: Record, servers: list[Process], tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    server = Rsyslog(tmp_path, ca=pair.cert, cert=pair.cert, key=pair.key)
    servers.append(server)
    server.start()
    mpp("add", "far", "--to", f"tls://localhost:{server.port}", "--ca", str(pair.cert), "--format", "cef", "--yes")
    record.write(100)
    assert "taken" in mpp("run", "far")
    server.stop()
    server.start()
    record.write(100)
    assert "taken" in mpp("run", "far")
    whole = {seq: leaf for seq, leaf in record.whole().items() if seq <= Follower(Path(os.environ["MPP_HOME"])).taken()}

    def got() -> set[tuple[int, str]]:
        return {(int(seq), leaf) for line in server.lines() for seq, leaf in re.findall(r" cn1=(\d+) .* cs1=([0-9a-f]{64}) ", line)}

    wait_for(lambda: got() == set(whole.items()), "every entry, as CEF")


# -- OTLP


def fields(text: str) -> dict[str, str]:
    return {key: found for key, _, found in re.findall(r"-> ([\w.]+): (Str|Int)\((.*)\)\n", text)}


def test_otlp_with_restarts_on_both_sides(record: Record, follower: Follower, servers: list[Process], tmp_path: Path) -> None:
    server = Rotel(tmp_path)
    servers.append(server)
    server.start()
    mpp("add", "far", "--to", f"http://127.0.0.1:{server.port}", "--format", "otlp", "--yes")

    def got(mark: str) -> list[str]:
        """What stands behind each mark, up to the next record of any sort."""
        return [part[len(mark) :] for part in re.split(r"^(?=LogRecord #|Span #|Resource)", server.text(), flags=re.MULTILINE) if part.startswith(mark)]

    def logs() -> list[tuple[int, str]]:
        return [(int(one["mpp.seq"]), one["mpp.leaf"]) for one in map(fields, got("LogRecord #")) if {"mpp.seq", "mpp.leaf"} <= one.keys()]

    whole = through_faults(record, follower, server, logs)
    wait_for(lambda: set(logs()) >= set(whole.items()), "every log record", look=0.3)
    nothing_lost(whole, logs())
    spans = {found[1]: fields(part) for part in got("Span #") if (found := re.search(r"Trace ID +: ([0-9a-f]{32})", part))}
    # One span for each call, and each knows its intent, though forwarders were killed between the two.
    assert set(spans) == {f"{call:032x}" for call in range(1, record.calls + 1)}
    assert {one["gen_ai.tool.name"] for one in spans.values()} == {'fi"nd]\\'}
    assert all(whole[int(one["mpp.intent.seq"])] == one["mpp.intent.leaf"] for one in spans.values())
    assert {one.get("error.type", "") for one in spans.values()} == {"", "tool.trap"}
