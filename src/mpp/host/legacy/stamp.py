"""Whether the document of older servers is still the same, without reading it and without what reads it."""

from __future__ import annotations

import os
from collections.abc import Hashable

from mpp.errors import HostFailed


def stamp(path: str) -> Hashable:
    """Equal as long as the file is the same; empty where there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return ()
    except OSError as fault:
        raise HostFailed("host.file", f"cannot look at the older servers: {fault.strerror}", where=path, hint="check who may read it") from None
    return (found.st_ino, found.st_mtime_ns, found.st_size)
