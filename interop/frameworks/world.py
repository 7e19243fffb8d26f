"""What the scripts of all frameworks share. Each runs with the interpreter of its own environment: ``python langchain_tools.py HOME``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from mpp.host.host import Host

ADD = "conformance-content__add"
ASKS = "conformance-content__test_x_mcp_header"
IMAGE = "conformance-content__test_image_content"
FAILS = "conformance-content__test_error_handling"
NAMES = (ADD, ASKS, IMAGE, FAILS)
WAITS = {"region": f"ask-me {os.getpid()}"}
"""Arguments for which policy wants a person. A no holds for a while, so each run asks about another call."""
DONE = f"region: {WAITS['region']}"
SUM = '{"sum":5}'

_DONE: list[str] = []


def check(name: str, is_so: object, found: object = "") -> None:
    """One line for each thing that was looked at; the first that is not so ends the script."""
    if not is_so:
        sys.exit(f"{name}: {found!r}")
    _DONE.append(name)


def run(work: Callable[[Host], Any]) -> None:
    """Open the host whose home was given, do the work, say what was looked at."""
    with Host.open(sys.argv[1]) as host:
        work(host)
    sys.stdout.write(json.dumps({"checks": _DONE}) + "\n")
