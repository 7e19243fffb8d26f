"""Tools that run for real, as small as they can be: no compiler is needed to test a host."""

from __future__ import annotations

import json

from mpp.model.jsontext import Json
from mpp.testing.wasm import leb, module

_ADDRESS = 64
"""Where the answer lies in the memory of the tool; below is the list that names it."""


def answering(result: Json) -> bytes:
    """A tool that gives the same answer to every call. Its answer is the ``result`` of the call contract."""
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode() + b"\n"
    return saying(line)


def greeting(text: str = "Hello!") -> bytes:
    """A tool that answers with one text."""
    return answering({"content": [{"type": "text", "text": text}]})


def saying(line: bytes) -> bytes:
    """A tool that writes exactly these bytes, whatever it is asked."""
    write = ("wasi_snapshot_preview1", "fd_write", "iiii:i")
    listed = _ADDRESS.to_bytes(4, "little") + len(line).to_bytes(4, "little")
    # fd_write(1, list at 0, one entry, count at 16), and its result is dropped.
    body = b"\x41\x01\x41\x00\x41\x01\x41\x10\x10" + leb(0) + b"\x1a"
    return module([write], body=body, data=[(0, listed), (_ADDRESS, line)], memory=(1 + len(line) // 65_536, None))
