"""Patterns that are compiled when they are first used."""

from __future__ import annotations

import re

import pytest

import mpp.stages.privacy.later as module
from mpp.stages.privacy.later import on_use


@pytest.mark.parametrize("name", ["match", "search", "fullmatch"])
def test_it_is_used_as_any_pattern(name: str) -> None:
    for text in ("", "ab", "xAB1", "AB"):
        found, plain = (getattr(one("(a)(b)", re.IGNORECASE), name)(text) for one in (on_use, re.compile))
        assert (found and (found.span(), found.groups())) == (plain and (plain.span(), plain.groups()))


def test_all_that_is_used_of_a_pattern_is_there() -> None:
    lazy, plain = on_use("a+", re.ASCII), re.compile("a+", re.ASCII)
    assert [one[0] for one in lazy.finditer("aab a")] == ["aa", "a"] == lazy.findall("aab a")
    assert lazy.sub("x", "aab") == "xb"
    assert lazy.subn("x", "aab") == ("xb", 1)
    assert lazy.split("1a2") == ["1", "2"]
    assert (lazy.pattern, lazy.flags, lazy.groups) == (plain.pattern, plain.flags, plain.groups)
    assert lazy.groupindex == plain.groupindex


def test_it_is_compiled_once_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    class Counted:
        @staticmethod
        def compile(pattern: str, flags: int = 0) -> re.Pattern[str]:
            made.append(pattern)
            return re.compile(pattern, flags)

    monkeypatch.setattr(module, "re", Counted)
    lazy = on_use("a")
    assert made == []
    assert (lazy.search("a"), lazy.search("b"), lazy.match("b")) != (None, None, None)
    assert made == ["a"]
