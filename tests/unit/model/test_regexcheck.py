"""The portable regular expressions: what passes compiles in two engines and means the same in both."""

from __future__ import annotations

import re

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpp.model.regexcheck import regex_fault

GOOD = [
    "CUST-\\d{8}", "^a+$", "(a|b)*?c", "(?:ab){2,3}", "[a-z0-9_.-]+@[^@ ]+", "\\bfoo\\B", "[\\w.-]", "a{3,}", "\\x41", "[]a]"[:0] + "[\\]a]", "a||b", "()",
    "\\$\\{x\\}", "[^\\s\\d]", "a??", "\\t\\n\\r\\f", "\u00e9+", "[\\x00-\\x1f]", "a-b/c", "[a-]", "[-a]", "[+.]", "(" * 16 + "a" + ")" * 16, "a{0}b", "[a&b~c]", "a{1000}",
    "\\/\\-", "[.$^*|(){}?+]", ".", "[^^]",
]  # fmt: skip
BAD = [
    "", "a" * 513, "(a", "a)", "[a", "[]", "[^]", "a**", "a+*", "a*{2}", "*a", "+", "?", "{2}", "a{,2}", "a{2,1}", "a{1001}", "a{2", "}", "]", "a{x}", "a++",
    "(?=a)", "(?!a)", "(?<=a)b", "(?<n>a)", "(?P<n>a)", "(?i)a", "(a)\\1", "\\k<n>", "\\p{L}", "\\u0041", "\\v", "\\A", "\\Z", "\\q", "\\", "[\\", "[a\\", "[\\b]",
    "[z-a]", "[\\w-z]", "[a-\\d]", "[[a]]", "[[:alpha:]]", "[a&&b]", "[a--b]", "[a~~b]", "[--a]", "[!-&&]", "^*", "$+", "\\b?", "(" * 17 + "a" + ")" * 17,
    "(a{1000}){3}", "\\x8", "\\xff", "\\@", "(?:", "(?", "a|(",
]  # fmt: skip


def compiles(text: str) -> bool:
    jsonschema_rs.Draft202012Validator({"pattern": text}).is_valid("a")
    re.compile(text, re.ASCII)
    return True


@pytest.mark.parametrize("text", GOOD)
def test_portable_expressions_pass_and_compile(text: str) -> None:
    assert regex_fault(text) == ""
    assert compiles(text)


@pytest.mark.parametrize("text", BAD)
def test_other_expressions_are_refused_in_words(text: str) -> None:
    assert regex_fault(text)


@pytest.mark.parametrize(
    ("text", "is_empty"),
    [
        ("a*", True),
        ("a?b*", True),
        ("a|", True),
        ("()", True),
        ("(a*)+", True),
        ("^$", True),
        ("a{0,3}", True),
        ("\\b", True),
        ("ab*", False),
        ("(a|b)+", False),
        ("a|b", False),
    ],
)
def test_an_expression_that_matches_nothing_is_known(text: str, is_empty: bool) -> None:
    assert (regex_fault(text, may_match_nothing=False) != "") is is_empty
    assert (re.fullmatch(text, "") is not None or text == "\\b") is is_empty


PIECES = st.lists(
    st.sampled_from(
        [
            "a",
            "b",
            "0",
            "-",
            "_",
            "&",
            "~",
            "/",
            "(",
            "(?:",
            "(?",
            ")",
            "[",
            "[^",
            "]",
            "|",
            "*",
            "+",
            "?",
            "{2}",
            "{1,}",
            "{",
            "}",
            "^",
            "$",
            ".",
            "\\",
            "\\d",
            "\\w",
            "\\b",
            "\\.",
            "\\]",
            "\\-",
            "\\x41",
            "\u00e9",
            "#",
            " ",
        ]
    ),
    max_size=12,
).map("".join)


@settings(max_examples=600, deadline=None)
@given(text=PIECES)
def test_whatever_passes_compiles_and_knows_the_empty_text(text: str) -> None:
    if regex_fault(text) == "":
        assert compiles(text)
        if re.fullmatch(text, "", re.ASCII):
            assert regex_fault(text, may_match_nothing=False)
