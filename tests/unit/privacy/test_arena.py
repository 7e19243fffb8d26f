"""All leaves of a message as one text."""

from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.stages.privacy import arena as module
from mpp.stages.privacy.arena import MARK, Arena, Spot, gather
from mpp.stages.privacy.limits import DEPTH_MAX
from mpp.stages.privacy.pointers import Pointers, returned, written


def leaves(message: Json) -> list[tuple[str, str, bool]]:
    arena = gather(message)
    return [(arena.texts[i], arena.names[i], arena.spots[i].is_key) for i in range(len(arena.texts))]


def test_keys_texts_and_long_numbers_are_leaves() -> None:
    message: Json = {"a": "x", "n": 999, "m": 1000, "f": -20000.0, "g": 20000.5, "t": True, "z": None, "l": ["y", 12345, 1, None, False, {"k": "v"}, ["w"]]}
    assert leaves(message) == [
        ("a", "", True), ("x", "a", False), ("n", "", True), ("m", "", True), ("1000", "m", False), ("f", "", True), ("-20000", "f", False), ("g", "", True),
        ("t", "", True), ("z", "", True), ("l", "", True), ("y", "l", False), ("12345", "l", False), ("k", "l", True), ("v", "k", False), ("w", "l", False),
    ]  # fmt: skip


def test_a_scalar_message_is_one_leaf() -> None:
    assert leaves("x") == [("x", "", False)]
    assert leaves(None) == []


def test_positions_lead_back_to_leaves() -> None:
    arena = gather({"ab": "cd"})
    assert arena.text == MARK + "ab" + MARK + "cd" + MARK
    assert [arena.leaf_at(arena.starts[1]), arena.leaf_at(arena.starts[1] - 1), arena.end_of(1) - arena.starts[1]] == [1, 0, 2]
    assert len(arena.spots) == 2


def test_lists_of_more_than_one_are_noted() -> None:
    assert gather({"a": [1, 2], "b": [3], "c": []}).lists == [[1, 2]]


def test_what_is_too_deep_or_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    deep: Json = "x"
    for _ in range(DEPTH_MAX):
        deep = [deep]
    gather(deep)
    with pytest.raises(Refused, match="levels"):
        gather([deep])
    monkeypatch.setattr(module, "LEAVES_MAX", 3)
    with pytest.raises(Refused, match="texts"):
        gather([["a", "b", "c", "d"], ["e"]])


def test_pointers_are_those_of_json() -> None:
    root: list[Json] = [{"a/b": [{"c~": "x"}]}]
    arena = gather(root[0], root)
    pointers = Pointers(root)
    assert [written(pointers.of(arena.spots[i])) for i in range(3)] == ["/a~1b", "/a~1b/0/c~0", "/a~1b/0/c~0"]
    assert pointers.of(Spot(root, 0)) == ()


def test_an_arena_is_made_of_spots_too() -> None:
    spot = Spot(["x"], 0)
    assert Arena(["x"], [spot], [""]).spots[0] == spot


def test_pointers_of_policy_begin_at_what_the_tool_returned() -> None:
    assert returned(("answer", "structuredContent", "a", "0")) == ("a", "0")
    assert returned(("answer", "content", "0", "text")) == ("content", "0", "text")
    assert returned(("stderr",)) == ("stderr",)
