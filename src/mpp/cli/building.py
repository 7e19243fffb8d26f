"""What a build asks of this machine: layers of the store, toolchains of the cache. The author's side knows neither."""

from __future__ import annotations

import os

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


def find_or_install(name: str, *, install: bool) -> Toolchain:
    from mpp.author.toolchains.installing import obtain  # noqa: PLC0415 - only builds that compile

    return obtain(name, env=os.environ, progress=lambda text: note(f"  {text}"), install=install)
