"""The recipe of the JavaScript layer: QuickJS of Debian and what stands in ``javascript/``, compiled to one WebAssembly module.

The steps: fetch the sources (apt checks their signatures), unpack, write frames into functions that recurse, compile, link, pack.
What runs is held to its folder and has no network, but for apt.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from hashlib import sha256

from mpp.author.languages.ports import Toolchain
from mpp.author.layers.built import BuiltLayer, keep_module, kept_module
from mpp.author.layers.debian import Debian, Source
from mpp.author.layers.javascript_parts import FOLDER, FRAMES, STACK_BYTES, boot_header, boot_program, changed
from mpp.author.layers.limits import LAYER_BYTES_MAX, MODULE_SOURCE_BYTES_MAX, SOURCE_BYTES_MAX
from mpp.author.layers.workshop import Workshop
from mpp.author.provenance import Recipe, write_provenance
from mpp.author.sbom import write_sbom
from mpp.author.toolchains.installing import obtain
from mpp.errors import HostFailed
from mpp.files import locked, read_bounded
from mpp.model.jsontext import Json
from mpp.model.manifest import parse_manifest
from mpp.stages.archive import MANIFEST_NAME, PROVENANCE_NAME, SBOM_NAME, hashes, pack, read_archive

RELEASE = "trixie"
SOURCE = "quickjs"
MEMORY_STACK_BYTES = 1 << 20
"""The stack of the module's memory. Reason: JavaScript stack, and as much again for what C code holds above the last check."""

# Small frames are what decides how deep JavaScript may recurse, and -Os makes them smaller; loops cost a tenth more.
_COMPILE = ("-target", "wasm32-wasi", "-Os", "-g0", "-fwrapv", "-fno-sanitize=undefined", "-D_GNU_SOURCE", "-w", "-Wno-date-time")
_LINK = (f"-Wl,-z,stack-size={MEMORY_STACK_BYTES}", "-Wl,--export=__stack_pointer", "-Wl,--strip-all")
_FILES = ("libregexp.c", "libunicode.c", "cutils.c", "dtoa.c", "engine.c", "layer.c")


def build_layer(*, cache: str, progress: Callable[[str], None]) -> BuiltLayer:
    """Fetch, compile and pack. ``cache`` is a folder of ours: sources, the compiler's cache, and finished modules."""
    os.makedirs(cache, mode=0o700, exist_ok=True)
    # Two builds in one folder would take each other's work away.
    with locked(os.path.join(cache, "javascript.lock"), "the folder of the layer", lambda: progress("waiting for another build of this layer")):
        return _built(cache, progress)


def _built(cache: str, progress: Callable[[str], None]) -> BuiltLayer:
    env = dict(os.environ)
    compiler = obtain("zig", env=env, progress=progress, install=True)
    source = Debian(RELEASE, os.path.join(cache, "debian"), env=env).fetch(SOURCE, archives_only=False, progress=progress)
    ready = os.path.join(cache, f"javascript-{_key(source, compiler)}.module")
    module = kept_module(ready)
    if module is None:
        module = _make(source, compiler, cache, progress)
        keep_module(ready, module)
    return pack_layer(module, source, compiler)


def _key(source: Source, compiler: Toolchain) -> str:
    """What the module is made of, as one name: the same name, the same bytes."""
    digest = sha256(f"{compiler.name} {compiler.version}\n".encode())
    digest.update("".join(f"{os.path.basename(path)} {source.files[path]}\n" for path in sorted(source.files)).encode())
    for name, data in own_sources().items():
        digest.update(f"{name} {sha256(data).hexdigest()}\n".encode())
    return digest.hexdigest()[:32]


def own_sources() -> dict[str, bytes]:
    """The files of this recipe, itself among them."""
    here = os.path.dirname(os.path.abspath(__file__))
    paths = [os.path.join(here, name) for name in ("javascript_recipe.py", "javascript_parts.py")]
    for folder, _, names in os.walk(FOLDER):
        paths += [os.path.join(folder, name) for name in names if name.endswith((".c", ".h", ".js"))]
    return {os.path.relpath(path, here): read_bounded(path, MODULE_SOURCE_BYTES_MAX) for path in sorted(paths)}


def _make(source: Source, compiler: Toolchain, cache: str, progress: Callable[[str], None]) -> bytes:
    """Compile in a folder of its own, which stays if something fails, with its log."""
    folder = os.path.join(os.path.abspath(cache), "javascript-work")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, mode=0o700)
    own_cache = os.path.join(os.path.abspath(cache), "compiler")
    os.makedirs(own_cache, mode=0o700, exist_ok=True)
    shop = Workshop(folder=folder, cache=own_cache, compiler=compiler, progress=progress)
    _unpack(shop, source)
    write_sources(folder)
    version = read_bounded(shop.path("js", "VERSION"), MODULE_SOURCE_BYTES_MAX).decode("ascii", "replace").strip()
    if not re.fullmatch(r"[0-9-]{1,20}", version):
        raise HostFailed("host.compiler_failed", "the file VERSION of QuickJS holds no version", where=shop.path("js", "VERSION"))
    progress("compiling the interpreter (a minute)")
    flags = (f'-DCONFIG_VERSION="{version}"', f"-DLAYER_STACK_BYTES={STACK_BYTES}", "-Iown/include", "-Iown", "-Ijs")
    objects = [_compile(shop, name, flags) for name in _FILES]
    progress("linking")
    shop.run([compiler.program, "cc", *_COMPILE, *_LINK, "-o", "layer.wasm", *objects], "linking")
    module = read_bounded(shop.path("layer.wasm"), LAYER_BYTES_MAX)
    shutil.rmtree(folder, ignore_errors=True)
    return module


def _unpack(shop: Workshop, source: Source) -> None:
    shop.progress("unpacking")
    os.makedirs(shop.path("archives"))
    for path in source.files:
        shutil.copyfile(path, shop.path("archives", os.path.basename(path)))
    program = shutil.which("dpkg-source", path="/usr/bin:/bin")
    if program is None:
        raise HostFailed("host.compiler_missing", "dpkg-source is not on this machine", where="dpkg-dev", hint="install the package dpkg-dev")
    # Apt has checked the signature of the list that names these files by hash; the signature of a maintainer's own key adds nothing.
    description = os.path.basename(source.archive(".dsc"))
    shop.run([program, "--no-check", "-x", f"archives/{description}", "js"], "unpacking QuickJS")


def write_sources(folder: str) -> None:
    """Change what is changed of QuickJS, below ``folder``/js, and put our own files into ``folder``/own."""
    for name in FRAMES:
        path = os.path.join(folder, "js", name)
        text = changed(name, read_bounded(path, SOURCE_BYTES_MAX).decode("utf-8"))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    shutil.copytree(FOLDER, os.path.join(folder, "own"), ignore=shutil.ignore_patterns("boot"))
    with open(os.path.join(folder, "own", "boot.h"), "w", encoding="ascii") as file:
        file.write(boot_header(boot_program()))


def _compile(shop: Workshop, name: str, flags: tuple[str, ...]) -> str:
    source = f"own/{name}" if os.path.exists(shop.path("own", name)) else f"js/{name}"
    shop.run([shop.compiler.program, "cc", *_COMPILE, *flags, "-c", source, "-o", f"{name}.o"], f"compiling {name}")
    return f"{name}.o"


def pack_layer(module: bytes, source: Source, compiler: Toolchain) -> BuiltLayer:
    """The module as an unsigned package, with its bill of materials and where it comes from."""
    document: Json = {
        "mpp_version": "1.0.0",
        "package_id": "dev.mpp.layers.javascript",
        "version": semantic(source.version),
        "name": "mpp-layer-javascript",
        "description": f"QuickJS {source.version.partition('-')[0]} of Debian ({source.version}) for tools in JavaScript and TypeScript",
        "license": "MIT",
        "publisher": {"name": "built on this machine"},
        "runtime": {"type": "layer", "entrypoint": "layer.wasm", "memory_limit_mb": 32, "timeout_ms": 30000},
        "capabilities": {},
        "tool_definitions": [],
    }
    files = {MANIFEST_NAME: (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode(), "layer.wasm": module}
    manifest = parse_manifest(files[MANIFEST_NAME])
    tools = {compiler.name: compiler.version, f"debian:{source.name}": source.version}
    files[SBOM_NAME] = write_sbom(manifest, files, tools)
    contents = {os.path.basename(path): read_bounded(path, SOURCE_BYTES_MAX) for path in source.files}
    made = Recipe(language="javascript-layer", reproducible=True, parameters=(*_COMPILE, *_LINK), tools=tools, sources={**contents, **own_sources()})
    files[PROVENANCE_NAME] = write_provenance(made)
    data = pack(files)
    return BuiltLayer(data=data, name=f"{manifest.name}-{manifest.version}.mpp", content_hash=hashes(read_archive(data)).content.hex())


def semantic(version: str) -> str:
    """2025.04.26-1 as a version of ours: the release without its zeros, then what Debian made of it."""
    release, _, rest = version.partition("-")
    numbers = [str(int(part)) for part in re.findall(r"[0-9]+", release)[:3]]
    made = "".join(c if c.isalnum() else "." for c in rest).strip(".")
    return ".".join((*numbers, *["0"] * (3 - len(numbers)))) + (f"+debian.{made}" if made else "")
