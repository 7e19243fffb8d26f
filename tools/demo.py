"""``make demo``: the life of a tool, from an empty folder to a proof of its last call, with the real commands.

Everything happens in one folder that is named at the end; keys, trust, records and the settings of the client lie there too, so nothing of yours is touched.
What a build fetches is kept in .venv.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.demo_rig import Client, Demo, registry, Screen, Stopped, STOPPED

VERIFIER = Path(__file__).resolve().parent.parent / "verifier" / "mpp_audit_verify.py"
MACHINE_FOLDER = Path("/etc/mpp")
PACKAGE = "hello-0.1.0.mpp"

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


def author(demo: Demo, project: Path) -> None:
    """From an empty folder to a signed file."""
    demo.explain("An author begins a tool. It is a Python function: types and docstring are what a model reads.")
    demo.run("mpp init hello", demo.folder, lines_max=1)
    demo.run("tail -n 4 app/main.py", project)
    demo.explain(
        "Build: one file, packed canonically. There is no Python layer on this machine, so the interpreter goes into the package; the longest step. "
        "(The first build on a machine also fetches the program that makes it, held by its hash.)"
    )
    demo.run("mpp build", project, lines_max=5)
    demo.explain("Nobody runs an unsigned package: it is refused, and the exit code says by which check.")
    demo.run(f"mpp verify {PACKAGE}", project, expected=15)
    demo.explain("Sign. The root key says who may sign, the release key signs.")
    demo.run("mpp keygen -o keys --name 'Demo Publisher' --no-passphrase", demo.folder, lines_max=3)
    demo.run(f"mpp sign {PACKAGE} -k ../keys/publisher.key", project, lines_max=3)
    demo.explain("Verify: seven ordered checks, one pure function, the same for an author, a host and a registry.")
    demo.run(f"mpp verify {PACKAGE}", project)


def published(demo: Demo, project: Path, url: str, fingerprint: str) -> None:
    demo.explain("Publish: the key that signed the package signs the request; there is no password to steal. The proof is kept beside the file.")
    demo.run(f"mpp registry add {url} --fingerprint {fingerprint} --default", project, lines_max=1)
    demo.run(f"mpp publish {PACKAGE} -k ../keys/publisher.key", project)


def installed(demo: Demo, project: Path, url: str, fingerprint: str) -> None:
    publisher = demo.ask("mpp trust list --json", project, "publishers", 0, "id")
    demo.explain(
        "A user with a home of their own installs it by name. The log entry, the state and the publisher are proven before a byte is used; "
        "then its code is compiled, once for this home."
    )
    demo.environment["MPP_HOME"] = str(demo.folder / "user-home")
    demo.run(f"mpp registry add {url} --fingerprint {fingerprint} --default", project, lines_max=1)
    demo.run(f"mpp install com.example.hello --publisher {publisher}", project)


def connected(demo: Demo, project: Path) -> Client:
    """A policy is in force, and a client of MCP is connected."""
    (project / "policy.toml").write_text(POLICY, encoding="utf-8")
    demo.explain(
        "Policy: allow what was reviewed, ask before Grace is greeted, never greet Mallory. Here --yes stands for the person who agrees, and is recorded so."
    )
    demo.run("mpp policy use policy.toml --yes", project, lines_max=2)
    demo.screen.line("Ada may approve: what she answers is signed with a key of hers.", indent="   ")
    demo.run('mpp approve enroll ada --name "Ada Example" --no-passphrase --yes', project, lines_max=1)
    demo.explain(
        "An agent is connected: `mpp connect` writes two lines into its settings. What calls from here on is a small MCP client of this demo, which reads "
        "these settings as the agent would (`make interop` does the same with clients that others wrote)."
    )
    demo.run("mpp connect claude-code", project)
    client = Client(demo, demo.folder / ".claude.json")
    tools = client.ask("tools/list", {})["result"]["tools"]
    demo.screen.shown(f"  <- {', '.join(tool['name'] for tool in tools)}: {tools[0]['description']}")
    return client


def called(demo: Demo, project: Path, client: Client) -> None:
    """Calls that are allowed, filtered, denied, asked about."""
    demo.explain("Call: verified, allowed by policy, run in a sandbox that gives it only what it declared, which is nothing.")
    client.call("Ada", "Hello, Ada!")
    demo.explain("Redaction: the tool says what it was given. What is private in its answer never reaches the agent; equal values get equal placeholders.")
    client.call("Ada <ada@example.com>, card 4111 1111 1111 1111", "EMAIL-")
    demo.explain("Denied: a rule forbids this argument.")
    client.call("Mallory", "we do not greet Mallory")
    demo.explain("Approval: this call needs a person. The agent gets a reference, and no way to answer it.")
    client.call("Grace", "approval required")
    ref = demo.ask("mpp approve pending --json", project, "questions", 0, "ref")
    demo.run(f"mpp approve show {ref} -o question.json", project)
    demo.run("mpp approve sign question.json --key ../user-home/keys/approvers/ada.key --id ada -o answer.json", project, lines_max=1)
    demo.run("mpp approve submit answer.json", project)
    demo.screen.line("The agent calls again. The yes was for exactly this call, and is spent by it; the next one asks anew.", indent="   ")
    client.call("Grace", "Hello, Grace!")
    client.call("Grace", "approval required")


def tampered(demo: Demo, project: Path) -> None:
    at = flip_one_bit(project / PACKAGE, project / "tampered.mpp")
    demo.explain(f"Tamper: one bit of byte {at:,} is flipped in a copy. It is refused, and nothing of it is read further.")
    demo.run("mpp run tampered.mpp", project, expected=14)


def recorded(demo: Demo, project: Path) -> None:
    """The record is verified, a changed copy is found out, and one entry is proven to somebody without MPP."""
    demo.explain("The record: what was decided, asked, answered, spent and run. Values are in it as salted commitments only.")
    demo.run("mpp audit tail -n 8", project)
    demo.run("mpp audit verify --deep", project, lines_max=3)
    demo.explain("Somebody changes one word in a copy of it. The verifier says where.")
    demo.run("mpp audit export --to ../copy", project, lines_max=1)
    segment = next((demo.folder / "copy" / "segments").glob("*.jsonl"))
    segment.write_bytes(segment.read_bytes().replace(b'"answer":"yes"', b'"answer":"not"', 1))
    demo.run("mpp audit verify ../copy --deep", project, expected=27, lines_max=4)
    demo.explain("Proof: one call, proven to somebody who has nothing of MPP but one file of Python.")
    entry = demo.ask("mpp audit search --kind result --limit 1 --json", project, "entries", 0, "seq")
    demo.run(f"mpp audit prove {entry} -o ../proof.json", project)
    log_id = demo.ask("mpp audit verify --json", project, "log_id")
    (demo.folder / VERIFIER.name).write_bytes(VERIFIER.read_bytes())
    demo.run(f"python3 -S -I {VERIFIER.name} proof proof.json --log-id {log_id}", demo.folder)


def flip_one_bit(path: Path, target: Path) -> int:
    """A copy with one bit changed in the middle of the content, and where."""
    data = bytearray(path.read_bytes())
    at = len(data) // 3
    data[at] ^= 1
    target.write_bytes(data)
    return at


def tell_all(demo: Demo) -> None:
    project = demo.folder / "hello"
    author(demo, project)
    demo.explain("A registry: one command. It checks what is published as any host does, and writes each change into a log that only grows.")
    with registry(demo) as (url, fingerprint):
        published(demo, project, url, fingerprint)
        installed(demo, project, url, fingerprint)
    with closing(connected(demo, project)) as client:
        called(demo, project, client)
    tampered(demo, project)
    recorded(demo, project)


def main() -> int:
    screen = Screen(sys.stdout, os.environ)
    if os.path.lexists(MACHINE_FOLDER):
        screen.line(f"the demo cannot be shown here: {MACHINE_FOLDER} fixes the settings of this machine, and with them whose home is used")
        return 1
    folder = Path(tempfile.mkdtemp(prefix="mpp-demo-"))
    begun = time.monotonic()
    screen.line(f"Everything of this demo lies in {folder}; your own home, keys and settings are not touched. It takes about a minute.")
    try:
        tell_all(Demo(folder, screen, os.environ))
    except Stopped as stop:
        screen.line(f"the demo stopped: {stop}")
        screen.line(f"What there is of it is in {folder}.")
        return 1
    except KeyboardInterrupt:
        screen.line(f"Stopped. What there is of it is in {folder}; remove it whenever you like.")
        return STOPPED
    screen.line()
    screen.line(f"Done in {time.monotonic() - begun:.0f} s. Everything is in {folder}; remove it whenever you like. Next: the tour in README.md.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
