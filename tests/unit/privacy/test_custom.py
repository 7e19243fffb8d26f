"""Custom patterns: written for both engines with one meaning, and found at the same places whatever engine scans."""

from __future__ import annotations

import random
import re

import pytest

from mpp.errors import HostFailed, Refused
from mpp.model.manifest import CustomPattern
from mpp.stages.privacy import custom
from mpp.stages.privacy.arena import gather
from mpp.stages.privacy.custom import Accepted, Prepared, accepted, custom_detectors, hostile_to, prepare
from mpp.stages.privacy.custom_tree import EXACT, PROBE, anchored, parse, sample, write
from mpp.stages.privacy.detector import Place
from mpp.stages.privacy.engine import choose
from mpp.stages.privacy.engine_re2 import Re2Scanner, compile_text

pytest.importorskip("re2", reason="RE2 is not installed")


def prepared(regex: str, name: str = "thing") -> Prepared:
    found = prepare(CustomPattern(id=name, regex=regex, description=""), "custom_patterns/0/regex")
    assert isinstance(found, Prepared), found
    return found


def let_in(regex: str, *, has_probe: bool = True) -> Accepted:
    return accepted(prepared(regex), has_probe=has_probe, is_jailed=True)


def hits(regex: str, message: object, *, has_probe: bool = True, make=lambda probes: choose(probes, None)) -> list[str]:
    (detector,) = custom_detectors([let_in(regex, has_probe=has_probe)])
    arena = gather(message)  # type: ignore[arg-type]
    out = []
    for at, number in make(detector.probes).scan(arena.text.encode(), 1000):
        assert number == 0
        place = Place(arena)
        place.at = at
        out += [arena.text[hit.start : hit.end] for hit in detector.look(place)]
    return out


# Python's own engine is the oracle, on short texts where it cannot run away.
EXPRESSIONS = [
    r"EMP-\d{5}",
    r"\bC[A-Z]{2}\s?\d{3,5}\b",
    r"x[^y]{1,3}y",
    r"^ab+c$",
    r"(?:a|bc){2,3}?d",
    r"[^a-z0-9 ]{2}",
    r"é{1,2}x|ÿ|中.",
    r"\w+@\w+",
    r"a.c",
    r"\Ba\D",
    r"[\d\-x]{2}q",
    r"\x41[\t\x20]B",
    r"(a|b|)c",
    r"[^\W\d]{2}1",
]
LETTERS = [
    "a",
    "b",
    "c",
    "d",
    "x",
    "y",
    "q",
    "1",
    "2",
    "A",
    "B",
    "C",
    "E",
    " ",
    "-",
    "@",
    "é",
    "中",
    "\n",
    "\x0b",
    "ab",
    "EMP-12345",
    "CAB 123",
    "\u00ff",
    "\u2003",
]


@pytest.mark.parametrize("regex", EXPRESSIONS)
def test_an_expression_keeps_its_meaning(regex: str) -> None:
    oracle = re.compile(regex.replace("$", r"\Z"), re.ASCII)
    engine = compile_text(write(parse(regex), EXACT), 1 << 22)
    probe = Re2Scanner((write(parse(regex), PROBE),))
    chance = random.Random(regex)
    found = 0
    for _ in range(400):
        pieces = [*LETTERS, *(sample(parse(regex), chance.randrange(99)) for _ in range(3))]
        text = "".join(chance.choices(pieces, k=chance.choice((1, 2, 7, 14))))
        data = text.encode()
        wanted = [one[0] for one in oracle.finditer(text)]
        assert [data[one.start() : one.end()].decode() for one in engine.finditer(data)] == wanted, text
        assert not wanted or probe.scan(data, 1000), f"the probe passes over {text!r}"
        found += len(wanted)
    assert found, "the texts show something"


@pytest.mark.parametrize("regex", [r"EMP-\d{5}", r"^\d{4}x$", r"x[^y]{1,9}y", r"é.é", r"a\sb", r"\bzq\b", r"(?:ab|a)b?c"])
@pytest.mark.parametrize("has_probe", [True, False])
def test_both_engines_find_the_same(regex: str, has_probe: bool) -> None:
    chance = random.Random(regex)
    for _ in range(60):
        pieces = [*LETTERS, sample(parse(regex), chance.randrange(9)), "1234x", "\x00", "é1é", "zq"]
        message = {f"k{n}": "".join(chance.choices(pieces, k=chance.randrange(0, 8))) for n in range(6)}
        wanted = [one[0] for text in gather(message).texts for one in re.finditer(regex.replace("$", r"\Z"), text, re.ASCII)]
        assert hits(regex, message, has_probe=has_probe) == wanted
        assert hits(regex, message, has_probe=has_probe, make=Re2Scanner) == wanted


def test_a_zero_in_a_text_hides_nothing() -> None:
    # Attack: what begins in one leaf reads over the mark into the next one, where the true match is.
    assert hits("a[^b]*c", {"k": "a \x00", "l": "a!c"}) == ["a!c"]
    assert hits("a[^b]*c", {"k": "a \n\x00\n c", "l": "ac"}) == ["a \n\x00\n c", "ac"]
    assert hits("a[^b]*c", {"k": "a", "l": "xc"}) == []
    assert hits(r"q\x00z", ["q\x00z"]) == ["q\x00z"]


def test_anchors_mean_the_ends_of_a_text() -> None:
    assert hits("^ab$", ["ab", "ab\nab", "xab", "ab\n"]) == ["ab"]
    assert hits("^ab", ["ab", "x\nab", "abab"]) == ["ab", "ab"]


def test_ranges_count_characters() -> None:
    assert hits("x[0-9]{2}", ["é€x12 𝄞 x34", "üx56"]) == ["x12", "x34", "x56"]


@pytest.mark.parametrize(
    ("regex", "words"),
    [("(?=a)b", "portable"), ("", "characters"), ("a*", "empty"), (r"(a)\1", "portable"), ("a{9999}", "repeat"), ("^$", "empty"), ("[a", "closed")],
)
def test_what_is_not_portable_is_refused(regex: str, words: str) -> None:
    found = prepare(CustomPattern(id="x", regex=regex, description=""), "custom_patterns/3/regex")
    assert isinstance(found, Refused)
    assert (found.code, found.where) == ("privacy.pattern", "custom_patterns/3/regex")
    assert words in found.message
    assert found.faults[0].hint


def test_a_look_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: an expression whose every match reads on to the end of the text, let in by mistake."""
    monkeypatch.setattr(custom, "LOOK_SECONDS", 0.02)
    with pytest.raises(Refused) as fault:
        hits("x(?:[^y]*y)?", ["x" * 300_000])
    assert fault.value.code == "privacy.limit"
    monkeypatch.undo()
    monkeypatch.setattr(custom, "HITS_MAX", 10)
    assert len(hits("ab", ["ab" * 10])) == 10
    with pytest.raises(Refused):
        hits("ab", ["ab" * 11])


def test_without_re2_there_are_no_custom_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    one = let_in("ab")
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(HostFailed) as fault:
        custom_detectors([one])
    assert fault.value.code == "privacy.engine"


def test_texts_for_judging_are_few_and_short() -> None:
    for regex in (*EXPRESSIONS, "[a-z]{1000}x", "|".join(f"w{n}" for n in range(100)), r"\W{500}"):
        one = hostile_to(prepared(regex))
        assert one.pieces
        assert one.alphabet
        assert len(one.pieces) <= custom.PIECES_MAX
        assert len(one.alphabet) <= custom.ALPHABET_MAX
        assert max(map(len, one.pieces)) <= 401
    assert sample(parse("abc[0-9]{2}"), 1).startswith("abc")


def test_trees_know_their_anchors() -> None:
    assert [anchored(parse(text)) for text in ("^a", "(?:a|b$)c", "(?:^a)?b", r"\ba", "a{2}", "[^$]")] == [True, True, True, False, False, False]
