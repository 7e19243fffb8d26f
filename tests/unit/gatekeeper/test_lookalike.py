from __future__ import annotations

import pytest

from mpp.stages.gatekeeper.limits import LOOKALIKES_SHOWN_MAX
from mpp.stages.gatekeeper.lookalike import distance, lookalikes, skeleton

KNOWN = "com.example.clock-service"

ALIKE = (
    "com.example.c1ock-servlce",  # shapes
    "com.example.c1ock-5erv1ce-",
    "com.examp1e.c1ock-5erv1ce",  # more slips than the distance allows, one shape
    "com.exarnple.clock-service",
    "com.example.dock-service",  # cl reads as d
    "com.example.clock.service",
    "com.example.clockservice",
    "com.example.clcok-service",  # neighbours swapped
    "com.example.clock-servic",
    "com.example.clock-services",
    "example.com.clock-service",  # labels swapped
    "clock-service.example.com",
)
DIFFERENT = (KNOWN, "com.example.weather", "com.example.clock", "org.sample.clock-service", "com.example.clock-services-pro")


@pytest.mark.parametrize("other", ALIKE)
def test_alike(other: str) -> None:
    assert lookalikes(other, [KNOWN]) == (KNOWN,)


@pytest.mark.parametrize("other", DIFFERENT)
def test_different(other: str) -> None:
    assert lookalikes(other, [KNOWN]) == ()


def test_the_list_is_short_and_sorted() -> None:
    known = [f"com.example.a{letter}" for letter in "zyxwvutsrq"]
    found = lookalikes("com.example.ab", known)
    assert found == tuple(sorted(known))[:LOOKALIKES_SHOWN_MAX]


@pytest.mark.parametrize(
    ("left", "right"), [("c1ock", "clock"), ("rnodern", "modem"), ("vvave", "wave"), ("l0g1n", "login"), ("a-b_c", "abc"), ("5882", "sbbz"), ("I", "l")]
)
def test_skeletons(left: str, right: str) -> None:
    assert skeleton(left) == skeleton(right)


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [
        ("", "", 0),
        ("a", "a", 0),
        ("a", "", 1),
        ("ab", "ba", 1),
        ("abc", "acb", 1),
        ("abcd", "badc", 2),
        ("kitten", "sitting", 3),
        ("abc", "xyz", 3),
        ("ab", "abcdef", 3),
        ("ca", "abc", 3),
    ],
)
def test_distance(left: str, right: str, edits: int) -> None:
    """Beyond two, three stands for more."""
    assert distance(left, right, 2) == min(edits, 3)
    assert distance(right, left, 2) == min(edits, 3)


def test_long_words_that_differ_early_stop_early() -> None:
    assert distance("x" * 1000, "y" * 1000, 2) == 3
