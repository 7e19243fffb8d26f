"""Rust, compiled with the author's cargo, from copies of the named files.

Build scripts and procedural macros are programs of the project: they run held to the copies, without network, as the compiler itself.
"""

from __future__ import annotations

import os
import re

from mpp.author.languages.outcome import copied, module_of, NOTHING, sources_of
from mpp.author.languages.ports import Job, Key, Output, Toolchain
from mpp.author.project import PATTERN
from mpp.author.running import clean_environment, Confinement, Done, run_confined, SYSTEM_FOLDERS
from mpp.errors import HostFailed, Refused

_SUFFIXES = (".rs", ".toml", ".lock", ".cargo-checksum.json")
_ERROR = re.compile(r"^error(?:\[E\d+\])?: (?!could not compile|aborting).*(?:\n +--> (?P<where>[^\s:]+:\d+:\d+))?", re.MULTILINE)
_VERSION = re.compile(r"(?:rustc|cargo) [\d.]+[^\n]*")
_AGAIN = "try the same with: cargo build --release --target wasm32-wasip1"
_TARGETS = ("wasm32-wasip1", "wasm32-wasi")
"""The target, by its name since Rust 1.78 and by its older one."""

_NO_TARGET = "rustup target add wasm32-wasip1, or on Debian: apt install cargo libstd-rust-dev-wasm32 lld"
_ANSWER_BYTES_MAX = 4096
"""Bytes of what the compiler says of itself. Reason: a version, or the path of a folder."""


class Rust:
    name = "rust"
    title = "Rust"
    tools_needed = ("rust",)
    cache_name = "cargo"
    finds_definitions = False
    keys = (
        Key(
            name="sources",
            pattern=PATTERN,
            form="a pattern such as 'src/**' below the project's folder",
            many=True,
            required=True,
            hint='add, for example: sources = ["Cargo.toml", "Cargo.lock", "src/**", "vendor/**"]',
        ),
        Key(name="embed", pattern=PATTERN, form="a pattern of the files that include_str! and include_bytes! name", many=True),
    )

    def build(self, job: Job) -> Output:
        chain = job.toolchain("rust")
        sources = sources_of(job, *_SUFFIXES)
        for name in ("Cargo.toml", "Cargo.lock"):
            if name not in sources:
                hint = "make it with: cargo generate-lockfile" if name.endswith("lock") else "name it under sources"
                raise Refused("project.sources", "is not among the sources; without it two builds may differ", where=name, hint=hint)
        embedded = sources_of(job, "", key="embed") if job.settings.texts("embed") else {}
        folder = os.path.join(job.work, "src")
        copied(folder, sources | embedded)
        cargo = _Cargo(job, chain, folder)
        target, version = cargo.target(), cargo.version()
        arguments = ("build", "--release", "--locked", *(() if job.allow_network else ("--offline",)), "--target", target)
        job.progress("compiling with cargo")
        done = cargo.run(arguments)
        data = module_of(done, _module(job, target), _ERROR, _AGAIN, job.progress)
        return Output(members={job.manifest.runtime.entrypoint: data}, inputs=sources | embedded, tools={"rustc": version}, parameters=arguments)


class _Cargo:
    """The author's cargo, held to copies of the sources, its own toolchain and a cache of ours."""

    def __init__(self, job: Job, chain: Toolchain, folder: str) -> None:
        home = os.path.expanduser("~")
        self._rustup = os.environ.get("RUSTUP_HOME", os.path.join(home, ".rustup"))
        self._bin = os.path.dirname(chain.program)
        self._folder, self._program = folder, chain.program
        read = (
            chain.folder,
            os.path.dirname(self._bin),
            os.path.join(self._rustup, "toolchains"),
            os.path.join(self._rustup, "settings.toml"),
            *SYSTEM_FOLDERS,
        )
        self._hold = Confinement(read=_without_secrets(read, home), write=(job.work, job.cache, NOTHING), network=job.allow_network)
        self._env = clean_environment(
            job.work,
            {
                "PATH": os.pathsep.join((self._bin, "/usr/local/bin", "/usr/bin", "/bin")),
                "RUSTUP_HOME": self._rustup,
                "RUSTUP_TOOLCHAIN": "",
                "CARGO_HOME": os.path.join(job.cache, "home"),
                "CARGO_TARGET_DIR": os.path.join(job.work, "target"),
                "CARGO_INCREMENTAL": "0",
                "CARGO_TERM_COLOR": "never",
                "CARGO_TERM_QUIET": "true",
                # Panics name files: those of the project as it names them, whatever folder it was copied to.
                "RUSTFLAGS": f"--remap-path-prefix={folder}=.",
            },
        )
        self._env = {name: found for name, found in self._env.items() if found}

    def run(self, arguments: tuple[str, ...]) -> Done:
        return run_confined([self._program, *arguments], folder=self._folder, env=self._env, hold=self._hold, again=_AGAIN, what="cargo")

    def version(self) -> str:
        found = _VERSION.search(self._said(("--version",)))
        return found[0].partition(" ")[2] if found is not None else ""

    def target(self) -> str:
        """The name of the target, if this toolchain has its standard library."""
        for target in _TARGETS:
            folder = self._said(("--print", "target-libdir", "--target", target)).strip()
            if os.path.isdir(folder) and any(name.startswith("libstd-") for name in os.listdir(folder)):
                return target
        raise HostFailed("host.compiler_missing", "this Rust has no standard library for WebAssembly", where="rust", hint=_NO_TARGET)

    def _said(self, arguments: tuple[str, ...]) -> str:
        rustc = os.path.join(self._bin, "rustc")
        command = [rustc if os.path.isfile(rustc) else self._program, *arguments]
        done = run_confined(command, folder=self._folder, env=self._env, hold=self._hold, again=_AGAIN, stdout_max=_ANSWER_BYTES_MAX, what="rustc")
        return done.stdout.decode("utf-8", "replace") if done.status == 0 else ""


def _without_secrets(folders: tuple[str, ...], home: str) -> tuple[str, ...]:
    """Attack: cargo's own folder holds the tokens of registries; a build script may read its programs and nothing else of it."""
    cargo = os.environ.get("CARGO_HOME", os.path.join(home, ".cargo"))
    return tuple(os.path.join(folder, "bin") if os.path.realpath(folder) == os.path.realpath(cargo) else folder for folder in folders)


def _module(job: Job, target: str) -> str:
    """The one module that cargo left."""
    folder = os.path.join(job.work, "target", target, "release")
    found = sorted(name for name in (os.listdir(folder) if os.path.isdir(folder) else ()) if name.endswith(".wasm"))
    if len(found) > 1:
        raise Refused("project.sources", f"the project has several programs: {', '.join(found)}", where="Cargo.toml", hint="keep one [[bin]] per package")
    return os.path.join(folder, found[0] if found else "main.wasm")


LANGUAGE = Rust()
