"""What a build may not ask of the system, read as the kernel reads it, and put up for real in a process of its own."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from types import SimpleNamespace

import pytest

from mpp.author import confined

ALLOW, REFUSE = 0x7FFF0000, 0x00050001


def verdict(program: bytes, architecture: int, number: int) -> int:
    at, held = 0, 0
    while True:
        code, yes, no, value = struct.unpack_from("<HBBI", program, 8 * at)
        at += 1
        if code == 0x06:
            return int(value)
        if code == 0x20:
            held = {0: number, 4: architecture}[value]
        else:
            at += yes if (held == value if code == 0x15 else held >= value) else no


@pytest.mark.parametrize("network", [False, True])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_what_is_named_is_refused(machine: str, network: bool) -> None:
    architecture, calls = confined._MACHINES[machine]
    program = confined.call_filter(machine, network=network)
    for name, number in calls.items():
        is_allowed = network and name in {"socket", "io_uring_setup"}
        assert verdict(program, architecture, number) == (ALLOW if is_allowed else REFUSE), name
    assert verdict(program, architecture, 0) == ALLOW
    assert verdict(program, architecture ^ 1, 0) == REFUSE


def test_numbers_of_the_other_table_of_x86_are_refused() -> None:
    assert verdict(confined.call_filter("x86_64", network=False), 0xC000003E, 0x40000000 | 41) == REFUSE


def test_a_machine_that_is_not_known_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(confined.os, "uname", lambda: SimpleNamespace(machine="riscv64"))
    monkeypatch.setattr(confined, "_prctl", lambda *given: asked.append(given))
    confined._forbid(network=False)
    assert asked == []


@pytest.mark.skipif(not sys.platform.startswith("linux") or os.uname().machine not in confined._MACHINES, reason="the filter is that of Linux on two machines")
@pytest.mark.parametrize(("network", "said"), [(False, "PermissionError"), (True, "a socket")])
def test_the_kernel_takes_it(network: bool, said: str) -> None:
    code = f"import sys; sys.path.insert(0, 'src')\nfrom mpp.author import confined\nconfined._forbid(network={network})\nimport socket\ntry:\n    socket.socket(); print('a socket')\nexcept PermissionError as fault:\n    print(type(fault).__name__)\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == said, done.stderr


def test_a_file_gets_only_the_rights_of_files(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    given: list[bytes] = []

    def syscall(number: int, *parts: object) -> int:
        if number == confined._ADD:
            given.append(bytes(parts[2].value))  # type: ignore[attr-defined]
        return 3

    monkeypatch.setattr(confined, "_syscall", syscall)
    monkeypatch.setattr(confined, "_prctl", lambda *_: None)
    confined._confine([f"w:{os.devnull}", "r:/"], 9)
    assert len(given) == 2
