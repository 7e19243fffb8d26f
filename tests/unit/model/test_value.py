"""The frozen value behaves as the dataclass that it says it is."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, field, fields, is_dataclass, replace

import pytest

from mpp.model.value import value


@value
class Point:
    """Two numbers."""

    x: int
    y: int = 2
    more: Mapping[str, int] = field(default_factory=dict, repr=False)


@value
class One:
    name: str


@value
class Nothing: ...


@value
class Mute:
    secret: str

    def __repr__(self) -> str:
        return "Mute"

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return 7


def test_it_is_a_dataclass_with_slots() -> None:
    assert is_dataclass(Point)
    assert [row.name for row in fields(Point)] == ["x", "y", "more"]
    assert Point.__doc__ == "Two numbers."
    assert not hasattr(Point(x=1), "__dict__")


def test_a_class_without_words_has_none() -> None:
    assert One.__doc__ is None


def test_what_would_be_shared_or_inherited_is_no_value() -> None:
    with pytest.raises(ValueError, match="the default of more would be shared"):

        @value
        class Shared:
            more: list[int] = []  # noqa: RUF012 - the mistake itself

    with pytest.raises(TypeError, match="Longer: a value is made of its own fields alone"):

        @value
        class Longer(Point):
            z: int


def test_equal_values_are_equal_and_hash_alike() -> None:
    assert One(name="a") == One(name="a") != One(name="b")
    assert hash(One(name="a")) == hash(One(name="a"))
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())
    assert Point(x=1) == Point(x=1, y=2)
    assert Point(x=1) != (1, 2, {})
    assert One(name="a") != Nothing()


def test_defaults_are_made_anew() -> None:
    first, second = Point(x=1), Point(x=1)
    assert first.more == {}
    assert first.more is not second.more


def test_nothing_changes() -> None:
    point = Point(x=1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del point.x  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        point.z = 2  # type: ignore[attr-defined]


def test_wrong_calls_are_errors() -> None:
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[misc,call-arg]
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Point(x=1, z=3)  # type: ignore[call-arg]


def test_it_is_copied_replaced_and_shown() -> None:
    point = Point(x=1, more={"a": 1})
    assert replace(point, y=5) == Point(x=1, y=5, more={"a": 1})
    assert copy.deepcopy(point) == point
    assert pickle.loads(pickle.dumps(point)) == point
    assert repr(point) == "Point(x=1, y=2)"


def test_what_a_class_says_itself_stays() -> None:
    mute = Mute(secret="x")
    assert (repr(mute), hash(mute), mute == Mute(secret="x")) == ("Mute", 7, False)


def test_the_name_of_a_field_is_nobodys_but_its_own() -> None:
    @value
    class Names:
        missing: dict[str, int] = field(default_factory=dict)

    assert (Names(missing={"a": 1}).missing, Names().missing) == ({"a": 1}, {})


def test_the_first_value_of_a_class_is_made_as_strictly_as_all_others() -> None:
    @value
    class Fresh:
        name: str
        count: int = 1

    for given in ({}, {"name": "a", "more": 1}, {"count": 1}):
        with pytest.raises(TypeError, match=r"Fresh|__init__"):
            Fresh(**given)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Fresh("a")  # type: ignore[misc]
    assert (Fresh(name="a").count, Fresh(name="a", count=2).count) == (1, 2)
