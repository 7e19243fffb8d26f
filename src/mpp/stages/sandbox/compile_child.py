"""The compile jail: a process of its own that turns one WebAssembly file into native code and ends.

Run by path, as ``python -I -S -B compile_child.py SOURCE LIBRARY INPUT OUTPUT STATUS MEMORY SECONDS``: descriptors of the WebAssembly, of a memory file
for the native code, and of a pipe for one line of JSON. It holds no key, no name and no network, and can open nothing.
"""

import json
import mmap
import os
import sys

OUT_OF_MEMORY = 77
"""The exit code of a compiler that found no memory; the host knows the number."""


def main(arguments: list[str]) -> None:
    """Compile, write, report. Whatever goes wrong becomes the one line on the pipe, or silence when the kernel ends us."""
    source, library = arguments[:2]
    read_fd, write_fd, status_fd, memory, seconds = (int(text) for text in arguments[2:7])
    sys.path.insert(0, source)
    from mpp.errors import MppError  # noqa: PLC0415 - the path is known only now
    from mpp.jail import compile_plan, enter  # noqa: PLC0415
    from mpp.stages.sandbox.capi import Api  # noqa: PLC0415
    from mpp.stages.sandbox.engine import Engine  # noqa: PLC0415

    engine = Engine(Api(library, holding=True), pooled=True)
    size = os.fstat(read_fd).st_size
    data = mmap.mmap(read_fd, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
    try:
        enter(compile_plan(data_bytes=memory, cpu_seconds=seconds), keep=(read_fd, write_fd, status_fd), parent=os.getppid())
        native = engine.compile(memoryview(data))
        done = 0
        while done < len(native):
            done += os.write(write_fd, native[done:])
        report: dict[str, object] = {"ok": True, "size": len(native)}
    except MppError as fault:
        report = {"ok": False, "kind": type(fault).__name__, "code": fault.code, "message": fault.message, "hint": fault.hint}
    except MemoryError:
        report = {"ok": False, "code": "wasm.compile_memory", "message": "the code needs too much memory to compile", "hint": ""}
    except OSError as fault:
        report = {
            "ok": False,
            "kind": "HostFailed",
            "code": "host.barrier",
            "message": f"compiling cannot be held: {fault.strerror}",
            "hint": "run `mpp doctor`",
        }
    os.write(status_fd, json.dumps(report).encode())
    os._exit(0)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except MemoryError:
        # Where not even the report finds room, the number says why.
        os._exit(OUT_OF_MEMORY)
