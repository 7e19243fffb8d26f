"""Typed getters: each gives the value or notes a fault with its path, and never raises."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpp.errors import Refused
from mpp.limits import FAULTS_MAX
from mpp.model.fields import PLACE_MAX, WORDS_MAX, Faults, Fields, near
from mpp.model.jsontext import Json

Getter = Callable[[Fields], object]
LOWER = re.compile(r"[a-z]+")


def got(found: Json, getter: Getter) -> tuple[object, list[tuple[str, str]]]:
    """What the getter gives for ``found`` under the key ``k``, and the faults as (name, where)."""
    faults = Faults("manifest")
    fields = Fields({"k": found}, "", faults)
    result = getter(fields)
    fields.end()
    return result, [(fault.code.removeprefix("manifest."), fault.where) for fault in faults.found]


def text(f: Fields) -> object:
    return f.text("k", most=5)


def lower(f: Fields) -> object:
    return f.text("k", most=5, pattern=LOWER, form="lower case")


def spare(f: Fields) -> object:
    return f.text("k", most=5, least=0, default="x")


def choice(f: Fields) -> object:
    return f.one_of("k", ("red", "green"))


def number(f: Fields) -> object:
    return f.number("k", least=1, most=9)


def flag(f: Fields) -> object:
    return f.flag("k")


def items(f: Fields) -> object:
    return f.items("k", most=2, least=1)


def texts(f: Fields) -> object:
    return f.texts("k", most=3, each_most=3, pattern=LOWER, form="lower case")


def each(f: Fields) -> object:
    return f.each("k", lambda item, where: (item, where), most=2)


def inner(f: Fields) -> object:
    found = f.object("k")
    return None if found is None else (found.text("n", most=3, default=""), found.end())[0]


GETS: list[tuple[Json, Getter, object, list[tuple[str, str]]]] = [
    ("abc", text, "abc", []),
    ("a\n\tb", text, "a\n\tb", []),
    ("", text, "", [("length", "/k")]),
    ("abcdef", text, "abcdef", [("length", "/k")]),
    (3, text, "", [("type", "/k")]),
    (None, text, "", [("type", "/k")]),
    ("a\x00", text, "a\x00", [("form", "/k")]),
    ("a\x7f", text, "a\x7f", [("form", "/k")]),
    ("abc", lower, "abc", []),
    ("aBc", lower, "aBc", [("form", "/k")]),
    ("abc\n", lower, "abc\n", [("form", "/k")]),
    ("", spare, "", []),
    ([], spare, "x", [("type", "/k")]),
    ("red", choice, "red", []),
    ("gren", choice, "gren", [("choice", "/k")]),
    (1.5, choice, "", [("type", "/k")]),
    (9, number, 9, []),
    (10, number, 10, [("range", "/k")]),
    (0, number, 0, [("range", "/k")]),
    (True, number, 1, [("type", "/k")]),
    (1.0, number, 1, [("type", "/k")]),
    (True, flag, True, []),
    (0, flag, False, [("type", "/k")]),
    ([1, 2], items, [1, 2], []),
    ([1, 2, 3], items, [1, 2], [("length", "/k")]),
    ([], items, [], [("length", "/k")]),
    ({}, items, [], [("type", "/k")]),
    (["a", "b"], texts, ("a", "b"), []),
    (["a", 1, "a", "B", "long"], texts, ("a", "a"), [("length", "/k"), ("type", "/k/1"), ("duplicate", "/k/2")]),
    (["a", 1, "a"], texts, ("a", "a"), [("type", "/k/1"), ("duplicate", "/k/2")]),
    (["B", "long", ""], texts, ("B", "long", ""), [("form", "/k/0"), ("length", "/k/1"), ("length", "/k/2")]),
    ([1, "b"], each, ((1, "/k/0"), ("b", "/k/1")), []),
    ({"n": "abc"}, inner, "abc", []),
    ({"n": "abcd", "m": 1}, inner, "abcd", [("length", "/k/n"), ("unknown_key", "/k/m")]),
    ([], inner, "", [("type", "/k")]),
]


@pytest.mark.parametrize(("found", "getter", "result", "faults"), GETS)
def test_a_getter_gives_the_value_or_notes_a_fault(found: Json, getter: Getter, result: object, faults: list[tuple[str, str]]) -> None:
    assert got(found, getter) == (result, faults)


ABSENT: list[tuple[Getter, object, int]] = [
    (lambda f: f.text("a", most=5), "", 1),
    (lambda f: f.text("a", most=5, default="d"), "d", 0),
    (lambda f: f.one_of("a", ("x",)), "", 1),
    (lambda f: f.one_of("a", ("x",), default="d"), "d", 0),
    (lambda f: f.number("a", least=3, most=5), 3, 1),
    (lambda f: f.number("a", least=3, most=5, default=4), 4, 0),
    (lambda f: f.flag("a"), False, 1),
    (lambda f: f.flag("a", default=True), True, 0),
    (lambda f: f.items("a", most=5, least=1), [], 0),
    (lambda f: f.items("a", most=5, required=True), [], 1),
    (lambda f: f.texts("a", most=5, each_most=5), (), 0),
    (lambda f: f.texts("a", most=5, each_most=5, required=True), (), 1),
    (lambda f: f.each("a", lambda item, where: item, most=5, required=True), (), 1),
    (lambda f: f.object("a"), None, 1),
    (lambda f: f.object("a", required=False), None, 0),
    (lambda f: f.raw("a"), None, 1),
    (lambda f: f.raw("a", required=False), None, 0),
]


@pytest.mark.parametrize(("getter", "result", "count"), ABSENT)
def test_an_absent_key_is_a_fault_only_if_required(getter: Getter, result: object, count: int) -> None:
    faults = Faults("key")
    assert getter(Fields({}, "/top", faults)) == result
    assert [(fault.code, fault.where) for fault in faults.found] == [("key.missing", "/top/a")] * count


@pytest.mark.parametrize(
    ("found", "kind"), [([], "a list"), ("x", "a string"), (True, "true or false"), (1, "an integer"), (1.5, "a decimal number"), (None, "null")]
)
def test_what_is_no_object_gives_one_fault_and_no_more(found: Json, kind: str) -> None:
    faults = Faults("manifest")
    fields = Fields(found, "", faults)
    assert fields.text("a", most=3) == ""
    fields.end()
    assert [(fault.where, fault.message) for fault in faults.found] == [("/", f"must be an object, is {kind}")]


def test_a_fault_of_an_inner_value_names_its_kind() -> None:
    faults = Faults("manifest")
    Fields({"k": {}}, "", faults).text("k", most=3)
    assert faults.found[0].message == "must be a string, is an object"


@pytest.mark.parametrize(
    ("key", "hint"), [("naem", "did you mean 'name'?"), ("zzz", "known keys here: name, version"), ("\x1b", "known keys here: name, version")]
)
def test_an_unknown_key_is_a_fault_with_a_hint(key: str, hint: str) -> None:
    faults = Faults("manifest")
    fields = Fields({key: 1, "name": "x", "version": "y"}, "", faults)
    assert fields.has(key)
    fields.text("name", most=3)
    fields.text("version", most=3)
    fields.end()
    assert [(fault.code, fault.hint) for fault in faults.found] == [("manifest.unknown_key", hint)]
    assert "\x1b" not in faults.found[0].where + faults.found[0].message


def test_a_wrong_choice_is_met_with_the_near_one() -> None:
    assert near("gren", ("red", "green")) == "did you mean 'green'?"
    assert near("zzz", ("red", "green")) == ""


@pytest.mark.parametrize(
    ("found", "message", "hint"), [(2, "is of version 2, and this MPP reads version 1", "newer"), (0, "must be 1 to 1, is 0", "take a number")]
)
def test_a_document_of_a_later_version_is_called_that(found: int, message: str, hint: str) -> None:
    """Whoever went back to an earlier release must not be told to change the number in a document of trust."""
    faults = Faults("test")
    Fields({"mpp_trust": found}, "", faults).number("mpp_trust", least=1, most=1)
    assert (faults.found[0].code, faults.found[0].message, hint in faults.found[0].hint) == ("test.range", message, True)


def test_faults_stop_with_one_refusal_of_all() -> None:
    faults = Faults("manifest")
    faults.stop()
    faults.add("type", "/a", "words", "hint")
    faults.add("host", "/b", "words", "hint", family="capability")
    with pytest.raises(Refused) as caught:
        faults.stop()
    assert [fault.code for fault in caught.value.faults] == ["manifest.type", "capability.host"]


def test_faults_are_bounded() -> None:
    faults = Faults("manifest")
    Fields({f"key{n}": n for n in range(FAULTS_MAX + 50)}, "", faults).end()
    assert len(faults.found) == FAULTS_MAX


HOSTILE = ("k" * 200_000, "\x1b" * 200_000, "\u202e" * 60_000, "\U0001f600" * 50_000, "\\" * 200_000)


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:1]))
def test_keys_of_a_document_neither_swell_nor_steer_a_report(name: str) -> None:
    faults = Faults("signature")
    outer = Fields({name: {name: [7] * 200}}, "file.json", faults)
    inner = outer.object(name)
    assert inner is not None
    inner.texts(name, most=200, each_most=1)
    Fields(7, f"/keys/{name}", faults)
    faults.add("x", name, name, name)
    assert len(faults.found) == FAULTS_MAX
    assert len(json.dumps(faults.found)) < 100_000
    assert all("".join(fault).isascii() and "".join(fault).isprintable() for fault in faults.found)


def test_a_fault_has_bounded_parts_and_keeps_short_ones_as_they_are() -> None:
    faults = Faults("key")
    faults.add("x", "/home/jos\xe9/a.key", "m" * WORDS_MAX, "h" * WORDS_MAX)
    faults.add("x", "w" * (PLACE_MAX + 1), "m" * (WORDS_MAX + 1), "a\x1bb")
    assert faults.found[0] == ("key.x", "/home/jos\xe9/a.key", "m" * WORDS_MAX, "h" * WORDS_MAX)
    assert faults.found[1] == ("key.x", "w" * (PLACE_MAX - 3) + "...", "m" * (WORDS_MAX - 3) + "...", "a\\x1bb")


def test_a_key_of_other_letters_is_escaped_in_a_place() -> None:
    fields = Fields({}, "/a", Faults("key"))
    assert fields.path("\u05d0") == "/a/\\u05d0"
    assert fields.path("k" * 80) == "/a/" + "k" * 80
    assert len(fields.path("k" * 81)) == 83


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda deeper: st.lists(deeper, max_size=4) | st.dictionaries(st.text(max_size=4), deeper, max_size=4),
    max_leaves=10,
)
GETTERS: list[tuple[Getter, type]] = [
    (text, str), (lower, str), (choice, str), (number, int), (flag, bool), (items, list), (texts, tuple), (each, tuple),
]  # fmt: skip


@given(JSON)
def test_any_json_gives_the_right_type_and_faults_that_can_be_shown(found: Json) -> None:
    for getter, kind in GETTERS:
        faults = Faults("manifest")
        assert type(getter(Fields({"k": found}, "", faults))) is kind
        for fault in faults.found:
            assert "".join(fault).isprintable()
            assert len("".join(fault)) < 1000
