"""C++, compiled with the compiler inside Zig: as C, with a standard library and without exceptions, which a plain module has no form for."""

from __future__ import annotations

import os
import re

from mpp.author.languages.ports import Job, Key, Output
from mpp.author.limits import MODULE_BYTES_MAX
from mpp.author.project import FOLDER, MANIFEST, PATTERN, Project
from mpp.files import read_bounded

# As for C: a project from elsewhere builds without power over the compiler.
_FLAG = re.compile(
    r"-std=(c|gnu)\+\+[0-9a-z]{2}"
    r"|-[DU][A-Za-z_][A-Za-z0-9_]*(=[ -~]*)?"
    r"|-W(no-)?[a-z][a-z0-9+-]*(=[a-z0-9-]+)?"
    r"|-O[123sz]"
    r"|-f(no-)?(wrapv|strict-aliasing|signed-char|unsigned-char|short-enums|math-errno|fast-math|builtin|char8_t|rtti)"
    r"|-m(no-)?(simd128|relaxed-simd|bulk-memory|sign-ext|nontrapping-fptoint|mutable-globals|multivalue|tail-call)"
    r"|-lwasi-emulated-(mman|signal|process-clocks|getpid)"
    r"|-Wl,-z,stack-size=[1-9][0-9]{0,8}"
)
_FLAG_HINT = "allowed are -std=c++17 and later, -D, -U, -W, -O1 to -Oz, some -f and -m, -lwasi-emulated-*, -Wl,-z,stack-size=N; folders go under include"


class Cpp:
    name = "cpp"
    title = "C++"
    tools_needed = ("zig",)
    cache_name = "zig"
    finds_definitions = False
    keys = (
        Key(
            name="sources",
            pattern=PATTERN,
            form="a pattern such as 'src/*.cpp' below the project's folder",
            many=True,
            required=True,
            hint='add, for example: sources = ["src/*.cpp"]',
        ),
        Key(name="include", pattern=FOLDER, form="a folder such as 'include' below the project's folder", many=True),
        Key(name="flags", pattern=_FLAG, form=_FLAG_HINT, many=True, fault="flag"),
    )

    def build(self, job: Job) -> Output:
        # Imported here: what it needs is slow to import, and the settings of a project are read by every command in it.
        from mpp.author.compile import compile_project, compiler_arguments, compiler_tools, CPP  # noqa: PLC0415

        job.toolchain("zig")
        project = Project(root=job.root, manifest_path=os.path.join(job.root, MANIFEST), settings=job.settings)
        compiled = compile_project(project, progress=job.progress, cache=job.cache, dialect=CPP)
        return Output(
            members={job.manifest.runtime.entrypoint: compiled.module},
            inputs={name: read_bounded(os.path.join(job.root, name), MODULE_BYTES_MAX) for name in compiled.inputs},
            tools=compiler_tools(),
            parameters=compiler_arguments(project, CPP),
        )


LANGUAGE = Cpp()
