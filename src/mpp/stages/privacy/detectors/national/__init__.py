"""Numbers that states give to people: tables by region, checksums, and one look for all of them.

Takes: places that the probes found.
Gives: ``DETECTORS``; hits of the types that the tables name.
Refuses: nothing; what is no such number gives no hit.
Limits: ../labelled.py.
"""

from mpp.stages.privacy.detectors.labelled import detectors_of
from mpp.stages.privacy.detectors.national import americas, asia, europe, europe_beyond, generic

KINDS = (*europe.KINDS, *europe_beyond.KINDS, *americas.KINDS, *asia.KINDS, *generic.KINDS)
DETECTORS = detectors_of("national_labels", KINDS)
TYPES = tuple(dict.fromkeys(kind.type for kind in KINDS))

__all__ = ["DETECTORS", "KINDS", "TYPES"]
