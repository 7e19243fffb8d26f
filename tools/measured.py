"""What the processes that tests start have run of the product: how each is told to measure itself, and how all of it is read together.

Also a plug-in of pytest (``-p tools.measured``), because pytest's own process is measured by pytest-cov and must not measure itself twice.
"""

from __future__ import annotations

import marshal
import os
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from coverage import CoverageData

from tools.measured_child import ENDING, INTO, ROOT

GIVEN = "TESTS_MEASURE_CHILDREN_INTO"
"""Told to pytest; handed on to its processes under the name that makes them measure."""

HOOK = "mpp_measured_child.pth"
_LINE = "import os, sys; exec({code!r})\n"
_CODE = "into = os.environ.get({into!r})\nif into:\n sys.path.insert(0, {tools!r})\n import measured_child\n sys.path.remove({tools!r})\n measured_child.begin(into)"


def install(site: Path) -> Path:
    """Let every Python of this environment look for the name when it starts; without it nothing else happens."""
    path = site / HOOK
    line = _LINE.format(code=_CODE.format(into=INTO, tools=str(Path(ROOT) / "tools")))
    if not path.is_file() or path.read_text(encoding="utf-8") != line:
        # Whole or not at all: other parts of the tests start processes at the same time, which would read half of a line.
        new = site / f"{HOOK}.{os.getpid()}"
        new.write_text(line, encoding="utf-8")
        new.replace(path)
    return path


def prepare(folder: Path) -> None:
    """An empty folder for what this environment's processes keep."""
    install(Path(sysconfig.get_path("purelib")))
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()


def pytest_configure() -> None:
    into = os.environ.pop(GIVEN, "")
    if into:
        os.environ[INTO] = into


def _steps(packed: Iterable[int]) -> Iterator[tuple[int, int]]:
    """From line to line, as the tracer packs them: 28 bits each, two bits of signs above."""
    for one in packed:
        first, last = one & 0xFFFFFFF, one >> 28 & 0xFFFFFFF
        yield -first if one & 1 << 56 else first, -last if one & 1 << 57 else last


def read(folders: Iterable[Path]) -> dict[str, set[int]]:
    """All that the processes kept."""
    found: dict[str, set[int]] = {}
    for folder in folders:
        for path in folder.glob(f"*{ENDING}"):
            for name, packed in marshal.loads(path.read_bytes()).items():  # noqa: S302 - our own processes wrote it
                found.setdefault(name, set()).update(packed)
    return found


def join(folders: Iterable[Path], into: Path) -> None:
    """Write it in the form of coverage, which joins it with what pytest's own processes saw."""
    into.unlink(missing_ok=True)
    data = CoverageData(basename=str(into))
    data.add_arcs({name: list(_steps(packed)) for name, packed in read(folders).items()})
    data.write()
