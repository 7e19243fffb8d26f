"""One process that judges one file, to measure its time and memory apart from everything else."""

from __future__ import annotations

import json
import resource
import sys
import time

from content import TRUST

from mpp.errors import Refused
from mpp.files import take
from mpp.stages.archive.limits import TOTAL_BYTES_MAX
from mpp.stages.gatekeeper import verify
from mpp.testing.packages import NOW


def peak() -> int:
    """Bytes of memory this program has held at most. On Linux the process counter also knows what the parent held before."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as stream:
            return next(int(line.split()[1]) * 1024 for line in stream if line.startswith("VmHWM"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main(path: str) -> None:
    before, began, code = peak(), time.perf_counter(), "accepted"
    try:
        verify(take(path, TOTAL_BYTES_MAX), TRUST, NOW)
    except Refused as fault:
        code = fault.code
    print(json.dumps({"seconds": time.perf_counter() - began, "before": before, "peak": peak(), "code": code}))


if __name__ == "__main__":
    main(sys.argv[1])
