"""Notes, with a store in memory."""

from __future__ import annotations

import pytest

import main
from mpp_sdk.testing import ArgumentsRefused, Bench


def test_a_note_stays_and_says_who_wrote_it() -> None:
    with Bench(agent="ada") as bench:
        bench.call("save", title="milk", text="two bottles")
        note = bench.call(main.read, title="milk").structured
        assert (note["text"], note["by"]) == ("two bottles", "ada")
        assert bench.call("find").structured == {"result": ["milk"]}


def test_notes_are_found_by_words() -> None:
    with Bench() as bench:
        for title, text in (("a", "red fish"), ("b", "blue fish"), ("c", "red house")):
            bench.call("save", title=title, text=text)
        assert bench.call("find", words="Red FISH").structured == {"result": ["a"]}


def test_deletes_only_after_a_yes() -> None:
    with Bench(shared={"note/milk": '{"text": "x", "changed": 1, "by": ""}'}) as bench:
        asked = bench.call("forget", title="milk")
        assert list(asked.questions) == ["sure"]
        bench.answer("sure", action="decline")
        assert bench.call("forget", title="milk").text == "milk stays"
        bench.answer("sure", {})
        assert bench.call("forget", title="milk").text == "milk is gone"
        assert bench.shared == {}


def test_says_what_is_not_there() -> None:
    with Bench() as bench:
        assert "there is no note 'x'" in bench.call("read", title="x").text
        with pytest.raises(ArgumentsRefused):
            bench.call("read", title="../x")
