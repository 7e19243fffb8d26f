from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.stages.gatekeeper.limits import LOOKALIKES_SHOWN_MAX
from mpp.stages.gatekeeper import NO_TRUST
from mpp.stages.gatekeeper.lookalike import distance, known_lookalikes, lookalikes, same_name, skeleton
from mpp.testing.keys import publisher
from mpp.testing.packages import trusting

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
    "com.example.clock-service-official",  # words put to it
    "com.example.my-clock-service",
    "com.example-inc.clock-service",
    "com.example-clock.clock-service",
    "net.example.clock-service",  # another top
)
DIFFERENT = (KNOWN, "com.example.weather", "com.example.clock", "org.sample.clock-service", "com.example.clock-services-pro", "com.example.clock-service.more")


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


@pytest.mark.parametrize("package_id", ["com.examp1e.any", "com.exarnple.any", "com.exmaple.a.b", "com.example-inc.any", "net.example.any", "example.com.any"])
def test_ids_that_seem_to_be_below_a_prefix(package_id: str) -> None:
    assert lookalikes(package_id, ["com.example."]) == ("com.example.",)


@pytest.mark.parametrize("package_id", ["com.example.any", "com.sample-tools.any", "com", "con.any"])
def test_ids_that_do_not(package_id: str) -> None:
    assert lookalikes(package_id, ["com.example.", "com."]) == ()


def test_ones_own_ids_are_no_look_alikes() -> None:
    ada, bob = publisher("Ada"), publisher("Bob")
    trust = replace(NO_TRUST, pins={"com.example.hello": ada.id, "com.example.helo": bob.id}, prefixes={"com.exmaple.": ada.id})
    assert known_lookalikes("com.example.hell0", bob.id, trust) == (("com.example.hello", ada.id), ("com.exmaple.", ada.id))
    assert known_lookalikes("com.example.hell0", ada.id, trust) == (("com.example.helo", bob.id),)


@pytest.mark.parametrize(("name", "alike"), [("Ada Example", True), ("ada example", True), ("AdaExample", True), ("Ada Examp1e", True), ("Ada Sample", False)])
def test_publishers_of_one_name(name: str, alike: bool) -> None:
    known = publisher("Ada Example")
    other = publisher(name) if name != "Ada Example" else publisher("Ada Example", releases=2)
    assert same_name(other.chain, trusting(known)) == ((known.id,) if alike else ())
    assert same_name(known.chain, trusting(known)) == ()
