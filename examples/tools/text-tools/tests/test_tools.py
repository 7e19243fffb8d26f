"""The tools for texts, called as a host calls them."""

from __future__ import annotations

import main
import pytest

from mpp_sdk.testing import ArgumentsRefused, Bench


def test_counts() -> None:
    with Bench() as bench:
        found = bench.call("count", text="one fish\ntwo fish", most=1).structured
    assert found == {"characters": 17, "words": 4, "lines": 2, "often": {"fish": 2}}


@pytest.mark.parametrize(
    ("into", "expected"), [("upper", "CRÈME BRÛLÉE"), ("lower", "crème brûlée"), ("title", "Crème Brûlée"), ("plain", "Creme brulee"), ("slug", "creme-brulee")]
)
def test_converts(into: str, expected: str) -> None:
    with Bench() as bench:
        assert bench.call("convert", text="Crème brûlée", into=into).text == expected


def test_a_host_refuses_another_form() -> None:
    with Bench() as bench, pytest.raises(ArgumentsRefused):
        bench.call(main.convert, text="x", into="sideways")


def test_shows_differences() -> None:
    with Bench() as bench:
        assert bench.call("compare", old="a\nb", new="a\nc").text.splitlines()[-2:] == ["-b", "+c"]
        assert bench.call("compare", old="a", new="a").text == "no difference"


def test_says_what_is_wrong_with_a_pattern() -> None:
    with Bench() as bench:
        assert bench.call("extract", text="a1 b22", pattern=r"\d+").structured == {"result": ["1", "22"]}
        wrong = bench.call("extract", text="x", pattern="(")
    assert wrong.is_error
    assert "the pattern is not one" in wrong.text


def test_writes_json_anew() -> None:
    with Bench() as bench:
        assert bench.call("pretty", text='{"b":1,"a":[]}', indent=0).text == '{"a": [], "b": 1}'
        assert bench.call("pretty", text="{").is_error
