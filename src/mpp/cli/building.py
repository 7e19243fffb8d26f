"""What a build asks of this machine: layers of the store, toolchains of the cache. The author's side knows neither."""

from __future__ import annotations

import os

from collections.abc import Callable

from mpp.author.languages.ports import LayerFile, Toolchain
from mpp.cli.options import home
from mpp.cli.screen import note

LAYER_IDS = {"python": "dev.mpp.layers.python", "javascript": "dev.mpp.layers.javascript"}
"""The layers that builds take, by runtime type."""


def newest_layer(runtime: str) -> LayerFile | None:
    """The newest layer for a runtime type that this home has."""
    from mpp.host.layers import LayerStore  # noqa: PLC0415 - only builds on layers

    row = LayerStore(home()).newest(LAYER_IDS[runtime]) if runtime in LAYER_IDS else None
    return None if row is None else LayerFile(ref=row.ref, path=row.path)


BUILT_WHEN_ABSENT = {"javascript": "QuickJS"}
"""Layers that a build makes where none is installed, by runtime type: the interpreter is small, and there is no other way without it. For Python there is: componentize-py."""


def layer_or_built(runtime: str, *, find: Callable[[str], LayerFile | None], install: bool, progress: Callable[[str], None]) -> LayerFile | None:
    """The layer that ``find`` finds; else one that is built now from its sources, where that is quick and nobody said ``--no-install``."""
    found = find(runtime)
    if found is not None or not install or runtime not in BUILT_WHEN_ABSENT:
        return found
    from mpp.cli.layer.build import build_layer  # noqa: PLC0415 - once in the life of a home

    progress(f"there is no layer for it yet: building one from the sources of {BUILT_WHEN_ABSENT[runtime]} (about a minute; this happens once)")
    build_layer(runtime, progress=progress, quiet=True)
    return find(runtime)


def find_or_install(name: str, *, install: bool) -> Toolchain:
    from mpp.author.toolchains.installing import obtain  # noqa: PLC0415 - only builds that compile

    return obtain(name, env=os.environ, progress=lambda text: note(f"  {text}"), install=install)
