"""Detectors of other projects, found by entry points of the group ``mpp.privacy_detectors``. Spec: 6-privacy F-25.

A plug-in is code in the host's own process, with all of its rights and under no deadline of its own. Whoever installs one trusts it as this program
itself: it is for a form that only an organisation knows, and for what cannot be said in an expression, such as a list of names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NoReturn, TYPE_CHECKING

from mpp.errors import HostFailed, Refused
from mpp.model.installed import may_have_entry_points
from mpp.stages.privacy import GROUPS, Detector, Hit, Place

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "mpp.privacy_detectors"

PLUGINS_MAX = 32
"""Plug-ins of one host. Reason: an organisation has a few; each is looked up and loaded before the first call."""

DETECTORS_MAX = 64
"""Detectors of one plug-in. Reason: a table of kinds is one detector; each more makes every scan dearer."""

_TYPE = re.compile(r"[a-z][a-z0-9_]{1,63}")
"""As a placeholder writes it, in capitals."""

_TAKEN = frozenset((*GROUPS, "default"))
"""Names that a policy reads as several types."""


def entry_points(group: str) -> Sequence[EntryPoint]:
    """What is installed for this group."""
    if not may_have_entry_points(group):
        return ()
    from importlib import metadata  # noqa: PLC0415 - most machines have no plug-in, and it brings the modules of mail

    return tuple(metadata.entry_points(group=group))


@cache
def plugin_detectors() -> tuple[Detector, ...]:
    """All detectors of all plug-ins, loaded once. Raises HostFailed ``privacy.plugin`` where one is not there as it should be.

    Attack: a detector that is silently missing, after an update that broke it. Then nothing runs, and the message says which plug-in it is.
    """
    found = sorted(entry_points(group=GROUP), key=lambda one: (one.name, one.value))
    if len(found) > PLUGINS_MAX:
        _fail(f"there are {len(found)} plug-ins of {GROUP}, and at most {PLUGINS_MAX} are loaded")
    return tuple(detector for one in found for detector in _of(one))


def plugin_types() -> frozenset[str]:
    """The pattern ids that plug-ins add."""
    return frozenset(kind for detector in plugin_detectors() for kind in detector.types)


def _of(entry: EntryPoint) -> list[Detector]:
    try:
        given = entry.load()()
    except Exception as fault:  # noqa: BLE001 - whatever code of somebody else raises, it is not there
        _fail(f"the plug-in {entry.name!r} ({entry.value}) cannot be loaded: {type(fault).__name__}: {fault}"[:500])
    if not isinstance(given, Sequence) or len(given) > DETECTORS_MAX:
        _fail(f"the plug-in {entry.name!r} gives no list of at most {DETECTORS_MAX} detectors")
    for one in given:
        wrong = _wrong(one)
        if wrong:
            _fail(f"the plug-in {entry.name!r} gives {wrong}")
    return [_guarded(one) for one in given]


def _wrong(one: object) -> str:
    """What is wrong with a detector; empty where nothing is. Whether an engine takes its probes, the engine says."""
    if not isinstance(one, Detector):
        return f"something that is no detector: {type(one).__name__}"
    if not _are_texts(one.types) or any(not _TYPE.fullmatch(kind) or kind in _TAKEN for kind in one.types):
        return f"a detector {one.name!r} whose types are no names of patterns"
    if not _are_texts(one.probes) or not "".join(one.probes).isascii() or not callable(one.look):
        return f"a detector {one.name!r} without probes or without a look"
    return ""


def _are_texts(found: object) -> bool:
    return isinstance(found, tuple) and bool(found) and all(isinstance(one, str) and one for one in found)


def _guarded(one: Detector) -> Detector:
    """A look that fails withholds the message that it failed at. The fault quotes nothing: its words might be what should be hidden."""

    def look(place: Place) -> Iterable[Hit]:
        try:
            hits = tuple(one.look(place))
        except Exception as fault:  # noqa: BLE001 - code of somebody else
            raise _refusal(one, f"failed with {type(fault).__name__}") from None
        if not all(_is_hit(hit, one) for hit in hits):
            raise _refusal(one, "gave something that is no hit of its types")
        return hits

    return Detector(name=one.name, types=one.types, probes=one.probes, look=look)


def _is_hit(hit: object, by: Detector) -> bool:
    return isinstance(hit, Hit) and hit.type in by.types and type(hit.start) is int and type(hit.end) is int and hit.sure in {1, 2, 3}


def _refusal(one: Detector, words: str) -> Refused:
    return Refused(
        "privacy.plugin", f"the detector {one.name} of a plug-in {words}", where="message", hint="report it to whoever gave you the plug-in, or uninstall it"
    )


def blamed(fault: HostFailed) -> HostFailed:
    """For a host whose engine takes all expressions but those of plug-ins."""
    return _failure(f"an engine does not take a probe of a plug-in: {fault.message}")


def _fail(message: str) -> NoReturn:
    raise _failure(message)


def _failure(message: str) -> HostFailed:
    return HostFailed("privacy.plugin", message, where=GROUP, hint="mend the plug-in, or uninstall it")


__all__ = ["DETECTORS_MAX", "GROUP", "PLUGINS_MAX", "blamed", "plugin_detectors", "plugin_types"]
