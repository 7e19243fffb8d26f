"""The commands of the documents that MPP comes from, as they stand there, from an empty folder to a tool that another machine installed from a registry.

Where a command needs more than its document says, the difference is named beside it. What the documents show in code is run by test_seed_snippets.py.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

MPP = [sys.executable, "-m", "mpp"]
SECONDS_MAX = 300

README = (
    "mpp init my-tool",
    "mpp build",
    "mpp run my-tool.mpp",
    "mpp sign --key mpp-private.key",
    "mpp publish",
    "mpp list",
    "mpp update my-tool",
    "mpp uninstall my-tool",
)
"""The commands of the project's own page."""

GUIDE = (
    "mpp build .",
    "mpp keygen -o ~/.mpp/keys",
    "mpp sign crm-lookup-1.0.0.mpp -k ~/.mpp/keys/publisher.key",
    "mpp verify crm-lookup-1.0.0.mpp",
    "mpp run crm-lookup-1.0.0.mpp",
    "mpp register --registry https://registry.corp.com",
    "mpp publish crm-lookup-1.0.0.mpp --registry https://registry.corp.com",
)
"""The commands of the migration guide; that of `run` goes on with `--tool lookup --args …` in lines of its own."""


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Machine:
    """One user's home and the folder that commands are typed in. ``~/.mpp`` is its home, as in the documents."""

    def __init__(self, folder: Path) -> None:
        self.user, self.at = folder, folder / "work"
        self.home = folder / ".mpp"
        self.at.mkdir(parents=True)

    def type(self, line: str, *, code: int = 0) -> Done:
        """One command, without a terminal."""
        words = [word.replace("~", str(self.user), 1) if word.startswith("~/") else word for word in shlex.split(line)]
        assert words[0] == "mpp"
        known = {name: text for name, text in os.environ.items() if name not in {"MPP_HOME", "NO_COLOR", "SOURCE_DATE_EPOCH"}}
        done = subprocess.run(
            [*MPP, *words[1:]], cwd=self.at, env={**known, "HOME": str(self.user)}, capture_output=True, text=True, timeout=SECONDS_MAX, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == code, f"{line}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return Done(done.returncode, done.stdout, done.stderr)

    def patterns_from(self, compiled: Path) -> None:
        """The filter's expressions, compiled once for all tests."""
        shutil.copytree(compiled, self.home / "cache", dirs_exist_ok=True)


class Registry(NamedTuple):
    url: str
    fingerprint: str


@contextmanager
def served(folder: Path) -> Iterator[Registry]:
    """A registry in a process of its own, ended as a service is."""
    command = [*MPP, "registry", "serve", "--port", "0", "--data", str(folder / "data"), "--json"]
    log = (folder / "registry.log").open("wb")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "MPP_HOME": str(folder / "home")}) as process:
        try:
            said = _first_object(process)
            yield Registry(url=said["url"], fingerprint=said["registry_id"])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            log.close()


def _first_object(process: subprocess.Popen[str]) -> dict[str, str]:
    text = ""
    for line in process.stdout or ():
        text += line
        try:
            found: dict[str, str] = json.loads(text)
        except ValueError:
            continue
        return found
    raise AssertionError(f"the registry said nothing: {text}")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    pytest.importorskip("mpp_registry", reason="the registry is not installed")
    folder = tmp_path / "registry"
    folder.mkdir()
    with served(folder) as found:
        yield found


@pytest.fixture
def machine(tmp_path: Path, compiled: Path) -> Callable[[str], Machine]:
    def make(name: str) -> Machine:
        made = Machine(tmp_path / name)
        made.patterns_from(compiled)
        return made

    return make


def fingerprint_of(author: Machine) -> str:
    """What a person would read on the author's web site."""
    found: str = json.loads(author.type("mpp trust list --json").out)["publishers"][0]["id"]
    return found


def raise_version(author: Machine, version: str) -> None:
    path = author.at / "manifest.json"
    text = path.read_text(encoding="utf-8")
    assert '"version": "0.1.0"' in text
    path.write_text(text.replace('"version": "0.1.0"', f'"version": "{version}"'), encoding="utf-8")


def make_key(author: Machine) -> None:
    """The page names the key's file and not where it comes from: `mpp keygen` made it, and publisher.json goes with it."""
    author.type("mpp keygen --name 'Ada Example' --no-passphrase")
    shutil.copy(author.home / "keys" / "publisher.key", author.at / "mpp-private.key")
    shutil.copy(author.home / "keys" / "publisher.json", author.at)


def test_the_page_of_the_project(machine: Callable[[str], Machine], registry: Registry) -> None:
    """In C, whose compiler is always there; the difference to the page is `--lang c`, without which a tool is written in Python."""
    pytest.importorskip("ziglang", reason="the C compiler is not installed")
    author, user = machine("author"), machine("user")
    for one in (author, user):
        one.type(f"mpp registry add {registry.url} --fingerprint {registry.fingerprint} --default")
    author.type("mpp init my-tool --lang c")
    # `mpp init` prints this step.
    author.at /= "my-tool"
    author.type("mpp build")
    assert "Hello" in author.type("mpp run my-tool.mpp").out
    make_key(author)
    author.type("mpp sign --key mpp-private.key")
    author.type("mpp publish")
    # The first package of a publisher waits for a person, or for the fingerprint that one got in another way.
    said = user.type(f"mpp install com.example.my-tool --publisher {fingerprint_of(author)}")
    assert "com.example.my-tool" in said.out
    assert "com.example.my-tool" in user.type("mpp list").out
    raise_version(author, "0.2.0")
    for line in ("mpp build", "mpp sign --key mpp-private.key", "mpp publish"):
        author.type(line)
    user.type("mpp update my-tool")
    rows = json.loads(user.type("mpp list --json").out)["packages"]
    assert [row["version"] for row in rows if row["active"]] == ["0.2.0"]
    # Nobody is asked without a terminal, so the person says so in the command.
    user.type("mpp uninstall my-tool --yes")
    assert json.loads(user.type("mpp list --json").out)["packages"] == []


def test_the_migration_guide(machine: Callable[[str], Machine], registry: Registry, root: Path) -> None:
    """The tool of the guide with its manifest word for word. The registry stands on this machine, so its address is another one."""
    pytest.importorskip("ziglang", reason="the C compiler is not installed")
    author = machine("author")
    shutil.copytree(root / "examples" / "tools" / "crm-lookup", author.at, dirs_exist_ok=True)
    (author.at / "include").mkdir(exist_ok=True)
    shutil.copy(root / "sdk" / "c" / "mpp.h", author.at / "include")
    # Without a terminal nobody can choose a passphrase.
    author.type("mpp keygen -o ~/.mpp/keys --name 'My Company' --no-passphrase")
    # The guide's manifest names a key that is not this author's; the option puts ours in its place.
    author.type("mpp build . --set-key ~/.mpp/keys/publisher.json")
    author.type("mpp sign crm-lookup-1.0.0.mpp -k ~/.mpp/keys/publisher.key")
    author.type("mpp verify crm-lookup-1.0.0.mpp")
    # It asks for the network and a secret, and there is nobody to say yes: nothing is run, and what it asks for waits for a person.
    author.type("""mpp run crm-lookup-1.0.0.mpp --tool lookup --args '{"query": "CUST-00012345"}'""", code=24)
    ref = json.loads(author.type("mpp approve pending --json").out)["questions"][0]["ref"]
    assert "api.crm.mycompany.com" in author.type(f"mpp approve show {ref}").out
    author.type(f"mpp registry add {registry.url} --fingerprint {registry.fingerprint}")
    author.type(f"mpp register --registry {registry.url}")
    author.type(f"mpp publish crm-lookup-1.0.0.mpp --registry {registry.url}")
    found = json.loads(author.type("mpp search customer --json").out)
    assert "com.mycompany.crm-lookup" in json.dumps(found)


def test_these_are_the_commands_of_the_documents(shared: Path) -> None:
    found: set[str] = set()
    for path in sorted((shared / "seeds").glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.strip().removesuffix("\\").strip()
            # One line has a word of its text glued to the command.
            if words.startswith("mpp ") and not words.startswith("mpp installand"):
                found.add(words)
    assert found == {*README, *GUIDE}
