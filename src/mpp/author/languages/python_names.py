"""Where the parts of a Python tool lie, in the project and in the package."""

from __future__ import annotations

import os

from mpp.author.languages.ports import Job
from mpp.errors import Refused

SOURCES = "app"
LIBRARIES = "lib"
SELF_CONTAINED = "_mpp/layer.mpp"


def entry_of(job: Job) -> str:
    """The module that starts, as imports name it. ``app/main.py`` is the module ``main``."""
    entrypoint = job.manifest.runtime.entrypoint
    if os.path.dirname(entrypoint) != SOURCES or not entrypoint.endswith(".py") or not os.path.basename(entrypoint)[:-3].isidentifier():
        raise Refused(
            "project.entrypoint", f"{entrypoint} is no module directly below {SOURCES}/", where="/runtime/entrypoint", hint='"entrypoint": "app/main.py"'
        )
    return os.path.basename(entrypoint)[:-3]
