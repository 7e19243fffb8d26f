"""A Python tool as a component of its own, with the interpreter in it: for machines that have no layer. Made by componentize-py, confined.

It imports the tool while it makes the component, in a sandbox of its own within ours. The same sources do not give the same bytes,
because what it packs is the memory of a running interpreter.
"""

from __future__ import annotations

import os
import re
import sys
from importlib.resources import files
from importlib.resources.abc import Traversable

from mpp.author.languages.ports import Job, Toolchain
from mpp.author.languages.python_names import LIBRARIES, SOURCES, entry_of
from mpp.author.languages.python_describe import interpreter_folders
from mpp.author.languages.python_files import Gathered
from mpp.author.limits import COMPONENT_MEMORY_BYTES_MAX, MODULE_BYTES_MAX
from mpp.author.running import SYSTEM_FOLDERS, Confinement, Done, clean_environment, run_confined
from mpp.errors import HostFailed, Refused
from mpp.files import read_bounded
from mpp.model.value import value

ENTRYPOINT = "bin/main.wasm"
_AGAIN = "install it again: mpp toolchain install componentize-py --again"
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); sys.argv[0] = 'componentize-py'; from componentize_py import script; script()"
_LAST_LINE = re.compile(r"^(?P<kind>[A-Za-z_.]+(?:Error|Exception|Interrupt|Exit|Warning))(?:: (?P<words>.*))?$", re.MULTILINE)
_PLACE = re.compile(r'File "/package/(?P<file>app/[^"\n]+)", line (?P<line>\d+)')


@value
class Made:
    module: bytes
    entrypoint: str
    version: str


def make_component(job: Job, gathered: Gathered) -> Made:
    """Lay out what the component imports, and have it made."""
    chain = job.toolchain("componentize-py")
    stage = os.path.join(job.work, "component")
    os.makedirs(os.path.join(stage, "app"))
    os.makedirs(os.path.join(stage, "wit"))
    for source, name in _parts():
        _write(os.path.join(stage, name), source.read_bytes())
    _write(os.path.join(stage, "app", "mpp_bundle.py"), _bundle(job, gathered))
    job.progress("making a component with the interpreter in it; this takes a while, a layer would take none")
    done = _run(job, chain, stage)
    module = os.path.join(stage, "out", "main.wasm")
    if done.status != 0 or not os.path.isfile(module):
        raise _failure(done)
    return Made(module=read_bounded(module, MODULE_BYTES_MAX), entrypoint=ENTRYPOINT, version=chain.version)


def _parts() -> list[tuple[Traversable, str]]:
    """Our own modules around the tool; those of the layer do the same work here."""
    author = files("mpp.author")
    layer = author.joinpath("layers", "templates", "python", "lib")
    component = author.joinpath("templates", "python-component")
    modules = [item for folder in (layer, component) for item in folder.iterdir() if item.name.endswith(".py")]
    return [(component.joinpath("tool.wit"), "wit/tool.wit"), *((item, f"app/{item.name}") for item in modules)]


def _bundle(job: Job, gathered: Gathered) -> bytes:
    """The files of the tool as a module, and what to import before the memory is packed."""
    packed = {name: data for name, data in sorted(gathered.members.items()) if name.startswith((f"{SOURCES}/", f"{LIBRARIES}/"))}
    late = sorted(name for name in gathered.imported() if name.replace(".", "").replace("_", "").isalnum())
    return f"FILES = {packed!r}\nENTRY = {entry_of(job)!r}\nLATE = {tuple(late)!r}\n".encode()


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def _run(job: Job, chain: Toolchain, stage: str) -> Done:
    os.mkdir(os.path.join(stage, "out"))
    command = [
        *(sys.executable, "-I", "-S", "-B", "-c", _START, os.path.dirname(os.path.dirname(chain.program))),
        *("-q", "-d", "wit", "-w", "tool", "componentize", "-p", "app", "mpp_component", "-o", "out/main.wasm"),
    ]
    hold = Confinement(read=(stage, chain.folder, *interpreter_folders(), *SYSTEM_FOLDERS), write=(job.work,), network=False, memory=COMPONENT_MEMORY_BYTES_MAX)
    env = clean_environment(job.work, {"PYTHONHASHSEED": "0"})
    return run_confined(command, folder=stage, env=env, hold=hold, again=_AGAIN, what="componentize-py")


def _failure(done: Done) -> Refused | HostFailed:
    """What Python said, without the inner life of the program that ran it."""
    said = re.sub(r"\n\s*(Caused by|Stack backtrace):.*", "", done.output, flags=re.DOTALL)
    last = list(_LAST_LINE.finditer(said))
    if "Traceback" not in said or not last:
        return HostFailed("host.compiler_failed", f"componentize-py broke off (status {done.status})\n{said}", hint=_AGAIN)
    places = list(_PLACE.finditer(said))
    where = f"{places[-1]['file']}:{places[-1]['line']}" if places else ""
    words = f"{last[-1]['kind']}: {last[-1]['words'] or ''}".strip(": ")
    return Refused(
        "project.import",
        f"the tool cannot be imported in the sandbox: {words}",
        where=where,
        hint="see docs/how-to/first-tool-python.md for what the sandbox has",
    )
