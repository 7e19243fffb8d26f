"""A home with what an editor shows: a package that is installed, calls that ran and did not, and two that wait for a person.

``python -m tests.editors_world FOLDER`` makes one for a try in a real editor.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from mpp.cli.app import run
from mpp.testing import packages
from tests.unit.sandbox.guests import guest

REPLY = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"hi"}],"structuredContent":{"n":1}}}\n'
HOSTILE = "Gus\u202e [Yes](command:mpp.refresh) $(check)"
"""A value as an attacker writes it: it turns text around, and would be a link and an icon where a list or a message takes such."""

POLICY = """
mpp_policy = 1
name = "team"

[[rules]]
id = "reviewed"
effect = "allow"
packages = ["com.example.*"]

[[rules]]
id = "look-first"
effect = "ask"
arguments = [{ pointer = "/name", op = "starts_with", value = "G", optional = true }]
why = "somebody looks before we greet a G"

[[rules]]
id = "no-mallory"
effect = "deny"
arguments = [{ pointer = "/name", op = "equals", value = "Mallory", optional = true }]
why = "we do not greet Mallory"
"""


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class World:
    """One home, and the folder beside it in which commands are run."""

    def __init__(self, folder: Path) -> None:
        self.home, self.work = folder / "home", folder / "work"
        self.work.mkdir(parents=True)
        self.package = self.work / "hello-0.1.0.mpp"
        self.key = self.home / "keys" / "approvers" / "ada.key"

    def mpp(self, *words: object) -> Ran:
        """In this process, as the tests of the command line do: to start one for each word would take most of the time."""
        out, err = io.StringIO(), io.StringIO()
        with chdir(self.work), patch.dict(os.environ, {"MPP_HOME": str(self.home)}), redirect_stdout(out), redirect_stderr(err):
            code = run([str(word) for word in words])
        return Ran(code, out.getvalue(), err.getvalue())

    def done(self, *words: object) -> None:
        ran = self.mpp(*words)
        if ran.code:
            raise RuntimeError(f"mpp {words}: {ran.out}{ran.err}")

    def call(self, name: str) -> int:
        return self.mpp("run", self.package, "--args", json.dumps({"name": name}), "--json").code

    def make(self) -> None:
        raw = REPLY.encode()
        data = "".join(f"\\{byte:02x}" for byte in raw)
        wasm = guest(f"(call $say (i32.const 1) (i32.const 1024) (i32.const {len(raw)}))", more=f'(data (i32.const 1024) "{data}")')
        self.done("keygen", "--name", "Ada Example", "--no-passphrase")
        self.package.write_bytes(packages.unsigned({"capabilities/network": ["api.example.com"]}, {packages.ENTRYPOINT: wasm}))
        self.done("sign", self.package, "--now", packages.NOW)
        (self.work / "policy.toml").write_text(POLICY)
        self.done("policy", "use", "policy.toml", "--yes")
        self.done("install", self.package)
        self.done("approve", "enroll", "ada", "--name", "Ada Example", "--no-passphrase", "--yes")
        codes = [self.call(name) for name in ("Ada", "Mallory", HOSTILE, "Gwen")]
        if codes != [0, 23, 24, 24]:
            raise RuntimeError(f"the calls ended with {codes}")


if __name__ == "__main__":
    World(Path(sys.argv[1]).resolve()).make()
