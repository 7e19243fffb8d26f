"""What counts as which difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host.replays.calls import Call, line_of, Recorded
from mpp.host.replays.comparing import compare, ERROR_SHAPE, REAL, REDACTION, Rules
from mpp.host.replays.limits import DIFFERENCES_MAX
from mpp.host.replays.masks import pointer, read_masks
from mpp.host.replays.redacted import is_redaction, known_or
from mpp.host.replays.totals import compare_all, recorded_in
from mpp.model.jsontext import Json

KNOWN = known_or(("customer_id",))
CALL = Call(tool="now", arguments={"a": 1})


def result(found: Json) -> Recorded:
    return Recorded(call=CALL, result=found)


def error(message: str) -> Recorded:
    return Recorded(call=CALL, error={"code": 1, "message": message})


def kinds(old: Recorded, new: Recorded, *masks: str) -> list[tuple[str, str]]:
    return [(one.kind, one.at) for one in compare(1, old, new, Rules(masks=read_masks(masks), known=KNOWN))]


SAID_NO: Json = {"content": [{"type": "text", "text": "no"}], "isError": True}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": True}, {"a": 1}, [(REAL, "/result/a")]),
        ({"a": 0}, {"a": False}, [(REAL, "/result/a")]),
        ({"a": None}, {}, [(REAL, "/result/a")]),
        ({}, {"a": None}, [(REAL, "/result/a")]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"isError": False, "resultType": "complete", "_meta": {"x": 1}}, {}, []),
        ({"a": {"_meta": 1}}, {"a": {}}, [(REAL, "/result/a/_meta")]),
        ({"isError": 0}, {}, [(REAL, "/result/isError")]),
        ([1, 2], [1], [(REAL, "/result/1")]),
        ([1], [1, {"x": 1}], [(REAL, "/result/1")]),
        ({"a/b~": 1}, {"a/b~": 2}, [(REAL, "/result/a~1b~0")]),
        ("x", {"x": 1}, [(REAL, "/result")]),
        ({"t": "mail ada@example.com now"}, {"t": "mail [EMAIL-bcdfghjk] now"}, [(REDACTION, "/result/t")]),
        ({"t": "mail ada@example.com now"}, {"t": "mail [EMAIL-bcdfghjk] then"}, [(REAL, "/result/t")]),
        ({"ada@example.com": 1}, {"[EMAIL-bcdfghjk]": 1}, [(REDACTION, "/result/ada@example.com")]),
        ({"ada@example.com": 1}, {"[EMAIL-bcdfghjk]": 2}, [(REDACTION, "/result/ada@example.com"), (REAL, "/result/[EMAIL-bcdfghjk]")]),
        ({"n": 4111111111111111}, {"n": "[CREDIT_CARD:***1111]"}, [(REDACTION, "/result/n")]),
        ({"n": True}, {"n": "[EMAIL]"}, [(REAL, "/result/n")]),
        (SAID_NO, {"content": [], "isError": True}, [(ERROR_SHAPE, "")]),
        (SAID_NO, SAID_NO, []),
        (SAID_NO, {"content": [{"type": "text", "text": "no"}]}, [(REAL, "")]),
    ],
)
def test_results_are_compared_by_place(old: Json, new: Json, expected: list[tuple[str, str]]) -> None:
    assert kinds(result(old), result(new)) == expected


def test_errors_of_both_forms_are_errors() -> None:
    assert kinds(error("a"), result(SAID_NO)) == [(ERROR_SHAPE, "")]
    assert kinds(error("a"), error("a")) == []
    assert kinds(error("a"), result({"content": []})) == [(REAL, "")]


def test_another_question_is_a_real_difference() -> None:
    other = Recorded(call=Call(tool="now", arguments={"a": 2}), result={})
    assert kinds(result({}), other) == [(REAL, "")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a ada@example.com b", "a [EMAIL-bcdfghjk] b", True),
        ("a ada@example.com b", "a [EMAIL] b", True),
        ("a b", "a [EMAIL] b", False),
        ("x ada b", "a [EMAIL] b", False),
        ("[FAILED] x", "[OK] x", False),
        ("call C-77 now", "call [CUSTOMER_ID] now", True),
        ("call C-77 now", "call [ORDER_ID] now", False),
        ("all of it", "[WITHHELD]", True),
        ("x and y", "[EMAIL] and [PHONE]", True),
        ("xy", "[EMAIL][PHONE]", True),
        ("x", "[EMAIL][PHONE]", False),
        ("abcab", "[EMAIL]ab", True),
        ("ab", "[EMAIL]ab", False),
        ("same", "same", False),
        ("a", 1, False),
        (None, "[EMAIL]", False),
        (5, "x [EMAIL]", False),
        ("see [EMAIL-zzzzzzzz]", "see [EMAIL-bcdfghjk]", True),
        ("x" * 200_000, "[EMAIL]x" * 20_000, True),
        ("x" * 30_000, "[EMAIL]x" * 20_000, False),
    ],
)
def test_a_redaction_is_known_by_its_form(old: Json, new: Json, expected: bool) -> None:
    assert is_redaction(old, new, KNOWN) is expected


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ("/result/a", [(REAL, "/result/b/0/t")]),
        ("/result/b/*/t", [(REAL, "/result/a")]),
        ("/result/b", [(REAL, "/result/a")]),
        ("/result", []),
        ("now/result", []),
        ("other/result", [(REAL, "/result/a"), (REAL, "/result/b/0/t")]),
        ("/result/*", []),
        ("/result/b/1/t", [(REAL, "/result/a"), (REAL, "/result/b/0/t")]),
    ],
)
def test_masks_cover_what_they_name_and_what_is_below(mask: str, expected: list[tuple[str, str]]) -> None:
    old, new = result({"a": 1, "b": [{"t": 1}]}), result({"a": 2, "b": [{"t": 2}]})
    assert kinds(old, new, mask) == expected


def test_a_mask_covers_what_only_one_side_has() -> None:
    assert kinds(result({"a": 1}), result({}), "/result/a") == []


def test_steps_of_a_mask_are_written_as_in_a_pointer() -> None:
    assert kinds(result({"a/b~": 1}), result({"a/b~": 2}), "/result/a~1b~0") == []
    assert pointer(("a/b~", "0")) == "/a~1b~0/0"


@pytest.mark.parametrize("text", ["", "result", "/content", "now", "/", "x/y"])
def test_what_is_no_mask_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        read_masks((text,))
    assert caught.value.code == "usage.option"


def test_masks_are_bounded() -> None:
    with pytest.raises(Refused):
        read_masks(("/result",) * 101)


def test_differences_are_bounded_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    many: Json = [*range(100)]
    found = compare(1, result(many), result([]), Rules(masks=(), known=KNOWN))
    assert len(found) == DIFFERENCES_MAX
    monkeypatch.setattr("mpp.host.replays.totals.REPORTED_MAX", 25)
    totals = compare_all([result(many)] * 3, [result([])] * 3, Rules(masks=(), known=KNOWN))
    assert (len(totals.listed), totals.counts[REAL], totals.calls_with[REAL]) == (25, 60, 3)


def test_a_whole_recording_is_compared() -> None:
    rules = Rules(masks=(), known=KNOWN)
    totals = compare_all([result({}), error("a"), result({"t": "a@b.cc"})], [result({}), error("b"), result({"t": "[EMAIL]"}), result({})], rules)
    assert (totals.calls, totals.equal, totals.counts) == (4, 1, {REDACTION: 1, ERROR_SHAPE: 1, REAL: 1})
    assert totals.listed[-1].old == "nothing"
    assert not totals.accepted((REDACTION, ERROR_SHAPE))
    shorter = compare_all([error("a"), result({})], [error("b")], rules)
    assert shorter.listed[-1].new == "nothing"
    allowed = compare_all([error("a")], [error("b")], rules)
    assert allowed.accepted((ERROR_SHAPE,))
    assert not allowed.accepted(())


def test_quotes_are_safe_and_short() -> None:
    one = compare(1, result("\x1b[31m" + "x" * 1000), result(1), Rules(masks=(), known=KNOWN))[0]
    assert one.old.isprintable()
    assert len(one.old) <= 160


def test_a_recording_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line_of(result({})) * 2)
    assert list(recorded_in(str(path))) == [result({})] * 2
