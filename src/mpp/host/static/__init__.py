"""What a package ships beside its tools: signed prompts and resources that nothing runs for. Spec: spec/static-content.md.

    static = static_of(package)
    static.prompts(); static.prompt("review", {"text": "…"}); static.read("notes://today")

What is given back is not yet filtered: the host passes it through the privacy filter like anything else that a package says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.host.static.comparing import changed_prompts
    from mpp.host.static.icon import icons_of
    from mpp.host.static.offering import Shelf, Shelves
    from mpp.host.static.static import Draft, EMPTY, Static, static_of, to_look_at

__getattr__ = door(
    __name__,
    {
        "comparing": "changed_prompts",
        "icon": "icons_of",
        "offering": "Shelf Shelves",
        "static": "Draft EMPTY Static static_of to_look_at",
    },
)

__all__ = ("EMPTY", "Draft", "Shelf", "Shelves", "Static", "changed_prompts", "icons_of", "static_of", "to_look_at")
