"""Conditions on arguments: each operator on values of each type, said with certainty or in doubt."""

from __future__ import annotations

import pytest

from mpp.model.jsontext import Json
from mpp.stages.policy import ArgumentTest
from mpp.stages.policy.arguments import MISSING, argument_judge, look_up, steps_of, value_judge, words_of
from mpp.stages.policy.limits import SEARCHED_CHARS_MAX
from mpp.stages.policy.patterns import NO, UNCLEAR, YES
from tests.policies import call, matches

DOCUMENT: Json = {"a": {"b": [10, {"c": "x"}]}, "": 1, "a/b": 2, "m~n": 3, "null": None, "0": "zero"}

POINTERS = [
    ("", DOCUMENT), ("/a/b/0", 10), ("/a/b/1/c", "x"), ("/", 1), ("/a~1b", 2), ("/m~0n", 3), ("/null", None), ("/0", "zero"),
    ("/b", MISSING), ("/a/b/2", MISSING), ("/a/b/-", MISSING), ("/a/b/-1", MISSING), ("/a/b/00", MISSING), ("/a/b/01", MISSING), ("/a/b/\u0661", MISSING),
    ("/a/b/0/x", MISSING), ("/null/x", MISSING), ("/a/b/99999999999", MISSING), ("/a/b/ 0", MISSING), ("/A", MISSING), ("/a/b/x", MISSING),
]  # fmt: skip


@pytest.mark.parametrize(("pointer", "found"), POINTERS, ids=[ascii(pointer) for pointer, _ in POINTERS])
def test_a_pointer_leads_to_a_value_or_nowhere(pointer: str, found: object) -> None:
    assert look_up(DOCUMENT, steps_of(pointer)) is found or look_up(DOCUMENT, steps_of(pointer)) == found


def test_the_escapes_are_undone_in_order() -> None:
    assert steps_of("/~01/~10") == ("~1", "/0")
    assert steps_of("") == ()


def said(op: str, value: object, found: Json, *, ignore_case: bool = False) -> int:
    return value_judge(ArgumentTest(pointer="/a", op=op, value=value, ignore_case=ignore_case))(found)  # type: ignore[arg-type]


CASES: list[tuple[str, object, Json, int]] = [
    ("equals", "prod", "prod", YES), ("equals", "prod", "Prod", NO), ("equals", "prod", "prod ", NO), ("equals", "1", 1, UNCLEAR), ("equals", 1, "1", UNCLEAR),
    ("equals", 1, True, UNCLEAR), ("equals", True, 1, UNCLEAR), ("equals", True, True, YES), ("equals", True, False, NO), ("equals", False, 0, UNCLEAR), ("equals", 0, False, UNCLEAR),
    ("equals", 1, 1.0, YES), ("equals", 1, 1.5, NO), ("equals", None, None, YES), ("equals", None, "x", UNCLEAR), ("equals", "x", None, UNCLEAR), ("equals", "x", ["x"], UNCLEAR),
    ("equals", "x", {"x": 1}, UNCLEAR), ("equals", 2**53 - 1, float(2**53), NO),
    # One letter, written in two ways: neither the same nor another without doubt.
    ("equals", "\u00e9", "e\u0301", UNCLEAR), ("equals", "e\u0301", "\u00e9", UNCLEAR), ("equals", "fi", "\ufb01", UNCLEAR), ("equals", "\ufb01", "fi", UNCLEAR), ("equals", "\u00e9", "e", NO),
    ("not_equals", "prod", "prod", NO), ("not_equals", "prod", "test", YES), ("not_equals", "\u00e9", "e\u0301", UNCLEAR), ("not_equals", "x", 1, UNCLEAR), ("not_equals", 1, 2, YES),
    ("in", ("a", "b"), "b", YES), ("in", ("a", "b"), "c", NO), ("in", ("a", 1), 1, YES), ("in", ("a", 1), 2, NO), ("in", ("a", 1), True, UNCLEAR), ("in", ("a", True), True, YES),
    ("in", ("a", None), None, YES), ("in", ("a",), None, UNCLEAR), ("in", (), "a", NO), ("in", (), 1, NO), ("in", (), None, NO), ("in", (), [], NO), ("in", (1,), [1], UNCLEAR),
    ("not_in", ("a", "b"), "c", YES), ("not_in", ("a", "b"), "a", NO), ("not_in", ("a",), 1, UNCLEAR),
    ("starts_with", "/tmp/", "/tmp/x", YES), ("starts_with", "/tmp/", "/TMP/x", NO), ("starts_with", "/tmp/", 5, UNCLEAR), ("starts_with", "e", "e\u0301", UNCLEAR),
    ("starts_with", "\u00e9", "e\u0301x", UNCLEAR), ("starts_with", "abc", "ab", NO),
    ("ends_with", ".pdf", "a.pdf", YES), ("ends_with", ".pdf", "a.PDF", NO), ("ends_with", ".pdf", "a.\uff50df", UNCLEAR), ("ends_with", ".pdf", None, UNCLEAR),
    ("contains", "drop", "a drop b", YES), ("contains", "drop", "a Drop b", NO), ("contains", "\u0301", "e\u0301", UNCLEAR), ("contains", "drop", "a d\uff52op b", UNCLEAR), ("contains", "drop", ["drop"], UNCLEAR),
    ("below", "/data", "/data", YES), ("below", "/data", "/data/in", YES), ("below", "/data", "/database", NO), ("below", "/data", "/", NO), ("below", "/data", "/Data/in", UNCLEAR),
    ("below", "/data", "/DATA", UNCLEAR), ("below", "/data", "/data/../etc", UNCLEAR), ("below", "/data", "/data/", UNCLEAR), ("below", "/data", "//data", UNCLEAR),
    ("below", "/data", "data/in", UNCLEAR), ("below", "/data", "./data", UNCLEAR), ("below", "/data", "/data\\in", UNCLEAR), ("below", "/data", "/data\0", UNCLEAR),
    ("below", "/data", "file:///data", UNCLEAR), ("below", "/data", 5, UNCLEAR), ("below", "/", "/anything", YES), ("below", "${workspace}", "/workspace/a", YES),
    ("below", "${workspace}/out", "/workspace/out", YES), ("below", "${workspace}", "/workspaces", NO), ("below", "${workspace}", "${workspace}/a", UNCLEAR),
    ("host_in", ("api.example.com",), "https://api.example.com/x", YES), ("host_in", ("api.example.com",), "https://api.example.com:8443/x", UNCLEAR),
    ("host_in", ("api.example.com",), "http://api.example.com/x", UNCLEAR), ("host_in", ("api.example.com:80",), "http://api.example.com/x", YES), ("host_in", ("api.example.com",), "api.example.com", YES),
    ("host_in", ("api.example.com:8443",), "api.example.com", UNCLEAR), ("host_in", ("api.example.com:8443",), "api.example.com:8443", YES), ("host_in", ("api.example.com:8443",), "api.example.com:443", NO),
    ("host_in", ("*.example.com",), "https://example.com/", NO), ("host_in", ("*.example.com",), "https://a.b.example.com/", YES), ("host_in", ("*.example.com",), "https://badexample.com/", NO),
    ("host_in", ("*",), "https://anything.example:99/", YES), ("host_in", ("*",), "no host", UNCLEAR), ("host_in", (), "https://api.example.com/", NO), ("host_in", (), "no host", NO),
    ("host_in", ("10.0.0.5:80",), "http://10.0.0.5/", YES), ("host_in", ("api.example.com",), "https://evil@api.example.com/", UNCLEAR), ("host_in", ("api.example.com",), 5, UNCLEAR),
    ("at_least", 100, 100, YES), ("at_least", 100, 99, NO), ("at_least", 100, 99.99, NO), ("at_least", 100, 1e300, YES), ("at_least", 0, True, UNCLEAR), ("at_least", 1, "5", UNCLEAR),
    ("at_least", 2**53 - 1, float(2**53), YES), ("at_most", 100, 100.0, YES), ("at_most", 100, 100.5, NO), ("at_most", 100, None, UNCLEAR), ("at_most", -5, -6, YES), ("at_most", 0, False, UNCLEAR),
    ("longer_than", 2, "abc", YES), ("longer_than", 2, "ab", NO), ("longer_than", 2, [1, 2, 3], YES), ("longer_than", 0, {}, NO), ("longer_than", 0, 5, UNCLEAR), ("longer_than", 0, None, UNCLEAR),
]  # fmt: skip


@pytest.mark.parametrize(("op", "value", "found", "verdict"), CASES, ids=[f"{op}-{ascii(value)[:40]}-{ascii(found)[:40]}" for op, value, found, _ in CASES])
def test_what_an_operator_says_of_a_value(op: str, value: object, found: Json, verdict: int) -> None:
    assert said(op, value, found) == verdict


FOLDED = [
    ("equals", "prod", "PROD", YES), ("equals", "PROD", "prod", YES), ("equals", "stra\u00dfe", "STRASSE", YES), ("equals", "\u00e9", "E\u0301", YES), ("equals", "prod", "test", NO),
    ("equals", "prod", "\uff30ROD", YES), ("not_equals", "prod", "Prod", NO), ("in", ("a", "b"), "B", YES), ("not_in", ("a", "b"), "B", NO), ("starts_with", "Ab", "aBC", YES),
    ("starts_with", "Ab", "aC", NO), ("ends_with", ".PDF", "x.pdf", YES), ("contains", "Drop", "x DROP y", YES), ("contains", "Drop", "x", NO), ("equals", "prod", 1, UNCLEAR),
]  # fmt: skip


@pytest.mark.parametrize(("op", "value", "found", "verdict"), FOLDED, ids=[f"{op}-{value!a}-{found!a}" for op, value, found, _ in FOLDED])
def test_what_an_operator_says_whatever_the_case(op: str, value: object, found: Json, verdict: int) -> None:
    assert said(op, value, found, ignore_case=True) == verdict


# Operator, optional, arguments, verdict.
PRESENCE = [
    ("equals", False, {}, UNCLEAR), ("equals", True, {}, NO), ("equals", True, {"a": "x"}, YES), ("not_equals", True, {}, NO), ("exists", False, {}, NO), ("exists", False, {"a": None}, YES),
    ("absent", False, {}, YES), ("absent", False, {"a": None}, NO), ("exists", False, None, NO), ("absent", False, None, YES), ("equals", False, None, UNCLEAR),
]  # fmt: skip


@pytest.mark.parametrize(("op", "optional", "arguments", "verdict"), PRESENCE)
def test_what_is_not_there(op: str, optional: bool, arguments: Json, verdict: int) -> None:
    value = "x" if "equals" in op else None
    judge = argument_judge(ArgumentTest(pointer="/a", op=op, value=value, optional=optional))
    assert judge(call(arguments=arguments)) == verdict
    # Of a past call nobody knows whether it was there.
    assert judge(call(arguments=arguments, unknown=("arguments",))) == UNCLEAR


WORDS: list[tuple[object, str]] = [
    (MISSING, "missing"), ("x", '"x"'), ("a\x1b[2J\u202e", '"a\\x1b[2J\\u202e"'), ("y" * 100, '"' + "y" * 57 + '..."'), ({}, "an object"), ([1], "a list"), (None, "null"), (True, "true"),
    (12, "12"), (1.5, "1.5"),
]  # fmt: skip


@pytest.mark.parametrize(("found", "words"), WORDS, ids=[words[:20] for _, words in WORDS])
def test_a_value_in_words_fits_into_a_line(found: object, words: str) -> None:
    assert words_of(found) == words  # type: ignore[arg-type]


LONG = "x" * SEARCHED_CHARS_MAX
# Text, ignore_case, and what a rule that denies and one that allows say of the part "y".
SEARCHED: list[tuple[str, bool, bool, bool]] = [
    (LONG, False, False, False),
    (LONG[1:] + "y", False, True, True),
    (LONG + "y", False, True, False),
    (LONG[1:] + "Y", True, True, True),
    (LONG + "Y", True, True, False),
    # One letter that is eighteen when normalised.
    ("\ufdfa" * 1000 + "y", False, True, False),
    ("\ufdfa" * 1000, True, True, False),
]


@pytest.mark.parametrize(("text", "ignore_case", "denied", "allowed"), SEARCHED)
def test_parts_of_a_text_that_is_too_long_are_unclear(text: str, ignore_case: bool, denied: bool, allowed: bool) -> None:
    condition: dict[str, Json] = {"arguments": [{"pointer": "/a", "op": "contains", "value": "y", "ignore_case": ignore_case}]}
    asked = call(arguments={"a": text})
    assert (matches(asked, condition, "deny"), matches(asked, condition, "allow")) == (denied, allowed)
