"""What the commands of ``mpp layer`` have in common."""

from __future__ import annotations

import os

from mpp.cli.options import home, shorter
from mpp.cli.screen import note
from mpp.cli.store.progress import Working
from mpp.host.layers import JudgedLayer, LayerRow, LayerStore
from mpp.host.sandbox import native_cache
from mpp.model.jsontext import Json
from mpp.stages.archive import Buffer
from mpp.stages.sandbox import compile_known


def the_layers() -> LayerStore:
    return LayerStore(home())


def row_json(row: LayerRow) -> dict[str, Json]:
    return {
        "id": row.ref.id,
        "version": row.ref.version,
        "sha256": row.ref.sha256,
        "name": row.name,
        "publisher": row.publisher,
        "size": row.size,
        "installed": row.installed,
        "file": row.path,
    }


def put_in_place(judged: JudgedLayer, data: Buffer, *, quiet: bool) -> tuple[bool, float]:
    """Compile a layer that was judged, then keep its file: whether it is new, and the megabytes of its code. What fails leaves the store as it was."""
    if not quiet:
        note(f"preparing {judged.ref.id} {judged.ref.version}; it is compiled once on this machine")
    with Working("compiling", quiet=quiet):
        compiled = compile_known(judged.wasm_sha256, judged.code, native_cache(home().cache))
    os.close(compiled.fd)
    return the_layers().put(judged.ref.sha256, data), compiled.size / 1e6


def shown_path(path: str) -> str:
    return shorter(path)
