"""``mpp build``: a project folder becomes a canonical unsigned package, and is judged before it is written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping

from mpp.author.breadth import breadth_warnings
from mpp.author.limits import MODULE_BYTES_MAX, SEAL_BYTES_MAX
from mpp.author.project import Project, matching_files
from mpp.author.provenance import Recipe, write_provenance
from mpp.author.sbom import write_sbom
from mpp.errors import Refused
from mpp.files import read_bounded
from mpp.model.jsontext import read
from mpp.model.limits import MANIFEST_BYTES_MAX
from mpp.model.manifest import Manifest, parse_manifest
from mpp.model.value import value
from mpp.stages.archive import MANIFEST_NAME, PROVENANCE_NAME, SBOM_NAME, SEAL_NAMES, hashes, pack, read_archive
from mpp.stages.archive.limits import ENTRIES_MAX, FILE_BYTES_MAX, TOTAL_BYTES_MAX
from mpp.stages.gatekeeper import RULES, judge_unsigned

PREBUILT = "prebuilt"


@value
class Built:
    """An unsigned package, sound by the same rules that any host applies."""

    data: bytes
    manifest: Manifest
    content_hash: str
    warnings: tuple[str, ...]
    name: str
    """The usual file name."""


def read_project_manifest(project: Project, key_id: str = "") -> bytes:
    """The manifest as it will be packed; ``key_id`` is written into ``publisher.verified_key_id``."""
    data = read_bounded(project.manifest_path, MANIFEST_BYTES_MAX)
    if not key_id:
        return data
    document = read(data, family="manifest", where=MANIFEST_NAME)
    block = document.get("publisher") if isinstance(document, dict) else None
    if not isinstance(block, dict):
        raise Refused("manifest.missing", "there is no publisher block to write the key into", where="/publisher", hint='add "publisher": {"name": "..."}')
    block["verified_key_id"] = key_id
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def file_name(manifest: Manifest) -> str:
    """``NAME-VERSION.mpp``. Build metadata stays, because it tells two files apart."""
    return f"{manifest.name}-{manifest.version}.mpp"


def output_name(project: Project) -> str:
    """The file name that ``mpp build`` gives to this project's package."""
    return file_name(parse_manifest(read_project_manifest(project)))


def build_project(project: Project, *, progress: Callable[[str], None], wasm: str | None = None, key_id: str = "", cache: str = "") -> Built:
    """Compile if there is something to compile, pack, and judge what was packed."""
    manifest_bytes = read_project_manifest(project, key_id)
    # The manifest is judged first: its faults show at once, a compiler takes seconds.
    manifest = parse_manifest(manifest_bytes)
    # Imported here: every command looks at this module to find a project's package.
    from mpp.stages.privacy.guard import accepted  # noqa: PLC0415

    looks = accepted(manifest).shown
    files = {name: read_bounded(os.path.join(project.root, name), FILE_BYTES_MAX) for name in matching_files(project.root, project.settings.assets)}
    recipe = _code(project, manifest, files, progress, wasm, cache)
    files[MANIFEST_NAME] = manifest_bytes
    progress("packing")
    files[SBOM_NAME] = write_sbom(manifest, files, recipe.tools)
    files[PROVENANCE_NAME] = write_provenance(recipe)
    _check_room(files)
    data = pack(files)
    archive = read_archive(data)
    judged = judge_unsigned(archive)
    warnings = (*breadth_warnings(judged.manifest, judged.wasm), *(f"what a model reads: {hit.words}" for hit in looks))
    return Built(data=data, manifest=manifest, content_hash=hashes(archive).content.hex(), warnings=warnings, name=file_name(manifest))


def _check_room(files: Mapping[str, bytes]) -> None:
    """Refuse what could be built and then never signed: the seal adds two members, which need room too.

    The bill of materials says more of each file than a ZIP does, so the members together are never smaller than the package.
    """
    hint = "put less into the package: narrow 'assets' in mpp.toml"
    most = ENTRIES_MAX - len(SEAL_NAMES)
    if len(files) > most:
        raise Refused("size.entries", f"{len(files)} members; before it is signed, a package has at most {most}", hint=hint)
    total, most = sum(map(len, files.values())), TOTAL_BYTES_MAX - SEAL_BYTES_MAX
    if total > most:
        raise Refused("size.total", f"the members have {total} bytes; before it is signed, a package has at most {most}", hint=hint)


def _code(project: Project, manifest: Manifest, files: dict[str, bytes], progress: Callable[[str], None], wasm: str | None, cache: str) -> Recipe:
    """Put the entrypoint into ``files`` and say how it was made."""
    entrypoint = manifest.runtime.entrypoint
    if not RULES[manifest.runtime.type].carries_wasm:
        if entrypoint not in files:
            raise Refused(
                "project.entrypoint",
                f"{entrypoint} is not among the packed files",
                where="/runtime/entrypoint",
                hint="name its folder under 'assets' in mpp.toml",
            )
        return Recipe(language=manifest.runtime.type, reproducible=True, parameters=(), tools={}, sources={entrypoint: files[entrypoint]})
    if wasm is not None:
        files[entrypoint] = read_bounded(wasm, MODULE_BYTES_MAX)
        return Recipe(language=PREBUILT, reproducible=False, parameters=(), tools={}, sources={entrypoint: files[entrypoint]})
    # Imported here: it is slow to import, and every command looks at this module to find a project's package.
    from mpp.author.compile import compile_project, compiler_arguments, compiler_tools  # noqa: PLC0415

    compiled = compile_project(project, progress=progress, cache=cache)
    files[entrypoint] = compiled.module
    sources = {name: read_bounded(os.path.join(project.root, name), FILE_BYTES_MAX) for name in compiled.inputs}
    return Recipe(language=project.settings.language, reproducible=True, parameters=compiler_arguments(project), tools=compiler_tools(), sources=sources)
