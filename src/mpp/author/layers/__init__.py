"""Recipes of layers: the interpreters that tools in Python and JavaScript run on.

A recipe is a function ``build(*, cache, progress) -> BuiltLayer``. It fetches sources whose signatures are checked, compiles them to WebAssembly and packs
the module; nothing that it fetches or makes is part of the project.
"""

from __future__ import annotations

LAYERS: dict[str, str] = {
    "python": "mpp.author.layers.python:build_layer",
    "javascript": "mpp.author.layers.javascript_recipe:build_layer",
}
"""Name -> module and function of its recipe."""
