"""Runs detectors over a small message as a scan does, with the expressions of the standard library."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import Arena, gather, MARK
from mpp.stages.privacy.detector import Detector, Hit, Place


def _begins(probe: str, data: bytes) -> Iterator[int]:
    regex, at = re.compile(probe.encode("ascii")), 0
    while (found := regex.search(data, at)) is not None:
        yield found.start()
        at = found.start() + 1


def places(arena: Arena, detector: Detector) -> list[int]:
    data = arena.text.encode()
    begins = {at for probe in detector.probes for at in _begins(probe, data)}
    return sorted(len(data[:at].decode(errors="ignore")) for at in begins)


def place_at(arena: Arena, at: int) -> Place:
    place = Place(arena)
    place.at = at
    place.leaf = arena.leaf_at(at + len(MARK))
    while arena.starts[place.leaf] - len(MARK) > at:
        place.leaf -= 1
    place.low, place.high = arena.starts[place.leaf], arena.end_of(place.leaf)
    return place


def hits(detectors: Sequence[Detector], message: Json) -> list[tuple[str, Hit]]:
    """Each hit once, with the text that it covers; none leaves its leaf."""
    arena = gather(message)
    out: list[tuple[str, Hit]] = []
    for detector in detectors:
        for at in places(arena, detector):
            place = place_at(arena, at)
            for hit in detector.look(place):
                assert place.low <= hit.start < hit.end <= place.high
                assert hit.type in detector.types
                one = (arena.text[hit.start : hit.end], hit)
                if one not in out:
                    out.append(one)
    return out


def found(detectors: Sequence[Detector], message: Json) -> list[tuple[str, str]]:
    return [(hit.type, text) for text, hit in hits(detectors, message)]
