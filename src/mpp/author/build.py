"""``mpp build``: a project folder becomes a canonical unsigned package, and is judged before it is written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mpp.author.breadth import breadth_warnings
from mpp.author.draft import Draft, completed, read_draft, with_definitions
from mpp.author.limits import MODULE_BYTES_MAX, SEAL_BYTES_MAX
from mpp.author.project import Project, language_of, matching_files
from mpp.author.provenance import Recipe, write_provenance
from mpp.author.sbom import write_sbom
from mpp.errors import Refused
from mpp.files import read_bounded
from mpp.model.limits import MANIFEST_BYTES_MAX
from mpp.model.manifest import Manifest, parse_manifest
from mpp.model.value import value
from mpp.stages.archive import MANIFEST_NAME, PROVENANCE_NAME, SBOM_NAME, SEAL_NAMES, hashes, pack, read_archive
from mpp.stages.archive.limits import ENTRIES_MAX, FILE_BYTES_MAX, TOTAL_BYTES_MAX
from mpp.stages.gatekeeper import RULES, judge_unsigned

if TYPE_CHECKING:  # every command looks at this module to find a project's package
    from mpp.author.languages.ports import LayerFile, Output, Toolchain

PREBUILT = "prebuilt"
DEFINITIONS = "definitions"
"""The key of [build] by which manifest.json alone says which tools there are."""


def _no_layer(_: str) -> LayerFile | None:
    return None


def _installed(name: str) -> Toolchain:
    """A toolchain that is there already; nothing is fetched."""
    from mpp.author.toolchains.installing import obtain  # noqa: PLC0415 - every command looks at this module to find a project's package

    return obtain(name, env=os.environ, progress=lambda _: None, install=False)


@value
class Wishes:
    """What the command line adds to what the project says."""

    wasm: str | None = None
    """A ready module, packed instead of compiling."""
    key_id: str = ""
    """Written into ``publisher.verified_key_id``."""
    cache: str = ""
    """A folder kept between builds; empty means one below the user's cache."""
    allow_network: bool = False
    trusts_project: bool = False
    self_contained: bool = False
    layer: Callable[[str], LayerFile | None] = _no_layer
    toolchain: Callable[[str], Toolchain] = _installed


NO_WISHES = Wishes()


@value
class Built:
    """An unsigned package, sound by the same rules that any host applies."""

    data: bytes
    manifest: Manifest
    content_hash: str
    warnings: tuple[str, ...]
    name: str
    """The usual file name."""


def draft_of(project: Project) -> Draft:
    """manifest.json as it is, judged with stand-ins for what the language fills in."""
    language = language_of(project)
    return read_draft(read_bounded(project.manifest_path, MANIFEST_BYTES_MAX), lenient=language is not None and language.finds_definitions)


def file_name(manifest: Manifest) -> str:
    """``NAME-VERSION.mpp``. Build metadata stays, because it tells two files apart."""
    return f"{manifest.name}-{manifest.version}.mpp"


def output_name(project: Project) -> str:
    """The file name that ``mpp build`` gives to this project's package."""
    return file_name(draft_of(project).manifest)


def build_project(project: Project, *, progress: Callable[[str], None], wishes: Wishes = NO_WISHES) -> Built:
    """Compile if there is something to compile, pack, and judge what was packed."""
    # The manifest is judged first: its faults show at once, a compiler takes seconds.
    draft = draft_of(project)
    # Imported here: every command looks at this module to find a project's package.
    from mpp.stages.privacy.guard import accepted  # noqa: PLC0415

    accepted(draft.manifest)
    files = {name: read_bounded(os.path.join(project.root, name), FILE_BYTES_MAX) for name in matching_files(project.root, project.settings.assets)}
    output = _built(project, draft, progress, wishes) if wishes.wasm is None else None
    recipe = _recipe(project, draft.manifest, files, wishes.wasm) if output is None else _recipe_of(project, output)
    if output is not None:
        _add(files, output.members)
    chosen = project.settings.text(DEFINITIONS) == "manifest"
    manifest_bytes = completed(draft, output, key_id=wishes.key_id, from_manifest=chosen)
    manifest = parse_manifest(manifest_bytes)
    files[MANIFEST_NAME] = manifest_bytes
    progress("packing")
    files[SBOM_NAME] = write_sbom(manifest, files, recipe.tools, () if output is None else output.components)
    files[PROVENANCE_NAME] = write_provenance(recipe)
    _check_room(files)
    data = pack(files)
    archive = read_archive(data)
    judged = judge_unsigned(archive)
    looks = tuple(f"what a model reads: {hit.words}" for hit in accepted(manifest).shown)
    warnings = (*(() if output is None else output.warnings), *breadth_warnings(judged.manifest, judged.wasm), *looks)
    return Built(data=data, manifest=manifest, content_hash=hashes(archive).content.hex(), warnings=warnings, name=file_name(manifest))


def written_manifest(project: Project, *, progress: Callable[[str], None], wishes: Wishes) -> bytes:
    """manifest.json with the tool definitions that the sources give, and nothing else changed."""
    draft = draft_of(project)
    output = _built(project, draft, progress, wishes)
    if output is None or output.definitions is None:
        raise Refused(
            "project.definitions", "the sources say nothing about tools", where=project.root, hint="write tool_definitions into manifest.json by hand"
        )
    return with_definitions(draft, output.definitions)


def _add(files: dict[str, bytes], members: Mapping[str, bytes]) -> None:
    """What was built goes beside the assets, never over one that says something else."""
    for name, data in members.items():
        if files.get(name, data) != data:
            raise Refused("project.path", "is both an asset and made by the build", where=name, hint="narrow 'assets' in mpp.toml, or rename the file")
        files[name] = data


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


def _built(project: Project, draft: Draft, progress: Callable[[str], None], wishes: Wishes) -> Output | None:
    """What the project's language makes of it; None where it is packed as it is."""
    language = language_of(project)
    if language is None:
        return None
    # Imported here, as above.
    from mpp.author.languages.ports import Job  # noqa: PLC0415
    from mpp.author.toolchains.places import language_cache, usable  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="mpp-build-", ignore_cleanup_errors=True) as made:
        work = os.path.realpath(made)
        cache = usable(wishes.cache or language_cache(os.environ, language.cache_name)) or usable(os.path.join(work, "cache"))
        os.mkdir(os.path.join(work, "work"))
        job = Job(
            root=os.path.realpath(project.root),
            settings=project.settings,
            manifest=draft.manifest,
            declares_tools=draft.declares_tools,
            work=os.path.join(work, "work"),
            cache=os.path.realpath(cache),
            progress=progress,
            allow_network=wishes.allow_network,
            trusts_project=wishes.trusts_project,
            self_contained=wishes.self_contained,
            toolchain=wishes.toolchain,
            layer=wishes.layer,
        )
        return language.build(job)


def _recipe_of(project: Project, output: Output) -> Recipe:
    return Recipe(
        language=project.settings.language,
        reproducible=output.reproducible,
        parameters=output.parameters,
        tools=output.tools,
        sources=output.inputs,
    )


def _recipe(project: Project, manifest: Manifest, files: dict[str, bytes], wasm: str | None) -> Recipe:
    """Without a language: put the ready module into ``files``, or find the script among them."""
    entrypoint = manifest.runtime.entrypoint
    if wasm is not None:
        files[entrypoint] = read_bounded(wasm, MODULE_BYTES_MAX)
        return Recipe(language=PREBUILT, reproducible=False, parameters=(), tools={}, sources={entrypoint: files[entrypoint]})
    if RULES[manifest.runtime.type].carries_wasm:
        hint = 'write [build] with language = "c" and sources into mpp.toml, or pack a ready module with: mpp build --wasm FILE'
        raise Refused("project.language", "the project does not say how it is compiled", where=os.path.join(project.root, "mpp.toml"), hint=hint)
    if entrypoint not in files:
        words, hint = f"{entrypoint} is not among the packed files", "name its folder under 'assets' in mpp.toml"
        raise Refused("project.entrypoint", words, where="/runtime/entrypoint", hint=hint)
    return Recipe(language=manifest.runtime.type, reproducible=True, parameters=(), tools={}, sources={entrypoint: files[entrypoint]})
