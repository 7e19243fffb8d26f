"""Run a folder of WASI preview 1 test programs against our functions: ``python -m tools.wasi_testsuite DIR``.

DIR holds ``*.wasm``, each with a ``.json`` of the same name where it needs arguments, environment, a root folder or another end than 0.
The functions are linked through the engine's own Python package, which is slow and plain; the product links them otherwise.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import wasmtime

from mpp.model.wasmimports import PREVIEW1, PREVIEW1_MODULE
from mpp.stages.sandbox.wasi import DeadlineOver, Grant, OutputOver, Preview1, ProcExit, prepare

SECONDS = 20.0
_KINDS = {"i": wasmtime.ValType.i32, "I": wasmtime.ValType.i64}
_MASKS = {"i": 0xFFFFFFFF, "I": 0xFFFFFFFFFFFFFFFF}
_KNOWN = {"args", "env", "root", "dirs", "exit_code", "stdout", "stderr"}


class Outcome(NamedTuple):
    code: int
    stdout: str
    stderr: str


def _signature(text: str) -> wasmtime.FuncType:
    parameters, _, results = text.partition(":")
    return wasmtime.FuncType([_KINDS[one]() for one in parameters], [_KINDS[one]() for one in results])


def _unsigned(method: Callable[..., int], signature: str) -> Callable[..., int | None]:
    masks = [_MASKS[letter] for letter in signature.partition(":")[0]]

    def answer(*numbers: int) -> int | None:
        found = method(*(number & mask for number, mask in zip(numbers, masks, strict=True)))
        return found if signature.endswith(":i") else None

    return answer


def link(linker: wasmtime.Linker, calls: Preview1) -> None:
    """Define the functions that ``calls`` answers."""
    for name, signature in PREVIEW1.items():
        linker.define_func(PREVIEW1_MODULE, name, _signature(signature), _unsigned(getattr(calls, name), signature))


def attach(store: wasmtime.Store, instance: wasmtime.Instance, calls: Preview1) -> None:
    """Show the instance's memory to ``calls``."""
    memory = instance.exports(store)["memory"]
    if not isinstance(memory, wasmtime.Memory):
        raise TypeError("the module exports no memory")
    calls.attach(lambda: memoryview(memory.get_buffer_ptr(store)).cast("B"))


def run(engine: wasmtime.Engine, module: wasmtime.Module, calls: Preview1) -> int:
    """Run ``_start`` and give the exit code."""
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    link(linker, calls)
    instance = linker.instantiate(store, module)
    attach(store, instance, calls)
    start = instance.exports(store)["_start"]
    if not isinstance(start, wasmtime.Func):
        raise TypeError("the module exports no _start")
    try:
        start(store)
    except ProcExit as done:
        return done.code
    return 0


def _one(engine: wasmtime.Engine, path: Path, wanted: Mapping[str, object]) -> str:
    """Run one program in a copy of its root; an empty word when it ended as it must."""
    unknown = set(wanted) - _KNOWN
    if unknown:
        return f"needs {', '.join(sorted(unknown))}"
    args, env, root = wanted.get("args", []), wanted.get("env", {}), wanted.get("root")
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "root"
        if isinstance(root, str):
            shutil.copytree(path.parent / root, copy)
        fd = os.open(copy, os.O_PATH | os.O_DIRECTORY) if isinstance(root, str) else -1
        grants = (Grant(guest="/", fd=fd, write=True, folder=True),) if fd >= 0 else ()
        calls = Preview1(
            prepare(grants, host_file=False),
            args=(path.name.encode(), *(str(one).encode() for one in (args if isinstance(args, list) else []))),
            env=tuple(f"{key}={text}".encode() for key, text in (env if isinstance(env, dict) else {}).items()),
            deadline=time.monotonic() + SECONDS,
        )
        try:
            return _verdict(Outcome(run(engine, wasmtime.Module.from_file(engine, str(path)), calls), calls.stdout.decode(), calls.stderr.decode()), wanted)
        except (wasmtime.Trap, wasmtime.WasmtimeError, OutputOver, DeadlineOver) as fault:
            words = calls.stderr.decode(errors="replace").strip() or str(fault)
            return " ".join(words.split())[:300]
        finally:
            calls.close()
            if fd >= 0:
                os.close(fd)


def _verdict(found: Outcome, wanted: Mapping[str, object]) -> str:
    if found.code != wanted.get("exit_code", 0):
        return f"ended with {found.code}: {' '.join(found.stderr.split())[:300]}"
    for name, text in (("stdout", found.stdout), ("stderr", found.stderr)):
        if name in wanted and wanted[name] != text:
            return f"{name} is {text[:100]!r}"
    return ""


def results(folder: Path) -> Iterator[tuple[str, str]]:
    """Each program with an empty word, or with the reason why it failed."""
    engine = wasmtime.Engine()
    for path in sorted(folder.rglob("*.wasm")):
        described = path.with_suffix(".json")
        wanted: Mapping[str, object] = json.loads(described.read_text()) if described.exists() else {}
        yield str(path.relative_to(folder)), _one(engine, path, wanted)


def main(argv: list[str]) -> int:
    if len(argv) != 1 or not Path(argv[0]).is_dir():
        print("usage: python -m tools.wasi_testsuite DIR", file=sys.stderr)
        return 2
    found = list(results(Path(argv[0])))
    for name, why in found:
        if why:
            print(f"{name}: {why}")
    failed = sum(bool(why) for _, why in found)
    print(f"{len(found) - failed} of {len(found)}")
    return 1 if failed or not found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
