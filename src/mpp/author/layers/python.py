"""The recipe of the Python layer: CPython of Debian, compiled to one WebAssembly module that holds the standard library.

The steps: fetch sources (apt checks their signatures), unpack, configure, compile, turn the standard library into bytecode (done by the interpreter itself,
inside of WebAssembly, so that no Python of that version is needed here), link, pack. What runs is held to its folder and has no network, but for apt.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from hashlib import sha256

from mpp.author.languages.ports import Toolchain
from mpp.author.layers.built import BuiltLayer, keep_module, kept_module
from mpp.author.layers.debian import Debian, Source
from mpp.author.layers.freezing import run_inside
from mpp.author.layers.limits import FROZEN_BYTES_MAX, LAYER_BYTES_MAX
from mpp.author.layers.python_parts import PARTS, Part, edit_sources
from mpp.author.layers.stdlib import find_modules, read_sizes, write_sources, write_tables
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
SOURCE = "python3.13"
STACK_BYTES = 1 << 20
"""The stack that C code has within the memory of the module. The engine's own stack, which no module sets, ends before it."""

_TEMPLATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "templates", "python")
_TARGET = ("-target", "wasm32-wasi")
_COMPILE = ("-O2", "-g0", "-fno-sanitize=undefined", "-Wno-date-time")
_OPTIONS = ("--disable-test-modules", "--without-ensurepip")
_INCLUDE = ("-Ipy/Include", "-Ipy/Include/internal", "-Ipy/Include/internal/mimalloc", "-Ibuild", "-DPy_BUILD_CORE")
_EMULATED = ("-lwasi-emulated-signal", "-lwasi-emulated-getpid", "-lwasi-emulated-process-clocks", "-lm")
_LIBRARIES = ("Modules/_decimal/libmpdec/libmpdec.a", "Modules/expat/libexpat.a", "Modules/_hacl/libHacl_Hash_SHA2.a")
_ARCHIVE = "libcore.a"
_OF_THE_CORE = ("python_parts.py", "sqlite_sources.py")

# Configure wants a Python of its own version for steps that this recipe does not use, and asks only which version it is.
_PRETENDER = "#!/bin/sh\necho 3.13\n"
# A Makefile that adds one question to CPython's own: which object files are the interpreter, without its frozen modules.
_QUESTION = "include Makefile\nmpp-core: $(LIBRARY_OBJS_OMIT_FROZEN)\n\t$(AR) rcs {archive} $^\n"


def build_layer(*, cache: str, progress: Callable[[str], None]) -> BuiltLayer:
    """Fetch, compile and pack. ``cache`` is a folder of ours: sources, the compiler's cache, and finished modules."""
    os.makedirs(cache, mode=0o700, exist_ok=True)
    # Two builds in one folder would take each other's work away.
    with locked(os.path.join(cache, "python.lock"), "the folder of the layer", lambda: progress("waiting for another build of this layer")):
        return _built(cache, progress)


def _built(cache: str, progress: Callable[[str], None]) -> BuiltLayer:
    env = dict(os.environ)
    compiler = obtain("zig", env=env, progress=progress, install=True)
    debian = Debian(RELEASE, os.path.join(cache, "debian"), env=env)
    sources = {SOURCE: debian.fetch(SOURCE, archives_only=False, progress=progress)}
    for part in PARTS:
        sources[part.source] = debian.fetch(part.source, archives_only=True, progress=progress)
    key = _key(sources, compiler, _own_sources())
    ready = os.path.join(cache, f"python-{key}.module")
    module = kept_module(ready)
    if module is None:
        module = _make(sources, compiler, cache, progress)
        keep_module(ready, module)
    return _pack(module, sources, compiler)


def _key(sources: Mapping[str, Source], compiler: Toolchain, own: Mapping[str, bytes]) -> str:
    """What something is made of, as one name: the same name, the same bytes."""
    digest = sha256(f"{compiler.name} {compiler.version}\n{_TARGET} {_COMPILE} {_OPTIONS} {_QUESTION} {STACK_BYTES}\n".encode())
    for source in sources.values():
        digest.update("".join(f"{os.path.basename(path)} {source.files[path]}\n" for path in sorted(source.files)).encode())
    for name in sorted(own):
        digest.update(f"{name} {sha256(own[name]).hexdigest()}\n".encode())
    return digest.hexdigest()[:32]


def _own_sources() -> dict[str, bytes]:
    """The files of this recipe, itself among them."""
    here = os.path.dirname(os.path.abspath(__file__))
    paths = [os.path.join(here, name) for name in ("python.py", *_OF_THE_CORE, "stdlib.py", "freezing.py")]
    for folder, _, names in os.walk(_TEMPLATES):
        paths += [os.path.join(folder, name) for name in names if name.endswith((".c", ".py", ".site"))]
    return {os.path.relpath(path, here): read_bounded(path, FROZEN_BYTES_MAX) for path in paths}


def _make(sources: Mapping[str, Source], compiler: Toolchain, cache: str, progress: Callable[[str], None]) -> bytes:
    """Compile in a folder of its own, which stays: what did not change is not compiled again, and after a failure the log is there."""
    folder, own_cache = (os.path.join(os.path.abspath(cache), name) for name in ("python-work", "compiler"))
    os.makedirs(own_cache, mode=0o700, exist_ok=True)
    shop = Workshop(folder=folder, cache=own_cache, compiler=compiler, progress=progress)
    core = {name: data for name, data in _own_sources().items() if os.path.basename(name) in (*_OF_THE_CORE, "config.site", "sqlite_vfs.c")}
    _make_core(shop, sources, _key(sources, compiler, core))
    for name in ("layer.c", "freeze.c"):
        shutil.copyfile(os.path.join(_TEMPLATES, name), shop.path(name))
    progress("turning the standard library into bytecode")
    objects = [*(path for part in PARTS for path in _objects(part)), *_freeze(shop)]
    progress("linking")
    _link(shop, "layer.wasm", [_compile(shop, "layer.c", "layer.o"), *objects])
    return read_bounded(shop.path("layer.wasm"), LAYER_BYTES_MAX)


def _make_core(shop: Workshop, sources: Mapping[str, Source], key: str) -> None:
    """The interpreter and its libraries as object files, if they are not there already."""
    mark = shop.path("core.txt")
    if os.path.exists(mark) and read_bounded(mark, FROZEN_BYTES_MAX).decode("ascii", "replace") == key:
        return
    shutil.rmtree(shop.folder, ignore_errors=True)
    os.makedirs(shop.folder, mode=0o700)
    _unpack(shop, sources)
    _configure(shop)
    shop.progress("compiling the interpreter (some minutes)")
    _compile_core(shop)
    for part in PARTS:
        _compile_part(shop, part)
    shutil.rmtree(shop.path("archives"))
    shop.write("core.txt", key)


def _unpack(shop: Workshop, sources: Mapping[str, Source]) -> None:
    shop.progress("unpacking")
    for source in sources.values():
        for path in source.files:
            os.makedirs(shop.path("archives", source.name), exist_ok=True)
            shutil.copyfile(path, shop.path("archives", source.name, os.path.basename(path)))
    description = os.path.basename(sources[SOURCE].archive(".dsc"))
    program = shutil.which("dpkg-source", path="/usr/bin:/bin")
    if program is None:
        raise HostFailed("host.compiler_missing", "dpkg-source is not on this machine", where="dpkg-dev", hint="install the package dpkg-dev")
    # Apt has checked the signature of the list that names these files by hash; the signature of a maintainer's own key adds nothing.
    shop.run([program, "--no-check", "-x", f"archives/{SOURCE}/{description}", "py"], "unpacking CPython")
    for part in PARTS:
        os.makedirs(shop.path(part.source), exist_ok=True)
        archive = os.path.basename(sources[part.source].archive(part.archive))
        shop.run(["tar", "--no-same-owner", "--strip-components=1", "-C", part.source, "-xf", f"archives/{part.source}/{archive}"], f"unpacking {part.source}")
    shutil.copyfile(os.path.join(_TEMPLATES, "sqlite_vfs.c"), shop.path("sqlite_vfs.c"))
    edit_sources(shop)


def _configure(shop: Workshop) -> None:
    shop.progress("configuring")
    zig = shop.compiler.program
    tools = {name: shop.write(f"bin/{name}", f'#!/bin/sh\nexec "{zig}" {name} "$@"\n', program=True) for name in ("ar", "ranlib")}
    flags = " ".join((*_TARGET, "-fno-sanitize=undefined"))
    compiler = shop.write("bin/cc", f'#!/bin/sh\nexec "{zig}" cc {flags} "$@"\n', program=True)
    pretender = shop.write("bin/python", _PRETENDER, program=True)
    own = read_bounded(os.path.join(_TEMPLATES, "config.site"), FROZEN_BYTES_MAX).decode("utf-8")
    site = shop.write("config.site", f". {shop.path('py', 'Tools', 'wasm', 'config.site-wasm32-wasi')}\n{own}")
    os.makedirs(shop.path("build"))
    shop.run(
        [
            "../py/configure", "--host=wasm32-wasi", "--build=x86_64-linux-gnu", f"--with-build-python={pretender}", *_OPTIONS,
            f"CC={compiler}", "CXX=false", f"CPP={compiler} -E", f"AR={tools['ar']}", f"RANLIB={tools['ranlib']}", "PKG_CONFIG=false", f"CFLAGS={' '.join(_COMPILE)}",
        ],
        "configuring CPython", folder="build", env={"CONFIG_SITE": site},
    )  # fmt: skip


def _compile_core(shop: Workshop) -> None:
    shop.write("build/Modules/Setup.local", "*disabled*\n_socket\nselect\n_posixshmem\n_multiprocessing\n")
    shop.write("build/mpp.mk", _QUESTION.format(archive=_ARCHIVE))
    jobs = f"-j{os.cpu_count() or 1}"
    shop.run(["make", jobs, "-f", "mpp.mk", "mpp-core", *_LIBRARIES, f"PYTHON_FOR_REGEN={shop.path('bin', 'python')}"], "compiling CPython", folder="build")


def _compile(shop: Workshop, source: str, target: str, *flags: str) -> str:
    shop.run([shop.path("bin", "cc"), *_COMPILE, *_INCLUDE, *flags, "-c", source, "-o", target], f"compiling {os.path.basename(source)}")
    return target


def _objects(part: Part) -> list[str]:
    return [f"objects/{part.source}/{number}.o" for number in range(len(part.files))]


def _compile_part(shop: Workshop, part: Part) -> None:
    shop.progress(f"compiling {part.source}")
    if part.prepare is not None:
        part.prepare(shop)
    os.makedirs(shop.path("objects", part.source))
    for file, target in zip(part.files, _objects(part), strict=True):
        _compile(shop, file, target, *part.flags)


def _link(shop: Workshop, target: str, objects: list[str]) -> None:
    options = (f"-Wl,-z,stack-size={STACK_BYTES}", "-Wl,--export=__stack_pointer", "-Wl,--strip-all")
    libraries = [f"build/{name}" for name in (_ARCHIVE, *_LIBRARIES)]
    shop.run([shop.path("bin", "cc"), *_COMPILE, *options, "-o", target, *objects, *libraries, *_EMULATED], f"linking {target}")


def _freeze(shop: Workshop) -> list[str]:
    modules = find_modules(shop.path("py", "Lib"), os.path.join(_TEMPLATES, "lib"))
    folder = shop.path("frozen")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    shop.write("frozen/list", write_sources(modules, folder))
    _link(shop, "freeze.wasm", [_compile(shop, "freeze.c", "freeze.o")])
    run_inside(shop.path("freeze.wasm"), folder, shop.log)
    sizes = read_sizes(read_bounded(os.path.join(folder, "frozen.txt"), FROZEN_BYTES_MAX).decode("ascii"))
    shop.write("stdlib.c", write_tables(modules, sizes, "frozen/frozen.bin"))
    return [_compile(shop, "stdlib.c", "stdlib.o", "-Wno-c23-extensions")]


def _pack(module: bytes, sources: Mapping[str, Source], compiler: Toolchain) -> BuiltLayer:
    version = sources[SOURCE].version
    document: Json = {
        "mpp_version": "1.0.0",
        "package_id": "dev.mpp.layers.python",
        "version": _semantic(version),
        "name": "mpp-layer-python",
        "description": f"CPython {version.partition('-')[0]} of Debian ({version}) for tools in Python",
        "license": "Python-2.0",
        "publisher": {"name": "built on this machine"},
        "runtime": {"type": "layer", "entrypoint": "layer.wasm", "memory_limit_mb": 64, "timeout_ms": 30000},
        "capabilities": {},
        "tool_definitions": [],
    }
    files = {MANIFEST_NAME: (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode(), "layer.wasm": module}
    manifest = parse_manifest(files[MANIFEST_NAME])
    tools = {compiler.name: compiler.version, **{f"debian:{name}": source.version for name, source in sources.items()}}
    files[SBOM_NAME] = write_sbom(manifest, files, tools)
    contents = {os.path.basename(path): read_bounded(path, FROZEN_BYTES_MAX) for source in sources.values() for path in source.files}
    files[PROVENANCE_NAME] = write_provenance(
        Recipe(language="python-layer", reproducible=True, parameters=(*_COMPILE, f"stack={STACK_BYTES}"), tools=tools, sources={**contents, **_own_sources()})
    )
    data = pack(files)
    return BuiltLayer(data=data, name=f"{manifest.name}-{manifest.version}.mpp", content_hash=hashes(read_archive(data)).content.hex())


def _semantic(version: str) -> str:
    """3.13.5-2+deb13u5 as a version of ours: the release, then what Debian made of it."""
    release, _, rest = version.partition("-")
    return f"{release}+debian.{''.join(c if c.isalnum() else '.' for c in rest).strip('.')}"
