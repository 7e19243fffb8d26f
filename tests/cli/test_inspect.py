"""inspect shows everything a package says, trusts none of it, and does not die of what is broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.stages.archive import MANIFEST_NAME, SBOM_NAME, pack
from mpp.testing import packages
from mpp.testing.keys import publisher
from tests.cli.conftest import Mpp

ASKS = {
    "network": ["api.example.com"],
    "filesystem": {"read": ["/data/in"], "write": ["/data/out"]},
    "env_vars": ["LANG"],
}


def _write(name: str, data: bytes) -> Path:
    path = Path(name)
    path.write_bytes(data)
    return path


def test_every_capability_in_words(mpp: Mpp) -> None:
    shown = mpp("inspect", _write("a.mpp", packages.unsigned({"capabilities": ASKS})))  # type: ignore[dict-item]
    assert shown.code == 0, shown.err
    asked = shown.out.partition("Asks for\n")[2].partition("\n\n")[0]
    for word in ("api.example.com", "/data/in", "/data/out", "LANG"):
        assert word in asked
    answer = mpp("inspect", "a.mpp", "--json").json
    assert len(answer["capabilities_in_words"]) == 4
    assert [line.strip() for line in asked.splitlines()] == answer["capabilities_in_words"]


BROKEN = [
    ("unsigned", packages.unsigned(), "signature.unsigned"),
    ("bad manifest", packages.unsigned({"version": "one"}), "manifest."),
    ("manifest that is no JSON", pack({**packages.files(), MANIFEST_NAME: b"{"}), "manifest.json"),
    ("bad wasm", pack({**packages.files(), packages.ENTRYPOINT: b"\0asm\1\0\0\0\x7f"}), "wasm."),
    ("no wasm", pack({name: data for name, data in packages.files().items() if name != packages.ENTRYPOINT}), ""),
    ("bad SBOM", packages.unsigned(extra={SBOM_NAME: b"[" * 5000}), ""),
]


@pytest.mark.parametrize(("data", "code"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_problems_are_listed(mpp: Mpp, data: bytes, code: str) -> None:
    _write("a.mpp", data)
    answer = mpp("inspect", "a.mpp", "--json")
    assert (answer.code, answer.json["ok"]) == (0, False)
    assert [row for row in answer.json["problems"] if row["code"].startswith(code)]
    assert all(row["hint"] for row in answer.json["problems"])
    shown = mpp("inspect", "a.mpp")
    assert (shown.code, shown.err) == (0, "")
    assert "Problems: hosts refuse this file" in shown.out
    assert f"[{code}" in shown.out


def test_a_broken_seal_is_named(mpp: Mpp, signed: Path) -> None:
    data = bytearray(signed.read_bytes())
    at = data.index(b"Greets by name.")
    data[at] ^= 1
    signed.write_bytes(data)
    assert mpp("inspect", signed, "--json").json["seal"]["intact"] is False
    shown = mpp("inspect", signed)
    assert "✗ the seal does NOT hold" in shown.out
    assert "[content.mismatch]" in shown.out


SPOILED = "plain\x1b[31m\r\x07\x9b2J"


@pytest.mark.parametrize("path", ["description", "publisher/name", "license", "name", "tool_definitions/0/description", "tool_definitions/0/name"])
def test_no_control_character_reaches_the_terminal(mpp: Mpp, path: str) -> None:
    _write("a.mpp", packages.unsigned({path: SPOILED}))
    _write("b.mpp", packages.unsigned())
    for words in (["inspect", "a.mpp"], ["inspect", "b.mpp", "--diff", "a.mpp"], ["verify", "a.mpp"], ["sign", "a.mpp"], ["inspect", "a.mpp", "--json"]):
        answer = mpp(*words)
        shown = (answer.out + answer.err).replace("\n", "")
        assert shown.isprintable(), repr(shown)


def test_text_in_a_schema_and_sbom_is_made_safe(mpp: Mpp) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string", "description": "x\n\x1b[2Jverified: all is well"}}}
    sbom = {"specVersion": "1.6\x1b[2J", "components": [], "metadata": {"tools": {"components": [{"name": "a\nb", "version": "\x1b"}]}}}
    data = packages.unsigned({"tool_definitions/0/parameters": schema}, {SBOM_NAME: json.dumps(sbom).encode()})  # type: ignore[dict-item]
    shown = mpp("inspect", _write("a.mpp", data)).out
    assert shown.replace("\n", "").isprintable()
    assert not [line for line in shown.splitlines() if line.startswith("verified")]


def test_the_difference_and_what_is_newly_asked(mpp: Mpp, keys: Path) -> None:
    _write("a.mpp", packages.unsigned())
    changes = {"version": "0.2.0", "capabilities/network": ["api.example.com"], "runtime/memory_limit_mb": 64}
    _write("b.mpp", packages.unsigned(changes, {"assets/new.txt": b"new", "README.md": b"other"}))  # type: ignore[arg-type]
    for name in ("a.mpp", "b.mpp"):
        assert mpp("sign", name).code == 0
    shown = mpp("inspect", "a.mpp", "--diff", "b.mpp")
    assert (shown.code, shown.err) == (0, "")
    assert "com.example.hello 0.1.0 -> com.example.hello 0.2.0" in shown.out
    assert "publisher: the same" in shown.out
    asked = shown.out.partition("Newly asks for\n")[2].partition("\n\n")[0]
    assert "api.example.com" in asked
    assert "64 MiB" in asked
    assert "added    assets/new.txt" in shown.out
    assert "changed  README.md" in shown.out
    answer = mpp("inspect", "a.mpp", "--diff", "b.mpp", "--json").json
    assert (answer["ok"], answer["same_publisher"], len(answer["newly_asks"])) == (True, True, 2)
    back = mpp("inspect", "b.mpp", "--diff", "a.mpp").out
    assert "Nothing more than before." in back
    assert "removed  assets/new.txt" in back
    assert "no file differs" in mpp("inspect", "a.mpp", "--diff", "a.mpp").out


def test_another_publisher_is_said_to_be_another(mpp: Mpp, signed: Path, strange: Path) -> None:
    assert "NOT shown to be the same" in mpp("inspect", signed, "--diff", strange).out
    assert mpp("inspect", signed, "--diff", _write("u.mpp", packages.unsigned()), "--json").json["same_publisher"] is False


def test_a_broken_manifest_cannot_be_compared(mpp: Mpp, unsigned: Path) -> None:
    _write("b.mpp", packages.unsigned({"version": "one"}))
    assert "cannot be compared" in mpp("inspect", unsigned, "--diff", "b.mpp").out
    assert mpp("inspect", unsigned, "--diff", "b.mpp", "--json").json["ok"] is False


def test_long_lists_are_counted(mpp: Mpp) -> None:
    _write("a.mpp", packages.unsigned(extra={f"assets/{i:03}.txt": b"x" for i in range(100)}))
    shown = mpp("inspect", "a.mpp").out
    assert "and 63 more (see --json)" in shown
    assert len(mpp("inspect", "a.mpp", "--json").json["files"]) == 103


def test_an_id_that_looks_like_a_known_one_is_pointed_out(mpp: Mpp) -> None:
    known, twin = publisher("Known"), publisher("Twin")
    _write("known.json", known.chain.data)
    _write("twin.mpp", packages.signed(twin, {"package_id": "com.example.hell0"}))
    assert mpp("trust", "add", "known.json", "--fingerprint", known.id).code == 0
    assert mpp("inspect", "twin.mpp", "--json").json["lookalikes"] == []
    assert mpp("trust", "pin", "com.example.hello", known.id).code == 0
    assert mpp("inspect", "twin.mpp", "--json").json["lookalikes"] == [{"id": "com.example.hello", "publisher": known.id}]
    assert "the id looks like com.example.hello" in mpp("inspect", "twin.mpp").out


def test_a_named_folder_means_itself_and_a_folder_is_no_package(mpp: Mpp) -> None:
    _write("manifest.json", packages.files()["manifest.json"])
    Path("below").mkdir()
    Path("hello-9.0.0.mpp").mkdir()
    _write("hello-0.1.0.mpp", packages.unsigned())
    assert mpp("inspect", "below").code == 2
    assert mpp("inspect", ".", "--json").json["file"].endswith("hello-0.1.0.mpp")
    assert mpp("inspect", "hello.mpp", "--json").json["file"].endswith("hello-0.1.0.mpp")
