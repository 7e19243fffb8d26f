"""Assembles one WebAssembly text: ``python -I -S -B wat_child.py LIBRARY SOURCE MODULE NAME``. A process of its own: it reads what a stranger wrote.

It imports nothing of this package. A fault is told as ``NAME:line:column: error: words``.
"""

from __future__ import annotations

import ctypes
import re
import sys


class Bytes(ctypes.Structure):
    """``wasm_byte_vec_t``."""

    _fields_ = (("size", ctypes.c_size_t), ("data", ctypes.c_void_p))

    def text(self) -> bytes:
        return ctypes.string_at(self.data, self.size) if self.size else b""


def main(library: str, source: str, module: str, name: str) -> None:
    """Write the module, or say what is wrong and end with 1."""
    engine = ctypes.CDLL(library)
    engine.wasmtime_wat2wasm.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(Bytes))
    engine.wasmtime_wat2wasm.restype = ctypes.c_void_p
    engine.wasmtime_error_message.argtypes = (ctypes.c_void_p, ctypes.POINTER(Bytes))
    with open(source, "rb") as file:
        text = file.read()
    made = Bytes()
    fault = engine.wasmtime_wat2wasm(text, len(text), ctypes.byref(made))
    if fault:
        words = Bytes()
        engine.wasmtime_error_message(fault, ctypes.byref(words))
        sys.exit(told(words.text().decode("utf-8", "replace"), name))
    with open(module, "wb") as file:
        file.write(made.text())


def told(words: str, name: str) -> str:
    """The engine's words with the place first, as compilers say it."""
    place = re.search(r"--> [^\n]*?:(\d+):(\d+)", words)
    line, column = place.groups() if place is not None else ("1", "1")
    return f"{name}:{line}:{column}: error: {words.replace('<anon>', name)}"


if __name__ == "__main__":
    main(*sys.argv[1:])
