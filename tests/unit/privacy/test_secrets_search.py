"""Secrets in a message, found without an engine: each probe by Python's own expressions, then the look. Other tests of secrets use it."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import gather
from mpp.stages.privacy.detector import Hit, Place
from mpp.stages.privacy.detectors.secrets import DETECTORS

PROBES = [(re.compile(probe.encode("ascii")), detector) for detector in DETECTORS for probe in detector.probes]


def hits(message: Json) -> list[tuple[Hit, str]]:
    """Each hit with its text. A hit never leaves its leaf, and has a type that its detector announced."""
    arena = gather(message)
    place, data, found = Place(arena), arena.text.encode(), []
    for probe, detector in PROBES:
        for match in probe.finditer(data):
            place.at = len(data[: match.start()].decode())
            place.leaf = arena.leaf_at(place.at)
            place.low, place.high = arena.starts[place.leaf], arena.end_of(place.leaf)
            for hit in detector.look(place):
                leaf = arena.leaf_at(hit.start)
                assert arena.starts[leaf] <= hit.start < hit.end <= arena.end_of(leaf), hit
                assert hit.type in detector.types, hit
                found.append((hit, arena.text[hit.start : hit.end]))
    return found


def found(message: Json) -> list[str]:
    """The texts that are found, each once, in the order of the message."""
    return list(dict.fromkeys(text for _, text in sorted(hits(message), key=lambda one: one[0].start)))


def kinds(message: Json) -> Counter[str]:
    return Counter(kind for kind, _, _ in {(hit.type, hit.start, hit.end) for hit, _ in hits(message)})


def test_probes_are_ascii_and_short() -> None:
    for detector in DETECTORS:
        for probe in detector.probes:
            assert probe.isascii()
            assert len(probe) < 400
            assert not re.search(r"\(\?(?!:|i\))|\\[1-9bBdDwWsS]|[+*?}]\?|[+*]", re.sub(r"\\.|\[[^\]]*\]", "", probe)), probe


def test_names_of_detectors_are_their_own() -> None:
    assert max(Counter(detector.name for detector in DETECTORS).values()) == 1


def test_types_are_ids() -> None:
    assert all(re.fullmatch("[a-z][a-z0-9_]*", kind) for detector in DETECTORS for kind in detector.types)


@pytest.mark.parametrize("message", [{}, [], "", {"a": None}, {"password": None}, {"password": {}}, {"password": ["x"]}, {"password": True}])
def test_nothing_in_nothing(message: Json) -> None:
    assert found(message) == []
