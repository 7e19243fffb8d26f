"""The manifest of a project before its build: what the builder fills in has stand-ins, so that all other faults show at once.

A language that finds tool definitions in the sources lets manifest.json leave them out; one that is interpreted lets it leave the
layer out, because the build takes the one that is installed. What is packed is complete and is judged as any manifest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from mpp.author.languages.ports import Code, Output
from mpp.errors import Refused
from mpp.model.jsontext import Json, read
from mpp.model.manifest import INTERPRETED_TYPES, Manifest, parse_manifest
from mpp.model.value import value
from mpp.stages.archive import MANIFEST_NAME

_LAYER: Json = {"id": "org.example.stand-in", "version": "0.0.0", "sha256": "0" * 64}
_TOOLS: Json = [
    {"name": "stand-in", "description": "found in the sources when the project is built", "parameters": {"type": "object"}, "security_level": "low"}
]


@value
class Draft:
    """A sound manifest.json, and what of it is stand-ins."""

    document: Mapping[str, Json]
    """As it was read."""
    data: bytes
    manifest: Manifest
    declares_tools: bool


def read_draft(data: bytes, *, lenient: bool) -> Draft:
    """Judge manifest.json; ``lenient`` lets it leave out what a builder fills in."""
    document = read(data, family="manifest", where=MANIFEST_NAME)
    if not isinstance(document, dict):
        return Draft(document={}, data=data, manifest=parse_manifest(data), declares_tools=False)
    declares = "tool_definitions" in document
    if not lenient:
        return Draft(document=document, data=data, manifest=parse_manifest(data), declares_tools=declares)
    filled = dict(document)
    runtime = document.get("runtime")
    if isinstance(runtime, dict) and runtime.get("type") in INTERPRETED_TYPES and "layer" not in runtime:
        filled["runtime"] = {**runtime, "layer": _LAYER}
    if not declares:
        filled["tool_definitions"] = _TOOLS
    manifest = parse_manifest(data if filled == document else _written(filled))
    return Draft(document=document, data=data, manifest=manifest, declares_tools=declares)


def completed(draft: Draft, output: Output | None, *, key_id: str = "", from_manifest: bool = False) -> bytes:
    """The manifest that is packed. One that needs nothing filled in stays as it is, byte for byte."""
    document = dict(draft.document)
    if key_id:
        document["publisher"] = _with_key(document.get("publisher"), key_id)
    if output is not None and output.code is not None:
        document["runtime"] = _with_code(document.get("runtime"), output.code)
    if output is not None and output.definitions is not None and not (draft.declares_tools and from_manifest):
        document["tool_definitions"] = _definitions(draft, output.definitions)
    return draft.data if document == draft.document else _written(document)


def with_definitions(draft: Draft, found: tuple[Json, ...]) -> bytes:
    return _written({**draft.document, "tool_definitions": [*found]})


def _definitions(draft: Draft, found: tuple[Json, ...]) -> Json:
    """Those of the sources. Attack on understanding: a manifest.json that people read, and sources that say something else."""
    written = draft.document.get("tool_definitions")
    if written is None or written == [*found]:
        return [*found]
    raise Refused(
        "project.definitions",
        f"differ from those of the sources{_first_difference(written, found)}",
        where=f"{MANIFEST_NAME}/tool_definitions",
        hint='leave them out of manifest.json, bring them up to date with: mpp build --write-manifest, or write definitions = "manifest" under [build] of mpp.toml',
    )


def _first_difference(written: Json, found: tuple[Json, ...]) -> str:
    if not isinstance(written, list):
        return ""
    names = [[item.get("name") for item in items if isinstance(item, dict)] for items in (written, found)]
    if names[0] != names[1]:
        return f": {', '.join(map(str, names[0])) or 'none'} here, {', '.join(map(str, names[1])) or 'none'} there"
    for here, there in zip(written, found, strict=True):
        if isinstance(here, dict) and isinstance(there, dict) and here != there:
            keys = [key for key in {**here, **there} if here.get(key) != there.get(key)]
            return f": tool {here.get('name')}, {', '.join(keys)}"
    return ""


def _with_key(block: Json, key_id: str) -> Json:
    if not isinstance(block, dict):
        raise Refused("manifest.missing", "there is no publisher block to write the key into", where="/publisher", hint='add "publisher": {"name": "..."}')
    return {**block, "verified_key_id": key_id}


def _with_code(block: Json, code: Code) -> Json:
    """The runtime block with the form, entrypoint and layer that the builder chose; the limits stay the author's."""
    kept = {name: item for name, item in block.items() if name != "layer"} if isinstance(block, dict) else {}
    chosen: dict[str, Json] = {**kept, "type": code.type, "entrypoint": code.entrypoint}
    if code.layer is not None:
        chosen["layer"] = {"id": code.layer.id, "version": code.layer.version, "sha256": code.layer.sha256}
    return chosen


def _written(document: Mapping[str, Json]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
