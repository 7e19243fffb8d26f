"""What a page that broke says to whoever runs the console: where, and of what kind, under a reference that its visitor sees, too."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator

from starlette.requests import Request

from mpp.ports import Random

REFERENCE_BYTES = 4
"""Bytes of a reference. Reason: one console breaks a few times at most; eight digits can be read out."""

CAUSES_MAX = 5
"""Faults in one chain that are told. Reason: the first is what broke, the last what was seen."""

FRAMES_MAX = 40
"""Places of one fault that are told. Reason: a call is twenty deep; one that calls itself for ever says nothing new."""

FRAMEWORK = f"starlette{os.sep}"

Tell = Callable[[str], None]


def on_stderr(words: str) -> None:
    sys.stderr.write(words + "\n")
    sys.stderr.flush()


def tell_defect(request: Request, fault: BaseException, random: Random, tell: Tell) -> str:
    """Tell the operator; the reference is for the page.

    Attack: what is on a page finds its way into a log. The words of a fault may hold a passphrase or a text of the privacy bench, and an address
    names a call: told are kinds, places and lines of our own code, and the form of the address.
    """
    reference = random.bytes(REFERENCE_BYTES).hex()
    route = request.scope.get("route")
    form = getattr(route, "path", "a page")
    tell("\n".join((f"error: {request.method} {form} broke; reference {reference}", *places(fault))))
    return reference


def places(fault: BaseException) -> Iterator[str]:
    """The chain of faults, the one that came first in front, each with the way to it."""
    for one in reversed(_chain(fault)):
        yield f"  {type(one).__module__}.{type(one).__qualname__} at"
        frames = [(_short(frame.filename), frame) for frame in traceback.extract_tb(one.__traceback__)[-FRAMES_MAX:]]
        for place, frame in frames:
            # The way through the framework is the same for every page; where it breaks itself, its last place is told.
            if not place.startswith(FRAMEWORK) or frame is frames[-1][1]:
                yield f"    {place}:{frame.lineno} in {frame.name}: {frame.line or '?'}"


def _chain(fault: BaseException) -> list[BaseException]:
    found, at = [fault], fault.__cause__ or fault.__context__
    while at is not None and at not in found and len(found) < CAUSES_MAX:
        found.append(at)
        at = at.__cause__ or at.__context__
    return found


def _short(path: str) -> str:
    """From the folder of the package on. Attack: the name of the user, in a log that is sent along with a report."""
    for folder in ("site-packages", "src", "lib"):
        _, found, rest = path.rpartition(f"{os.sep}{folder}{os.sep}")
        if found:
            return rest
    return os.path.basename(path)
