"""Ask a live registry everything that its OpenAPI document allows, and much that it does not, with schemathesis.

``python -m tools.registry_fuzz [--examples N] [--seed N]`` makes an environment of its own below build/, starts a registry on loopback with one package
in it, and runs schemathesis twice: as a stranger, and with the administrator's token. It ends with 1 if either found something. One check is left out: what fits a schema may be refused all the same, by rules that
no schema says, such as who owns a package.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from mpp.host.system import SystemClock, SystemRandom
from mpp.protocol.registry.requests import sign_request
from mpp.testing.keys import publisher, TestPublisher
from mpp.testing.packages import signed
from mpp_registry.api.app import App
from mpp_registry.api.guard import Outside
from mpp_registry.opening import opened, Options
from mpp_registry.serve import Door, Listening, RegistryServer
from mpp_registry.services import Services
from mpp_registry.wiring import more_endpoints
from tools.tidy import ROOT

LOCK = ROOT / "tools" / "registry_fuzz.txt"
PLACE = ROOT / "build" / "registry-fuzz"
SECONDS_MAX = 1800
FASTER = 1000
"""How much faster the guard's clock runs, so that rates do not end the run."""

HOOKS = '''"""Written by tools/registry_fuzz.py."""
import schemathesis

for media in ("application/vnd.mpp.package", "application/vnd.oci.image.manifest.v1+json"):
    schemathesis.serializer(media)(lambda _context, value: value if isinstance(value, bytes) else str(value).encode())
'''
"""How bodies are sent that are no JSON."""

TOKEN = secrets.token_hex(32)


def environment() -> Path:
    """The program, in an environment that is made anew when the lock has changed."""
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    stamp, program = PLACE / "stamp", PLACE / "bin" / "schemathesis"
    if not stamp.is_file() or stamp.read_text(encoding="ascii") != wanted:
        venv.create(PLACE, with_pip=True, clear=True)
        pip = [str(PLACE / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(LOCK)]
        subprocess.run(pip, check=True, timeout=SECONDS_MAX)
        stamp.write_text(wanted, encoding="ascii")
    return program


@contextmanager
def registry() -> Iterator[str]:
    """Its address. It has a publisher and a package."""
    clock, random = SystemClock(), SystemRandom()
    with tempfile.TemporaryDirectory() as folder:
        options = Options(data=folder, url="http://registry.example", require_namespace=False, admin_token_sha256=sha256(TOKEN.encode()).hexdigest())
        with opened(options, clock=clock, random=random, environment={}) as services:
            outside = Outside(clock=clock, random=random, write_line=lambda _: None, now=lambda: time.monotonic() * FASTER)
            app = App(services, outside=outside, spool=folder, endpoints=more_endpoints(services))
            server = RegistryServer(app, Door(Listening(listen="127.0.0.1:0")))
            ready = threading.Event()
            thread = threading.Thread(target=lambda: server.run(ready=ready.set))
            thread.start()
            try:
                ready.wait()
                _stock(services, server.url)
                yield server.url
            finally:
                server.stop()
                thread.join()


def _stock(services: Services, url: str) -> None:
    by = publisher("Fuzzed Publisher")
    for target, body, kind in (("/v1/publishers", by.chain.data, "application/json"), ("/v1/packages", signed(by), "application/vnd.mpp.package")):
        status = _send(services, url, by, target, body, kind)
        if status != 201:
            raise SystemExit(f"error: the registry answers {status} to {target}")


def _send(services: Services, url: str, by: TestPublisher, target: str, body: bytes, kind: str) -> int:
    header = sign_request(
        by.release[0], method="POST", target=target, body_sha256=sha256(body).hexdigest(), audience=services.settings.registry_id, at=services.clock.now(),
        nonce=secrets.token_hex(16),
    )  # fmt: skip
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("POST", target, body, {"authorization": header, "content-type": kind})
    return connection.getresponse().status


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=30, help="requests that are made up for each operation")
    parser.add_argument("--phases", default="examples,coverage,fuzzing,stateful", help="of schemathesis")
    parser.add_argument("--paths", default="^/", help="a regular expression: only these")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    program, failed = environment(), 0
    (PLACE / "registry_hooks.py").write_text(HOOKS, encoding="ascii")
    surroundings = {**os.environ, "SCHEMATHESIS_HOOKS": "registry_hooks", "PYTHONPATH": str(PLACE)}
    with registry() as url:
        for words, more in (("a stranger", ()), ("the administrator", ("--header", f"Authorization: Bearer {TOKEN}"))):
            print(f"as {words}:")
            command = [
                str(program), "run", f"{url}/v1/openapi.json", "--url", url, "--checks", "all", "--max-examples", str(given.examples), "--seed", str(given.seed),
                "--phases", given.phases, "--include-path-regex", given.paths, "--exclude-checks", "positive_data_acceptance", "--continue-on-failure", "--no-color", *more,
            ]  # fmt: skip
            failed |= subprocess.run(command, check=False, timeout=SECONDS_MAX, cwd=PLACE, env=surroundings).returncode
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
