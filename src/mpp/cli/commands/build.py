"""``mpp build``."""

from __future__ import annotations

import os
from functools import partial

import click

from mpp.author.build import build_project, Built, Wishes, written_manifest
from mpp.author.keys import RELEASE_FILE, load_chain
from mpp.author.project import find_project, Project, read_project
from mpp.cli.building import find_or_install, layer_or_built, newest_layer
from mpp.cli.options import here, home, in_shell, json_option, shorter
from mpp.cli.screen import note, put_json, say
from mpp.cli.store.progress import Working
from mpp.crypto.ed25519 import short_id
from mpp.errors import Refused
from mpp.files import write_atomic
from mpp.model.manifest import CustomPattern
from mpp.stages.archive import read_archive

LOCK = "requirements.lock"
_LISTS = ("mcp/prompts.json", "mcp/resources.json")


@click.command(name="build")
@click.argument("folder", default=None, required=False, type=click.Path(exists=True, file_okay=False))
@click.option(
    "--wasm", default=None, type=click.Path(dir_okay=False), help="Pack this ready module (from cargo, TinyGo, wasi-sdk, Emscripten …) instead of compiling."
)
@click.option("-o", "--output", default=None, type=click.Path(dir_okay=False), help="Write the package here. [default: NAME-VERSION.mpp in the project folder]")
@click.option(
    "--set-key",
    default=None,
    metavar="KEY",
    help="Fill publisher.verified_key_id of the packed manifest: a pub_… id, or the publisher.json whose release key signs.",
)
@click.option("--lock", is_flag=True, help="Python: choose versions of the dependencies, write requirements.lock with their hashes, and stop.")
@click.option("--write-manifest", is_flag=True, help="Write the tool definitions that the sources give into manifest.json, and stop.")
@click.option("--self-contained", is_flag=True, help="Put the layer into the package, so that it runs where none is installed.")
@click.option("--allow-network", is_flag=True, help="Let what the project runs while it is built reach the network. Such a build need not be reproducible.")
@click.option("--unconfined", is_flag=True, help="The project is your own: let its code run on a system that has nothing to hold it.")
@click.option("--no-install", is_flag=True, help="Name a missing toolchain or layer instead of getting it.")
@json_option
def command(
    folder: str | None, wasm: str | None, output: str | None, set_key: str | None, lock: bool, write_manifest: bool, self_contained: bool, allow_network: bool,
    unconfined: bool, no_install: bool, as_json: bool,
) -> None:  # fmt: skip
    """Build the project in FOLDER (default: the one you are in) into an unsigned package.

    The manifest is checked first, with all its faults at once. The same sources give the same bytes, so the SHA-256 of
    the file is the content hash that a signature will cover. A missing compiler is fetched once, held by its hash. What
    the project runs while it is built sees the project and has no network. Sign the result with `mpp sign`.

    \b
    Examples:
      mpp build
      mpp build --lock
      mpp build --wasm target/wasm32-wasip1/release/tool.wasm
      mpp build --set-key ~/.mpp/keys/publisher.json

    \b
    Exit code:
      0        built
      3        the project cannot be built as it is; the reasons name files and lines
      11 … 17  what was built would be refused by any host
    """
    project = _project(folder)
    wishes = Wishes(
        wasm=wasm, key_id=_key_id(set_key), allow_network=allow_network, trusts_project=unconfined, self_contained=self_contained,
        layer=partial(layer_or_built, find=newest_layer, install=not no_install, progress=_tell),
        toolchain=partial(find_or_install, install=not no_install),
    )  # fmt: skip
    if lock:
        _lock(project, as_json=as_json)
    elif write_manifest:
        _write_manifest(project, wishes, as_json=as_json)
    else:
        _build(project, wishes, output, as_json=as_json)


def _build(project: Project, wishes: Wishes, output: str | None, *, as_json: bool) -> None:
    with Working("building", quiet=as_json) as work:
        built = build_project(project, progress=work.tell, wishes=wishes)
    _judge_patterns(built.manifest.privacy_filters.custom_patterns)
    warnings = (*built.warnings, *_judge_static(built))
    path = output if output is not None else os.path.join(project.root, built.name)
    write_atomic(path, built.data)
    shown = shorter(path)
    if as_json:
        put_json({"ok": True, "file": shown, "content_hash": built.content_hash, "bytes": len(built.data), "signed": False, "warnings": [*warnings]})
        return
    for warning in warnings:
        note(f"warning: {warning}")
    say(f"Built {shown}  ({len(built.data):,} bytes, unsigned)")
    say(f"content sha256:{built.content_hash}")
    first = "" if os.path.exists(os.path.join(home().keys, RELEASE_FILE)) else "mpp keygen && "
    say(f"Next: {first}mpp sign {in_shell(shown)}")


def _tell(text: str) -> None:
    note(f"  {text}")


def _project(folder: str | None) -> Project:
    project = find_project(here()) if folder is None else read_project(folder)
    if project is None:
        raise Refused(
            "project.no_manifest",
            "there is no manifest.json here or above",
            where=here(),
            hint="go to the project's folder, or begin one with: mpp init NAME",
        )
    return project


def _lock(project: Project, *, as_json: bool) -> None:
    from mpp.author.vendoring.locking import lock_project  # noqa: PLC0415 - rare

    pins = lock_project(project.root, progress=_tell)
    if as_json:
        put_json({"ok": True, "file": LOCK, "dependencies": [{"name": pin.name, "version": pin.version, "sha256": pin.hashes[0]} for pin in pins]})
        return
    for pin in pins:
        say(f"{pin.name} {pin.version}  sha256:{pin.hashes[0]}")
    say(f"Locked {len(pins)} {'dependency' if len(pins) == 1 else 'dependencies'} in {LOCK}. Next: mpp build")


def _write_manifest(project: Project, wishes: Wishes, *, as_json: bool) -> None:
    data = written_manifest(project, progress=_tell, wishes=wishes)
    write_atomic(project.manifest_path, data)
    if as_json:
        put_json({"ok": True, "file": shorter(project.manifest_path)})
        return
    say(f"Wrote the tool definitions into {shorter(project.manifest_path)}. They are compared with the sources by each build.")


def _judge_patterns(patterns: tuple[CustomPattern, ...]) -> None:
    """Spec: 6-privacy F-22. What a host would refuse is refused here, before anything is signed."""
    if patterns:
        # A second of work and two engines, which other builds do without.
        from mpp.host.patterns.cache import PatternCache  # noqa: PLC0415
        from mpp.host.patterns.judging import admit  # noqa: PLC0415

        admit(patterns, PatternCache(home().cache), "/privacy_filters/custom_patterns")


def _judge_static(built: Built) -> tuple[str, ...]:
    """Spec: static-content X-2. Lists of prompts and resources that a host would leave out are refused here; gives what is doubtful in them."""
    archive = read_archive(built.data)
    if not any(member.name in _LISTS for member in archive.members):
        return ()
    from mpp.host.static import Draft, to_look_at  # noqa: PLC0415 - most packages have none

    return to_look_at(Draft(archive=archive, manifest=built.manifest))


def _key_id(given: str | None) -> str:
    """The short id to write into the manifest."""
    if given is None or given.startswith("pub_"):
        return given or ""
    keys = load_chain(given).newest.role("release").keys
    if len(keys) != 1:
        raise Refused("key.ambiguous", f"the publisher has {len(keys)} release keys", where=given, hint="give the pub_… id of the one that will sign")
    return short_id(keys[0])
