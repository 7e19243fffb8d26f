"""Which environment variables the sources of a server name. Read, not run: a name that is put together at run time is not found."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from mpp.author.migrating.evidence import LIBRARIES
from mpp.author.migrating.limits import SEEN_MAX, SOURCE_BYTES_MAX, SOURCES_MAX
from mpp.errors import MppError
from mpp.files import read_bounded

SUFFIXES = (".py", ".js", ".mjs", ".cjs", ".ts")

_NAME = r"([A-Za-z_][A-Za-z0-9_]{0,127})"
_FORMS = tuple(
    re.compile(form.encode("ascii"))
    for form in (
        rf"""\benviron\s*\[\s*["']{_NAME}["']""",
        rf"""\benviron\s*\.\s*(?:get|pop|setdefault)\s*\(\s*["']{_NAME}["']""",
        rf"""\bgetenv\s*\(\s*["']{_NAME}["']""",
        rf"""\bprocess\s*\.\s*env\s*\.\s*{_NAME}""",
        rf"""\bprocess\s*\.\s*env\s*\[\s*["'`]{_NAME}["'`]""",
    )
)


def script_of(command: Sequence[str]) -> str:
    """The source file that a command runs: the first word that is one. Empty where the command is a program, a module or a package to be downloaded."""
    for word in command:
        if os.path.isfile(word) and (word.endswith(SUFFIXES) or _is_script(word)):
            return os.path.realpath(word)
    return ""


def _is_script(path: str) -> bool:
    try:
        with open(path, "rb") as stream:
            first = stream.read(64)
    except OSError:
        return False
    return first.startswith(b"#!") and any(name in first for name in (b"python", b"node", b"deno", b"bun"))


def variables_in(script: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names, and the files that were searched: the script, and the sources beside it and below it, libraries left out."""
    names: set[str] = set()
    searched = []
    for path in _sources(script):
        try:
            data = read_bounded(path, SOURCE_BYTES_MAX)
        except MppError:
            continue
        searched.append(path)
        for form in _FORMS:
            names.update(found.decode("ascii") for found in form.findall(data)[: SEEN_MAX - len(names)])
    return tuple(sorted(names)), tuple(searched)


def _sources(script: str) -> Iterator[str]:
    yield script
    count, ending = 1, os.path.splitext(script)[1]
    for folder, inner, files in os.walk(os.path.dirname(script)):
        inner[:] = sorted(name for name in inner if name not in LIBRARIES and not name.startswith("."))
        for name in sorted(files):
            path = os.path.join(folder, name)
            if path != script and ending and name.endswith(ending):
                count += 1
                if count > SOURCES_MAX:
                    return
                yield path
