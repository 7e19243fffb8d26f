"""All built-in detectors, and the pattern ids that they give. Spec: 6-privacy, table of patterns."""

from __future__ import annotations

from functools import cache

from mpp.stages.privacy.detector import Detector
from mpp.stages.privacy.words import WORDS
from mpp.stages.privacy.detectors import BUILT_IN, NATIONAL, OFF_BY_DEFAULT, SECRETS

API_KEY, NATIONAL_ID = "api_key", "national_id"
GROUPS = {API_KEY: "every secret: keys, tokens, passwords, private keys", NATIONAL_ID: "every number by which a state knows a person"}


@cache
def secret_types() -> frozenset[str]:
    return frozenset(kind for detector in SECRETS for kind in detector.types)


@cache
def national_types() -> frozenset[str]:
    return frozenset(kind for detector in NATIONAL for kind in detector.types)


@cache
def known_types() -> frozenset[str]:
    """Every pattern id that a manifest or a policy may name, groups left out."""
    return frozenset(kind for detector in BUILT_IN for kind in detector.types)


def group_of(kind: str) -> str:
    """The group of a type; the type itself where it has none."""
    if kind in secret_types():
        return API_KEY
    return NATIONAL_ID if kind in national_types() else kind


def expand(names: frozenset[str] | tuple[str, ...]) -> frozenset[str]:
    """Types for ids that may be groups. What nobody knows stays as it is: it may be a pattern of the package's own."""
    out: set[str] = set()
    for name in names:
        out |= secret_types() if name == API_KEY else national_types() if name == NATIONAL_ID else {name}
    return frozenset(out)


def words_for(kind: str) -> str:
    """What a type is, in words for a list."""
    return WORDS.get(kind, kind.replace("_", " "))


def built_in() -> tuple[Detector, ...]:
    return BUILT_IN


__all__ = [
    "API_KEY",
    "GROUPS",
    "NATIONAL_ID",
    "OFF_BY_DEFAULT",
    "built_in",
    "expand",
    "group_of",
    "known_types",
    "national_types",
    "secret_types",
    "words_for",
]
