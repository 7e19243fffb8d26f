"""The way of a newcomer, with the real executable: from an empty folder to a verified package, and what must be the same every time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mpp.testing.wasm import module
from tests.cli.conftest import Mpp


def test_from_nothing_to_verified(built: Path, process: Mpp, tmp_path: Path) -> None:
    project = tmp_path / "hello"
    shutil.copytree(built, project)
    assert process("keygen", "-o", tmp_path / "keys", "--no-passphrase", "--name", "Ada Example").code == 0
    signed = process("sign", "hello-0.1.0.mpp", "-k", tmp_path / "keys" / "publisher.key", cwd=project)
    assert (signed.code, signed.err) == (0, "")
    verified = process("verify", "hello-0.1.0.mpp", cwd=project)
    assert verified.code == 0
    assert [line[2:5] for line in verified.out.splitlines()[1:8]] == [f"{number} ✓" for number in range(1, 8)]
    assert "publisher 'Ada Example' is trusted (own key)" in verified.out
    shown = process("inspect", cwd=project)
    assert (shown.code, shown.err) == (0, "")
    for words in ("Greets a person by name", "greet", "Needs nothing outside its own computation.", "wasi_snapshot_preview1.fd_write", "CycloneDX", "ziglang"):
        assert words in shown.out
    tampered = bytearray((project / "hello-0.1.0.mpp").read_bytes())
    tampered[len(tampered) // 3] ^= 1
    (project / "tampered.mpp").write_bytes(tampered)
    assert process("verify", "tampered.mpp", cwd=project).code == 14
    assert process("verify", "hello-0.1.0.mpp", cwd=project, env={"MPP_HOME": str(tmp_path / "stranger")}).code == 20


def test_what_build_says_next_can_be_run(built: Path, process: Mpp, tmp_path: Path) -> None:
    """The hint is a command for a shell, also where the path has a space."""
    target = tmp_path / "my tool.mpp"
    done = process("build", "-o", target, cwd=built)
    assert done.out.splitlines()[-1] == f"Next: mpp keygen && mpp sign '{target}'"
    assert done.err.splitlines() == ["  compiling 2 C files", "  packing"]
    assert process("keygen", "--no-passphrase").code == 0
    assert process("build", "-o", target, cwd=built).out.splitlines()[-1] == f"Next: mpp sign '{target}'"


def test_progress_stays_off_the_answer(built: Path, process: Mpp, tmp_path: Path) -> None:
    done = process("build", "-o", tmp_path / "a.mpp", "--json", cwd=built)
    assert done.json["ok"] is True
    assert done.json["signed"] is False
    assert "compiling" in done.err
    assert "{" not in done.err


SURROUNDINGS = [
    {"TZ": "Asia/Kathmandu", "LC_ALL": "C"},
    {"TZ": "UTC", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1"},
]


@pytest.mark.parametrize("env", SURROUNDINGS)
def test_a_build_is_the_same_everywhere(built: Path, process: Mpp, tmp_path: Path, env: dict[str, str]) -> None:
    again = tmp_path / "another folder" / "hello"
    shutil.copytree(built, again, ignore=shutil.ignore_patterns("*.mpp"))
    for path in again.rglob("*"):
        os.utime(path, (1, 1))
    assert process("build", cwd=again, env=env, umask=0o077).code == 0
    assert (again / "hello-0.1.0.mpp").read_bytes() == (built / "hello-0.1.0.mpp").read_bytes()


def test_a_fault_in_the_source_is_shown_where_it_is(built: Path, process: Mpp, tmp_path: Path) -> None:
    project = tmp_path / "hello"
    shutil.copytree(built, project)
    old = (project / "hello-0.1.0.mpp").read_bytes()
    (project / "src" / "main.c").write_text("int main(void) { return nothing; }\n")
    done = process("build", cwd=project)
    assert done.code == 3
    assert "error: the compiler found 1 error (src/main.c:1:" in done.err
    assert "hint:  " in done.err
    assert (project / "hello-0.1.0.mpp").read_bytes() == old


def test_a_ready_module_is_packed(built: Path, mpp: Mpp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(built)
    (tmp_path / "tool.wasm").write_bytes(module())
    done = mpp("build", "--wasm", tmp_path / "tool.wasm", "-o", tmp_path / "ready.mpp")
    assert done.code == 0
    assert "compiling" not in done.err
    (tmp_path / "tool.wasm").write_bytes(b"\0asm\1\0\0\0broken")
    assert mpp("build", "--wasm", tmp_path / "tool.wasm", "-o", tmp_path / "ready.mpp", "--json").json["error"]["check"] == 7
    assert mpp("build", "--wasm", tmp_path / "absent.wasm", "-o", tmp_path / "ready.mpp").code == 1


def test_the_key_id_is_filled_in(built: Path, mpp: Mpp, keys: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(built)
    (tmp_path / "tool.wasm").write_bytes(module())
    key_id = mpp("trust", "list").out.partition("release keys ")[2].split()[0]
    for given in (key_id, keys / "publisher.json"):
        target = tmp_path / "filled.mpp"
        assert mpp("build", "--wasm", tmp_path / "tool.wasm", "--set-key", given, "-o", target).code == 0
        assert mpp("inspect", target, "--json").json["manifest"]["publisher"]["verified_key_id"] == key_id
        assert mpp("sign", target).code == 0
        assert mpp("verify", target).code == 0
    assert mpp("build", "--wasm", tmp_path / "tool.wasm", "--set-key", "pub_none", "-o", tmp_path / "x.mpp").code == 16


def test_all_faults_of_a_manifest_at_once(mpp: Mpp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mpp("init", "hello").code == 0
    monkeypatch.chdir("hello")
    text = Path("manifest.json").read_text()
    Path("manifest.json").write_text(text.replace('"0.1.0"', '"one"').replace('"memory_limit_mb": 128', '"memory_limit_mb": 0'))
    done = mpp("build", "--json")
    assert (done.code, done.json["error"]["exit_code"]) == (16, 16)
    assert {row["where"] for row in done.json["error"]["faults"]} >= {"/version", "/runtime/memory_limit_mb"}
    assert all(row["hint"] for row in done.json["error"]["faults"])
    assert not list(Path().glob("*.mpp"))
