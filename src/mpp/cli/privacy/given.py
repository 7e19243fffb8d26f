"""What ``mpp privacy`` is given: messages from a file, from standard input, or the samples of a package; and the rules they are tried with."""

from __future__ import annotations

import sys
from pathlib import Path

from mpp.cli.options import home
from mpp.cli.packages import take_package
from mpp.errors import Refused
from mpp.host.privacy_trial import message_of, NOTHING, trial_filter
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.jsontext import Json
from mpp.model.manifest import PrivacyFilters
from mpp.model.value import value
from mpp.stages.archive import read_member
from mpp.stages.privacy import Filter, MESSAGE_BYTES_MAX

SAMPLES = "samples/"
"""The folder of a package whose JSON files are examples of its answers."""


@value
class Given:
    """One message."""

    name: str
    message: Json
    size: int


def open_trial(filters: PrivacyFilters) -> Filter:
    """The detectors of this host, its policies, and the patterns of a package."""
    return trial_filter(home(), filters, SystemClock(), SystemRandom())


def read_messages(files: tuple[str, ...]) -> tuple[list[Given], PrivacyFilters]:
    """The messages of all files, and what the package among them says of filtering."""
    found: list[Given] = []
    filters = NOTHING
    for name in files or ("-",):
        if name.endswith(".mpp"):
            samples, filters = _of_package(name)
            found += samples
        else:
            found.append(_given(name, _bytes(name)))
    return found, filters


def _of_package(name: str) -> tuple[list[Given], PrivacyFilters]:
    package = take_package(name, ask=False, development=True).package
    samples = [one for one in package.archive.members if one.name.startswith(SAMPLES)]
    if not samples:
        raise Refused(
            "usage.file", f"the package has nothing in {SAMPLES}", where=name, hint="put examples of its answers there as JSON, or give a file with an answer"
        )
    return [_given(f"{name}: {one.name}", read_member(package.archive, one)) for one in samples], package.manifest.privacy_filters


def _bytes(name: str) -> bytes:
    try:
        if name == "-":
            return sys.stdin.buffer.read(MESSAGE_BYTES_MAX + 1)
        with Path(name).open("rb") as file:
            return file.read(MESSAGE_BYTES_MAX + 1)
    except OSError as fault:
        raise Refused("usage.file", f"cannot be read: {fault.strerror}", where=name, hint="give a file with JSON or text, or - for standard input") from None


def _given(name: str, data: bytes) -> Given:
    return Given(name=name, message=message_of(data), size=len(data))
