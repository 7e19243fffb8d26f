"""What a compiler said and left, for the languages whose compilers write ``file:line:column: message``."""

from __future__ import annotations

import os
import re

from mpp.author.languages.ports import Job, Progress
from mpp.author.limits import MODULE_BYTES_MAX
from mpp.author.project import matching_files
from mpp.author.running import Done
from mpp.errors import HostFailed, Refused
from mpp.files import read_bounded
from mpp.model.jsontext import shown


NOTHING = os.devnull
"""What a program opens for writing when its child shall say nothing."""


def sources_of(job: Job, *suffixes: str, key: str = "sources") -> dict[str, bytes]:
    """The files that the patterns of ``key`` name, by name. All must have one of the suffixes."""
    names = matching_files(job.root, job.settings.texts(key))
    if not names:
        named = ", ".join(job.settings.texts(key))
        raise Refused("project.sources", f"no file matches {shown(named)}", where=f"mpp.toml/build/{key}", hint="write the sources, or mend the patterns")
    for name in names:
        # Attack: an object or an archive among the sources is code that nobody can read.
        if not name.endswith(suffixes):
            raise Refused("project.sources", f"is none of {', '.join(suffixes)}", where=name, hint=f"name only *{' and *'.join(suffixes)} files under {key}")
    return {name: read_bounded(os.path.join(job.root, name), MODULE_BYTES_MAX) for name in names}


def copied(folder: str, files: dict[str, bytes]) -> None:
    """Write ``files`` below ``folder``: a compiler then sees these and nothing else of the project."""
    for name, data in files.items():
        path = os.path.join(folder, *name.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)


def module_of(done: Done, module: str, errors: re.Pattern[str], again: str, progress: Progress) -> bytes:
    """The module, or what the compiler found. ``errors`` has a group ``where`` and, for compilers that say it after the words, matches there."""
    if done.status != 0:
        raise failure(done, errors, again)
    for line in done.output.splitlines():
        progress(line)
    if not os.path.isfile(module):
        raise HostFailed("host.compiler_failed", "the compiler left no module", hint=again)
    if os.path.getsize(module) > MODULE_BYTES_MAX:
        raise Refused("project.module_size", f"the module is over {MODULE_BYTES_MAX} bytes", hint="leave out large tables; ship them as assets")
    return read_bounded(module, MODULE_BYTES_MAX)


def failure(done: Done, errors: re.Pattern[str], again: str) -> Refused | HostFailed:
    """What to say of a compiler that did not succeed."""
    found = list(errors.finditer(done.output))
    if done.status < 0 or not found:
        return HostFailed("host.compiler_failed", f"the compiler broke off (status {done.status})\n{done.output}", hint=again)
    count = f"{len(found)} error{'s' * (len(found) != 1)}"
    where = next((place for one in found if (place := one["where"])), "")
    return Refused("project.compile", f"the compiler found {count}\n{done.output}", where=where, hint="mend the source at that place and build again")
