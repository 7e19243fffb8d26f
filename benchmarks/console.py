"""How long pages of the console take, and what they cost, over made-up records of three sizes.

    python benchmarks/console.py [--calls 1000,10000,100000] [--rounds 60] [--json]

The console runs as `mpp console` in a process of its own and is asked over a socket, one request after the other. Its processor time is
that of the whole process, divided by the requests. The index is made before; how long that takes is a row of its own.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.console_record import BEGINS, DAYS, fill
from mpp.host.audit.index import ask
from mpp.host.audit.listing import calls, CallsWanted
from mpp.host.home import Home

SIZES = (1_000, 10_000, 100_000)
ROUNDS = 60
WARM = 3
PROMISED = 5.0
"""How many times as long a page over a hundred times as many calls may take. Reason: bounded work grows with the depth of a tree, not with the record."""

TICKS = os.sysconf("SC_CLK_TCK")


class Timed(NamedTuple):
    page: str
    calls: int
    p50: float
    p99: float
    cpu: float
    """Seconds of the processor for one request."""
    size: int


class Console:
    """`mpp console` over one home, and a browser of a few lines."""

    def __init__(self, home: str) -> None:
        environment = {**os.environ, "MPP_HOME": home}
        command = [sys.executable, "-m", "mpp", "console", "--no-open", "--json", "--port", "0"]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        told = self._told()
        address = urlsplit(told["url"])
        self.host = f"127.0.0.1:{told['port']}"
        self.connection = http.client.HTTPConnection(self.host)
        self.cookie = ""
        self._enter(address.fragment or address.query)

    def _told(self) -> dict[str, str]:
        """Its one object, which it says in several lines."""
        text = b""
        while self.process.stdout is not None and (line := self.process.stdout.readline()):
            text += line
            if line.rstrip() == b"}":
                found: dict[str, str] = json.loads(text)
                return found
        raise SystemExit("the console did not start")

    def _enter(self, token: str) -> None:
        body = urlencode({"token": token.partition("=")[2] or token})
        sent = {"content-type": "application/x-www-form-urlencoded", "origin": f"http://{self.host}", "sec-fetch-site": "same-origin"}
        self.connection.request("POST", "/enter", body, sent)
        answer = self.connection.getresponse()
        answer.read()
        self.cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
        if answer.status != 303:
            raise SystemExit(f"the console does not let us in: {answer.status}")

    def get(self, path: str) -> bytes:
        self.connection.request("GET", path, headers={"cookie": self.cookie, "sec-fetch-site": "same-origin", "sec-fetch-dest": "document"})
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status == 429:
            # More requests in a minute than a person makes: the console says wait, and we do.
            time.sleep(5)
            return self.get(path)
        if answer.status != 200:
            raise SystemExit(f"{path} answers {answer.status}")
        return data

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def pages(home: str) -> dict[str, str]:
    """What is asked, by name. The last calls of the record lie in its last day."""
    end = BEGINS + DAYS * 86_400
    newest = ask(Home(path=home).log, lambda connection: calls(connection, CallsWanted(words={}, until=end), 200))
    ran = next(one for one in newest if one.ending == "ok")
    window = f"since={BEGINS}&until={end}"
    return {
        "overview, last day": "/?period=day",
        "overview, all": "/?period=all",
        "calls": "/calls",
        "calls, far down": f"/calls?before={newest[0].id // 2}",
        "calls of an agent": f"/calls?agent=claude&{window}",
        "calls, rare mix": "/calls?agent=claude&package=com.example.crm&tool=read&ending=denied",
        "calls, by host": "/calls?q=host:api.example.com",
        "one call, proven": f"/calls/{ran.invocation}",
    }


def measure(folder: str, count: int, rounds: int, say: Callable[[str], None]) -> tuple[list[Timed], float]:
    """Each page of one record, and how long its index took."""
    home = os.path.join(folder, str(count))
    say(f"making a record of {count:,} calls")
    fill(home, count)
    begun = time.perf_counter()
    asked = pages(home)
    indexing = time.perf_counter() - begun
    say(f"indexed in {indexing:.1f} s")
    console, rows = Console(home), list[Timed]()
    try:
        for name, path in asked.items():
            rows.append(_timed(console, name, path, count, rounds))
            say(
                f"{count:>7,}  {name:<20} p50 {rows[-1].p50 * 1000:6.1f} ms  p99 {rows[-1].p99 * 1000:6.1f} ms  cpu {rows[-1].cpu * 1000:6.1f} ms  {rows[-1].size:>7,} bytes"
            )
    finally:
        console.close()
    return rows, indexing


def _timed(console: Console, name: str, path: str, count: int, rounds: int) -> Timed:
    for _ in range(WARM):
        data = console.get(path)
    cpu, times = console.cpu(), list[float]()
    for _ in range(rounds):
        begun = time.perf_counter()
        data = console.get(path)
        times.append(time.perf_counter() - begun)
    cpu, rising = (console.cpu() - cpu) / rounds, sorted(times)
    return Timed(page=name, calls=count, p50=rising[len(rising) // 2], p99=rising[min(len(rising) - 1, len(rising) * 99 // 100)], cpu=cpu, size=len(data))


def table(found: list[Timed], indexing: dict[int, float]) -> list[dict[str, object]]:
    """Rows as all benchmarks give them: each page of the largest record beside the same page of the smallest."""
    first, last = min(one.calls for one in found), max(one.calls for one in found)
    small = {one.page: one for one in found if one.calls == first}
    rows: list[dict[str, object]] = []
    for one in (one for one in found if one.calls == last):
        base = small[one.page]
        # Of the processor: how long a request waits for one says more of what else runs.
        ratio = one.cpu / max(base.cpu, 1 / TICKS / ROUNDS)
        rows.append({
            "what": f"console: {one.page}, {last:,} calls", "ours": round(one.cpu * 1000, 2), "unit": "ms of processor", "baseline": f"the same page over {first:,} calls",
            "base": round(base.cpu * 1000, 2), "ratio": round(ratio, 2), "promised": f"{PROMISED:g}x", "kept": ratio <= PROMISED,
            "note": f"p50 {one.p50 * 1000:.1f} ms, p99 {one.p99 * 1000:.1f} ms; over {first:,} calls p50 {base.p50 * 1000:.1f} ms, p99 {base.p99 * 1000:.1f} ms",
        })  # fmt: skip
    rows.append({
        "what": f"console: making the search index, {last:,} calls", "ours": round(indexing[last], 1), "unit": "s", "baseline": "", "base": None, "ratio": None,
        "promised": "", "kept": None, "note": "once for a record; then only what is new",
    })  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", default=",".join(map(str, SIZES)))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    found, indexing = list[Timed](), dict[int, float]()

    def say(text: str) -> None:
        print(text, file=sys.stderr if wanted.json else sys.stdout, flush=True)

    say(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        for count in (int(one) for one in wanted.calls.split(",")):
            rows, indexing[count] = measure(folder, count, wanted.rounds, say)
            found += rows
    if wanted.json:
        print(json.dumps({"rows": table(found, indexing)}))
        return
    for row in table(found, indexing):
        say(f"{row['what']}: {row['ours']} {row['unit']}, ratio {row['ratio']}, promised {row['promised']}, {row['note']}")


if __name__ == "__main__":
    main()
