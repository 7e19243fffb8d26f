"""T13, a hostile signer command: another program that lies, hangs or floods. Only what verifies is used."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from mpp.author import signer_command
from mpp.author.sign import sign_package
from mpp.author.signer_command import CommandSigner
from mpp.cli.app import run
from mpp.errors import MppError
from mpp.limits import MIB
from mpp.testing.keys import publisher
from mpp.testing.packages import TestClock, unsigned

ADA = publisher("Ada")
START = """
import base64, os, sys, time
from mpp.testing.keys import fixed_signer, publisher
ada, eve = publisher("Ada").release[0], fixed_signer("eve")
verb, given = sys.argv[1], sys.stdin.buffer.read()
def put(data): sys.stdout.write(base64.b64encode(data).decode() + "\\n"); sys.stdout.flush()
if verb == "public" and not PUBLIC: put(ada.public_key); sys.exit()
"""

SIGNING = {
    "nothing": "",
    "garbage": "sys.stdout.buffer.write(os.urandom(500))",
    "text": "print('signed, trust me')",
    "the public key": "put(ada.public_key)",
    "zeros": "put(bytes(64))",
    "another key's signature": "put(eve.sign(given))",
    "a signature over another message": "put(ada.sign(given + b' '))",
    "a signature over nothing": "put(ada.sign(b''))",
    "a long signature": "put(ada.sign(given) + b'x')",
    "a signature with spare bits": "print(base64.b64encode(ada.sign(given)).decode()[:-3] + 'x==')",
    "two signatures": "put(ada.sign(given)); put(ada.sign(given))",
    "a signature, then words": "put(ada.sign(given)); print('done')",
    "a signature and an error": "put(ada.sign(given)); sys.exit(1)",
    "a signature, then a crash": "put(ada.sign(given)); os.abort()",
    "a flood": "while True: sys.stdout.write('A' * 65536)",
    "a flood of errors": "while True: sys.stderr.write('A' * 65536)",
    "a signature, then a flood": "put(ada.sign(given))\nwhile True: sys.stdout.write('A' * 65536)",
    "a hang": "time.sleep(600)",
    "a signature, then a hang": "put(ada.sign(given)); time.sleep(600)",
    "a drip": "while True: sys.stdout.write('A'); sys.stdout.flush(); time.sleep(0.05)",
}
NAMING = {
    "no key": "",
    "a key of small order": "put(b'\\1' + bytes(31))",
    "a key that is no point": "put(b'\\2' + bytes(31))",
    "a signature": "put(bytes(64))",
    "an escape sequence": "sys.stderr.write('\\x1b[2J\\x1b]0;owned\\x07'); sys.exit(1)",
    "a flood": "while True: sys.stdout.write('A' * 65536)",
    "a hang": "time.sleep(600)",
}


def command(tmp_path: Path, root: Path, text: str, *, public: bool = False) -> str:
    path = tmp_path / "signer.py"
    path.write_text(f"import sys\nsys.path.insert(0, {str(root / 'src')!r})\nPUBLIC = {public}\n{START}{text}\n")
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(path))}"


def shorten(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what never ends by itself is given less time than a signer has: an interpreter starts slowly on a busy machine, and too late is no lie."""
    if "while True" in text or "sleep(600)" in text:
        monkeypatch.setattr(signer_command, "SIGNER_SECONDS_MAX", 2.0)


def resident() -> int:
    with open("/proc/self/statm") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("text", SIGNING.values(), ids=SIGNING.keys())
def test_no_lie_becomes_a_signature(tmp_path: Path, root: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = CommandSigner(command(tmp_path, root, text))
    shorten(text, monkeypatch)
    before = resident()
    with pytest.raises(MppError) as fault:
        sign_package(unsigned(), ADA.chain, (signer,), TestClock())
    assert fault.value.code == "host.signer"
    assert resident() - before < 50 * MIB


@pytest.mark.parametrize("text", NAMING.values(), ids=NAMING.keys())
def test_no_lie_becomes_a_key(tmp_path: Path, root: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(text, monkeypatch)
    with pytest.raises(MppError) as fault:
        CommandSigner(command(tmp_path, root, text, public=True))
    assert fault.value.code == "host.signer"
    assert str(fault.value).isprintable()


def test_a_sound_key_of_somebody_else_signs_nothing_here(tmp_path: Path, root: Path) -> None:
    signer = CommandSigner(command(tmp_path, root, "put(eve.public_key if verb == 'public' else eve.sign(given))", public=True))
    with pytest.raises(MppError) as fault:
        sign_package(unsigned(), ADA.chain, (signer,), TestClock())
    assert fault.value.code == "key.not_release"


def test_nothing_is_written_and_no_shell_is_asked(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.mpp").write_bytes(unsigned())
    Path("publisher.json").write_bytes(ADA.chain.data)
    text = command(tmp_path, root, "put(bytes(64))")
    for hostile in (text, f"{text}; touch owned", f"{text} && touch owned", "$(touch owned)", "`touch owned`", "true | touch owned"):
        assert run(["sign", "p.mpp", "--publisher", "publisher.json", "--signer-command", hostile]) != 0
    assert not Path("owned").exists()
    assert Path("p.mpp").read_bytes() == unsigned()
    assert "\x1b" not in capsys.readouterr().err
