"""``make demo``: the life of a tool, from an empty folder over a call in the sandbox to a refused forgery, with the real commands.

Everything happens in one folder that is named at the end; keys and trust live there too, so nothing of yours is touched.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

MPP = Path(sys.executable).parent / "mpp"
STEP_SECONDS_MAX = 600


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
    demo.explain("An author begins a tool: a complete C project whose tool greets somebody.")
    demo.run("mpp init hello --lang c", folder)
    demo.explain("Build: compiled to WebAssembly, packed canonically. The same sources always give the same bytes.")
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
    at = flip_one_bit(project / "hello-0.1.0.mpp", project / "tampered.mpp")
    demo.explain(f"Tamper: one bit of byte {at} is flipped in a copy. It is refused, and nothing of it is read further.")
    demo.run("mpp verify tampered.mpp", project, expected=14)
    demo.run("mpp run tampered.mpp", project, expected=14)
    demo.explain("A stranger's machine: the file is intact, but nobody there knows the publisher. It is refused, never silently trusted.")
    demo.environment["MPP_HOME"] = str(folder / "stranger")
    demo.run("mpp verify hello-0.1.0.mpp", project, expected=20)
    print(f"\nDone. Everything is in {folder}; remove it whenever you like.")


if __name__ == "__main__":
    main()
