"""Which languages there are. A row is all that is known of one before it is needed; its module is loaded then."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple, cast

from mpp.author.languages.ports import Language


class Row(NamedTuple):
    """One language: its name, other names for it, and the module with ``LANGUAGE``."""

    name: str
    aliases: tuple[str, ...]
    module: str


ROWS: tuple[Row, ...] = (
    Row("python", ("py",), "mpp.author.languages.python"),
    Row("javascript", ("js",), "mpp.author.languages.javascript"),
    Row("typescript", ("ts",), "mpp.author.languages.typescript"),
    Row("rust", ("rs",), "mpp.author.languages.rust"),
    Row("c", (), "mpp.author.languages.c"),
    Row("cpp", ("c++", "cxx"), "mpp.author.languages.cpp"),
    Row("go", ("golang",), "mpp.author.languages.go"),
    Row("zig", (), "mpp.author.languages.zig"),
    Row("wat", (), "mpp.author.languages.wat"),
)  # fmt: skip
"""In the order in which help shows them."""

NAMES: tuple[str, ...] = tuple(row.name for row in ROWS)


def find_language(name: str) -> Language | None:
    """The language of that name or alias."""
    row = next((row for row in ROWS if name == row.name or name in row.aliases), None)
    return None if row is None else cast("Language", import_module(row.module).LANGUAGE)
