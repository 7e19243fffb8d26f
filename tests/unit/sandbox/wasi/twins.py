"""Two hosts for one guest that does what the test says: the engine's own WASI, and ours.

The guest has one function for each that it imports, so a test calls them with numbers and looks at the guest's memory.
"""

from __future__ import annotations

import abc
import os
import struct
from collections.abc import Callable
from pathlib import Path

import wasmtime

from mpp.model.wasmimports import PREVIEW1, PREVIEW1_MODULE
from mpp.stages.sandbox.wasi import Grant, Preview1, prepare
from tools.wasi_testsuite import attach, link

ENGINE = wasmtime.Engine()
_TYPES = {"i": "i32", "I": "i64"}
ARGS, ENV, STDIN = ("tool", "first", ""), (("A", "b"), ("LONG", "x" * 30)), b"hello stdin\n"
PATH, PATH2, VECTOR, RESULT, DATA, STRUCT, AREA = 0x100, 0x1100, 0x2100, 0x3000, 0x4000, 0x6000, 0x8000
"""Where arguments and answers lie in memory."""


def _guest() -> str:
    imports, functions = [], []
    for name, signature in PREVIEW1.items():
        parameters, _, results = signature.partition(":")
        kind = f"(param{''.join(f' {_TYPES[one]}' for one in parameters)})" + ("(result i32)" if results else "")
        loads = " ".join(f"local.get {place}" for place in range(len(parameters)))
        imports.append(f'(import "{PREVIEW1_MODULE}" "{name}" (func ${name} {kind}))')
        functions.append(f'(func (export "{name}") {kind} {loads} call ${name})')
    return f'(module {"".join(imports)} (memory (export "memory") 2) {"".join(functions)})'


MODULE = wasmtime.Module(ENGINE, _guest())


def _signed(number: int, letter: str) -> int:
    bits = 32 if letter == "i" else 64
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> (bits - 1) else number


class Twin(abc.ABC):
    """A guest by numbers: what all hosts have in common, with short forms for common calls."""

    name = ""

    @abc.abstractmethod
    def __call__(self, name: str, *numbers: int) -> int: ...

    @abc.abstractmethod
    def put(self, at: int, data: bytes) -> int: ...

    @abc.abstractmethod
    def get(self, at: int, size: int) -> bytes: ...

    def u32(self, at: int = RESULT) -> int:
        return struct.unpack("<I", self.get(at, 4))[0]

    def u64(self, at: int = RESULT) -> int:
        return struct.unpack("<Q", self.get(at, 8))[0]

    # Short forms, each with the answer first.

    def path(self, name: str, fd: int, path: bytes | str, *rest: int) -> int:
        """A function whose parameters are a folder, a path, and numbers."""
        raw = path if isinstance(path, bytes) else path.encode()
        return self(name, fd, PATH, self.put(PATH, raw), *rest)

    def open(self, path: str | bytes, *, fd: int = 3, asked: int = 0, base: int = 2, flags: int = 0, follow: int = 0) -> tuple[int, int]:
        raw = path if isinstance(path, bytes) else path.encode()
        code = self("path_open", fd, follow, PATH, self.put(PATH, raw), asked, base, 0, flags, RESULT)
        return code, self.u32() if code == 0 else -1

    def opened(self, path: str, **wish: int) -> int:
        code, fd = self.open(path, **wish)
        assert code == 0, f"{self.name}: opening {path} answers {code}"
        return fd

    def vector(self, sizes: tuple[int, ...]) -> int:
        at, table = DATA, b""
        for size in sizes:
            table += struct.pack("<II", at, size)
            at += size
        self.put(VECTOR, table)
        return len(sizes)

    def write(self, fd: int, *pieces: bytes) -> tuple[int, int]:
        self.put(DATA, b"".join(pieces))
        code = self("fd_write", fd, VECTOR, self.vector(tuple(map(len, pieces))), RESULT)
        return code, self.u32() if code == 0 else -1

    def read(self, fd: int, *sizes: int) -> tuple[int, bytes]:
        code = self("fd_read", fd, VECTOR, self.vector(sizes), RESULT)
        return code, self.get(DATA, self.u32()) if code == 0 else b""

    def seek(self, fd: int, offset: int, whence: int) -> tuple[int, int]:
        code = self("fd_seek", fd, offset, whence, RESULT)
        return code, self.u64() if code == 0 else -1

    def stat(self, path: str, *, fd: int = 3, follow: int = 0) -> tuple[int, int, int]:
        """Answer, file type, size."""
        code = self("path_filestat_get", fd, follow, PATH, self.put(PATH, path.encode()), STRUCT)
        return (code, *struct.unpack_from("<16xB15xQ", self.get(STRUCT, 64))) if code == 0 else (code, -1, -1)

    def two(self, name: str, first: str, second: str) -> int:
        """path_rename, path_link or path_symlink within the first folder."""
        one, other = self.put(PATH, first.encode()), self.put(PATH2, second.encode())
        if name == "path_symlink":
            return self(name, PATH, one, 3, PATH2, other)
        return self(name, 3, *((0,) if name == "path_link" else ()), PATH, one, 3, PATH2, other)

    def names(self, fd: int = 3) -> set[tuple[str, int]]:
        """Names and types of a folder's entries, read in small pieces."""
        found, cookie = set(), 0
        while True:
            assert self("fd_readdir", fd, AREA, 64, cookie, RESULT) == 0
            used, raw, at = self.u32(), self.get(AREA, 64), 0
            while at + 24 <= used:
                cookie_next, _, size, kind = struct.unpack_from("<QQIB", raw, at)
                if at + 24 + size > used:
                    break
                found.add((raw[at + 24 : at + 24 + size].decode(), kind))
                cookie, at = cookie_next, at + 24 + size
            if used < 64:
                return found


class Linked(Twin):
    """A guest in WebAssembly."""

    def __init__(self, define: Callable[[wasmtime.Store, wasmtime.Linker], None]) -> None:
        self.store, self.linker = wasmtime.Store(ENGINE), wasmtime.Linker(ENGINE)
        define(self.store, self.linker)
        self.instance = self.linker.instantiate(self.store, MODULE)
        self.exports = self.instance.exports(self.store)
        self.memory = self.exports["memory"]

    def __call__(self, name: str, *numbers: int) -> int:
        letters = PREVIEW1[name].partition(":")[0]
        return self.exports[name](self.store, *(_signed(number, letter) for number, letter in zip(numbers, letters, strict=True)))

    def put(self, at: int, data: bytes) -> int:
        self.memory.write(self.store, data, at)
        return len(data)

    def get(self, at: int, size: int) -> bytes:
        return bytes(self.memory.read(self.store, at, at + size))


class Direct(Twin):
    """Our functions over plain bytes, without an engine."""

    name = "direct"

    def __init__(self, calls: Preview1) -> None:
        self.calls, self.bytes = calls, bytearray(0x10000)
        calls.attach(lambda: memoryview(self.bytes))

    def __call__(self, name: str, *numbers: int) -> int:
        letters = PREVIEW1[name].partition(":")[0]
        return getattr(self.calls, name)(*(number & (2**64 - 1 if letter == "I" else 2**32 - 1) for number, letter in zip(numbers, letters, strict=True)))

    def put(self, at: int, data: bytes) -> int:
        self.bytes[at : at + len(data)] = data
        return len(data)

    def get(self, at: int, size: int) -> bytes:
        return bytes(self.bytes[at : at + size])


class Engines(Linked):
    """The oracle."""

    name = "engine"

    def __init__(self, folder: Path, *, write: bool = True) -> None:
        self.printed = bytearray()
        self._stdin = folder.with_name(folder.name + ".stdin")
        self._stdin.write_bytes(STDIN)
        self._folder, self._write = folder, write
        super().__init__(self._define)

    def _define(self, store: wasmtime.Store, linker: wasmtime.Linker) -> None:
        config = wasmtime.WasiConfig()
        config.argv, config.env, config.stdin_file = ARGS, ENV, str(self._stdin)
        config.stdout_custom = config.stderr_custom = lambda data: self.printed.extend(data) or len(data)
        config.preopen_dir(str(self._folder), "/data", fs_mutable=self._write)
        store.set_wasi(config)
        linker.define_wasi()

    def close(self) -> None:
        self.store.close()


class Ours(Linked):
    name = "ours"

    def __init__(self, folder: Path, *, write: bool = True) -> None:
        self.fd = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        self.calls = Preview1(
            prepare((Grant(guest="/data", fd=self.fd, write=write, folder=True),), host_file=False),
            args=tuple(one.encode() for one in ARGS),
            env=tuple(f"{key}={text}".encode() for key, text in ENV),
            stdin=STDIN,
        )
        super().__init__(lambda _store, linker: link(linker, self.calls))
        attach(self.store, self.instance, self.calls)

    def close(self) -> None:
        self.calls.close()
        os.close(self.fd)
