"""Python: the sources of a tool, its locked dependencies and the SDK; on the layer where one is installed, else as a component of its own."""

from __future__ import annotations

import re

from mpp.author.languages.python_names import LIBRARIES, SELF_CONTAINED, SOURCES
from mpp.author.languages.ports import DEFINITIONS_KEY, Code, Component, Job, Key, LayerFile, Output
from mpp.errors import Refused

_TARGET_KEY = Key(name="target", pattern=re.compile("layer|component"), form="'layer' or 'component'; left out, a layer is taken where there is one")


class Python:
    name = "python"
    title = "Python"
    tools_needed = ("componentize-py",)
    cache_name = "python"
    finds_definitions = True
    keys = (_TARGET_KEY, DEFINITIONS_KEY)

    def build(self, job: Job) -> Output:
        # Imported here: the settings of a project are read by every command in it.
        from mpp.author.languages.python_describe import describe  # noqa: PLC0415
        from mpp.author.languages.python_files import gather  # noqa: PLC0415

        layer = _layer(job)
        gathered = gather(job)
        described = describe(job, gathered.members)
        tools = {"mpp-sdk": gathered.sdk_version}
        members = {**gathered.members, **described.files}
        if layer is None:
            from mpp.author.languages.python_component import make_component  # noqa: PLC0415 - only without a layer

            made = make_component(job, gathered)
            members = {name: data for name, data in members.items() if not name.startswith((f"{SOURCES}/", f"{LIBRARIES}/"))}
            members[made.entrypoint] = made.module
            tools |= {"componentize-py": made.version}
            code, parameters = Code(type="wasi-component", entrypoint=made.entrypoint), ("component",)
        else:
            code, parameters = Code(type="python", entrypoint=job.manifest.runtime.entrypoint, layer=layer.ref), ("layer",)
            members |= _embedded(job, layer)
        return Output(
            members=members,
            inputs=gathered.inputs,
            tools=tools,
            parameters=parameters,
            reproducible=layer is not None,
            components=(*gathered.components, *(() if layer is None else (_component_of(layer),))),
            definitions=described.definitions,
            code=code,
            warnings=(*gathered.warnings, *described.warnings, *_warnings(job, layer)),
        )


def _layer(job: Job) -> LayerFile | None:
    """The layer that the tool stands on; None for a component."""
    wanted = job.settings.text("target")
    found = None if wanted == "component" else job.layer("python")
    if found is None and (wanted == "layer" or job.self_contained):
        raise Refused(
            "project.layer", "there is no Python layer on this machine", where="mpp.toml/build/target", hint="mpp layer build python, or mpp layer install FILE"
        )
    return found


def _embedded(job: Job, layer: LayerFile) -> dict[str, bytes]:
    if not job.self_contained:
        return {}
    from mpp.files import read_bounded  # noqa: PLC0415 - rare
    from mpp.stages.archive.limits import FILE_BYTES_MAX  # noqa: PLC0415 - rare

    return {SELF_CONTAINED: read_bounded(layer.path, FILE_BYTES_MAX)}


def _component_of(layer: LayerFile) -> Component:
    ref = layer.ref
    return Component(name=ref.id, version=ref.version, purl=f"pkg:generic/{ref.id}@{ref.version}", sha256=ref.sha256, kind="platform")


def _warnings(job: Job, layer: LayerFile | None) -> tuple[str, ...]:
    found = job.manifest.capabilities
    if layer is not None or not (found.read or found.write):
        return ()
    return ("filesystem: a component opens no folders; build on a layer to read or write files: mpp layer build python",)


LANGUAGE = Python()
