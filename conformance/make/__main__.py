"""The command ``python -m conformance.make [FOLDER]``: all vectors, written anew."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from conformance.make import accepted, archive, capabilities, contents, manifests, names, roots, runs, runs_host, runs_inside, seals, statements, trusts, wasm
from conformance.make.case import Case, trust_bytes, write
from conformance.make.trust import SHARED

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
TABLES = (archive, names, statements, seals, roots, trusts, contents, manifests, capabilities, wasm, accepted, runs, runs_inside, runs_host)


def all_cases() -> Iterator[Case]:
    """Every case of every table."""
    for table in TABLES:
        yield from table.cases()


def make(vectors: Path) -> int:
    """Write all vectors below ``vectors`` and return their number; what stood there is removed."""
    if vectors.exists():
        shutil.rmtree(vectors)
    (vectors / "trust").mkdir(parents=True)
    for name, document in SHARED.items():
        (vectors / "trust" / f"{name}.json").write_bytes(trust_bytes(document))
    count = 0
    for count, case in enumerate(all_cases(), 1):  # noqa: B007 - the last number is the count
        write(case, vectors)
    return count


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else VECTORS
    print(f"{make(target)} vectors in {target}")
