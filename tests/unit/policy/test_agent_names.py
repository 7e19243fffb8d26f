"""A name has one spelling, a pattern one star."""

from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.stages.policy import is_name_pattern, judge_name, name_matches
from mpp.stages.policy.identity_limits import AGENT_NAME_CHARS_MAX

GOOD = ["a", "7", "planner", "planner-2", "xn--bcher-kva.example", "ada@example.com", "acme.example/planner", "a/b/c", "a_b", "x" * AGENT_NAME_CHARS_MAX]
BAD = [
    "", " ", "Planner", "PLANNER", "plann er", "planner ", " planner", "planner\n", ".", "..", "a/../b", "a//b", "/a", "a/", "-a", "a-", "a..b", "a---b", "a.-b", "@a",
    "a@", "plánner", "рlanner", "a:b", "a*", "a\\b", "a%2fb", "x" * (AGENT_NAME_CHARS_MAX + 1), "a\x00", "a\u200bb",
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_a_name_is_taken_as_it_is(name: str) -> None:
    assert judge_name(name, "x") == name
    assert is_name_pattern(name)
    assert name_matches(name, name)


@pytest.mark.parametrize("name", BAD)
def test_another_spelling_is_no_name(name: str) -> None:
    with pytest.raises(Refused) as refusal:
        judge_name(name, "x")
    assert refusal.value.code == "agent.name"


@pytest.mark.parametrize("pattern", ["*", "acme/*", "*@acme.example", "acme/*-bot", "acme*", "a*b"])
def test_a_pattern_has_one_star(pattern: str) -> None:
    assert is_name_pattern(pattern)


@pytest.mark.parametrize("pattern", ["", "**", "a/*/*", "A*", "a b*", "*..x", "../*", "*" + "a" * AGENT_NAME_CHARS_MAX, "a//*", "é*"])
def test_what_no_name_can_be_is_no_pattern(pattern: str) -> None:
    assert not is_name_pattern(pattern)


@pytest.mark.parametrize(("pattern", "name", "fits"), [
    ("*", "a", True), ("acme/*", "acme/planner", True), ("acme/*", "acme/a/b", True), ("acme/*", "acme", False), ("acme/*", "acme/", False),
    ("acme/*", "acmex/planner", False), ("*@acme.example", "ada@acme.example", True), ("*@acme.example", "@acme.example", False),
    ("*@acme.example", "ada@acme.example.com", False), ("aba*aba", "ababa", False), ("aba*aba", "abaxaba", True), ("planner", "planner2", False),
    ("planner", "planne", False),
])  # fmt: skip
def test_a_star_stands_for_one_character_or_more(pattern: str, name: str, fits: bool) -> None:
    assert name_matches(pattern, name) is fits
