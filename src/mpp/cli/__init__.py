"""The command line: argv in, screens out. Everything is imported when it is needed, so that `mpp verify` starts fast."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of the console scripts."""
    from mpp.cli.app import run  # noqa: PLC0415 - click is slow to import

    sys.exit(run(sys.argv[1:]))
