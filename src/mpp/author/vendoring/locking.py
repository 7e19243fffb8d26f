"""``mpp build --lock``: from what the project asks for to a file with versions and hashes."""

from __future__ import annotations

import os

from mpp.author.languages.ports import Progress
from mpp.author.toolchains.places import language_cache, usable
from mpp.author.vendoring.fetching import Pip, lock
from mpp.author.vendoring.requirements import LOCK, Pin, read_asked, write_lock
from mpp.errors import HostFailed
from mpp.files import write_atomic


def lock_project(root: str, *, progress: Progress, pip: Pip | None = None) -> tuple[Pin, ...]:
    """Choose, judge and write. Nothing is written when anything that was chosen cannot be packed."""
    asked = read_asked(root)
    cache = usable(language_cache(os.environ, "python"))
    if not cache:
        raise HostFailed("host.file", "the cache cannot be written", where=language_cache(os.environ, "python"), hint="check space and rights of the folder")
    pins = lock(asked, cache, pip or Pip(env=os.environ), progress)
    write_atomic(os.path.join(root, LOCK), write_lock(asked, pins))
    return pins
