"""A signer behind a command. Hostile ones are in tests/attack/test_t13_signer_command.py."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from mpp.author import signer_command
from mpp.author.sign import sign_package
from mpp.author.signer_command import CommandSigner
from mpp.errors import HostFailed
from mpp.stages.gatekeeper import verify
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, TestClock, trusting, unsigned

ADA = publisher("Ada")
PUBLIC = ADA.release[0].public_key

HONEST = """
import base64, sys
from mpp.testing.keys import publisher
signer = publisher("Ada").release[0]
answer = signer.public_key if sys.argv[1] == "public" else signer.sign(sys.stdin.buffer.read())
print(base64.b64encode(answer).decode())
"""


def command(tmp_path: Path, root: Path, text: str) -> str:
    path = tmp_path / "signer.py"
    path.write_text(f"import sys\nsys.path.insert(0, {str(root / 'src')!r})\n{text}")
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(path))}"


def test_an_honest_command_signs(tmp_path: Path, root: Path) -> None:
    signer = CommandSigner(command(tmp_path, root, HONEST))
    assert signer.public_key == PUBLIC
    done = sign_package(unsigned(), ADA.chain, (signer,), TestClock())
    assert done.data == sign_package(unsigned(), ADA.chain, ADA.release, TestClock()).data
    verify(done.data, trusting(ADA), NOW)


def test_a_large_message_reaches_it(tmp_path: Path, root: Path) -> None:
    message = bytes(2**21)
    assert CommandSigner(command(tmp_path, root, HONEST)).sign(message) == ADA.release[0].sign(message)


def fails(text: str) -> str:
    with pytest.raises(HostFailed) as failure:
        CommandSigner(text)
    assert failure.value.code == "host.signer"
    assert failure.value.hint
    return failure.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("'open", "quotation mark"),
        ("/nowhere/signer", "did not run: FileNotFoundError"),
        ("/", "did not run: PermissionError"),
        ("false", "exit code 1"),
        ("true", "did not print"),
    ],
)
def test_what_is_no_signer(text: str, says: str) -> None:
    assert says in fails(text)


def test_its_own_words_are_shown_safely(tmp_path: Path, root: Path) -> None:
    said = fails(command(tmp_path, root, "sys.stderr.write('\\x1b[2Jno card' + 'x' * 1000); sys.exit(3)"))
    assert "exit code 3" in said
    assert "no card" in said
    assert "\x1b" not in said
    assert len(said) < 400


def test_time_is_bounded(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signer_command, "SIGNER_SECONDS_MAX", 0.3)
    assert "no answer within" in fails(command(tmp_path, root, "import time; time.sleep(600)"))


def test_time_is_bounded_after_its_outputs_are_closed(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signer_command, "SIGNER_SECONDS_MAX", 0.5)
    assert "no answer within" in fails(command(tmp_path, root, "import os, time; os.close(1); os.close(2); time.sleep(600)"))


def test_output_is_bounded(tmp_path: Path, root: Path) -> None:
    assert "far more than an answer" in fails(command(tmp_path, root, "while True: sys.stdout.write('A' * 65536)"))
