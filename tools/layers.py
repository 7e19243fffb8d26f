"""``make layers``: build the interpreters that tools stand on, so that tests can run tools on them.

They are written unsigned to ``build/layers/NAME.mpp``; tests sign them with keys of their own. What was fetched and compiled is kept beside them, so that the
second time takes a second. It needs a network and Debian's ``apt``; where one is absent it says so and ends with 1, and the tests that need a layer are skipped.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

from mpp.author.layers import LAYERS
from mpp.errors import MppError
from mpp.files import write_atomic

FOLDER = Path(__file__).resolve().parent.parent / "build" / "layers"


def build(name: str) -> bool:
    """One layer. Whether it is there now."""
    module, _, function = LAYERS[name].partition(":")
    begun = time.monotonic()
    cache = FOLDER / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    try:
        made = getattr(importlib.import_module(module), function)(cache=str(cache), progress=lambda text: print(f"  {name}: {text}", flush=True))
    except MppError as fault:
        for one in fault.faults:
            print(f"{name}: {one.message}\n{name}: hint: {one.hint}", flush=True)
        return False
    write_atomic(str(FOLDER / f"{name}.mpp"), made.data)
    print(f"{name}: {len(made.data):,} bytes, sha256:{made.content_hash}, {time.monotonic() - begun:.0f} s", flush=True)
    return True


def main() -> int:
    """The names that are given, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *LAYERS], metavar="NAME", help=f"of {', '.join(LAYERS)}; all if left out")
    names = parser.parse_args().names or list(LAYERS)
    built = [build(name) for name in names]
    return 0 if all(built) else 1


if __name__ == "__main__":
    sys.exit(main())
