"""What a registry costs as it grows, what a download costs beside a bare file server, what a publish and a checkpoint cost.

    python benchmarks/registry.py growth --seeds FOLDER [--postgres]     FOLDER: below it s10k, s100k, s463k, s1m that registry_seed.py made
    python benchmarks/registry.py downloads
    python benchmarks/registry.py accel                                  nginx before a registry that lets it send the files, asked and not asked, beside nginx alone
    python benchmarks/registry.py publish --seeds FOLDER
    python benchmarks/registry.py checkpoint --seeds FOLDER
    python benchmarks/registry.py rivals --pypiserver PYTHON             PYTHON: of a venv with pypiserver, gunicorn and watchdog

Each server is a process of its own on this machine, and so is none of the clients: they share its processors. Requests come at the moments of a Poisson process at 50 each second, from four hundred
addresses, and an answer is timed from the moment that was planned for it. --json prints one object for each row.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import random
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, ExitStack
from pathlib import Path
from typing import Any

from machine import facts
from registry_load import Ask, Downloads, fetch, OpenLoop, Seen, Shares
from registry_rivals import cpu_seconds, free_port, nginx, nginx_before, nginx_program, plain_python, pypiserver, running, static_files
from registry_words import Author

from mpp.host.system import SystemClock, SystemRandom
from mpp.protocol.registry.events import Owner, PackageOwners
from mpp.protocol.registry.requests import sign_request
from mpp.testing.keys import publisher
from mpp.testing.packages import signed
from mpp_registry.opening import open_services, Options

RATE = 50.0
SECONDS = 30.0
WARM_SECONDS = 3.0
ADDRESSES = 400
NAMES = {"s10k": 10_000, "s100k": 100_000, "s463k": 463_560, "s1m": 1_000_000}
"""Folders with seeded registries, and how many versions they hold."""

FLOW_SECONDS = 10.0
ROUNDS = 5
CONNECTIONS = 4
SIZES = (30_000, 1_000_000, 20_000_000)
PUBLISHES = 100
APPENDS = 100
WHO = publisher("Benchmark publisher")


def say(row: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(row), flush=True)
        return
    print("  ".join(f"{name} {told:.2f}" if isinstance(told, float) else f"{name} {told}" for name, told in row.items()), flush=True)


# ------------------------------------------------------------ the registry as a process


@contextmanager
def serving(data: Path, *words: str, environment: dict[str, str] | None = None) -> Iterator[int]:
    port = free_port()
    command = [
        sys.executable, "-m", "mpp", "registry", "serve", "--data", str(data), "--port", str(port), "--quiet", "--behind-proxy", "--any-namespace",
        "--url", f"http://127.0.0.1:{port}", *words,
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as home, running(command, port, "/health", {"MPP_HOME": home, **(environment or {})}):
        yield port


def from_many(asks: Iterable[Ask], seed: int = 3) -> Iterator[Ask]:
    """As many people ask: the registry counts requests of each address."""
    source = random.Random(seed)
    for ask in asks:
        address = source.randrange(ADDRESSES)
        yield ask._replace(headers=(*ask.headers, ("X-Forwarded-For", f"10.0.{address // 250}.{address % 250}")))


def measured(port: int, asks: Iterable[Ask], seconds: float, wanted: Iterable[int] = (200,)) -> tuple[Shares, float]:
    """Times of the answers, and milliseconds of the processors for each."""
    asks = from_many(asks)
    OpenLoop(port, RATE, seed=1).run(asks, WARM_SECONDS)
    before = cpu_seconds(port)
    seen: list[Seen] = OpenLoop(port, RATE).run(asks, seconds)
    used = cpu_seconds(port) - before
    return Shares.of(seen, seconds, wanted), 1000 * used / len(seen)


# ------------------------------------------------------------ growth


def queries(packages: int) -> dict[str, Iterator[Ask]]:
    """Packages are asked for as often as their rank says: few are asked for by most."""
    from urllib.parse import quote  # noqa: PLC0415 - only here

    author, source = Author(), random.Random(5)

    def ids() -> Iterator[str]:
        while True:
            yield author.package(min(int(packages ** source.random()), packages - 1)).package_id

    def texts(seed: int) -> Iterator[str]:
        return (quote(text) for text in author.searches(seed))

    return {
        "search, API": (Ask(f"/v1/search?q={text}") for text in texts(1)),
        "search, page": (Ask(f"/search?q={text}", headers=(("Accept", "text/html"),)) for text in texts(2)),
        "package, API": (Ask(f"/v1/packages/{one}") for one in ids()),
        "package, page": (Ask(f"/packages/{one}", headers=(("Accept", "text/html"),)) for one in ids()),
        "versions, API": (Ask(f"/v1/packages/{one}/versions") for one in ids()),
        "bundle": (Ask(f"/v1/packages/{package.package_id}/versions/{package.versions[-1]}/bundle") for package in map(author.package, _ranks(packages))),
        "absence": (Ask(f"/v1/packages/com.example.none-{number}/absence") for number in itertools.count()),
        "first page": (Ask("/", headers=(("Accept", "text/html"),)) for _ in itertools.count()),
    }


def _ranks(packages: int) -> Iterator[int]:
    source = random.Random(6)
    while True:
        yield min(int(packages ** source.random()), packages - 1)


def packages_in(data: Path) -> int:
    services = open_services(Options(data=str(data)), clock=SystemClock(), random=SystemRandom(), environment={})
    try:
        with services.database.read() as rows:
            found = rows.one("SELECT COUNT(*) FROM packages")
        return int(str(found[0])) if found else 0
    finally:
        services.close()


def growth(seeds: Path, seconds: float, *, postgres: bool) -> Iterator[dict[str, Any]]:
    for name, versions in NAMES.items():
        data = seeds / name
        if not data.is_dir():
            continue
        packages = packages_in(data)
        size = (data / "registry.db").stat().st_size
        with ExitStack() as undo:
            words: tuple[str, ...] = ()
            if postgres:
                from registry_copied import copied  # noqa: PLC0415 - needs PostgreSQL

                url, size = undo.enter_context(copied(data))
                words = ("--database-url", url)
            port = undo.enter_context(serving(data, *words))
            for what, asks in queries(packages).items():
                found, cpu = measured(port, asks, seconds)
                yield {
                    "versions": versions, "database": "PostgreSQL" if postgres else "SQLite", "mb": round(size / 1e6), "what": what, "CPU ms": cpu, "count": found.count, "wrong": found.wrong,
                    "p50": found.p50, "p90": found.p90, "p99": found.p99, "worst": found.worst, "client late p99": found.late_p99, "load": os.getloadavg()[0],
                }  # fmt: skip


# ------------------------------------------------------------ downloads


def signed_ask(method: str, target: str, body: bytes, registry_id: str, media: str) -> Ask:
    told = sign_request(
        WHO.release[0],
        method=method,
        target=target,
        body_sha256=hashlib.sha256(body).hexdigest(),
        audience=registry_id,
        at=int(time.time()),
        nonce=secrets.token_hex(16),
    )
    return Ask(target, method, (("Authorization", told), ("Content-Type", media)), body)


def file_of(version: str, size: int, package_id: str = "com.example.benchmark") -> bytes:
    """A sound package of about that size that cannot be compressed."""
    filler = hashlib.shake_256(version.encode()).digest(max(size - 2_000, 1))
    return signed(WHO, {"package_id": package_id, "version": version}, {"assets/filler.bin": filler}, created=int(time.time()) - 60)


def publish(port: int, registry_id: str, data: bytes) -> tuple[int, bytes]:
    status, _, body = fetch(port, next(from_many([signed_ask("POST", "/v1/packages", data, registry_id, "application/vnd.mpp.package")])))
    return status, body


def registered(port: int) -> str:
    """The id of the registry, at which our publisher is registered from now on."""
    registry_id = str(json.loads(fetch(port, Ask("/v1/registry"))[2])["registry_id"])
    status, _, body = fetch(port, signed_ask("POST", "/v1/publishers", WHO.chain.data, registry_id, "application/json"))
    if status not in {200, 201}:
        raise SystemExit(f"the publisher could not be registered: {status} {body[:300]!r}")
    return registry_id


def downloads(seconds: float) -> Iterator[dict[str, Any]]:
    """Ours and each bare server take turns, the same bytes for all."""
    with tempfile.TemporaryDirectory(prefix="mpp-bench-") as folder, ExitStack() as undo:
        files, data = Path(folder) / "files", Path(folder) / "data"
        files.mkdir()
        data.mkdir(mode=0o700)
        port = undo.enter_context(serving(data))
        registry_id, paths = registered(port), {}
        for number, size in enumerate(SIZES):
            made = file_of(f"1.{number}.0", size)
            (files / f"f{size}").write_bytes(made)
            status, body = publish(port, registry_id, made)
            if status != 201:
                raise SystemExit(f"a package of {size} bytes was not published: {status} {body[:300]!r}")
            paths[size] = f"/v1/packages/com.example.benchmark/versions/1.{number}.0/download"
        servers = {
            "registry": port,
            "Starlette StaticFiles": undo.enter_context(static_files(files)),
            "python -m http.server": undo.enter_context(plain_python(files)),
        }
        if nginx_program():
            servers["nginx, one process"] = undo.enter_context(nginx(files, Path(folder) / "nginx"))
        for size in SIZES:
            rows = {name: Row(at, paths[size] if name == "registry" else f"/f{size}", name == "registry") for name, at in servers.items()}
            for _ in range(ROUNDS):
                for row in rows.values():
                    row.take(seconds / ROUNDS)
            for name, row in rows.items():
                shares = [ours / theirs for ours, theirs in zip(rows["registry"].rates, row.rates, strict=True)]
                yield {
                    "bytes": size, "server": name, "answers/s": statistics.median(row.rates), "best": max(row.rates), "MB/s": statistics.median(row.rates) * size / 1e6,
                    "CPU ms": 1000 * row.cpu / row.answers, "wrong": row.wrong, "registry's share": statistics.median(shares),
                    "of best": max(rows["registry"].rates) / max(row.rates), "of CPU": (row.cpu / row.answers) / (rows["registry"].cpu / rows["registry"].answers),
                    "load": os.getloadavg()[0],
                }  # fmt: skip


def accelerated(seconds: float) -> Iterator[dict[str, Any]]:
    """Files that nginx sends for the registry, asking it each time and not asking it, beside the same files from nginx alone, in turns."""
    if not nginx_program():
        raise SystemExit("there is no nginx here")
    with tempfile.TemporaryDirectory(prefix="mpp-bench-") as folder, ExitStack() as undo:
        files = Path(folder) / "files"
        files.mkdir()
        asked, direct = Path(folder) / "asked", Path(folder) / "direct"
        for data in (asked, direct):
            data.mkdir(mode=0o700)
        ports = (undo.enter_context(serving(asked, "--accel", "/files/")), undo.enter_context(serving(direct, "--accel", "/files/", "--public-files")))
        fronts = [undo.enter_context(nginx_before(port, data, Path(folder) / f"front-{port}")) for port, data in zip(ports, (asked, direct), strict=True)]
        bare = undo.enter_context(nginx(files, Path(folder) / "bare"))
        ids = [registered(port) for port in ports]
        for number, size in enumerate(SIZES):
            made, version = file_of(f"1.{number}.0", size), f"1.{number}.0"
            (files / f"f{size}").write_bytes(made)
            path = f"/v1/packages/com.example.benchmark/versions/{version}/download"
            for port, front, registry_id in zip(ports, fronts, ids, strict=True):
                status, body = publish(port, registry_id, made)
                if status != 201 or fetch(front, Ask(path))[2] != made:
                    raise SystemExit(f"a package of {size} bytes was not published, or does not come back: {status} {body[:300]!r}")
            _appeared(direct / "public" / "com.example.benchmark" / f"{version}.mpp")
            rows = {
                "nginx, asks the registry": Row(fronts[0], path, True, also=(ports[0],)),
                "nginx, public files": Row(fronts[1], path, False, also=(ports[1],)),
                "nginx alone": Row(bare, f"/f{size}", False),
            }
            for _ in range(ROUNDS):
                for row in rows.values():
                    row.take(seconds / ROUNDS)
            alone = rows["nginx alone"]
            for name, row in rows.items():
                yield {
                    "bytes": size, "server": name, "answers/s": statistics.median(row.rates), "best": max(row.rates), "MB/s": statistics.median(row.rates) * size / 1e6,
                    "CPU ms": 1000 * row.cpu / row.answers, "wrong": row.wrong, "share": statistics.median(a / b for a, b in zip(row.rates, alone.rates, strict=True)),
                    "load": os.getloadavg()[0],
                }  # fmt: skip


def _appeared(path: Path) -> None:
    until = time.monotonic() + 30
    while not path.exists():
        if time.monotonic() > until:
            raise SystemExit(f"{path.name} did not become public")
        time.sleep(0.1)


class Row:
    """One server in its turns."""

    def __init__(self, port: int, path: str, is_ours: bool, also: tuple[int, ...] = ()) -> None:
        """``also``: further processes whose processor time counts."""
        self.port, self.path, self.is_ours, self.also = port, path, is_ours, also
        self.rates: list[float] = []
        self.cpu, self.answers, self.wrong = 0.0, 0, 0

    def take(self, seconds: float) -> None:
        before = sum(map(cpu_seconds, (self.port, *self.also)))
        flow = Downloads(self.port, [self.path], CONNECTIONS, many=self.is_ours).run(seconds)
        self.cpu += sum(map(cpu_seconds, (self.port, *self.also))) - before
        self.answers += flow.answers
        self.wrong += flow.wrong
        self.rates.append(flow.rate)


# ------------------------------------------------------------ publish and checkpoint


def publishing(seeds: Path, count: int) -> Iterator[dict[str, Any]]:
    """One client, one version after the other, 30 kB each: signed request, gatekeeper, checks, file, transaction, bundle in the answer."""
    for name, versions in NAMES.items():
        if not (seeds / name).is_dir():
            continue
        with copy_of(seeds / name) as data, serving(data) as port:
            registry_id, label = registered(port), f"com.example.b{secrets.token_hex(6)}"
            files = [file_of(f"1.0.{number}", SIZES[0], label) for number in range(count)]
            seen = []
            for made in files:
                begin = time.perf_counter()
                status, _ = publish(port, registry_id, made)
                seen.append(Seen(status, time.perf_counter() - begin, 0, 0.0))
            found = Shares.of(seen[5:], sum(one.seconds for one in seen[5:]), (201,))
            yield {
                "versions": versions, "what": "publish", "count": found.count, "wrong": found.wrong, "p50": found.p50, "p99": found.p99, "worst": found.worst, "each s": found.rate,
                "load": os.getloadavg()[0],
            }  # fmt: skip


@contextmanager
def copy_of(data: Path) -> Iterator[Path]:
    """What is written goes into a copy."""
    with tempfile.TemporaryDirectory(prefix="mpp-bench-", dir=data.parent) as folder:
        shutil.copytree(data, Path(folder) / "data")
        os.sync()  # a gigabyte that waits to be written would make the first transactions wait for it
        yield Path(folder) / "data"


def checkpoints(seeds: Path, count: int) -> Iterator[dict[str, Any]]:
    """One leaf and what follows from it: nodes of the tree, the map, a signed checkpoint; with the transaction around it and its sync, and without."""
    for name, versions in NAMES.items():
        if not (seeds / name).is_dir():
            continue
        with copy_of(seeds / name) as data:
            services = open_services(Options(data=str(data)), clock=SystemClock(), random=SystemRandom(), environment={})
            owner, inner, outer = "ab" * 32, [], []
            for number in range(count):
                change = PackageOwners(package_id=f"com.example.checkpoint-{number}", owners=(Owner(publisher_id=owner, role="owner"),), by=owner)
                begin = time.perf_counter()
                with services.database.write() as rows:
                    middle = time.perf_counter()
                    services.ledger.append(rows, [change], int(time.time()))
                    inner.append(time.perf_counter() - middle)
                outer.append(time.perf_counter() - begin)
            services.close()
        for what, times in (("append and sign", inner), ("with its transaction", outer)):
            found = Shares.of([Seen(200, one, 0, 0.0) for one in times[5:]], sum(times[5:]))
            yield {
                "versions": versions,
                "what": what,
                "count": found.count,
                "p50": found.p50,
                "p99": found.p99,
                "worst": found.worst,
                "load": os.getloadavg()[0],
            }


# ------------------------------------------------------------ a rival


def rivals(python: str, seconds: float) -> Iterator[dict[str, Any]]:
    """What both have: the list of one package's files, and a download of 30 kB. A thousand packages with ten versions each."""
    with tempfile.TemporaryDirectory(prefix="mpp-bench-") as folder, ExitStack() as undo:
        files, data = Path(folder) / "files", Path(folder) / "data"
        files.mkdir()
        data.mkdir(mode=0o700)
        content, names = secrets.token_bytes(SIZES[0]), [f"example-package-{number}" for number in range(1_000)]
        for name in names:
            for version in range(10):
                (files / f"{name.replace('-', '_')}-1.{version}.0-py3-none-any.whl").write_bytes(content)
        from registry_seed import seed  # noqa: PLC0415 - only here

        seed(data, 10_000)
        ours = undo.enter_context(serving(data))
        registry_id = registered(ours)
        if publish(ours, registry_id, file_of("1.0.0", SIZES[0]))[0] != 201:
            raise SystemExit("the package was not published")
        theirs = undo.enter_context(pypiserver(python, files))
        source, author = random.Random(8), Author()
        lists = {
            "registry": (ours, (Ask(f"/v1/packages/{author.package(source.randrange(1_000)).package_id}/versions") for _ in itertools.count())),
            "pypiserver": (theirs, (Ask(f"/simple/{source.choice(names)}/") for _ in itertools.count())),
        }
        for server, (port, asks) in lists.items():
            found, cpu = measured(port, asks, seconds)
            yield {
                "server": server,
                "what": "versions of one package",
                "CPU ms": cpu,
                "count": found.count,
                "wrong": found.wrong,
                "p50": found.p50,
                "p99": found.p99,
                "load": os.getloadavg()[0],
            }
        flows = {
            "registry": Downloads(ours, ["/v1/packages/com.example.benchmark/versions/1.0.0/download"], CONNECTIONS, many=True).run(seconds),
            "pypiserver": Downloads(theirs, ["/packages/example_package_7-1.3.0-py3-none-any.whl"], CONNECTIONS).run(seconds),
        }
        for server, flow in flows.items():
            yield {"server": server, "what": "download of 30 kB", "answers/s": flow.rate, "wrong": flow.wrong, "load": os.getloadavg()[0]}


def main() -> int:
    parser = argparse.ArgumentParser(description="What a registry costs.")
    parser.add_argument("part", choices=("growth", "downloads", "accel", "publish", "checkpoint", "rivals"))
    parser.add_argument("--seeds", type=Path)
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL that is started for it, with the rows of the seeds")
    parser.add_argument("--pypiserver", default="", metavar="PYTHON")
    parser.add_argument("--seconds", type=float, default=0.0, help="of each row")
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    if told.part in {"growth", "publish", "checkpoint"} and told.seeds is None:
        parser.error("say with --seeds where the seeded registries are")
    if told.part == "rivals" and not told.pypiserver:
        parser.error("say with --pypiserver which Python has it")
    rows = {
        "growth": lambda: growth(told.seeds, told.seconds or SECONDS, postgres=told.postgres),
        "downloads": lambda: downloads(told.seconds or FLOW_SECONDS),
        "accel": lambda: accelerated(told.seconds or FLOW_SECONDS),
        "publish": lambda: publishing(told.seeds, PUBLISHES),
        "checkpoint": lambda: checkpoints(told.seeds, APPENDS),
        "rivals": lambda: rivals(told.pypiserver, told.seconds or SECONDS),
    }
    if not told.json:
        for name, text in facts().items():
            print(f"{name:<22} {text}")
    for row in rows[told.part]():
        say(row, as_json=told.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
