"""Loads a tool into its layer and asks it one line, in a process of its own: what a build needs to know of a tool, it says itself.

Run by path, as ``python -I -S -B layer_child.py ENGINE MODULE BUNDLE LINE CACHE``. The tool sees an empty system: no folder, no variable, no host, a clock that
stands, numbers that are not random. It imports nothing of this package.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from typing import Protocol

_BADF, _NOSYS, _NOTCAPABLE = 8, 52, 76
_NO_HOST = -(2**30) - 4
_NOW_NS = 315_532_800 * 10**9


class _Memory(Protocol):
    def read(self, at: int, size: int) -> bytes: ...
    def write(self, at: int, data: bytes) -> None: ...


class _Ended(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class _System:
    """The few functions of WASI that have an answer here."""

    def __init__(self, memory: Callable[[], _Memory]) -> None:
        self._memory = memory
        self.input = b""
        self.output = bytearray()
        self._drawn = 0

    def _number(self, at: int, value: int, size: int = 4) -> int:
        self._memory().write(at, value.to_bytes(size, "little"))
        return 0

    def _pieces(self, at: int, count: int) -> list[tuple[int, int]]:
        raw = self._memory().read(at, 8 * count)
        return [(int.from_bytes(raw[i : i + 4], "little"), int.from_bytes(raw[i + 4 : i + 8], "little")) for i in range(0, len(raw), 8)]

    def fd_read(self, fd: int, at: int, count: int, done: int) -> int:
        if fd != 0:
            return _BADF
        taken = 0
        for where, size in self._pieces(at, count):
            part, self.input = self.input[:size], self.input[size:]
            self._memory().write(where, part)
            taken += len(part)
        return self._number(done, taken)

    def fd_write(self, fd: int, at: int, count: int, done: int) -> int:
        if fd not in {1, 2}:
            return _BADF
        taken = 0
        for where, size in self._pieces(at, count):
            data = self._memory().read(where, size)
            if fd == 1:
                self.output += data
            else:
                sys.stderr.buffer.write(data)
            taken += size
        return self._number(done, taken)

    def random_get(self, at: int, size: int) -> int:
        data = bytearray()
        while len(data) < size:
            data += hashlib.sha256(b"layer %d" % self._drawn).digest()
            self._drawn += 1
        self._memory().write(at, bytes(data[:size]))
        return 0

    def clock_time_get(self, _: int, __: int, at: int) -> int:
        return self._number(at, _NOW_NS, 8)

    def environ_sizes_get(self, count: int, size: int) -> int:
        return self._number(count, 0) or self._number(size, 0)

    def environ_get(self, _: int, __: int) -> int:
        return 0

    def fd_prestat_get(self, _: int, __: int) -> int:
        return _BADF

    def path_open(self, *_: int) -> int:
        return _NOTCAPABLE

    def proc_exit(self, code: int) -> int:
        raise _Ended(code)

    def call(self, *_: int) -> int:
        return _NO_HOST


def _module(engine: object, path: str, cache: str) -> object:
    """The compiled layer, kept beside other things that this build keeps: compiling takes seconds."""
    import wasmtime  # noqa: PLC0415 - found through an argument
    from importlib.metadata import version  # noqa: PLC0415 - as the line above

    with open(path, "rb") as file:
        data = file.read()
    kept = os.path.join(cache, f"{hashlib.sha256(data).hexdigest()}-{version('wasmtime')}.native")
    if os.path.isfile(kept):
        try:
            return wasmtime.Module.deserialize_file(engine, kept)  # type: ignore[arg-type]
        except wasmtime.WasmtimeError:
            os.unlink(kept)
    module = wasmtime.Module(engine, data)  # type: ignore[arg-type]
    with open(f"{kept}.{os.getpid()}", "wb") as out:
        out.write(module.serialize())
    os.replace(f"{kept}.{os.getpid()}", kept)
    return module


def main(module_path: str, bundle: str, line: str, cache: str) -> int:
    """The exit code: 0 when the tool answered, its answer on standard output."""
    from wasmtime import Config, Engine, Func, FuncType, Instance, Store, Trap, WasmtimeError  # noqa: PLC0415 - found through an argument

    config = Config()
    engine = Engine(config)
    store = Store(engine)
    module = _module(engine, module_path, cache)
    held: list[Instance] = []

    class Memory:
        def read(self, at: int, size: int) -> bytes:
            return bytes(held[0].exports(store)["memory"].read(store, at, at + size))  # type: ignore[union-attr]

        def write(self, at: int, data: bytes) -> None:
            held[0].exports(store)["memory"].write(store, data, at)  # type: ignore[union-attr]

    system = _System(Memory)
    functions = []
    for one in module.imports:  # type: ignore[attr-defined]
        kind = one.type
        if not isinstance(kind, FuncType):
            sys.stderr.write(f"the layer imports {one.module}.{one.name}, which is no function\n")
            return 1
        answer: Callable[..., int] = getattr(system, str(one.name), lambda *_: _NOSYS)
        functions.append(Func(store, kind, answer if kind.results else _none(answer)))
    held.append(Instance(store, module, functions))  # type: ignore[arg-type]
    exports = held[0].exports(store)
    try:
        with open(bundle, "rb") as file:
            system.input = file.read()
        exports["mpp_initialize"](store)  # type: ignore[operator]
        system.input = line.encode("utf-8") + b"\n"
        exports["_start"](store)  # type: ignore[operator]
    except _Ended as end:
        if end.code != 0:
            return 1
    except (Trap, WasmtimeError) as fault:
        # The cause stands last, below the frames.
        sys.stderr.write(f"{str(fault).strip().splitlines()[-1].strip()[:300]}\n")
        return 1
    sys.stdout.buffer.write(system.output)
    return 0


def _none(answer: Callable[..., int]) -> Callable[..., None]:
    def run(*given: int) -> None:
        answer(*given)

    return run


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    sys.exit(main(*sys.argv[2:6]))
