"""Runs detectors over a message with Python's own expressions, so that a table of cases needs no engine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import gather
from mpp.stages.privacy.detector import Detector, Hit, Place


@cache
def _expression(probe: str) -> re.Pattern[bytes]:
    flags = re.IGNORECASE if probe.startswith("(?i)") else 0
    return re.compile(b"(?=" + probe.removeprefix("(?i)").encode("ascii") + b")", flags)


def _begins(probe: str, data: bytes) -> Iterable[int]:
    return (found.start() for found in _expression(probe).finditer(data))


def find(message: Json, detectors: Iterable[Detector]) -> list[tuple[str, str, int]]:
    """Type, text and sureness of everything found, each once, in order."""
    arena = gather(message)
    data = arena.text.encode()
    found: set[Hit] = set()
    for detector in detectors:
        for probe in detector.probes:
            for byte in _begins(probe, data):
                place = Place(arena)
                place.at = len(data[:byte].decode("utf-8", "ignore"))
                place.leaf = max(arena.leaf_at(place.at), 0)
                place.low, place.high = arena.starts[place.leaf], arena.end_of(place.leaf)
                found.update(detector.look(place))
    return [(hit.type, arena.text[hit.start : hit.end], hit.sure) for hit in sorted(found, key=lambda hit: (hit.start, hit.end, hit.type))]


def kinds(message: Json, detectors: Iterable[Detector]) -> set[str]:
    return {kind for kind, _, _ in find(message, detectors)}
