"""What goes into the package of a JavaScript tool: the author's sources, the locked dependencies, the SDK."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from mpp.author.languages.javascript_layer import SOURCES, check_entry
from mpp.author.languages.ports import Component, Job
from mpp.author.limits import LOCK_BYTES_MAX
from mpp.author.project import matching_files
from mpp.author.toolchains.installing import run_pip
from mpp.author.vendoring.node import DESCRIPTION, LOCK, Vendored, vendor
from mpp.author.vendoring.sdk_javascript import PLACE, sdk_members, sdk_version
from mpp.errors import Refused
from mpp.files import read_bounded
from mpp.model.jsontext import Json, read
from mpp.model.value import value
from mpp.stages.archive.limits import FILE_BYTES_MAX

# Of package.json only what says how modules are read goes into the package; scripts and development tools are nobody's business there.
_KEPT = ("type", "imports")


@value
class Gathered:
    """The members of the package that are not the manifest's, and where they come from."""

    members: Mapping[str, bytes]
    inputs: Mapping[str, bytes]
    components: tuple[Component, ...]
    sdk_version: str
    warnings: tuple[str, ...]


def gather(job: Job, entrypoint: str) -> Gathered:
    """Read, fetch and judge everything; nothing of the project runs."""
    check_entry(entrypoint, ".js", ".mjs")
    own = own_sources(job, entrypoint)
    found = vendored(job)
    version = sdk_version()
    return Gathered(
        members={**own, **description(job), **found.members, **sdk_members()},
        inputs=own | lock(job),
        components=(sdk_component(version), *found.components),
        sdk_version=version,
        warnings=found.warnings,
    )


def own_sources(job: Job, entrypoint: str) -> dict[str, bytes]:
    names = [name for name in matching_files(job.root, (f"{SOURCES}/**",)) if "node_modules" not in name.split("/")]
    if entrypoint not in names:
        hint = f"write the tool into {entrypoint}, or mend the entrypoint in manifest.json"
        raise Refused("project.entrypoint", f"{entrypoint} is not there", where="/runtime/entrypoint", hint=hint)
    return {name: read_bounded(os.path.join(job.root, name), FILE_BYTES_MAX) for name in names}


def vendored(job: Job) -> Vendored:
    archives = os.path.join(job.cache, "npm")
    os.makedirs(archives, mode=0o700, exist_ok=True)
    found = vendor(job.root, archives, env=os.environ, run=run_pip, progress=job.progress)
    brings = [name for name in found.members if name.startswith(f"{PLACE}/")]
    if brings:
        raise Refused("project.npm", "brings mpp-sdk, which comes with MPP", where=brings[0], hint="take another library")
    return found


def lock(job: Job) -> dict[str, bytes]:
    path = os.path.join(job.root, LOCK)
    return {LOCK: read_bounded(path, LOCK_BYTES_MAX)} if os.path.exists(path) else {}


def sdk_component(version: str) -> Component:
    return Component(name="mpp-sdk", version=version, purl=f"pkg:generic/mpp-sdk@{version}", license="Apache-2.0")


def description(job: Job) -> dict[str, bytes]:
    """The part of package.json that the layer reads."""
    path = os.path.join(job.root, DESCRIPTION)
    if not os.path.exists(path):
        return {}
    found = read(read_bounded(path, LOCK_BYTES_MAX), family="project", where=DESCRIPTION)
    kept: dict[str, Json] = {key: found[key] for key in _KEPT if key in found} if isinstance(found, dict) else {}
    return {DESCRIPTION: (json.dumps(kept, ensure_ascii=False) + "\n").encode("utf-8")} if kept else {}
