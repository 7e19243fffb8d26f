"""WebAssembly text, read by the engine's own assembler, in a process of its own that sees nothing else."""

from __future__ import annotations

import os
import platform
import re
import sys
from importlib.machinery import PathFinder

from mpp.author.languages.outcome import module_of, sources_of
from mpp.author.languages.ports import Job, Key, Output
from mpp.author.project import PATTERN
from mpp.author.running import clean_environment, Confinement, run_confined, SYSTEM_FOLDERS
from mpp.author.toolchains.finding import import_path, installed_version
from mpp.errors import HostFailed, Refused

_ERROR = re.compile(r"^(?P<where>[^\s:]+:\d+:\d+): error: ", re.MULTILINE)
_LIBRARIES = ("_libwasmtime.so", "_libwasmtime.dylib", "_wasmtime.dll")
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_AGAIN = "install it again: pip install --force-reinstall wasmtime"


class Wat:
    name = "wat"
    title = "WebAssembly text"
    tools_needed = ()
    cache_name = "wat"
    finds_definitions = False
    keys = (
        Key(
            name="sources",
            pattern=PATTERN,
            form="the one file of the module, such as 'src/main.wat'",
            many=True,
            required=True,
            hint='add, for example: sources = ["src/main.wat"]',
        ),
    )

    def build(self, job: Job) -> Output:
        sources = sources_of(job, ".wat")
        if len(sources) != 1:
            raise Refused("project.sources", f"{len(sources)} files match, a module is one", where="mpp.toml/build/sources", hint="name one file")
        (name,) = sources
        library, module = find_library(), os.path.join(job.work, "main.wasm")
        source = os.path.join(job.work, "main.wat")
        with open(source, "wb") as file:
            file.write(sources[name])
        child = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wat_child.py")
        hold = Confinement(read=(os.path.dirname(library), child, sys.base_prefix, sys.prefix, *SYSTEM_FOLDERS), write=(job.work,))
        command = [sys.executable, "-I", "-S", "-B", child, library, source, module, name]
        done = run_confined(command, folder=job.work, env=clean_environment(job.work), hold=hold, again=_AGAIN, what="the assembler")
        data = module_of(done, module, _ERROR, _AGAIN, job.progress)
        return Output(members={job.manifest.runtime.entrypoint: data}, inputs=dict(sources), tools={"wasmtime": installed_version("wasmtime")}, parameters=())


def find_library() -> str:
    """The library of the engine, whose Python is not run: its assembler is in there."""
    spec = PathFinder.find_spec("wasmtime", import_path())
    machine = _MACHINES.get(platform.machine().lower(), platform.machine().lower())
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for name in _LIBRARIES:
            path = os.path.join(os.path.abspath(folder), f"{sys.platform}-{machine}", name)
            if os.path.isfile(path):
                return path
    raise HostFailed("host.engine", "the WebAssembly engine, which reads the text, is not installed for this system", hint=_AGAIN)


LANGUAGE = Wat()
