"""``python -m tests.python_modules LAYER.mpp``: imports every module of the standard library in the Python layer and says which work.

``tests/unit/author/layers/test_python_modules.py`` holds the table in the documentation to what this finds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.javascripted import Engine, MIB

_PROBE = """
import importlib, io, json, os, sys
def mpp_main():
    sys.stdin.readline()
    stdout, sys.stdout = sys.stdout, io.StringIO()
    found = {}
    for name in sorted(sys.stdlib_module_names):
        try:
            importlib.import_module(name)
            found[name] = ""
        except BaseException as fault:
            found[name] = f"{type(fault).__name__}: {fault}"
    os.write(1, (json.dumps(found) + "\\n").encode())
"""


def probe(engine: Engine) -> dict[str, str]:
    """Each name of ``sys.stdlib_module_names`` -> nothing, or why it cannot be imported."""
    with engine.tool({"app/main.py": _PROBE.encode()}, memory=128 * MIB, entrypoint="app/main.py") as tool:
        run = tool.line(b"{}\n", 60.0)
    assert run.fault is None, run.stderr
    found: dict[str, str] = json.loads(run.stdout)
    return found


def missing(found: dict[str, str]) -> list[str]:
    """What cannot be imported and has a public name, without the modules of other systems."""
    return sorted(name for name, why in found.items() if why and not name.startswith("_"))


def main() -> None:
    engine = Engine(Path(sys.argv[1]))
    try:
        found = probe(engine)
    finally:
        engine.close()
    for name, why in found.items():
        if why:
            print(f"{name}: {why}")  # noqa: T201 - it is a command
    print(f"{sum(not why for why in found.values())} of {len(found)} can be imported; missing: {', '.join(missing(found))}")  # noqa: T201


if __name__ == "__main__":
    main()
