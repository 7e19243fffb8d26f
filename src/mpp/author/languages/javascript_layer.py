"""What JavaScript and TypeScript builds have in common: where sources are, which layer they stand on, how it goes into the package."""

from __future__ import annotations

import os

from mpp.author.languages.ports import Component, Job, LayerFile, Output
from mpp.errors import Refused

SOURCES = "app"
SELF_CONTAINED = "_mpp/layer.mpp"
LAYER = "javascript"


def needed_layer(job: Job) -> LayerFile:
    """The layer that the tool stands on."""
    found = job.layer(LAYER)
    if found is None:
        words = "there is no JavaScript layer on this machine"
        raise Refused("project.layer", words, where=LAYER, hint="mpp layer build javascript, or mpp layer install FILE")
    return found


def packed(job: Job, layer: LayerFile, made: Output) -> Output:
    """With the layer in the bill of materials, and in the package where the author wants it there."""
    # Imported here: the settings of a project are read by every command in it.
    from dataclasses import replace  # noqa: PLC0415

    from mpp.files import read_bounded  # noqa: PLC0415
    from mpp.stages.archive.limits import FILE_BYTES_MAX  # noqa: PLC0415

    ref = layer.ref
    stands_on = Component(name=ref.id, version=ref.version, purl=f"pkg:generic/{ref.id}@{ref.version}", sha256=ref.sha256, kind="platform")
    embedded = {SELF_CONTAINED: read_bounded(layer.path, FILE_BYTES_MAX)} if job.self_contained else {}
    return replace(made, members={**made.members, **embedded}, components=(*made.components, stands_on))


def check_entry(entrypoint: str, *suffixes: str) -> None:
    """``app/main.js`` and what is like it."""
    if os.path.dirname(entrypoint) != SOURCES or not entrypoint.endswith(suffixes):
        words = f"{entrypoint} is no {' or '.join(suffixes)} file directly below {SOURCES}/"
        raise Refused("project.entrypoint", words, where="/runtime/entrypoint", hint=f'"entrypoint": "app/main{suffixes[0]}"')
