"""Go, compiled for wasip1 with the Go toolchain, from copies of the named files and without any module from the network."""

from __future__ import annotations

import os
import re

from mpp.author.languages.outcome import copied, module_of, NOTHING, sources_of
from mpp.author.languages.ports import Job, Key, Output, Toolchain
from mpp.author.languages.segments import joined
from mpp.author.project import FOLDER, PATTERN
from mpp.author.running import clean_environment, Confinement, run_confined, SYSTEM_FOLDERS

_SUFFIXES = (".go", "go.mod", "go.sum", "vendor/modules.txt")
_ERROR = re.compile(r"^(?:\./)?(?P<where>[^\s:]+\.(?:go|mod):\d+(?::\d+)?): ", re.MULTILINE)
_AGAIN = "install it again: mpp toolchain install go"
_ARGUMENTS = ("build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=")


class Go:
    name = "go"
    title = "Go"
    tools_needed = ("go",)
    cache_name = "go"
    finds_definitions = False
    keys = (
        Key(
            name="sources",
            pattern=PATTERN,
            form="a pattern such as '*.go' below the project's folder",
            many=True,
            required=True,
            hint='add, for example: sources = ["go.mod", "*.go", "mpp/*.go"]',
        ),
        Key(name="embed", pattern=PATTERN, form="a pattern of the files that //go:embed names", many=True),
        Key(name="package", pattern=FOLDER, form="the folder of the main package below the project's folder, such as 'cmd/tool'"),
    )

    def build(self, job: Job) -> Output:
        chain = job.toolchain("go")
        sources = sources_of(job, *_SUFFIXES)
        embedded = sources_of(job, "", key="embed") if job.settings.texts("embed") else {}
        folder, module = os.path.join(job.work, "src"), os.path.join(job.work, "main.wasm")
        copied(folder, sources | embedded)
        # The main package: a folder of the project, or the project itself.
        package = f"./{job.settings.text('package')}"
        count = sum(name.endswith(".go") for name in sources)
        job.progress(f"compiling {count} Go file{'s' * (count != 1)}; the first time its library too, which can take a minute")
        hold = Confinement(read=(chain.folder, *SYSTEM_FOLDERS), write=(job.work, job.cache, NOTHING))
        command = [chain.program, *_ARGUMENTS, "-o", module, package]
        done = run_confined(command, folder=folder, env=_environment(job, chain), hold=hold, again=_AGAIN)
        data = joined(module_of(done, module, _ERROR, _AGAIN, job.progress))
        return Output(
            members={job.manifest.runtime.entrypoint: data},
            inputs=sources | embedded,
            tools={"go": chain.version},
            parameters=(*_ARGUMENTS, "-o", "main.wasm", package),
        )


def _environment(job: Job, chain: Toolchain) -> dict[str, str]:
    """No module is fetched, no other toolchain is, no C is compiled, and no settings of the user count."""
    return clean_environment(
        job.work,
        {
            "GOOS": "wasip1",
            "GOARCH": "wasm",
            "GOROOT": os.path.dirname(os.path.dirname(os.path.realpath(chain.program))),
            "GOCACHE": os.path.join(job.cache, "build"),
            "GOPATH": os.path.join(job.work, "path"),
            "GOPROXY": "off",
            "GOSUMDB": "off",
            "GOTOOLCHAIN": "local",
            "GOENV": "off",
            "GOTELEMETRY": "off",
            "GOWORK": "off",
            "CGO_ENABLED": "0",
        },
    )


LANGUAGE = Go()
