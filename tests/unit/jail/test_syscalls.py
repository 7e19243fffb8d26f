"""Calls by name: errors, and machines we do not know."""

from __future__ import annotations

import ctypes
import errno
import os
from types import SimpleNamespace

import pytest

from mpp.errors import HostFailed
from mpp.jail import syscalls as subject


def test_a_call_reaches_the_kernel() -> None:
    assert subject.call("getpid") == os.getpid()


def test_an_error_says_which_call_failed() -> None:
    with pytest.raises(OSError, match="close: Bad file") as found:
        subject.call("close", -1)
    assert found.value.errno == errno.EBADF


def test_nothing_is_the_null_pointer() -> None:
    with pytest.raises(OSError, match="write") as found:
        subject.call("write", -1, None, ctypes.c_size_t(1))
    assert found.value.errno == errno.EBADF


def test_a_call_that_the_machine_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "number", lambda *_: None)
    with pytest.raises(OSError, match="no dup2") as found:
        subject.call("dup2")
    assert found.value.errno == errno.ENOSYS


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Linux", "riscv64"), ("Linux", "i686"), ("FreeBSD", "x86_64")])
def test_machines_that_run_no_tools(monkeypatch: pytest.MonkeyPatch, system: str, machine: str) -> None:
    monkeypatch.setattr(subject.os, "uname", lambda: SimpleNamespace(sysname=system, machine=machine))
    with pytest.raises(HostFailed, match="64-bit Linux"):
        subject.machine.__wrapped__()


def test_a_program_of_32_bits_runs_no_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject.ctypes, "sizeof", lambda _: 4)
    with pytest.raises(HostFailed):
        subject.machine.__wrapped__()


def test_unused_properties_are_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(subject, "call", lambda *given: seen.append(given) or 0)
    subject.prctl(15, 3)
    assert seen == [("prctl", 15, 3, 0, 0, 0)]
