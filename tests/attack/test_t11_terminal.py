"""T11, terminal injection: a text in a file takes over the screen of the person who looks at it, or shows a verdict of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.cli.app import run
from mpp.crypto import base64text
from mpp.crypto.ed25519 import key_id
from mpp.crypto.envelope import signed_bytes
from mpp.crypto.roots import ROOT_TYPE, root_body
from mpp.model.jsontext import canonical
from mpp.stages.archive import pack, read_archive, seal
from mpp.testing.keys import fixed_signer, publisher
from mpp.testing.packages import files, signed, unsigned
from mpp.testing.rawzip import RawMember, raw_zip
from tests.forge import forged

EVIL = (
    "\x1b[2J\x1b[H\x1b[32mverified\x1b[0m",
    "\x1b]0;owned\x07",
    "\x1b]52;c;Y3VybCBldmlsfHNo\x07",  # writes to the clipboard
    "\x9b31mred",
    "a\rverified",
    "a\nverified: all good",
    "a\b\b\bverified",
    "\u202everified\u202c",
    "\u2066\u2028verified",
    "\x00\x7f\x85",
    "\ufeff\u200bverified",
    "\U000e0041\U000e0042",
)
"""Each moves the cursor, recolours, sets the title, reverses the direction, hides, or begins a line of its own."""


def plain(text: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in text)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run one command; whatever it says, it says in plain characters."""
    code = run(list(arguments))
    out, err = capsys.readouterr()
    assert isinstance(code, int)
    assert plain(out), ascii(out)
    assert plain(err), ascii(err)
    for line in (out + err).splitlines():
        assert not line.startswith("verified"), line
    return out + err


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def looked_at(capsys: pytest.CaptureFixture[str], data: bytes) -> str:
    """Every command that shows something of a file, as text and as JSON."""
    Path("x.mpp").write_bytes(data)
    return "".join(shown(capsys, *command) for command in (("verify", "x.mpp"), ("inspect", "x.mpp"), ("verify", "x.mpp", "--json"), ("inspect", "x.mpp", "--json"), ("trust", "add", "x.mpp"), ("sign", "x.mpp"), ("inspect", "x.mpp", "--diff", "x.mpp")))  # fmt: skip


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
@pytest.mark.parametrize(
    "path",
    ["description", "name", "package_id", "version", "license", "publisher/name", "publisher/url", "tool_definitions/0/name", "tool_definitions/0/description"],
)
def test_texts_of_a_manifest(capsys: pytest.CaptureFixture[str], path: str, evil: str) -> None:
    assert looked_at(capsys, unsigned({path: evil}))


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_keys_and_schemas_of_a_manifest(capsys: pytest.CaptureFixture[str], evil: str) -> None:
    looked_at(capsys, unsigned({evil: evil}))
    looked_at(capsys, unsigned({"tool_definitions/0/parameters": {"type": "object", "properties": {evil: {"type": "string", "description": evil}}}}))
    looked_at(capsys, unsigned({"capabilities/filesystem": {"read": [evil], "write": []}, "capabilities/network": [evil], "capabilities/env_vars": [evil]}))


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_names_of_members(capsys: pytest.CaptureFixture[str], evil: str) -> None:
    name = evil.encode("utf-8")
    assert looked_at(capsys, raw_zip([RawMember(b"manifest.json", files()["manifest.json"]), RawMember(name, b"x")]))
    assert looked_at(capsys, raw_zip([RawMember(name, b"x")]))
    assert looked_at(capsys, raw_zip([RawMember(b"manifest.json", b"{}"), RawMember(name, b"x", flags=1)]))


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_other_members(capsys: pytest.CaptureFixture[str], evil: str) -> None:
    sbom = {"specVersion": evil, "components": [], "metadata": {"tools": {"components": [{"name": evil, "version": evil}]}}}
    looked_at(capsys, signed(extra={"_mpp/sbom.cdx.json": json.dumps(sbom).encode()}))
    looked_at(capsys, pack({"manifest.json": evil.encode() + b"{"}))


def root_named(name: str) -> bytes:
    """A publisher document with any name, truly signed."""
    signer, release = fixed_signer("evil root"), fixed_signer("evil release")
    body = root_body(1, name, {"root": ((signer.public_key,), 1), "release": ((release.public_key,), 1)})
    signature = {"key": key_id(signer.public_key), "sig": base64text.encode(signer.sign(signed_bytes(ROOT_TYPE, body)))}
    return canonical({"roots": [{"signed": json.loads(body), "signatures": [signature]}]})  # type: ignore[dict-item]


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_names_of_publishers(capsys: pytest.CaptureFixture[str], evil: str) -> None:
    document = root_named(evil)
    Path("publisher.json").write_bytes(document)
    shown(capsys, "trust", "add", "publisher.json", "--fingerprint", "0" * 64)
    shown(capsys, "trust", "list")
    shown(capsys, "keygen", "--no-passphrase", "--name", evil)
    looked_at(capsys, forged(unsigned(), publisher(), publisher=document))


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_texts_of_a_seal(capsys: pytest.CaptureFixture[str], evil: str) -> None:
    from tests.forge import statement_of

    who = publisher()
    honest = statement_of(unsigned(), who)
    looked_at(capsys, forged(unsigned(), who, statement=replace(honest, package_id=f"com.example.{evil}")))
    looked_at(capsys, forged(unsigned(), who, statement=replace(honest, entrypoint=evil)))
    looked_at(capsys, seal(read_archive(unsigned()), who.chain.data, json.dumps({evil: evil}).encode()))
    looked_at(capsys, seal(read_archive(unsigned()), evil.encode(), evil.encode()))


@pytest.mark.parametrize("evil", [evil for evil in EVIL if "\x00" not in evil], ids=ascii)
def test_names_of_files(capsys: pytest.CaptureFixture[str], evil: str) -> None:
    """A shell writes them out for ``*.mpp``."""
    for name, data in ((f"{evil}.mpp", signed()), (f"{evil}2.mpp", b"x")):
        Path(name).write_bytes(data)
    both = (f"{evil}.mpp", f"{evil}2.mpp")
    for command in (
        ("verify", both[0]),
        ("verify", both[1]),
        ("verify", *both),
        ("inspect", both[0]),
        ("inspect", both[0], "--diff", both[1]),
        ("sign", both[0]),
        ("verify", evil),
    ):
        shown(capsys, *command)
    shown(capsys, evil)
    shown(capsys, "verify", "--now", evil)
    shown(capsys, "verify", f"--{evil}")
    shown(capsys, "trust", "remove", evil)
    shown(capsys, "trust", "pin", evil, evil)
    shown(capsys, "init", evil)
    shown(capsys, "build", evil)


def test_bytes_that_are_no_text(root: Path, tmp_path: Path) -> None:
    """A file name that is not UTF-8, in a process of its own with an ASCII terminal."""
    name = b"\xff\x1b[2J.mpp"
    Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(signed())
    for locale in ("C", "C.UTF-8"):
        environment = {key: text for key, text in os.environ.items() if not key.startswith("COV")} | {"PYTHONPATH": str(root / "src"), "LC_ALL": locale}
        for command in ("verify", "inspect", "sign"):
            done = subprocess.run(
                [sys.executable.encode(), b"-m", b"mpp", command.encode(), name], capture_output=True, check=False, env=environment, cwd=tmp_path
            )
            assert b"\x1b" not in done.stdout + done.stderr
            assert b"\xff" not in done.stdout + done.stderr
            assert b"Traceback" not in done.stderr, done.stderr.decode("ascii", "replace")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="uses a pseudo-terminal")
def test_our_own_colours_work_and_theirs_do_not(root: Path, tmp_path: Path) -> None:
    import pty

    Path("x.mpp").write_bytes(unsigned({"description": "a\x1b[31mred"}))
    environment = {key: text for key, text in os.environ.items() if not key.startswith("COV")} | {"PYTHONPATH": str(root / "src"), "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    ours, theirs = pty.openpty()
    done = subprocess.Popen([sys.executable, "-m", "mpp", "verify", "x.mpp"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment, close_fds=True)
    done.wait()
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    assert b"\x1b[31m" in seen or b"\x1b[32m" in seen, seen
    assert b"\\x1b" not in seen, seen
    assert b"\x1b[31mred" not in seen
