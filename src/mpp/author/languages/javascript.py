"""JavaScript: the sources of a tool, its locked dependencies and the SDK, on the JavaScript layer."""

from __future__ import annotations

from mpp.author.languages.javascript_layer import LAYER, needed_layer, packed
from mpp.author.languages.ports import DEFINITIONS_KEY, Code, Job, Output


class JavaScript:
    name = "javascript"
    title = "JavaScript"
    tools_needed: tuple[str, ...] = ()
    cache_name = "javascript"
    finds_definitions = True
    keys = (DEFINITIONS_KEY,)

    def build(self, job: Job) -> Output:
        # Imported here: the settings of a project are read by every command in it.
        from mpp.author.languages.javascript_describe import describe  # noqa: PLC0415
        from mpp.author.languages.javascript_files import gather  # noqa: PLC0415

        layer = needed_layer(job)
        entrypoint = job.manifest.runtime.entrypoint
        gathered = gather(job, entrypoint)
        return packed(
            job,
            layer,
            Output(
                members=gathered.members,
                inputs=gathered.inputs,
                tools={"mpp-sdk": gathered.sdk_version},
                parameters=("layer",),
                components=gathered.components,
                definitions=describe(job, layer, entrypoint, gathered.members),
                code=Code(type=LAYER, entrypoint=entrypoint, layer=layer.ref),
                warnings=gathered.warnings,
            ),
        )


LANGUAGE = JavaScript()
