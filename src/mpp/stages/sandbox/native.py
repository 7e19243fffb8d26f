"""From verified WebAssembly to native code: through the cache, or through the compile jail.

Takes: the bytes of an entrypoint that check 7 judged. Gives: ``Compiled``. Refuses: code that does not validate, and compile bombs.
Spec: 5-sandbox S-12 to S-18.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from mpp.errors import HostFailed, Refused
from mpp.jail import seal_memory, sealed_memory
from mpp.model.jsontext import shown
from mpp.stages.sandbox import limits
from mpp.stages.sandbox.cache import NativeCache
from mpp.stages.sandbox.capi import find_library
from mpp.stages.sandbox.engine import form_of
from mpp.stages.sandbox.types import Compiled

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
"""The folder that holds the package ``mpp``; the jailed processes import from there and nowhere else."""

_CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "compile_child.py")
_STATUS_BYTES_MAX = 8192
OUT_OF_MEMORY = 77
"""The exit code with which the compile child says that it found no memory."""
"""Bytes of the child's report. Reason: one line of JSON with bounded words."""
_WORDS_MAX = 400
"""Characters of the child's words that are shown. Reason: what was wrong with the code, on a few lines."""
_HINT = "the publisher may split the tool, or build it with less generated code"


def compile_wasm(data: bytes, cache: NativeCache | None, *, seconds: float = limits.COMPILE_SECONDS, memory: int = limits.COMPILE_DATA_BYTES) -> Compiled:
    """Native code for ``data``, from the cache if it holds it. The caller closes the descriptor."""
    digest = hashlib.sha256(data).hexdigest()
    component = form_of(data) == "component"
    found = cache.load(digest) if cache is not None else None
    if found is not None:
        return Compiled(fd=found, size=os.fstat(found).st_size, wasm_sha256=digest, component=component, fresh=False)
    fd = compile_in_jail(data, seconds=seconds, memory=memory)
    if cache is not None:
        cache.store(digest, fd)
    return Compiled(fd=fd, size=os.fstat(fd).st_size, wasm_sha256=digest, component=component, fresh=True)


def compile_known(wasm_sha256: str, code: Callable[[], bytes], cache: NativeCache | None, *, seconds: float = limits.LAYER_COMPILE_SECONDS) -> Compiled:
    """The same for a core module that was judged before, and whose bytes are only fetched where they must be compiled: an interpreter has many."""
    found = cache.load(wasm_sha256) if cache is not None else None
    if found is not None:
        return Compiled(fd=found, size=os.fstat(found).st_size, wasm_sha256=wasm_sha256, component=False, fresh=False)
    data = code()
    # Attack: other code under the digest of this one would be kept for everybody who asks for it.
    if hashlib.sha256(data).hexdigest() != wasm_sha256 or form_of(data) != "module":
        raise HostFailed("host.native", "the code is not the one that was judged", hint="verify the layer again: mpp layer verify")
    return compile_wasm(data, cache, seconds=seconds)


def compile_in_jail(data: bytes, *, seconds: float, memory: int) -> int:
    """The descriptor of sealed memory with native code. The child is gone when this returns."""
    library = find_library()
    # Whatever ends this function closes all that is still in here.
    mine: list[int] = []
    try:
        mine.append(sealed_memory(data))
        mine.append(os.memfd_create("mpp-native", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))
        mine.extend(os.pipe())
        source, target, status_read, status_write = mine
        keep = (source, target, status_write)
        # The processors share the child's time, so the clock on the wall is the bound that is met first.
        cpu = (int(seconds) + 1) * (os.cpu_count() or 1)
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", _CHILD, SOURCE, library, *map(str, keep), str(memory), str(cpu)],
            pass_fds=keep, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={}, close_fds=True, cwd="/",
        )  # fmt: skip
        os.close(mine.pop())
        report = _wait(child, status_read, time.monotonic() + seconds)
        _judge(report, child.returncode, target)
        seal_memory(target)
        mine.remove(target)
    except OSError as fault:
        raise HostFailed("host.compile", f"the compiler cannot be started: {fault.strerror}", hint="free memory or processes, then try again") from None
    finally:
        for fd in mine:
            os.close(fd)
    return target


def _wait(child: subprocess.Popen[bytes], status: int, until: float) -> bytes:
    """The child's report; empty when it was killed or died. It never outlives this function."""
    pieces: list[bytes] = []
    # Not select: in a host with a thousand connections the number of a descriptor is too high for it.
    poll = select.poll()
    poll.register(status, select.POLLIN)
    try:
        while sum(map(len, pieces)) < _STATUS_BYTES_MAX:
            if not poll.poll(max(int((until - time.monotonic()) * 1000), 0)):
                raise Refused("wasm.compile_time", "the code takes too long to compile", where="entrypoint", hint=_HINT)
            piece = os.read(status, _STATUS_BYTES_MAX)
            if not piece:
                break
            pieces.append(piece)
    finally:
        child.kill()
        child.wait()
    return b"".join(pieces)


def _judge(report: bytes, returned: int, target: int) -> None:
    """Attack: the child compiled hostile code and may lie; only its words are taken from it, never a type or a path."""
    try:
        found = json.loads(report) if report else {}
    except (ValueError, RecursionError):
        found = {}
    if not isinstance(found, dict) or not found:
        if returned == -signal.SIGXCPU:
            raise Refused("wasm.compile_time", "the code takes too long to compile", where="entrypoint", hint=_HINT)
        if returned not in {0, OUT_OF_MEMORY} and returned > 0:
            raise HostFailed("host.compile", f"the compiler ended with code {returned}", hint="run `mpp doctor`; if it finds nothing, report this as a fault")
        raise Refused("wasm.compile_memory", "the code needs too much memory to compile", where="entrypoint", hint=_HINT)
    if found.get("ok") is True:
        size = os.fstat(target).st_size
        if not 0 < size <= limits.NATIVE_BYTES_MAX or found.get("size") != size:
            raise Refused("wasm.compile_memory", "the compiled code is too large", where="entrypoint", hint=_HINT)
        return
    message, hint = (shown(str(found.get(key, "")), _WORDS_MAX) for key in ("message", "hint"))
    if found.get("code") == "wasm.engine":
        raise Refused("wasm.engine", message, where="entrypoint", hint=hint)
    if found.get("code") == "wasm.compile_memory":
        raise Refused("wasm.compile_memory", message, where="entrypoint", hint=_HINT)
    raise HostFailed("host.compile", f"compiling failed: {message}", hint=hint or "run `mpp doctor`")
