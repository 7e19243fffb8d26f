"""Runs programs that a recipe needs while it builds, compiled to WebAssembly, over one folder: CPython's compiler, SQLite's generators."""

from __future__ import annotations

import os

from mpp.errors import HostFailed


def run_inside(program: str, folder: str, log: str, *arguments: str, stdout: str = "") -> None:
    """``folder`` is all that it sees, as /shop; what it says on standard error comes to the end of ``log`` if it fails."""
    # Imported here: the engine is slow to import, and every command looks at the recipes' names.
    from wasmtime import Config, Engine, ExitTrap, Linker, Module, Store, Trap, WasiConfig, WasmtimeError  # noqa: PLC0415

    words = os.path.join(folder, "words.txt")
    try:
        config = Config()
        config.wasm_exceptions = True
        engine = Engine(config)
        store, linker, wasi = Store(engine), Linker(engine), WasiConfig()
        wasi.argv = ["tool", *arguments]
        wasi.stderr_file = words
        if stdout:
            wasi.stdout_file = os.path.join(folder, stdout)
        wasi.preopen_dir(folder, "/shop")
        store.set_wasi(wasi)
        linker.define_wasi()
        module = Module.from_file(engine, program)
        start = linker.instantiate(store, module).exports(store)["_start"]
        start(store)  # type: ignore[operator]
    except ExitTrap as end:
        if end.code != 0:
            raise _failed(program, f"exit code {end.code}", words, log) from None
    except (Trap, WasmtimeError) as fault:
        raise _failed(program, str(fault)[:500], words, log) from None


def _failed(program: str, why: str, words: str, log: str) -> HostFailed:
    with open(log, "ab") as file, open(words, "rb") as said:
        file.write(said.read())
    return HostFailed("host.compiler_failed", f"{os.path.basename(program)} failed: {why}", where=log, hint=f"read the log: {log}")
