"""Whatever an expression of the description guard finds in a text of ASCII has the words without which it is not looked for."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpp.stages.privacy.guard.needles import NEEDLES
from mpp.stages.privacy.guard.words import SAYINGS, spaced

pytestmark = pytest.mark.property

PLACES = [(saying.label, number) for saying in SAYINGS for number in range(len(saying.patterns))]


@pytest.mark.parametrize(("label", "number"), PLACES)
def test_what_a_pattern_finds_in_ascii_has_its_words(label: str, number: int) -> None:
    saying = next(one for one in SAYINGS if one.label == label)
    pattern = re.compile(spaced(saying.patterns[number]), saying.flags)
    needs = [words.split("|") for words in NEEDLES[label][number].split()]

    @settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.from_regex(pattern))
    def judged(text: str) -> None:
        for one in (text, text.translate({0x131: "i", 0x130: "I", 0x17F: "s", 0x212A: "K"})):
            if one.isascii() and pattern.search(one) is not None:
                assert all(any(word in one.lower() for word in words) for words in needs), one

    judged()
