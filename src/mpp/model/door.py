"""The door of a package that opens name by name: ``from mpp.stages.privacy import Filter`` loads the filter, and not the rest of the stage.

A command needs a few names of each stage, and to load all of them took longer than its work. The table of a door says in which module each name lives; type
checkers read the imports beside it, and a test compares the two with ``__all__``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def door(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """The ``__getattr__`` of ``package``. ``homes`` has, by module, of the package or with its full name, the names that come from it, with a space between them.

    ``Outside=Inside`` says that the module calls it ``Inside``. A name must not be that of a module beside it: Python sets the module under the same name once it is loaded.
    """
    home_of: dict[str, tuple[str, str]] = {}
    for module, words in homes.items():
        for word in words.split():
            outside, _, inside = word.partition("=")
            home_of[outside] = (module if module.startswith("mpp.") else f"{package}.{module}", inside or outside)

    def opened(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        module, inside = home_of[name]
        found: object = getattr(import_module(module), inside)
        # From now on it is an attribute as any other. Two threads may both set the same.
        setattr(sys.modules[package], name, found)
        return found

    return opened
