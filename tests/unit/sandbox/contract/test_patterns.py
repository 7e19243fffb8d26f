"""Patterns for the engine mean what manifest M-100 says: compared with another engine's ASCII mode."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpp.model.regexcheck import regex_fault
from mpp.stages.sandbox.contract.patterns import translate
from mpp.stages.sandbox.contract.schemacheck import validator_of


def matches(pattern: str, text: str) -> bool:
    assert regex_fault(pattern) == ""
    return validator_of({"pattern": translate(pattern).text}).is_valid(text)


def expected(pattern: str, text: str) -> bool:
    """``$`` of the other engine also stands before a last line feed, and ``^`` and ``$`` are anchors only outside of classes."""
    out, in_class = [], False
    for piece in re.findall(r"\\.|.", pattern, re.DOTALL):
        out.append(r"\Z" if piece == "$" and not in_class else piece)
        in_class = piece != "]" if in_class else piece == "["
    return re.search("".join(out), text, re.ASCII) is not None


CASES = [
    (r"^\d$", "٣", False),
    (r"^\D$", "٣", True),
    (r"^\w$", "é", False),
    (r"^\W$", "é", True),
    (r"^\s$", "\u00a0", False),
    (r"^\s$", "\ufeff", False),
    (r"^\s$", "\x0b", True),
    (r"^\S$", "\u2028", True),
    (r"^[\s]$", "\u00a0", False),
    (r"^[^\s]$", "\u00a0", True),
    (r"^[\W]$", "é", True),
    (r"^[^\W]$", "_", True),
    (r"^[\D]$", "7", False),
    (r"^[\S ]$", "\t", False),
    (r"^[\w-]$", "-", True),
    (r"\bé", "é", False),
    (r"a\bé", "aé", True),
    (r"^\Bé", "é", True),
    (r"a\Bé", "aé", False),
    (r"^.$", "\n", False),
    (r"^.$", "\r", True),
    (r"a$", "a\n", False),
    (r"^a", "\na", False),
    (r"^\x41\/\-$", "A/-", True),
    (r"^[\/\-\]\[\\]$", "[", True),
    (r"^\$\^\.\*\+\?\(\)\[\]\{\}\|$", "$^.*+?()[]{}|", True),
    (r"^[^\s\S]$", "a", False),
    ("^😀{2}$", "😀😀", True),
    (r"^(?:a|b)+?c$", "abac", True),
    (r"\\d", r"\d", True),
    (r"^[\\d]$", "d", True),
]


@pytest.mark.parametrize(("pattern", "text", "wanted"), CASES)
def test_a_pattern_means_what_the_grammar_says(pattern: str, text: str, wanted: bool) -> None:
    assert matches(pattern, text) is wanted


ATOMS = st.sampled_from(
    [
        "a",
        "é",
        "_",
        "7",
        " ",
        ".",
        r"\d",
        r"\D",
        r"\w",
        r"\W",
        r"\s",
        r"\S",
        r"\n",
        r"\t",
        r"\x61",
        r"\-",
        "[a-c]",
        "[^a]",
        r"[\d_]",
        r"[^\w]",
        r"[\S]",
        r"[^\s7]",
        r"[\D]",
        "[$^]",
    ]
)
ANCHORS = st.sampled_from(["^", "$", r"\b"])
REPEATS = st.sampled_from(["", "*", "+", "?", "{2}", "{1,2}", "{0,}", "+?"])
SEQUENCES = st.lists(ANCHORS | st.tuples(ATOMS, REPEATS).map("".join), min_size=1, max_size=5).map("".join)
GROUPS = st.tuples(SEQUENCES, SEQUENCES, SEQUENCES, REPEATS).map(lambda x: f"{x[0]}(?:{x[1]}|{x[2]}){x[3]}")
TEXTS = st.text(st.sampled_from("abc7_ -é٣\n\t\x0b\u00a0$^"), max_size=6)


@given(SEQUENCES | GROUPS, TEXTS)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_two_engines_agree(pattern: str, text: str) -> None:
    assert matches(pattern, text) is expected(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "size"),
    [("a", 1), ("^$", 2), ("[abc]{10}", 10), ("(?:ab|c){3}", 9), ("a{2,5}b{3,}", 8), (r"(a(\d{2}){3}){4}", 28), ("a*", 1), ("a{1000}b{1000}c{1000}", 2000), ("x{0}", 1), (r"[\]{2}]", 1)],
)  # fmt: skip
def test_the_size_counts_repeats(pattern: str, size: int) -> None:
    assert translate(pattern).size == size
