"""Run by test_t03_bombs.py in a process of its own: judge one file and print what it cost."""

from __future__ import annotations

import json
import sys
import time

from mpp.author.report import examine
from mpp.errors import Refused
from mpp.files import take
from mpp.host.trust_store import load_trust_file
from mpp.stages.archive.limits import TOTAL_BYTES_MAX
from mpp.stages.gatekeeper import NO_TRUST, verify
from mpp.testing.packages import NOW


def status(field: str) -> int:
    """A line of /proc/self/status, in bytes. Unlike getrusage it does not count the process that started us."""
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def main(path: str, trust_path: str, what: str) -> None:
    trust = load_trust_file(trust_path) if trust_path else NO_TRUST
    before, begin, code = status("VmRSS:"), time.perf_counter(), ""
    try:
        data = take(path, TOTAL_BYTES_MAX)
        # Each page is touched once, so that the file itself is wholly in what is measured before.
        before += len(data) if sum(data[at] for at in range(0, len(data), 4096)) >= 0 else 0
        begin = time.perf_counter()
        if what == "verify":
            verify(data, trust, NOW)
        else:
            examine(data)
    except Refused as fault:
        code = fault.code
    seconds = time.perf_counter() - begin
    sys.stdout.write(json.dumps({"code": code, "above": status("VmHWM:") - before, "seconds": seconds}))


main(*sys.argv[1:])
