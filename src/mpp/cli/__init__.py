"""The command line: argv in, screens out. Everything is imported when it is needed, so that `mpp verify` starts fast."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """The entry point of the console scripts."""
    _open_streams()
    try:
        from mpp.cli.app import run  # noqa: PLC0415 - click is slow to import
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))


def _open_streams() -> None:
    """Attack: with standard output closed, the next file we open would get its number, and our output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")
