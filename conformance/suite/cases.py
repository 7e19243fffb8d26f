"""Vectors as they stand on the disk. HOST-CLI.md section 5 describes the files."""

from __future__ import annotations

import fnmatch
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
TRUST = "trust"
"""The folder of trust documents that several cases share."""

RECIPE_BYTES_MAX = 300 * 1024 * 1024
"""Bytes that a recipe may make. Reason: the largest case is one byte over the 256 MiB that a host reads."""

CHUNK_BYTES = 1024 * 1024
"""Bytes written at a time. Reason: keeps memory flat; larger is no faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One vector: what a host is given, and what it must answer."""

    id: str
    title: str
    clauses: tuple[str, ...]
    folder: Path
    trust: Path
    exit: int
    now: int = 0
    code: str = ""
    check: int | None = None
    stage: str = ""
    package_id: str = ""
    version: str = ""
    content_hash: str = ""
    publisher_id: str = ""
    generate: str = ""
    tool: str = ""
    """Of a vector of ``run``, as the fields below."""
    arguments: str = "{}"
    timeout_ms: int = 0
    holds: tuple[str, ...] = ()

    @property
    def is_run(self) -> bool:
        return bool(self.tool)

    def expected(self, name: str) -> object:
        """The document ``name.json`` of the vector; None if it has none."""
        path = self.folder / f"{name}.json"
        return json.loads(path.read_bytes()) if path.is_file() else None

    @property
    def accept(self) -> bool:
        return not self.code

    def file(self, work: Path) -> Path:
        """The package; made in ``work`` when the vector is a recipe."""
        if not self.generate:
            return self.folder / "input.mpp"
        made = work / "input.mpp"
        expand(self.generate, (self.folder / "input.part").read_bytes(), made)
        return made


def expand(recipe: str, part: bytes, target: Path) -> None:
    """Write the file that ``recipe`` describes: ``take:N`` copies from the part, ``fill:XX*N`` repeats one byte."""
    at = size = 0
    with target.open("wb") as stream:
        for step in recipe.split():
            word, _, rest = step.partition(":")
            if word == "take":
                length = int(rest)
                stream.write(part[at : at + length])
                at += length
            elif word == "fill":
                byte, _, count = rest.partition("*")
                length = int(count)
                if size + length > RECIPE_BYTES_MAX:
                    raise ValueError(recipe)
                for done in range(0, length, CHUNK_BYTES):
                    stream.write(bytes.fromhex(byte) * min(CHUNK_BYTES, length - done))
            else:
                raise ValueError(recipe)
            size += length


def read_case(folder: Path, vectors: Path = VECTORS) -> Case:
    """The case in ``folder``; whatever its file lacks, or has and should not, is an error of the vector."""
    row = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    row.pop("accept", None)
    name = row.pop("trust", "")
    row["clauses"], row["holds"] = tuple(row["clauses"]), tuple(row.get("holds", ()))
    return Case(folder=folder, trust=vectors / TRUST / f"{name}.json" if name else folder / "trust.json", **row)


def load(pattern: str = "*", vectors: Path = VECTORS) -> list[Case]:
    """All cases whose id fits the glob ``pattern``, by id."""
    cases = [read_case(path.parent, vectors) for path in sorted(vectors.glob("*/*/case.toml"))]
    return [case for case in cases if fnmatch.fnmatchcase(case.id, pattern)]
