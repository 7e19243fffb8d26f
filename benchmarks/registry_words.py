"""Packages that nobody wrote: names, titles and summaries as a registry would hold them, the same in each run.

Words are as common as in texts: the second half as common as the first, the tenth a tenth of it. A search for a common word meets a large part of all packages, one for a rare word a few.
"""

from __future__ import annotations

import itertools
import random
from bisect import bisect
from collections.abc import Iterator
from typing import NamedTuple

WORDS = 20_000
SUMMARY_WORDS = 14
README_WORDS = 220
KEYWORDS = 4
PUBLISHERS = 1_000
VERSIONS_EACH = 10
"""Versions of a package in the mean, as packages of other registries have: most have a few, some have a hundred."""
VERSIONS_MAX = 120
_HEADS = ("b", "c", "d", "f", "g", "h", "l", "m", "n", "p", "r", "s", "t", "v", "tr", "st", "pl", "gr")
_TAILS = ("a", "e", "i", "o", "u", "an", "er", "or", "in", "us", "al", "et")


class Invented(NamedTuple):
    """One package."""

    number: int
    package_id: str
    publisher: int
    title: str
    summary: str
    keywords: str
    readme: str
    versions: tuple[str, ...]


def vocabulary() -> list[str]:
    syllables = [head + tail for head in _HEADS for tail in _TAILS]
    words = (first + second for first, second in itertools.product(syllables, syllables))
    return list(itertools.islice(words, 7, None, 2))[:WORDS]


class Author:
    """Writes packages and searches, each from a number alone."""

    def __init__(self) -> None:
        self.words = vocabulary()
        self.weights = list(itertools.accumulate(1 / (rank + 1) for rank in range(len(self.words))))
        mixed = random.Random(1)
        mixed.shuffle(self.words)

    def _text(self, source: random.Random, count: int) -> list[str]:
        whole = self.weights[-1]
        return [self.words[min(bisect(self.weights, source.random() * whole), len(self.words) - 1)] for _ in range(count)]

    def package(self, number: int) -> Invented:
        source = random.Random(f"package {number}")
        publisher = min(int(source.paretovariate(0.8)), PUBLISHERS) - 1
        name = "-".join(self._text(source, 2))
        count = min(max(1, round(source.expovariate(1 / VERSIONS_EACH))), VERSIONS_MAX)
        versions = tuple(f"{1 + one // 20}.{one % 20}.{source.randrange(4)}" for one in range(count))
        title, summary = " ".join(self._text(source, 3)), " ".join(self._text(source, SUMMARY_WORDS))
        keywords, readme = " ".join(dict.fromkeys(self._text(source, KEYWORDS))), " ".join(self._text(source, README_WORDS))
        return Invented(number, f"com.example{publisher}.{name}-{number}", publisher, title, summary, keywords, readme, versions)

    def packages(self, begin: int = 0) -> Iterator[Invented]:
        return map(self.package, itertools.count(begin))

    def searches(self, seed: int) -> Iterator[str]:
        """What people type: half of it one word, a third two, the rest the beginning of one."""
        source = random.Random(seed)
        while True:
            kind = source.random()
            words = self._text(source, 2 if kind > 0.5 else 1)
            yield words[0][:3] if kind > 5 / 6 else " ".join(words)
