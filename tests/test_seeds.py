"""The commands of the documents that MPP comes from, as they stand there, from an empty folder to a tool that another machine installed from a registry.

Where a command needs more than its document says, the difference is named in ``COMMANDS``; a command that is neither run nor named fails. All of it is done once
more without a network. What the documents show in code is run by test_seed_snippets.py.
"""

from __future__ import annotations

import ast
import errno
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from mpp.model.manifest import parse_manifest
from tests import offline

MPP = [sys.executable, "-m", "mpp"]
SECONDS_MAX = 600


CACHE = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
"""Where compilers keep what they made before: the C library is not compiled anew for each of these machines."""


class Run(NamedTuple):
    """A command of a document: the test that gives it, and how it is written there. ``differs``: what is another way than in the document."""

    test: str
    typed: str
    differs: str = ""


class NotRun(NamedTuple):
    """A command of a document that is about another tool; ``instead``: what there is here, and the file that shows it."""

    instead: str
    shown: str


PAGE, GUIDE = "test_the_page_of_the_project", "test_the_migration_guide"

COMMANDS: dict[str, Run | NotRun] = {
    # The project's own page.
    "cargo install --path sdk/cli": NotRun("the command line is Python: `make demo`, or an installation of the package", "README.md"),
    "mpp init my-tool": Run(PAGE, "mpp init my-tool --lang c", "in C, whose compiler is always there; without --lang a tool is written in Python"),
    "cd tools/my-tool": Run("test_a_project_below_tools", "mpp init my-tool --lang c", "the project lies in tools/ where a folder of that name exists, else here"),
    "mpp build": Run(PAGE, "mpp build"),
    "mpp run my-tool.mpp": Run(PAGE, "mpp run my-tool.mpp"),
    "mpp sign --key mpp-private.key": Run(PAGE, "mpp sign --key mpp-private.key"),
    "mpp publish": Run(PAGE, "mpp publish"),
    "mpp list": Run(PAGE, "mpp list"),
    "mpp update my-tool": Run(PAGE, "mpp update my-tool"),
    "mpp uninstall my-tool": Run(PAGE, "mpp uninstall my-tool --yes", "nobody is asked without a terminal, so the person says so in the command"),
    # The migration guide.
    "rustup target add wasm32-wasip1": NotRun("mpp build takes Debian's Rust, which has the target", "docs/how-to/first-tool-rust.md"),
    "cargo build --target wasm32-wasip1 --release": NotRun("mpp build calls it; a module that cargo made is packed with mpp build --wasm", "docs/how-to/first-tool-rust.md"),
    "export WASI_SDK_PATH=/opt/wasi-sdk": NotRun("mpp build brings its own C compiler", "docs/how-to/first-tool-c.md"),
    "$WASI_SDK_PATH/bin/clang --target=wasm32-wasi -o tool.wasm tool.c": NotRun("mpp build, or mpp build --wasm tool.wasm", "docs/how-to/first-tool-c.md"),
    "tinygo build -o tool.wasm -target=wasi ./main.go": NotRun("mpp build takes Go itself; a module of TinyGo is packed with --wasm", "docs/how-to/first-tool-go.md"),
    "mpp build .": Run(GUIDE, "mpp build . --set-key ~/.mpp/keys/publisher.json", "the manifest of the guide names a key that is not this author's"),
    "mpp keygen -o ~/.mpp/keys": Run(GUIDE, "mpp keygen -o ~/.mpp/keys --name 'My Company' --no-passphrase", "without a terminal nobody can choose a passphrase"),
    "mpp sign crm-lookup-1.0.0.mpp -k ~/.mpp/keys/publisher.key": Run(GUIDE, "mpp sign crm-lookup-1.0.0.mpp -k ~/.mpp/keys/publisher.key"),
    "mpp verify crm-lookup-1.0.0.mpp": Run(GUIDE, "mpp verify crm-lookup-1.0.0.mpp"),
    "mpp run crm-lookup-1.0.0.mpp --tool lookup --args '{\"query\": \"CUST-00012345\"}'": Run(
        GUIDE, "mpp run crm-lookup-1.0.0.mpp --tool lookup --args '{\"query\": \"CUST-00012345\"}'", "it asks for rights, and with nobody to say yes it waits"
    ),
    "mpp register --registry https://registry.corp.com": Run(GUIDE, "mpp register --registry {registry.url}", "the registry stands on this machine"),
    "mpp publish crm-lookup-1.0.0.mpp --registry https://registry.corp.com": Run(
        GUIDE, "mpp publish crm-lookup-1.0.0.mpp --registry {registry.url}", "the registry stands on this machine"
    ),
}  # fmt: skip
"""Every command line of the documents. A new one in a document, or one that no test gives any more, fails below."""

COMMAND = re.compile(r"(?:mpp (?!installand)|cd |cargo |rustup |export |tinygo |npm |npx |pip |pipx |uv |uvx |git |docker |curl |\$\w*/)\S.*")
"""How a line begins that is a command. One line has a word of its text glued to `mpp install`, and is none."""

SNIPPETS = {
    '"network": ["api.github.com"],': ("tests/test_seeds.py", "test_the_capabilities_of_the_first_article"),
    "permissions:": ("tests/test_seeds.py", "test_the_permissions_of_the_oldest_text"),
    '"package_id": "com.mycompany.crm-lookup",': ("tests/e2e/test_crm_lookup.py", "test_the_manifest_is_that_of_the_guide"),
    'let result = Gatekeeper::verify_file(Path::new("tool.mpp"))?;': ("tests/test_seed_snippets.py", "test_the_snippet_runs_a_granted_tool"),
    "tool_handler(|req: ToolRequest| -> ToolResponse {": ("tests/test_seeds.py", "test_the_handler_of_the_guide"),
    "for line in stdin.lock().lines() {": ("tests/cli/test_migrate.py", "test_a_server_is_looked_at_and_nothing_is_written"),
}
"""A line of each manifest and snippet of the documents, and the test that runs it. The last is a server of the old kind: what one migrates from."""

OFFLINE = "MPP_TEST_OFFLINE"
"""Holds the name of the network namespace that was left, in the run without a network."""


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
            [*MPP, *words[1:]], cwd=self.at, env={**known, "HOME": str(self.user), "XDG_CACHE_HOME": CACHE}, capture_output=True, text=True, timeout=SECONDS_MAX, check=False,
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


def test_a_project_below_tools(machine: Callable[[str], Machine]) -> None:
    """`cd tools/my-tool`, as the page says: in a repository that keeps its tools there."""
    author = machine("author")
    (author.at / "tools").mkdir()
    author.type("mpp init my-tool --lang c")
    assert (author.at / "tools" / "my-tool" / "manifest.json").is_file()


# --- manifests and snippets


def documents(shared: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted((shared / "seeds").glob("*.txt"))]


def test_the_capabilities_of_the_first_article(shared: Path, root: Path) -> None:
    """Its block "capabilities", word for word in a manifest; what it asks for is said in plain words."""
    text = next(text for text in documents(shared) if '"network": ["api.github.com"],' in text)
    begin = text.index('"capabilities": {') + len('"capabilities": ')
    found, _ = json.JSONDecoder().raw_decode(text[begin:])
    manifest = json.loads((root / "examples" / "tools" / "crm-lookup" / "manifest.json").read_text(encoding="utf-8"))
    judged = parse_manifest(json.dumps({**manifest, "capabilities": found}).encode())
    assert judged.capabilities.env_vars == ("GITHUB_TOKEN",)
    assert [rule.host for rule in judged.capabilities.network] == ["api.github.com"]
    assert (judged.capabilities.read, judged.capabilities.write) == (("/data/inputs",), ("/data/outputs",))


def test_the_permissions_of_the_oldest_text(shared: Path, machine: Callable[[str], Machine]) -> None:
    """Its YAML, word for word, becomes capabilities. Nothing of it is dropped unseen."""
    text = next(text for text in documents(shared) if "\npermissions:\n" in text)
    block = text[text.index("permissions:\n") :].partition("\n\n")[0]
    author = machine("author")
    (author.at / "permissions.yaml").write_text(block + "\n", encoding="utf-8")
    found = json.loads(author.type("mpp migrate manifest permissions.yaml --json").out)["capabilities"]
    assert found["filesystem"] == {"read": ["/tmp/agent-workspace"], "write": ["/tmp/agent-workspace/output"]}
    assert "api.example.com" in json.dumps(found["network"])
    assert not found.get("env_vars")


def test_the_handler_of_the_guide(shared: Path, root: Path) -> None:
    """The names of its Rust snippet are those of the SDK. That such a tool answers is shown by tests/test_languages.py, where Rust is there."""
    text = next(text for text in documents(shared) if "tool_handler(|req: ToolRequest| -> ToolResponse {" in text)
    sdk = (root / "sdk" / "rust" / "mpp-sdk" / "src" / "lib.rs").read_text(encoding="utf-8")
    names = re.search(r"use mpp_sdk::\{([^}]+)\};", text)
    assert names is not None
    for name in (one.strip() for one in names.group(1).split(",")):
        assert re.search(rf"pub (?:fn|struct|enum|use) [\w:{{, ]*\b{name}\b", sdk), name
    assert "pub tool: String" in sdk
    assert "pub arguments: Value" in sdk
    assert "pub fn success" in sdk


# --- nothing of the documents is left out


def commands_of(shared: Path) -> set[str]:
    found: set[str] = set()
    for text in documents(shared):
        for line in text.replace("\\\n", " ").splitlines():
            if COMMAND.fullmatch(line):
                found.add(" ".join(line.split()))
    return found


def functions(path: Path) -> dict[str, str]:
    """The tests of a file, with their sources."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    return {node.name: ast.get_source_segment(text, node) or "" for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_command_of_the_documents_is_run_or_named(shared: Path) -> None:
    assert commands_of(shared) == set(COMMANDS)


def test_what_is_said_to_be_run_is_run(root: Path) -> None:
    ours = functions(Path(__file__))
    for line, how in COMMANDS.items():
        if isinstance(how, NotRun):
            assert (root / how.shown).is_file(), line
            assert how.instead
        else:
            assert how.typed in ours[how.test], line
            assert how.differs or how.typed == line, "the difference to the document is not named"


def test_each_snippet_of_the_documents_has_its_test(shared: Path, root: Path) -> None:
    lines = {line.strip() for text in documents(shared) for line in text.splitlines()}
    for line, (file, name) in SNIPPETS.items():
        assert line in lines
        assert name in functions(root / file), (line, file)
    # Blocks of code are not marked in the documents: these are the signs by which a new one would be seen.
    signs = {
        line
        for line in lines
        if re.match(r"(?:permissions:|capabilities:|\"capabilities\": \{|\"package_id\":|use mpp_|let result = |for line in stdin)", line)
    }
    assert len(signs) == 8, signs


# --- and once more without a network


def test_nothing_but_this_machine_is_reached() -> None:
    """The barrier of the run below, tried from within: by this process and by one that it starts."""
    left = os.environ.get(OFFLINE)
    if not left:
        pytest.skip("this is the run that has a network")
    assert os.readlink("/proc/self/ns/net") != left
    assert [line.partition(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]] == ["lo"]
    for family, address in ((socket.AF_INET, ("192.0.2.1", 443)), (socket.AF_INET, ("1.1.1.1", 53)), (socket.AF_INET6, ("2001:db8::1", 443))):
        with socket.socket(family) as one, pytest.raises(OSError) as fault:
            one.connect(address)
        assert fault.value.errno in {errno.ENETUNREACH, errno.EADDRNOTAVAIL}
    with pytest.raises(OSError, match=r".+"):
        socket.getaddrinfo("pypi.org", 443)
    code = "import socket; socket.create_connection(('192.0.2.1', 443), 5)"
    assert "unreachable" in subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60).stderr
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_all_of_it_without_a_network(root: Path) -> None:
    """After an installation nothing is fetched: the same documents, in a network namespace with nothing but loopback."""
    if os.environ.get(OFFLINE):
        pytest.skip("this is the run without a network")
    pytest.importorskip("ziglang", reason="the C compiler is not installed")
    pytest.importorskip("mpp_registry", reason="the registry is not installed")
    wanted = {"test_nothing_but_this_machine_is_reached", PAGE, GUIDE}
    words = [sys.executable, str(root / "tests" / "offline.py"), sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "--no-header"]
    words += [f"{__file__}::{name}" for name in sorted(wanted)]
    here = os.readlink("/proc/self/ns/net") if os.path.exists("/proc/self/ns/net") else ""
    with subprocess.Popen(
        words, cwd=root, env={**os.environ, OFFLINE: here}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:  # fmt: skip
        try:
            said, _ = process.communicate(timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode == offline.NOT_HERE:
        pytest.skip("this system gives no network namespace")
    assert process.returncode == 0, said
    assert set(re.findall(r"^PASSED .*::(\w+)$", said, re.MULTILINE)) == wanted, said
