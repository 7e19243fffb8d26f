"""``make demo``: the life of a tool, from an empty folder over denied and approved calls in the sandbox to refused replays and forgeries, with the real commands.

Everything happens in one folder that is named at the end; keys and trust live there too, so nothing of yours is touched.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MPP = Path(sys.executable).parent / "mpp"
VERIFIER = Path(__file__).resolve().parent.parent / "verifier" / "mpp_audit_verify.py"
STEP_SECONDS_MAX = 600
SHOWN_CHARS = 600


class Demo:
    """Runs commands in one folder and explains each in a line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "MPP_HOME": str(folder / "home"), "PATH": f"{MPP.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        self.steps = 0

    def explain(self, text: str) -> None:
        self.steps += 1
        print(f"\n{self.steps}. {text}", flush=True)

    def run(self, command: str, where: Path, *, expected: int = 0) -> None:
        print(f"   $ {command}", flush=True)
        words = shlex.split(command)
        words[0] = str(MPP) if words[0] == "mpp" else words[0]
        done = subprocess.run(
            words, cwd=where, env=self.environment, capture_output=True, text=True, timeout=STEP_SECONDS_MAX, check=False, stdin=subprocess.DEVNULL
        )
        for line in (done.stdout + done.stderr).splitlines():
            print(f"     {line}", flush=True)
        if done.returncode != expected:
            sys.exit(f"the demo stopped: {command!r} ended with {done.returncode}, expected {expected}")

    def ask(self, command: str, where: Path, *steps: str | int) -> object:
        """One value out of what a command says with ``--json``."""
        words = [str(MPP), *shlex.split(command)[1:]]
        done = subprocess.run(words, cwd=where, env=self.environment, capture_output=True, text=True, timeout=STEP_SECONDS_MAX, check=True)
        found = json.loads(done.stdout)
        for step in steps:
            found = found[step]
        return found

    def kinds(self) -> list[str]:
        """The events of the record, each run of equal ones once."""
        segments = sorted((self.folder / "home" / "audit" / "segments").glob("*.jsonl"))
        lines = [line for path in segments for line in path.read_bytes().split(b"\n")[:-1]]
        found: list[str] = []
        for line in lines:
            kind = json.loads(line)["event"]["kind"]
            if found[-1:] != [kind]:
                found.append(kind)
        return found


POLICY = """mpp_policy = 1
name = "demo"

[[rules]]
id = "reviewed"
effect = "allow"
packages = ["com.example.*"]
why = "these tools were reviewed"

[[rules]]
id = "ask-for-grace"
effect = "ask"
arguments = [{ pointer = "/name", op = "equals", value = "Grace" }]
why = "somebody looks before Grace is greeted"

[[rules]]
id = "no-mallory"
effect = "deny"
arguments = [{ pointer = "/name", op = "contains", value = "mallory", ignore_case = true }]
why = "we do not greet Mallory"
"""


MESSAGES = (
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "demo", "version": "1"}}},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "hello__greet", "arguments": {"name": "Ada"}}},
)  # fmt: skip


def show_agent(demo: Demo, project: Path) -> None:
    """The tool is installed, and an agent calls it by MCP."""
    demo.explain("Install: kept by this machine, with its hash in a lockfile. What grows with an update would need another yes.")
    demo.run("mpp install hello-0.1.0.mpp", project)
    demo.run("mpp list", project)
    demo.explain(
        "An agent speaks plain MCP with `mpp serve` and gets the same tool: verified, sandboxed, filtered, recorded. `mpp connect` writes this into the settings of a client."
    )
    print("   $ mpp serve --agent demo", flush=True)
    lines = [json.dumps(message, separators=(",", ":")) for message in MESSAGES]
    server = subprocess.Popen(
        [str(MPP), "serve", "--agent", "demo"], cwd=project, env=demo.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    if server.stdin is None or server.stdout is None:
        sys.exit("the demo stopped: no pipes to the server")
    answer: dict[str, object] = {}
    for line in lines:
        print(f"     -> {line}", flush=True)
        server.stdin.write(line + "\n")
        server.stdin.flush()
        if '"id"' in line:
            answer = json.loads(server.stdout.readline())
            print(f"     <- {json.dumps(answer, ensure_ascii=False)[:SHOWN_CHARS]}", flush=True)
    server.communicate(timeout=STEP_SECONDS_MAX)
    if "Hello, Ada!" not in json.dumps(answer):
        sys.exit("the demo stopped: the agent did not get its answer")


@contextmanager
def registry(demo: Demo) -> Iterator[tuple[str, str]]:
    """A registry of its own, on this machine; its address and its fingerprint."""
    command = ["registry", "serve", "--port", "0", "--data", str(demo.folder / "registry"), "--json"]
    print(f"   $ mpp {shlex.join(command)} &", flush=True)
    environment = {**demo.environment, "MPP_HOME": str(demo.folder / "operator")}
    with subprocess.Popen([str(MPP), *command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        text = ""
        for line in server.stdout or ():
            text += line
            if line.startswith("}"):
                break
        try:
            said = json.loads(text)
            print(f"     {said['url']}, registry {said['registry_id'][:16]}", flush=True)
            yield said["url"], said["registry_id"]
        finally:
            server.terminate()
            server.wait(STEP_SECONDS_MAX)


def show_registry(demo: Demo, project: Path) -> None:
    """Published to a registry that starts in a second, and installed by name on another machine, with the proofs."""
    demo.explain("A registry: one command. It checks what is published as any host does, and writes each change into a log that only grows.")
    own = demo.environment["MPP_HOME"]
    with registry(demo) as (url, fingerprint):
        demo.run(f"mpp registry add {url} --fingerprint {fingerprint} --default", project)
        demo.explain("Publish: the key that signed the package signs the request; there is no password to steal. The proof is written beside the file.")
        demo.run("mpp publish hello-0.1.0.mpp -k ../keys/publisher.key", project)
        demo.run(f"mpp verify hello-0.1.0.mpp --bundle hello-0.1.0.mpp.bundle --registry {fingerprint}", project)
        publisher = demo.ask("mpp trust list --json", project, "publishers", 0, "id")
        demo.explain("Another machine finds it and installs it by name: its log entry, its state and its publisher are proven before a byte is used.")
        demo.environment["MPP_HOME"] = str(demo.folder / "another")
        demo.run(f"mpp registry add {url} --fingerprint {fingerprint} --default", project)
        demo.run("mpp search hello", project)
        demo.run(f"mpp install com.example.hello --publisher {publisher}", project)
        demo.run("mpp list", project)
    demo.environment["MPP_HOME"] = own


def show_filter(demo: Demo, project: Path) -> None:
    """What an agent does not see."""
    (project / "answer.json").write_text('{"to": "ada@example.com", "card": "4111 1111 1111 1111", "note": "see you on Monday"}\n', encoding="utf-8")
    demo.explain("What an agent never sees: an answer with an address and a card number, as the filter would pass it on.")
    demo.run("cat answer.json", project)
    demo.run("mpp privacy test answer.json", project)


def show_policy(demo: Demo, project: Path) -> None:
    """A denied call, an approved call, and replays that are refused."""
    (project / "policy.toml").write_text(POLICY, encoding="utf-8")
    grace = """mpp run hello-0.1.0.mpp --args '{"name": "Grace"}'"""
    demo.explain("Policy: rules that allow, ask or deny. A person takes it into use; here --yes stands for that person, and is recorded as such.")
    demo.run("cat policy.toml", project)
    demo.run("mpp policy check policy.toml", project)
    demo.run("mpp policy use policy.toml --yes", project)
    demo.explain("Denied: a rule forbids this argument. The explanation says which rule decided and what would change it.")
    demo.run("""mpp run hello-0.1.0.mpp --args '{"name": "Mallory"}'""", project, expected=23)
    demo.run("""mpp policy explain hello-0.1.0.mpp --args '{"name": "Mallory"}'""", project)
    demo.explain("Asked: this call needs a person. It ends with a reference, and whoever called learns nothing more.")
    demo.run(grace, project, expected=24)
    demo.explain("Approved: an approver signs a yes to exactly this call: this package, tool, argument, rights, agent and policy.")
    demo.run('mpp approve enroll ada --name "Ada Example" --no-passphrase --yes', project)
    ref = demo.ask("mpp approve pending --json", project, "questions", 0, "ref")
    demo.run(f"mpp approve show {ref} -o question.json", project)
    demo.run("mpp approve sign question.json --key ../home/keys/approvers/ada.key --id ada -o answer.json", project)
    demo.run("mpp approve submit answer.json", project)
    demo.run(grace, project)
    demo.explain("Replays: the approval is spent. The same call asks anew, and the same answer is not taken twice.")
    demo.run(grace, project, expected=24)
    demo.run("mpp approve submit answer.json", project, expected=24)
    demo.explain("The record so far: what was decided, asked, answered, spent and run, in this order.")
    for kind in demo.kinds():
        print(f"     {kind}", flush=True)


def show_record(demo: Demo, project: Path) -> None:
    """The record is verified, a changed copy is found out, and one entry is proven to somebody without MPP."""
    folder = demo.folder
    demo.explain("The record proves itself: a chain, a tree and signatures. The verdict says what it claims and what not.")
    demo.run("mpp audit verify --deep", project)
    demo.explain("Somebody changes one word of a copy. The verifier says which entry it is.")
    demo.run("mpp audit export --to ../copy", project)
    segment = next((folder / "copy" / "segments").glob("*.jsonl"))
    segment.write_bytes(segment.read_bytes().replace(b'"answer":"yes"', b'"answer":"not"', 1))
    demo.run("mpp audit verify ../copy --deep", project, expected=27)
    demo.explain("A proof of the last call, checked by a program of one file that needs nothing of MPP.")
    entry = demo.ask("mpp audit search --kind result --limit 1 --json", project, "entries", 0, "seq")
    demo.run(f"mpp audit prove {entry} -o ../proof.json", project)
    log_id = demo.ask("mpp audit verify --json", project, "log_id")
    demo.run(f"{sys.executable} -S -I {VERIFIER} proof ../proof.json --log-id {log_id}", project)


def flip_one_bit(path: Path, target: Path) -> int:
    """A copy with one bit changed in the middle of the content, and where."""
    data = bytearray(path.read_bytes())
    at = len(data) // 3
    data[at] ^= 1
    target.write_bytes(data)
    return at


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="mpp-demo-"))
    demo, project = Demo(folder), folder / "hello"
    demo.explain("An author begins a tool: a complete Python project whose tool greets somebody.")
    demo.run("mpp init hello", folder)
    demo.run("cat app/main.py", project)
    demo.explain(
        "Build: names, parameters and answers are read from the function; then everything is packed canonically. With no Python layer on this machine, the interpreter goes into the package: the first build fetches what makes it."
    )
    demo.run("mpp build", project)
    demo.explain("Nobody runs an unsigned package: verify refuses it, and says so with its exit code.")
    demo.run("mpp verify hello-0.1.0.mpp", project, expected=15)
    demo.explain("Keys: a root key that says who may sign, and a release key that signs.")
    demo.run("mpp keygen -o keys --name 'Demo Publisher' --no-passphrase", folder)
    demo.explain("Sign: everything a host will check is checked before the key is used.")
    demo.run("mpp sign hello-0.1.0.mpp -k ../keys/publisher.key", project)
    demo.explain("Verify: seven ordered checks, the same code that any host runs.")
    demo.run("mpp verify hello-0.1.0.mpp", project)
    demo.explain("Inspect: what it is and asks for, in plain words, without running it.")
    demo.run("mpp inspect hello-0.1.0.mpp", project)
    demo.explain("Doctor: what keeps a tool in on this machine. Each forbidden thing is tried, and the refusal is shown.")
    demo.run("mpp doctor", project)
    demo.explain("Run: verified again, then called in a sandbox that gives it only what it declared, which is nothing.")
    demo.run('mpp run hello-0.1.0.mpp --args \'{"name": "Ada"}\' --explain', project)
    show_registry(demo, project)
    show_agent(demo, project)
    show_filter(demo, project)
    show_policy(demo, project)
    at = flip_one_bit(project / "hello-0.1.0.mpp", project / "tampered.mpp")
    demo.explain(f"Tamper: one bit of byte {at} is flipped in a copy. It is refused, and nothing of it is read further.")
    demo.run("mpp verify tampered.mpp", project, expected=14)
    demo.run("mpp run tampered.mpp", project, expected=14)
    demo.explain("A stranger's machine: the file is intact, but nobody there knows the publisher. It is refused, never silently trusted.")
    own, demo.environment["MPP_HOME"] = demo.environment["MPP_HOME"], str(folder / "stranger")
    demo.run("mpp verify hello-0.1.0.mpp", project, expected=20)
    demo.environment["MPP_HOME"] = own
    show_record(demo, project)
    print(f"\nDone. Everything is in {folder}; remove it whenever you like.")


if __name__ == "__main__":
    main()
