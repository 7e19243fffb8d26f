"""``mpp build``."""

from __future__ import annotations

import os

import click

from mpp.author.build import build_project, Built, Wishes
from mpp.author.keys import RELEASE_FILE, load_chain
from mpp.author.project import find_project, read_project
from mpp.cli.options import here, home, in_shell, json_option, shorter
from mpp.cli.screen import note, put_json, say
from mpp.crypto.ed25519 import short_id
from mpp.errors import Refused
from mpp.files import write_atomic
from mpp.model.manifest import CustomPattern
from mpp.stages.archive import read_archive

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
@json_option
def command(folder: str | None, wasm: str | None, output: str | None, set_key: str | None, as_json: bool) -> None:
    """Build the project in FOLDER (default: the one you are in) into an unsigned package.

    The manifest is checked first, with all its faults at once. The same sources give the same bytes, so the SHA-256 of
    the file is the content hash that a signature will cover. Sign the result with `mpp sign`.

    \b
    Examples:
      mpp build
      mpp build --wasm target/wasm32-wasip1/release/tool.wasm
      mpp build --set-key ~/.mpp/keys/publisher.json
    """
    project = find_project(here()) if folder is None else read_project(folder)
    if project is None:
        raise Refused(
            "project.no_manifest",
            "there is no manifest.json here or above",
            where=here(),
            hint="go to the project's folder, or begin one with: mpp init NAME",
        )
    built = build_project(project, progress=lambda text: note(f"  {text}"), wishes=Wishes(wasm=wasm, key_id=_key_id(set_key)))
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
