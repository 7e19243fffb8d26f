"""The command line: argv in, screens out. Everything is imported when it is needed, so that `mpp verify` starts fast."""

from __future__ import annotations

import contextlib
import os
import sys


def main() -> None:
    """The entry point of the console scripts."""
    _open_streams()
    _leave_no_core()
    try:
        asked = _asked_by_a_shell()
        if asked:
            from mpp.cli.completion import complete  # noqa: PLC0415 - click is slow to import

            sys.exit(complete(*asked))
        from mpp.cli.app import run  # noqa: PLC0415 - click is slow to import
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))


def _asked_by_a_shell() -> tuple[str, str] | None:
    """The name of this program and what a shell wants to know, when somebody pressed the tabulator."""
    name = os.path.splitext(os.path.basename(sys.argv[0] if sys.argv else ""))[0]
    program = "mpp" if name in {"", "__main__"} else name
    instruction = os.environ.get(f"_{program.replace('-', '_').upper()}_COMPLETE", "")
    return (program, instruction) if instruction else None


def _leave_no_core() -> None:
    """Attack: a crash leaves the memory of the process, with keys and answers, in a file that others read later."""
    try:
        import resource  # noqa: PLC0415 - not every system has it
    except ImportError:
        return
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _open_streams() -> None:
    """Attack: with standard output closed, the next file we open would get its number, and our output."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
