"""The compile step of ``mpp build``: the sources of a project become one WebAssembly module, reproducibly.

The same sources and the same compiler give the same bytes, whatever the folder, user, umask, time, time zone, locale or
hash seed: the compiler gets relative paths, a clean environment and an empty folder for its intermediate files, it refuses
``__DATE__`` and ``__TIME__``, and it writes no debug information, which would hold paths.

A project from elsewhere must not pack private files of the person who builds it. Two barriers hold, the first where Linux offers
Landlock: the compiler's process can read the project, itself and its caches, and nothing else. The second holds everywhere: the
compiler compiles no inline assembly, which reads files unlisted, and its own list of inputs is judged before the module is used.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from mpp.author.limits import COMPILE_SECONDS_MAX, INPUTS_BYTES_MAX, MODULE_BYTES_MAX, STACK_BYTES
from mpp.author.project import Project, matching_files
from mpp.author.toolchains.catalogue import ZIG
from mpp.author.toolchains.finding import find_toolchain
from mpp.author.toolchains.places import language_cache, usable
from mpp.author.running import Confinement, Done, clean_environment, run_confined
from mpp.errors import HostFailed, Refused
from mpp.files import read_bounded
from mpp.model.jsontext import shown

Progress = Callable[[str], None]


class CompilerNote(NamedTuple):
    """What we know of a compiler's reproducibility. ``reproducible`` is None where nobody here has tested it."""

    name: str
    reproducible: bool | None
    why: str


COMPILERS: tuple[CompilerNote, ...] = (
    CompilerNote("zig cc (C, through mpp build)", True, "held by the tests: two folders, two environments, the same bytes"),
    CompilerNote("zig c++, Zig, Go, cargo (C++, Zig, Go, Rust, through mpp build)", True, "python -m tools.languages builds each in two folders and compares"),
    CompilerNote("componentize-py (Python)", False, "it packs a snapshot of a running interpreter's memory, whose layout differs from run to run"),
    CompilerNote("wasi-sdk clang (C, C++)", None, "debug information holds paths: build with relative paths and strip"),
    CompilerNote("Emscripten (C, C++)", None, "as clang; its generated parts depend on its version"),
    CompilerNote("cargo by hand (Rust)", None, "panic messages hold paths: use --remap-path-prefix, a lock file and a fixed toolchain"),
    CompilerNote("TinyGo (Go)", None, "debug information holds paths: use -no-debug and a fixed version"),
)
"""Modules of other compilers are packed with ``mpp build --wasm FILE``; packing itself is always reproducible."""

_AGAIN = "install the compiler again: mpp toolchain install zig --again"
_SYSTEM: tuple[str, ...] = ()
"""Folders of the system that the compiler reads: none, it is one static program with its own headers."""
_ERROR = re.compile(r"^(?:wasm-ld: )?(?:(?:\./)?(?P<where>[^:\n]+:\d+(?::\d+)?): )?(?:fatal )?error: ", re.MULTILINE)
_PLACE = re.compile(r"^(?:In file included from )?([^:|\n]+):\d+:", re.MULTILINE)
_INPUT = re.compile(r"(?:[^ \t\n\\]|\\[^\n])+")


class Compiled(NamedTuple):
    """A module and the files of the project that it was made of, by sorted relative names."""

    module: bytes
    inputs: tuple[str, ...]


class Dialect(NamedTuple):
    """What differs between the languages of this compiler."""

    language: str
    title: str
    suffixes: tuple[str, ...]
    before: tuple[str, ...] = ()
    """Arguments that the project's own may change."""
    after: tuple[str, ...] = ()


C = Dialect("c", "C", (".c",))
CPP = Dialect("cpp", "C++", (".cpp", ".cc", ".cxx", ".c"), before=("-fno-exceptions", "-fno-rtti"), after=("-lc++",))


class _Places(NamedTuple):
    """The folders of one compilation."""

    root: str
    compiler: str
    cache: str
    work: str


def compile_project(project: Project, *, progress: Progress, cache: str = "", dialect: Dialect = C) -> Compiled:
    """The project's module, and what it is made of. ``cache`` is a private folder for the compiled C library; empty means the user's cache."""
    if project.settings.language != dialect.language:
        hint = f'write [build] with language = "{dialect.language}" and sources into mpp.toml, or pack a ready module with: mpp build --wasm FILE'
        raise Refused("project.language", "the project does not say how it is compiled", where=os.path.join(project.root, "mpp.toml"), hint=hint)
    compiler = _find_zig()
    sources = _sources(project, dialect)
    _check_include(project)
    with tempfile.TemporaryDirectory(prefix="mpp-build-", ignore_cleanup_errors=True) as work:
        shared = usable(cache or default_cache()) or usable(os.path.join(work, "cache"))
        if not os.path.isdir(os.path.join(shared, "o")):
            progress("preparing the C library for WebAssembly; this happens once and can take a minute")
        progress(f"compiling {len(sources)} {dialect.title} file{'s' * (len(sources) != 1)}")
        module = os.path.join(work, "main.wasm")
        places = _Places(*(os.path.realpath(folder) for folder in (project.root, os.path.dirname(compiler), shared, work)))
        command, env = [compiler, *_arguments(project, sources, module, dialect)], _environment(shared, work)
        done = run_confined(command, folder=project.root, env=env, hold=_hold(places), again=_AGAIN)
        # The linker names its own intermediate files, in a folder that is gone when its words are read.
        done = replace(done, output=re.sub(re.escape(work) + r"[/\\](local[/\\]o[/\\][0-9a-f]+[/\\])?", "", done.output))
        data = _result(done, module, places, progress)
        return Compiled(data, _inputs(places, sources))


def compiler_tools() -> dict[str, str]:
    """The compiler and its version, for the provenance of a package: equal bytes need an equal compiler."""
    found = find_toolchain(ZIG, os.environ)
    return {} if found is None else {"ziglang": found.version}


def compiler_arguments(project: Project, dialect: Dialect = C) -> tuple[str, ...]:
    """How the compiler is called, for the provenance; paths are relative to the project."""
    return tuple(_arguments(project, _sources(project, dialect), "main.wasm", dialect))


def default_cache() -> str:
    """Where the compiled C library is kept between builds."""
    return language_cache(os.environ, "zig")


def _find_zig() -> str:
    found = find_toolchain(ZIG, os.environ)
    if found is None:
        raise HostFailed("host.compiler_missing", "the C compiler for WebAssembly is not installed", hint="mpp toolchain install c")
    return found.program


def _sources(project: Project, dialect: Dialect) -> tuple[str, ...]:
    sources = matching_files(project.root, project.settings.texts("sources"))
    if not sources:
        named = ", ".join(project.settings.texts("sources"))
        raise Refused("project.sources", f"no file matches {shown(named)}", where="mpp.toml/build/sources", hint="write the sources, or mend the patterns")
    for name in sources:
        # Attack: the compiler driver also takes objects and archives, whose code nobody can read in the sources.
        if not name.endswith(dialect.suffixes):
            hint = f"name only *{' and *'.join(dialect.suffixes)} files under sources; headers are found through include"
            raise Refused("project.sources", f"is no {dialect.title} source", where=name, hint=hint)
    return sources


def _check_include(project: Project) -> None:
    root = os.path.realpath(project.root)
    for folder in project.settings.texts("include"):
        real = os.path.realpath(os.path.join(project.root, folder))
        if not os.path.isdir(real) or real != os.path.join(root, *folder.split("/")):
            raise Refused("project.include", "is no folder of the project, or is a link", where=folder, hint="make the folder, or mend include in mpp.toml")


def _arguments(project: Project, sources: tuple[str, ...], module: str, dialect: Dialect) -> list[str]:
    """Ours first where the project may say otherwise, ours last where it may not."""
    settings = project.settings
    return [
        "cc",
        *("-target", "wasm32-wasi", "-Os", f"-Wl,-z,stack-size={STACK_BYTES}"),
        *dialect.before,
        *settings.texts("flags"),
        *(part for folder in settings.texts("include") for part in ("-I", f"./{folder}")),
        *(f"./{name}" for name in sources),
        *("-s", "-Wdate-time", "-Werror=date-time"),
        # Attack: ``__asm__(".incbin \"/etc/passwd\"")`` reads a file that no list of inputs shows.
        *("-fno-gnu-inline-asm", "-MD", "-o", module),
        *dialect.after,
    ]


def _hold(places: _Places) -> Confinement:
    return Confinement(read=(places.root, places.compiler, *_SYSTEM), write=(places.cache, places.work), seconds=COMPILE_SECONDS_MAX)


def _environment(cache: str, work: str) -> dict[str, str]:
    """A pragma can silence the refusal of __DATE__; then the date is the one of all members of a package."""
    return clean_environment(work, {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": os.path.join(work, "local")})


def _result(done: Done, module: str, places: _Places, progress: Progress) -> bytes:
    # Attack: the compiler quotes the lines that it does not understand, here those of a private file.
    for name in dict.fromkeys(found[1] for found in _PLACE.finditer(done.output)):
        _judge_input(name, places, (places.compiler, places.cache, places.work))
    if done.status != 0:
        raise _failure(done)
    for line in done.output.splitlines():
        progress(line)
    try:
        with open(module, "rb") as file:
            data = file.read(MODULE_BYTES_MAX + 1)
    except OSError as fault:
        raise HostFailed("host.compiler_failed", f"the compiler left no module: {fault.strerror}", hint=_AGAIN) from None
    if len(data) > MODULE_BYTES_MAX:
        raise Refused("project.module_size", f"the module is over {MODULE_BYTES_MAX} bytes", hint="leave out large tables; ship them as assets")
    return data


def _failure(done: Done) -> Refused | HostFailed:
    errors = list(_ERROR.finditer(done.output))
    if done.status < 0 or not errors:
        return HostFailed("host.compiler_failed", f"the compiler broke off (status {done.status})\n{done.output}", hint=_AGAIN)
    where = next((found["where"] for found in errors if found["where"]), "")
    count = f"{len(errors)} error{'s' * (len(errors) != 1)}"
    return Refused("project.compile", f"the compiler found {count}\n{done.output}", where=where, hint="mend the source at that place and build again")


def _inputs(places: _Places, sources: tuple[str, ...]) -> tuple[str, ...]:
    """The files of the project that the compiler read or asked for, by its own lists, one of each source."""
    folder = os.path.join(places.work, "local", "tmp")
    lists = [name for name in (os.listdir(folder) if os.path.isdir(folder) else ()) if name.endswith(".d")]
    if len(lists) != len(sources):
        # It is silent about an #embed that it cannot read, and leaves no list then.
        words = f"the compiler listed what it read for {len(lists)} of {len(sources)} sources: one embeds a file that is missing or may not be read"
        raise Refused("project.compile", words, hint="mend each #embed: name a file of the project; otherwise install ziglang again")
    found: set[str] = set()
    for name in lists:
        text = os.fsdecode(read_bounded(os.path.join(folder, name), INPUTS_BYTES_MAX))
        # The form is that of make: a target, then the names; a space in a name is escaped.
        for escaped in _INPUT.findall(text.partition(".o: ")[2]):
            found.add(_judge_input(re.sub(r"\\([ #])", r"\1", escaped).replace("$$", "$"), places, (places.compiler,)))
    return tuple(sorted(found - {""}))


def _judge_input(name: str, places: _Places, trusted: tuple[str, ...]) -> str:
    """The name of an input relative to the project; empty for one of the ``trusted`` folders."""
    # Attack: the list writes a back slash in a name in two ways, so the name could be taken for another.
    if "\\" in name:
        raise Refused("project.path", "holds a back slash", where=shown(name), hint="rename the file")
    path = os.path.join(places.root, name)
    real = os.path.realpath(path)
    if any(real.startswith(os.path.join(folder, "")) for folder in trusted):
        return ""
    inside = os.path.relpath(real, places.root).replace(os.sep, "/")
    # Attack: a private file becomes part of a package that is published; hidden files, such as .git/config, hold secrets too.
    if inside.startswith("../") or any(part.startswith(".") for part in inside.split("/")):
        hint = "put a copy of it into the project, under a name that is not hidden"
        raise Refused("project.outside", "is read by a source, and is no visible file of the project", where=shown(name), hint=hint)
    if real != os.path.normpath(path):
        raise Refused("project.link", "is a link, or lies behind one", where=shown(name), hint="put a copy of the file there")
    return inside
