"""The process that judges patterns: it enters the jail, then answers one line of JSON for each line that it reads.

Run by path, as ``python -I -S -B child.py SOURCE LIBRARY MEMORY SECONDS``. It holds no key, no name and no network, and can open nothing.
"""

import json
import os
import sys


def main(arguments: list[str]) -> None:
    """Whatever goes wrong becomes a line, or silence when the kernel ends us."""
    source, library, memory, seconds = arguments
    sys.path.insert(0, source)
    sys.path.append(library)
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415 - the path is known only now

    from contextlib import suppress  # noqa: PLC0415

    from mpp.errors import HostFailed  # noqa: PLC0415
    from mpp.host.patterns import limits, trying  # noqa: PLC0415
    from mpp.jail import PROFILE_COMPUTE, Limits, Plan, enter  # noqa: PLC0415

    with suppress(ImportError):
        import hyperscan  # noqa: F401, PLC0415 - nothing can be imported later

    try:
        enter(Plan(PROFILE_COMPUTE, Limits(data=int(memory), files=limits.JUDGE_FILES_MAX, cpu=int(seconds))), parent=os.getppid())
    except HostFailed as fault:
        _say({"fault": fault.message, "where": fault.where})
        return
    pace = trying.measure()
    _say({"ready": True})
    for line in sys.stdin.buffer:
        try:
            found = trying.judge(trying.Order(**json.loads(line)), pace)
        except (re2.error, MemoryError):
            found = trying.Found(trying.SIZE)
        _say({"why": found.why, "probe": found.has_probe})


def _say(words: dict[str, object]) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)
