"""Processes to be jailed: fresh interpreters without site-packages, as the product starts them. Never the one that runs the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SECONDS_MAX = 60
PRELUDE = """
import sys; sys.path[:0] = sys.argv[1:2]
import ctypes, errno, os, signal, socket, struct, threading, time, traceback
from mpp.errors import HostFailed
from mpp.jail import *
from mpp.jail import landlock, syscalls

LIMITS = Limits(data=256 << 20, files=64, file_bytes=1 << 20)

def refused(do, *given, **more):
    "The name of the error that an attempt ends with."
    try:
        do(*given, **more)
    except OSError as fault:
        return errno.errorcode[fault.errno]
    return "works"

def open2(at, name, flags=os.O_RDONLY, mode=0):
    how = struct.pack("<QQQ", flags | os.O_CLOEXEC, mode, 0x08)
    return syscalls.call("openat2", at, ctypes.c_char_p(os.fsencode(name)), ctypes.create_string_buffer(how, 24), 24)
"""

Jailed = Callable[..., str]


@pytest.fixture
def inside(root: Path) -> Jailed:
    """Run a program in a process of its own; what it printed, and it ended as it should."""

    def run(program: str, *words: object, code: int = 0) -> str:
        command = [sys.executable, "-I", "-S", "-B", "-c", PRELUDE + program, str(root / "src"), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS_MAX, env={}, cwd="/", stdin=subprocess.DEVNULL)
        assert done.returncode == code, done.stderr
        return done.stdout

    return run


@pytest.fixture
def engine() -> str:
    """The folder from which a bare interpreter can import the engine."""
    found = pytest.importorskip("wasmtime", reason="the engine is not installed")
    return os.path.dirname(os.path.dirname(found.__file__))
