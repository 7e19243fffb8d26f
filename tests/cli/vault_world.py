"""A home with a vault, and tools whose calls it keeps, for the tests of `mpp audit vault`, `replay` and `erase`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpp.host.audit.reader import LogReader
from mpp.host.home import Home
from mpp.model.jsontext import Json
from mpp.testing import packages
from tests.cli.conftest import Mpp
from tests.unit.sandbox.guests import guest

ALL = "arguments,result,transcript,paths"
HEAD = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"done"}],"structuredContent":{"a":'
DETERMINISTIC: dict[str, Json] = {"runtime/deterministic": True}
STORES: dict[str, Json] = {"capabilities/storage": {"kv": {"max_bytes": 1000}}}


def _hex(text: str) -> str:
    return "".join(f"\\{byte:02x}" for byte in text.encode())


def asking(*requests: str) -> bytes:
    """A tool that makes these host calls and answers with what it was told."""
    texts = {1024: HEAD, 2048: ',"b":', 2100: "}}}\n"}
    body = f"(call $say (i32.const 1) (i32.const 1024) (i32.const {len(HEAD)}))"
    for number, request in enumerate(requests):
        at = 4096 + 1024 * number
        texts[at] = request
        comma = "(call $say (i32.const 1) (i32.const 2048) (i32.const 5))" if number else ""
        body += f"""{comma}
          (local.set $n (call $call (i32.const {at}) (i32.const {len(request.encode())}) (i32.const 70000) (i32.const 50000)))
          (call $say (i32.const 1) (i32.const 70000) (local.get $n))"""
    body += "(call $say (i32.const 1) (i32.const 2100) (i32.const 4))"
    return guest(body, more="".join(f'(data (i32.const {at}) "{_hex(text)}")' for at, text in texts.items()))


def repeating() -> bytes:
    """A tool whose answer holds all that it was sent."""
    texts = {66_000: HEAD, 66_500: "}}}\n"}
    body = f"""(call $say (i32.const 1) (i32.const 66000) (i32.const {len(HEAD)}))
      (call $say (i32.const 1) (i32.const 1024) (i32.sub (call $take) (i32.const 1))) (call $say (i32.const 1) (i32.const 66500) (i32.const 4))"""
    return guest(body, more="".join(f'(data (i32.const {at}) "{_hex(text)}")' for at, text in texts.items()))


GET, SET = '{"method":"kv.get","params":{"key":"k"}}', '{"method":"kv.set","params":{"key":"k","value":"djE="}}'
COUNTER = asking(GET, SET)
"""It says what was stored before, and stores something: each call after the first answers differently, unless it is run again from a transcript."""


class World:
    """One home, one publisher, one recipient."""

    def __init__(self, mpp: Mpp, home: Path) -> None:
        self.mpp, self.home = mpp, home
        self.places = Home(path=str(home)).log

    @property
    def reader(self) -> LogReader:
        return LogReader(self.places)

    def recipient(self, name: str = "auditor") -> str:
        """A new key in NAME.key; its public half."""
        answer = self.mpp("audit", "vault", "keygen", name, "-o", f"{name}.key", "--no-passphrase", "--json")
        assert answer.code == 0, answer.out
        return str(answer.json["public_key"])

    def turn_on(self, keep: str = ALL) -> str:
        public = self.recipient()
        assert self.mpp("audit", "vault", "on", "--recipient", public, "--keep", keep, "--yes").code == 0
        return public

    def package(self, wasm: bytes, changes: Mapping[str, Json] | None = None, name: str = "hello-0.1.0.mpp") -> Path:
        path = Path(name)
        path.write_bytes(packages.unsigned(changes, {packages.ENTRYPOINT: wasm}))
        assert self.mpp("sign", path, "--now", packages.NOW).code == 0
        return path

    def run(self, path: Path, arguments: str = "{}") -> int:
        """One call; the entry of its intent."""
        self.mpp("run", path, "--args", arguments, "--yes", "--json")
        return self.intents()[-1]

    def intents(self) -> list[int]:
        return [one.seq for one in self.reader.entries() if one.event.kind == "intent"]

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        return [dict(one.event.body) for one in self.reader.entries() if one.event.kind == kind]

    def record(self, seq: int) -> Path:
        return next(Path(self.places.vault).rglob(f"{seq}.sealed"))

    def files(self) -> dict[str, bytes]:
        """All files of the home."""
        return {str(path.relative_to(self.home)): path.read_bytes() for path in sorted(self.home.rglob("*")) if path.is_file()}

    def opened(self, seq: object, *words: object) -> dict[str, Any]:
        answer = self.mpp("audit", "vault", "open", seq, "--key", "auditor.key", *words, "--json")
        found: dict[str, Any] = json.loads(answer.out)
        return found
