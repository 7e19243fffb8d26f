"""TypeScript: types are taken away and all modules become one file; from there on it is a JavaScript tool."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from mpp.author.languages.javascript_layer import LAYER, check_entry, needed_layer, packed
from mpp.author.languages.outcome import copied
from mpp.author.languages.ports import DEFINITIONS_KEY, Code, Job, Output, Toolchain
from mpp.author.limits import MODULE_BYTES_MAX
from mpp.author.running import SYSTEM_FOLDERS, Confinement, Done, clean_environment, run_confined
from mpp.errors import HostFailed, Refused
from mpp.files import read_bounded

COMPILER = "esbuild"
_ERROR = re.compile(r"^\W*\[ERROR\] ", re.MULTILINE)
_WHERE = re.compile(r"^\s+(?P<where>[^\s:]+:\d+:\d+):$", re.MULTILINE)
_AGAIN = "install it again: mpp toolchain install typescript --again"
# What the layer has of Node; everything else that is not found is a mistake.
_LATER = (
    "node:*",
    "fs",
    "fs/promises",
    "path",
    "path/posix",
    "events",
    "assert",
    "util",
    "process",
    "url",
    "timers",
    "timers/promises",
    "os",
    "crypto",
    "perf_hooks",
)
_OPTIONS = (
    "--bundle", "--format=esm", "--platform=neutral", "--main-fields=module,main", "--conditions=import,browser,module", "--target=es2023", "--charset=utf8",
    "--log-level=warning", "--color=false", "--log-limit=20", "--tsconfig-raw={}", "--legal-comments=inline", *(f"--external:{name}" for name in _LATER),
)  # fmt: skip


class TypeScript:
    name = "typescript"
    title = "TypeScript"
    tools_needed = (COMPILER,)
    cache_name = "javascript"
    finds_definitions = True
    keys = (DEFINITIONS_KEY,)

    def build(self, job: Job) -> Output:
        # Imported here: the settings of a project are read by every command in it.
        from mpp.author.languages.javascript_describe import describe  # noqa: PLC0415
        from mpp.author.languages.javascript_files import lock, own_sources, sdk_component, vendored  # noqa: PLC0415
        from mpp.author.vendoring.sdk_javascript import sdk_members, sdk_version  # noqa: PLC0415

        layer = needed_layer(job)
        source = source_of(job.manifest.runtime.entrypoint)
        chain = job.toolchain(COMPILER)
        own = own_sources(job, source)
        found = vendored(job)
        version = sdk_version()
        entrypoint = f"{source.rpartition('.')[0]}.js"
        bundled = bundle(job, chain, source, {**own, **found.members, **sdk_members()})
        # Files beside the sources that are no code, such as tables, are read from the package.
        members = {entrypoint: bundled} | {name: data for name, data in own.items() if not name.endswith((".ts", ".mts", ".js", ".mjs"))}
        return packed(
            job,
            layer,
            Output(
                members=members,
                inputs=own | lock(job),
                tools={"mpp-sdk": version, COMPILER: chain.version},
                parameters=_OPTIONS,
                components=(sdk_component(version), *found.components),
                definitions=describe(job, layer, entrypoint, members),
                code=Code(type=LAYER, entrypoint=entrypoint, layer=layer.ref),
                warnings=found.warnings,
            ),
        )


def source_of(entrypoint: str) -> str:
    """The source that becomes the entrypoint. The manifest may name either."""
    name = f"{entrypoint[:-3]}.ts" if entrypoint.endswith(".js") else entrypoint
    check_entry(name, ".ts", ".mts")
    return name


def bundle(job: Job, chain: Toolchain, source: str, files: Mapping[str, bytes]) -> bytes:
    """One module of everything that ``source`` imports. The compiler sees a copy of ``files`` and nothing else."""
    stage, out = os.path.join(job.work, "stage"), os.path.join(job.work, "bundled.js")
    copied(stage, dict(files))
    job.progress("taking types away and joining modules")
    command = [chain.program, source, *_OPTIONS, f"--outfile={out}"]
    hold = Confinement(read=(stage, chain.folder, *SYSTEM_FOLDERS), write=(job.work,))
    done = run_confined(command, folder=stage, env=clean_environment(job.work), hold=hold, again=_AGAIN)
    if done.status != 0:
        raise _failure(done)
    for line in done.output.splitlines():
        job.progress(line)
    return read_bounded(out, MODULE_BYTES_MAX)


def _failure(done: Done) -> Refused | HostFailed:
    count = len(_ERROR.findall(done.output))
    if done.status < 0 or not count:
        return HostFailed("host.compiler_failed", f"the compiler broke off (status {done.status})\n{done.output}", hint=_AGAIN)
    where = _WHERE.search(done.output)
    words = f"the compiler found {count} error{'s' * (count != 1)}\n{done.output}"
    return Refused("project.compile", words, where="" if where is None else where["where"], hint="mend the source at that place and build again")


LANGUAGE = TypeScript()
