"""Real servers for tests, each a process of its own on this machine: rsyslog from Debian, and Rotel, a collector for OpenTelemetry, from PyPI.

What is absent is installed where the system allows it; else the test is skipped and says what is missing.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

SECONDS_MAX = 120
"""Seconds to wait for what another process does. Reason: it takes moments; a busy machine takes many times as long."""
INSTALL_SECONDS_MAX = 300
ROTEL = "rotel==0.0.1a15"
"""The version whose options are used here."""


def wait_for(seen: Callable[[], bool], what: str, seconds: float = SECONDS_MAX, look: float = 0.02) -> None:
    until = time.monotonic() + seconds
    while not seen():
        if time.monotonic() > until:
            pytest.fail(f"waited {seconds} seconds for {what}")
        time.sleep(look)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Process:
    """A server that can be ended in order, killed, and begun again at the same port."""

    def __init__(self, words: list[str], port: int, output: Path) -> None:
        self.words, self.port, self.output = words, port, output
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.output.open("ab") as stream:
            self.child = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
        child = self.child
        wait_for(lambda: child.poll() is not None or answers(self.port), f"{self.words[0]} at port {self.port}")
        if child.poll() is not None:
            pytest.fail(f"{self.words[0]} ended at once: {self.output.read_text(errors='replace')[-2000:]}")

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.child is None:
            return
        self.child.send_signal(how)
        try:
            self.child.wait(SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child = None


@functools.cache
def debian(package: str, program: str) -> str:
    """The program of a Debian package, which is installed if it can be."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/{package}")
    if found:
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip(f"the Debian package {package} is not installed, and only root of a Debian system could install it")
    words = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "-y", "-qq", "--no-install-recommends", package]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (words, ["apt-get", "update", "-qq"], words):
        done = subprocess.run(step, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS_MAX, env=env, stdin=subprocess.DEVNULL)
        found = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
        if found:
            return found
    pytest.skip(f"the Debian package {package} cannot be installed here: {done.stderr.strip()[-200:]}")


def debian_module(package: str, path: str) -> None:
    """A Debian package that brings a file and no program."""
    if not os.path.exists(path):
        if os.geteuid() == 0 and shutil.which("apt-get"):
            words = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "-y", "-qq", "--no-install-recommends", package]
            subprocess.run(words, capture_output=True, check=False, timeout=INSTALL_SECONDS_MAX, stdin=subprocess.DEVNULL)
        if not os.path.exists(path):
            pytest.skip(f"the Debian package {package} is not installed and cannot be")


RSYSLOG_CONF = """
global(workDirectory="{folder}" maxMessageSize="16k" {tls})
main_queue(queue.type="LinkedList" queue.timeoutShutdown="20000")
module(load="imtcp" {driver})
template(name="line" type="string" string="%pri%|%hostname%|%app-name%|%msgid%|%structured-data%|%msg%\\n")
input(type="imtcp" address="127.0.0.1" port="{port}")
action(type="omfile" file="{out}" template="line")
"""


class Rsyslog(Process):
    """``lines``: what it wrote."""

    def __init__(self, folder: Path, *, ca: Path | None = None, cert: Path | None = None, key: Path | None = None) -> None:
        program = debian("rsyslog", "rsyslogd")
        port, self.out = free_port(), folder / "received.log"
        tls = driver = ""
        if ca is not None:
            debian_module("rsyslog-gnutls", "/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so")
            tls = f'defaultNetstreamDriverCAFile="{ca}" defaultNetstreamDriverCertFile="{cert}" defaultNetstreamDriverKeyFile="{key}"'
            driver = 'streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon"'
        conf = folder / "rsyslog.conf"
        conf.write_text(RSYSLOG_CONF.format(folder=folder, port=port, out=self.out, tls=tls, driver=driver))
        super().__init__([program, "-n", "-f", str(conf), "-i", str(folder / "rsyslogd.pid")], port, folder / "rsyslogd.out")

    def lines(self) -> list[str]:
        # The last one may be half written.
        return self.out.read_text("utf-8", "replace").rpartition("\n")[0].splitlines() if self.out.exists() else []


@functools.cache
def rotel_program() -> str:
    """The collector, in an environment of its own that stays in the temporary folder of this machine."""
    place = Path(tempfile.gettempdir()) / f"mpp-tests-{ROTEL.replace('=', '-')}-{os.geteuid()}"
    found = list(place.glob("lib/python3*/site-packages/rotel/rotel-agent"))
    if not found:
        venv.create(place, with_pip=True)
        words = [str(place / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", ROTEL]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS_MAX, stdin=subprocess.DEVNULL)
        found = list(place.glob("lib/python3*/site-packages/rotel/rotel-agent"))
        if not found:
            shutil.rmtree(place, ignore_errors=True)
            pytest.skip(f"the package {ROTEL} of PyPI cannot be installed here: {done.stderr.strip()[-200:]}")
    program = str(found[0])
    if subprocess.run([program, "--help"], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"{program} does not run on this machine ({sys.platform})")
    return program


class Rotel(Process):
    """It takes OTLP over HTTP and writes what it took, field by field, to its output."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        words = [
            rotel_program(), "start", "--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", f"127.0.0.1:{free_port()}",
            "--exporter", "blackhole", "--debug-log", "traces", "--debug-log", "logs", "--debug-log-verbosity", "detailed",
        ]  # fmt: skip
        super().__init__(words, port, folder / "rotel.out")

    def text(self) -> str:
        return self.output.read_text("utf-8", "replace")
