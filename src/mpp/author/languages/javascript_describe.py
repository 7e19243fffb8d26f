"""Tool definitions out of a JavaScript tool: it is loaded into its layer, as at install, and says what it offers.

Attack: a project from elsewhere runs code of its own here. It runs inside of WebAssembly without any right, in a process that is confined like a compiler.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from importlib.machinery import PathFinder

from mpp.author.languages.ports import Job, LayerFile
from mpp.author.languages.python_describe import interpreter_folders
from mpp.author.limits import COMPONENT_MEMORY_BYTES_MAX, DESCRIBE_BYTES_MAX, DESCRIBE_SECONDS_MAX
from mpp.author.running import SYSTEM_FOLDERS, Confinement, clean_environment, run_confined
from mpp.author.toolchains.finding import import_path
from mpp.errors import HostFailed, Refused
from mpp.files import read_bounded
from mpp.model.jsontext import Json, read
from mpp.model.manifest import parse_manifest
from mpp.stages.archive import MANIFEST_NAME, read_archive, read_member
from mpp.stages.archive.limits import FILE_BYTES_MAX

LINE = '{"jsonrpc":"2.0","id":1,"method":"mpp/describe"}'
"""What the SDK answers with its definitions."""
_CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layer_child.py")


def describe(job: Job, layer: LayerFile, entrypoint: str, members: Mapping[str, bytes]) -> tuple[Json, ...] | None:
    """What the tool says it offers; None where it was written without the SDK's definitions."""
    job.progress("loading the tool and reading what it offers")
    module = os.path.join(job.work, "layer.wasm")
    bundle = os.path.join(job.work, "bundle")
    for path, data in ((module, module_of(layer)), (bundle, bundle_of(entrypoint, members))):
        with open(path, "wb") as file:
            file.write(data)
    engine = engine_folder()
    os.makedirs(job.cache, mode=0o700, exist_ok=True)
    hold = Confinement(
        read=(module, bundle, _CHILD, engine, *interpreter_folders(), *SYSTEM_FOLDERS),
        write=(job.cache,),
        cpu=DESCRIBE_SECONDS_MAX,
        seconds=DESCRIBE_SECONDS_MAX,
        memory=COMPONENT_MEMORY_BYTES_MAX,
    )
    command = [sys.executable, "-I", "-S", "-B", _CHILD, engine, module, bundle, LINE, job.cache]
    done = run_confined(
        command, folder=job.work, env=clean_environment(job.work), hold=hold, again="install Python again", stdout_max=DESCRIBE_BYTES_MAX, what="the tool"
    )
    if done.status != 0:
        words = done.output.strip() or f"it ended with {done.status}"
        raise Refused("project.describe", f"the tool does not load\n{words}", where=entrypoint, hint="mend it at that place and build again")
    return _definitions(done.stdout, entrypoint)


def _definitions(answer: bytes, entrypoint: str) -> tuple[Json, ...] | None:
    try:
        found = read(answer, family="project", where="definitions")
    except Refused:
        found = None
    result = found.get("result") if isinstance(found, dict) else None
    tools = result.get("tools") if isinstance(result, dict) else None
    if not isinstance(tools, list) or not tools:
        return None
    if isinstance(result, dict) and result.get("handler") is True:
        words = "has tool() and toolHandler(): which of them answers is not clear"
        raise Refused("project.describe", words, where=entrypoint, hint="take one of the two; with toolHandler() the definitions stand in manifest.json")
    return tuple(tools)


def engine_folder() -> str:
    """The folder that holds the package of the engine."""
    spec = PathFinder.find_spec("wasmtime", import_path())
    if spec is None or spec.origin is None:
        raise HostFailed("host.compiler_failed", "the engine is not installed", where="wasmtime", hint="install model-package-protocol again")
    return os.path.dirname(os.path.dirname(os.path.realpath(spec.origin)))


def module_of(layer: LayerFile) -> bytes:
    """The interpreter inside of a layer's package, which the store has judged."""
    archive = read_archive(read_bounded(layer.path, FILE_BYTES_MAX))
    members = {member.name: member for member in archive.members}
    manifest = parse_manifest(read_member(archive, members[MANIFEST_NAME]))
    return read_member(archive, members[manifest.runtime.entrypoint])


def bundle_of(entrypoint: str, members: Mapping[str, bytes]) -> bytes:
    """The files of a tool as a layer reads them (spec/5-sandbox.md)."""
    names = sorted(members)
    index = json.dumps({"entrypoint": entrypoint, "files": [[name, len(members[name])] for name in names]}).encode("utf-8")
    return b"MPPB1 00000000 1 %d\n" % len(index) + index + b"".join(members[name] for name in names)
