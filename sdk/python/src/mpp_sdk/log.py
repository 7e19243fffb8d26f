"""Log lines. They go to the host, which filters them; natively they go to standard error. Spec: spec/call-contract.md C-66, C-74."""

from __future__ import annotations

import sys

from mpp_sdk import _host
from mpp_sdk.errors import HostError

LEVELS = ("debug", "info", "warning", "error")


def write(level: str, message: object) -> None:
    """Write one line. A host that does not take it does not stop the tool."""
    text = str(message)
    if _host.is_there():
        try:
            _host.call("log", {"level": level, "message": text})
        except HostError:
            pass
        else:
            return
    sys.stderr.write(f"{level}: {text}\n")


def debug(message: object) -> None:
    write("debug", message)


def info(message: object) -> None:
    write("info", message)


def warning(message: object) -> None:
    write("warning", message)


def error(message: object) -> None:
    write("error", message)
