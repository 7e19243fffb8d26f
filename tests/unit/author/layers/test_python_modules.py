"""The page about Python in the sandbox says which modules are missing, and how many are not: as measured on the real layer, skipped without it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.javascripted import Engine
from tests.python_modules import missing, probe


def documented(root: Path) -> tuple[set[str], tuple[int, int]]:
    text = (root / "docs" / "how-to" / "what-works-in-sandboxed-python.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.partition("## Missing modules")[2].splitlines() if line.startswith("| `")]
    counted = re.search(r"(\d+) of the (\d+) names", text)
    assert counted is not None
    return {name for row in rows for name in re.findall(r"`([a-z_0-9]+)`", row)}, (int(counted[1]), int(counted[2]))


def test_the_page_names_what_is_missing(root: Path, python_layer: Path):
    engine = Engine(python_layer)
    try:
        found = probe(engine)
    finally:
        engine.close()
    names, counted = documented(root)
    assert names == set(missing(found))
    assert counted == (sum(not why for why in found.values()), len(found))


@pytest.mark.parametrize("name", ["sqlite3", "zlib", "bz2", "ssl", "socket", "asyncio", "decimal", "hashlib", "xml", "zoneinfo"])
def test_what_people_look_for_is_not_called_missing(root: Path, name: str):
    assert name not in documented(root)[0]
