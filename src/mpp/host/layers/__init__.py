"""Layers on this machine: interpreters that tools name by content hash, stored once, and images of them for each tool.

``store`` has the files, ``judging`` says whether one holds now, ``running`` makes a tool that stands on one ready for calls. Spec: spec/layers.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.host.layers.judging import JudgedLayer, judge_file, judge_named
    from mpp.host.layers.running import Layered, Layers, layers_of
    from mpp.host.layers.store import LayerRow, LayerStore

__getattr__ = door(
    __name__,
    {
        "judging": "JudgedLayer judge_file judge_named",
        "running": "Layered Layers layers_of",
        "store": "LayerRow LayerStore",
    },
)

__all__ = ("JudgedLayer", "LayerRow", "LayerStore", "Layered", "Layers", "judge_file", "judge_named", "layers_of")
