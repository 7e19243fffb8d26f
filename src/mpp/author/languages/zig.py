"""Zig, compiled with Zig, from copies of the named files."""

from __future__ import annotations

import os
import re

from mpp.author.languages.outcome import copied, module_of, NOTHING, sources_of
from mpp.author.languages.ports import Job, Key, Output
from mpp.author.limits import STACK_BYTES
from mpp.author.project import PATTERN
from mpp.author.running import clean_environment, Confinement, run_confined, SYSTEM_FOLDERS
from mpp.errors import Refused

_ERROR = re.compile(r"^(?P<where>[^\s:]+\.zig:\d+:\d+): error: ", re.MULTILINE)
_AGAIN = "install it again: mpp toolchain install zig"
_MODES = re.compile(r"Release(Small|Fast|Safe)")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]*\.zig")
MAIN = "src/main.zig"


class Zig:
    name = "zig"
    title = "Zig"
    tools_needed = ("zig",)
    cache_name = "zig"
    finds_definitions = False
    keys = (
        Key(
            name="sources",
            pattern=PATTERN,
            form="a pattern such as 'src/*.zig' below the project's folder",
            many=True,
            required=True,
            hint='add, for example: sources = ["src/*.zig"]',
        ),
        Key(name="embed", pattern=PATTERN, form="a pattern of the files that @embedFile names", many=True),
        Key(name="main", pattern=_FILE, form=f"the file with the function main, such as '{MAIN}'"),
        Key(name="optimize", pattern=_MODES, form="ReleaseSmall, ReleaseFast or ReleaseSafe"),
    )

    def build(self, job: Job) -> Output:
        chain = job.toolchain("zig")
        sources = sources_of(job, ".zig")
        embedded = sources_of(job, "", key="embed") if job.settings.texts("embed") else {}
        main = job.settings.text("main", MAIN)
        if main not in sources:
            raise Refused("project.sources", "the file with main is not among the sources", where=main, hint='name it with: main = "src/main.zig"')
        folder, module = os.path.join(job.work, "src"), os.path.join(job.work, "main.wasm")
        copied(folder, sources | embedded)
        arguments = _arguments(main, job.settings.text("optimize", "ReleaseSmall"))
        job.progress(f"compiling {len(sources)} Zig file{'s' * (len(sources) != 1)}")
        env = clean_environment(job.work, {"ZIG_GLOBAL_CACHE_DIR": job.cache, "ZIG_LOCAL_CACHE_DIR": os.path.join(job.work, "local")})
        # It starts itself again as its own linker, with nothing to read from.
        hold = Confinement(read=(chain.folder, *SYSTEM_FOLDERS), write=(job.work, job.cache, NOTHING))
        done = run_confined([chain.program, *arguments, f"-femit-bin={module}"], folder=folder, env=env, hold=hold, again=_AGAIN)
        data = module_of(done, module, _ERROR, _AGAIN, job.progress)
        return Output(
            members={job.manifest.runtime.entrypoint: data},
            inputs=sources | embedded,
            tools={"ziglang": chain.version},
            parameters=(*arguments, "-femit-bin=main.wasm"),
        )


def _arguments(main: str, mode: str) -> tuple[str, ...]:
    return ("build-exe", "-target", "wasm32-wasi", "-O", mode, "-fstrip", "--stack", str(STACK_BYTES), "--color", "off", f"-Mroot=./{main}")


LANGUAGE = Zig()
