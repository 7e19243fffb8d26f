"""Ed25519 of the two verifiers, without a library: the public vectors, and the strict profile of spec/keys.md section 1."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest

from mpp.crypto.ed25519 import verifies
from tests.verifier.running import NODE, SCRIPT, page

OWN = f"""
import sys, json, importlib.util
spec = importlib.util.spec_from_file_location("verify", {str(SCRIPT)!r})
found = importlib.util.module_from_spec(spec)
sys.modules["verify"] = found
spec.loader.exec_module(found)
rows = json.load(sys.stdin)
print(json.dumps([found.verifies(*map(bytes.fromhex, row)) for row in rows]))
"""


class Vector(NamedTuple):
    key: bytes
    message: bytes
    signature: bytes


def vectors(shared: Path) -> list[Vector]:
    base = shared / "vectors/ed25519"
    out = [
        Vector(bytes.fromhex(group["publicKey"]["pk"]), bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
        for group in json.loads((base / "ed25519_test.json").read_text())["testGroups"]
        for test in group["tests"]
    ]
    out += [
        Vector(bytes.fromhex(row["key"]), row["msg"].encode(), bytes.fromhex(row["sig"]))
        for row in json.loads((base / "cctv-ed25519/ed25519vectors.json").read_text())
    ]
    return out + [
        Vector(bytes.fromhex(row["pub_key"]), bytes.fromhex(row["message"]), bytes.fromhex(row["signature"]))
        for row in json.loads((base / "speccheck/cases.json").read_text())
    ]


def test_the_script_alone_says_what_libsodium_says(shared: Path) -> None:
    rows = vectors(shared)
    assert len(rows) > 1000
    given = json.dumps([[part.hex() for part in row] for row in rows])
    done = subprocess.run([sys.executable, "-I", "-c", OWN], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [row for row, one in zip(rows, found, strict=True) if one is not verifies(*row)] == []
    assert 0 < sum(found) < len(found)


@pytest.mark.skipif(NODE is None, reason="the page is run by Node, and there is none here")
@pytest.mark.parametrize("webcrypto", [True, False])
def test_the_page_says_what_libsodium_says(shared: Path, webcrypto: bool) -> None:
    rows = vectors(shared)
    some = [*rows[:151:2], *rows[151:-12:9], *rows[-12:]]
    jobs: list[dict[str, object]] = [
        {"command": "verifies", "key": row.key.hex(), "message": row.message.hex(), "signature": row.signature.hex()} for row in some
    ]
    found = page(jobs, webcrypto=webcrypto)
    assert [row for row, one in zip(some, found, strict=True) if one is not verifies(*row)] == []
    assert 0 < found.count(True) < len(found)


@pytest.mark.skipif(NODE is None, reason="the page is run by Node, and there is none here")
def test_the_page_hashes_as_everybody_does() -> None:
    texts = [bytes([at % 251]) * at for at in (*range(130), 1_000, 66_000)]
    assert page([{"command": "sha256", "data": text.hex()} for text in texts]) == [sha256(text).hexdigest() for text in texts]
