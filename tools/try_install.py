"""Install our wheels as a stranger does, and use them: a fresh environment, no cache, a home of its own, and no checkout on the path.

    python tools/try_install.py --wheels dist

It is one file that needs nothing but Python, so it can be copied to where there is nothing else: tools/fresh_debian.py does.
Each step says what it tried and how long that took; the first that fails ends it with 1.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

INSTALL_SECONDS_MAX = 600
"""Seconds for pip. Reason: 60 MB on a slow line."""
STEP_SECONDS_MAX = 300
"""Seconds for one command. Reason: the first `mpp build` of a Python tool fetches 40 MB and compiles them."""
ANSWER_BYTES_MAX = 1024 * 1024

MESSAGES = (
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "try", "version": "1"}}},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "hello__greet", "arguments": {"name": "Ada"}}},
)  # fmt: skip

TOOL_TEST = '''
from mpp_sdk import tool
from mpp_sdk.testing import Bench

@tool(security_level="low")
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b

with Bench() as bench:
    print(bench.call("add", a=2, b=3).text)
'''


class Failed(Exception):
    pass


class Trial:
    """Commands in one folder, with an environment that holds nothing of the caller."""

    def __init__(self, folder: Path, scripts: Path) -> None:
        self.folder, self.scripts = folder, scripts
        (folder / "home").mkdir(exist_ok=True)
        kept = {name: os.environ[name] for name in ("SSL_CERT_FILE", "PIP_CERT", "PIP_INDEX_URL", "LANG") if name in os.environ}
        self.environment = {**kept, "HOME": str(folder / "home"), "PATH": f"{scripts}{os.pathsep}/usr/bin{os.pathsep}/bin", "TMPDIR": str(folder)}

    def step(self, words: str, act: Callable[[], str]) -> None:
        at = time.monotonic()
        said = act()
        print(f"{time.monotonic() - at:7.2f} s  {words}: {said}", flush=True)

    def run(self, command: str, where: Path | None = None, **more: str) -> str:
        words = shlex.split(command)
        words[0] = str(self.scripts / words[0])
        done = subprocess.run(
            words, cwd=where or self.folder, env={**self.environment, **more}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=STEP_SECONDS_MAX, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise Failed(f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def expect(self, command: str, pattern: str, where: Path | None = None, **more: str) -> str:
        said = self.run(command, where, **more)
        if not (found := re.search(pattern, said)):
            raise Failed(f"{command} did not say {pattern}\n{said}")
        return found[0]


class Server:
    """A command that serves until the block ends; ``said`` is the JSON object that it prints first."""

    def __init__(self, trial: Trial, command: str, **more: str) -> None:
        self._words, self._env, self._folder = shlex.split(command), {**trial.environment, **more}, trial.folder
        self._words[0] = str(trial.scripts / self._words[0])

    def __enter__(self) -> Mapping[str, object]:
        self._process = subprocess.Popen(
            self._words, cwd=self._folder, env=self._env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        text = ""
        for line in self._process.stdout or ():
            text += line
            if line.startswith("}"):
                found: Mapping[str, object] = json.loads(text)
                if "url" in found:
                    return found
        raise Failed(f"{shlex.join(self._words)} did not start\n{text}{self._process.stderr.read() if self._process.stderr else ''}")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=STEP_SECONDS_MAX)


def fetch(url: str, path: str = "/") -> tuple[int, str]:
    """One answer of a server on this machine."""
    at = urllib.parse.urlsplit(url)
    if at.hostname is None:
        raise Failed(f"{url} is no address")
    link = http.client.HTTPConnection(at.hostname, at.port, timeout=STEP_SECONDS_MAX)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        return answer.status, answer.read(ANSWER_BYTES_MAX).decode("utf-8", "replace")
    finally:
        link.close()


def call_over_mcp(trial: Trial, command: str) -> str:
    """One call of an installed tool, as an agent makes it."""
    words = shlex.split(command)
    words[0] = str(trial.scripts / words[0])
    with subprocess.Popen(
        words, cwd=trial.folder, env=trial.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        if server.stdin is None or server.stdout is None:
            raise Failed("no pipes")
        answer = ""
        for message in MESSAGES:
            server.stdin.write(json.dumps(message) + "\n")
            server.stdin.flush()
            if "id" in message:
                answer = server.stdout.readline()
        server.communicate(timeout=STEP_SECONDS_MAX)
    if "Hello, Ada!" not in answer:
        raise Failed(f"{command} answered {answer!r}")
    return "Hello, Ada!"


def borrow(place: Path, packages: Path) -> list[str]:
    """What others wrote is taken from an environment that is there already, what we wrote is not: words for pip.

    A folder that a .pth names is put on the path as it is; its own .pth files, which lead to a checkout, are not read.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (place / "lib" / version / "site-packages" / "borrowed.pth").write_text(f"{packages}\n", encoding="utf-8")
    return ["--no-deps", "--no-index", "--ignore-installed", "--no-compile"]


def install(folder: Path, wheels: Path, more: Sequence[str], borrowed: Path | None) -> tuple[Path, str]:
    """A fresh environment with our three wheels as files: nothing that bears our names comes from an index."""
    place = folder / "venv"
    venv.create(place, with_pip=borrowed is None, symlinks=True)
    host, registry, sdk = (next(wheels.glob(f"{name}-*.whl")) for name in ("model_package_protocol", "mpp_registry", "mpp_sdk"))
    more = [*more, *borrow(place, borrowed)] if borrowed else more
    pip = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python")] if borrowed else [str(place / "bin" / "python"), "-m", "pip"]
    words = [*pip, "install", "--quiet", "--no-cache-dir", "--disable-pip-version-check", "--only-binary", ":all:"]
    # pip is the one part that needs the settings of this machine: where its index is.
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    done = subprocess.run(
        [*words, *more, f"{host}[console]", str(registry), str(sdk)], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=INSTALL_SECONDS_MAX, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise Failed(f"pip: {done.stderr[-2000:]}")
    return place / "bin", f"{sum(one.stat().st_size for one in place.rglob('*') if one.is_file()) // 2**20} MiB"


def tour(trial: Trial, lang: str) -> None:
    """From an empty folder to a call over MCP, with both names of the command."""
    folder, project = trial.folder, trial.folder / "hello"
    trial.step("mpp --version", lambda: trial.expect("mpp --version", r"\d+\.\d+\.\d+"))
    trial.step("model-package-protocol --version", lambda: trial.expect("model-package-protocol --version", r"\d+\.\d+\.\d+"))
    trial.step("where it comes from", lambda: trial.expect("python -c 'import mpp; print(mpp.__file__)'", re.escape(str(trial.scripts.parent)), folder))
    trial.step("mpp init", lambda: trial.expect(f"mpp init hello --lang {lang}", "hello"))
    trial.step("mpp build", lambda: trial.expect("mpp build", r"hello-0\.1\.0\.mpp", project))
    keygen = "mpp keygen -o keys --name 'Ada Example' --no-passphrase"
    trial.step("mpp keygen", lambda: trial.expect(keygen, "fingerprint|publisher", folder))
    trial.step("mpp sign", lambda: trial.expect("mpp sign hello-0.1.0.mpp -k ../keys/publisher.key", r"hello-0\.1\.0\.mpp", project))
    trial.step("mpp verify", lambda: trial.expect("mpp verify hello-0.1.0.mpp", "verified: .*", project))
    run = """run hello-0.1.0.mpp --args '{"name": "Ada"}'"""
    trial.step("mpp run", lambda: trial.expect(f"mpp {run}", "Hello, Ada!", project))
    trial.step("model-package-protocol run", lambda: trial.expect(f"model-package-protocol {run}", "Hello, Ada!", project))
    trial.step("mpp install", lambda: trial.expect("mpp install hello-0.1.0.mpp", r"com\.example\.hello", project))
    trial.step("mpp serve", lambda: call_over_mcp(trial, "mpp serve"))
    trial.step("mpp audit verify", lambda: trial.expect("mpp audit verify", r"\d+ entries|entr", project))


def through_a_registry(trial: Trial) -> None:
    """Published by its author, found and installed by name in a second home."""
    project, author, other = trial.folder / "hello", str(trial.folder / "home" / ".mpp"), str(trial.folder / "other")
    with Server(trial, "mpp registry serve --port 0 --data registry --any-namespace --json", MPP_HOME=str(trial.folder / "operator")) as said:
        add = f"mpp registry add {said['url']} --fingerprint {said['registry_id']} --default"
        trial.step("mpp registry serve", lambda: f"{fetch(str(said['url']), '/health')[0]} {said['url']}")
        trial.step("its web site", lambda: re.findall("<title>(.*)</title>", fetch(str(said["url"]))[1])[0])
        trial.run(add, MPP_HOME=author)
        trial.step(
            "mpp publish", lambda: trial.expect("mpp publish hello-0.1.0.mpp -k ../keys/publisher.key", r"com\.example\.hello", project, MPP_HOME=author)
        )
        publisher = json.loads(trial.run("mpp trust list --json", MPP_HOME=author))["publishers"][0]["id"]
        trial.run(add, MPP_HOME=other)
        found = f"mpp install com.example.hello --publisher {publisher}"
        trial.step("mpp install by name", lambda: trial.expect(found, r"com\.example\.hello", MPP_HOME=other))


def the_rest(trial: Trial) -> None:
    with Server(trial, "mpp console --port 0 --no-open --json") as said:
        inside, (status, page) = fetch(str(said["url"]), "/calls")[0], fetch(str(said["url"]), "/enter")
        # Whoever asks without the token of this start is led to the door, and not let in.
        if (inside, status) != (303, 200) or "<title>" not in page:
            raise Failed(f"mpp console answered {inside} and {status}")
        trial.step("mpp console", lambda: re.findall("<title>(.*)</title>", page)[0])
    (trial.folder / "tool_test.py").write_text(TOOL_TEST, encoding="utf-8")
    trial.step("from mpp_sdk import tool", lambda: trial.expect("python tool_test.py", "5"))


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Install the wheels into a fresh environment and use them.", epilog="0: all was well. 1: a step failed.")
    parser.add_argument("--wheels", type=Path, required=True, help="the folder with the three wheels, from `make wheels`")
    parser.add_argument("--lang", default="wat", help="what the tool is written in; wat needs nothing more, python fetches what makes its interpreter")
    parser.add_argument("--pip", default="", help="more words for pip, such as --no-index")
    parser.add_argument("--borrow", type=Path, help="a folder site-packages with what others wrote, in place of an index")
    parser.add_argument("--keep", action="store_true", help="leave the folder where it was tried, and say where it is")
    chosen = parser.parse_args(words)
    folder = Path(tempfile.mkdtemp(prefix="mpp-install-"))
    at = time.monotonic()
    try:
        scripts, size = install(folder, chosen.wheels.resolve(), shlex.split(chosen.pip), chosen.borrow and chosen.borrow.resolve())
        print(f"{time.monotonic() - at:7.2f} s  pip install of the three wheels: {size}", flush=True)
        trial = Trial(folder, scripts)
        tour(trial, chosen.lang)
        through_a_registry(trial)
        the_rest(trial)
    except Failed as failed:
        print(f"error: {failed}", file=sys.stderr)
        return 1
    finally:
        if chosen.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{time.monotonic() - at:7.2f} s  in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
