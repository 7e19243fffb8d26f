"""Installs and uninstalls one package over and over, until it is ended: ``python -m interop.changing FILE``. So lists really change while a client listens."""

from __future__ import annotations

import os
import sys
import time

from interop.home import EXTRA_ID
from mpp.cli.app import run

PAUSE_SECONDS = 0.3


def main() -> None:
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        sys.stdout = sys.stderr = nothing
        while True:
            run(["install", sys.argv[1]])
            time.sleep(PAUSE_SECONDS)
            run(["uninstall", EXTRA_ID, "--yes"])
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
