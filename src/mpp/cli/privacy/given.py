"""What ``mpp privacy`` is given: messages from a file, from standard input, or the samples of a package; and the rules they are tried with."""

from __future__ import annotations

import sys
from pathlib import Path

from mpp.cli.options import home
from mpp.cli.packages import take_package
from mpp.errors import Refused
from mpp.host.filtering import Whose
from mpp.host.opening import open_filters
from mpp.host.policy_store import open_policies
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.jsontext import Json
from mpp.model.manifest import PrivacyFilters
from mpp.model.value import value
from mpp.stages.archive import read_member
from mpp.stages.policy import CallPrivacy
from mpp.stages.privacy import Filter, MESSAGE_BYTES_MAX, read_message

SAMPLES = "samples/"
"""The folder of a package whose JSON files are examples of its answers."""

NOTHING = PrivacyFilters(enabled=True, patterns=(), custom_patterns=())


@value
class Given:
    """One message."""

    name: str
    message: Json
    size: int


def open_trial(filters: PrivacyFilters) -> Filter:
    """The detectors of this host, its policies, and the patterns of a package. Whose call it would be nobody knows here, so exemptions do not count."""
    clock = SystemClock()
    said = CallPrivacy(rules=open_policies(home(), clock).current().policies.privacy)
    return open_filters(home(), clock, SystemRandom()).bind(said, filters, Whose(tenant="local", agent=""))


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
    """JSON as it is; anything else as one text."""
    try:
        message = read_message(data)
    except Refused as fault:
        if fault.code == "privacy.limit":
            raise
        message = data.decode("utf-8", "replace")
    return Given(name=name, message=message, size=len(data))


def masked(text: str, *, show: bool) -> str:
    """Attack: a log of a build that prints what it was to find. The values are only shown where somebody asks for them."""
    return text if show or len(text) <= 2 else f"{text[:2]}{'*' * min(len(text) - 2, 12)}"
