"""Runs of digits: what is a card, a social security number or a phone, and what is nobody's number."""

from __future__ import annotations

import pytest

from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import gather
from mpp.stages.privacy.detector import LIKELY, Place, SURE, WEAK
from mpp.stages.privacy.detectors.nearby import heading, nearest, of_name
from mpp.stages.privacy.detectors.numbers import DETECTORS
from mpp.stages.privacy.detectors.runs import DIGITS_MAX, Run
from tests.unit.privacy import looking

VISA = "4111" + "1111" * 3
VISA_APART = "4111 1111 1111 1111"


def found(message: Json) -> list[tuple[str, str]]:
    return looking.found(DETECTORS, message)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"2026-11-26 {VISA_APART}", [("credit_card", VISA_APART)]),
        (f"26.11.2026 {VISA_APART} 415-555-2671", [("credit_card", VISA_APART), ("phone", "415-555-2671")]),
        ("123-45-6789 415-555-2671", [("ssn", "123-45-6789"), ("phone", "415-555-2671")]),
        ("415-555-2671 2026-11-26 212-555-0100", [("phone", "415-555-2671"), ("phone", "212-555-0100")]),
        (r"first\n4111111111111111\nlast", [("credit_card", VISA)]),
        (f"名{VISA}、", [("credit_card", VISA)]),
    ],
)
def test_numbers_side_by_side_are_told_apart(text: str, wanted: list[tuple[str, str]]) -> None:
    assert found([text]) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-26",
        "2026-11-26T10:00:00.123456Z",
        "2026.11.26.4812",
        "20261126103000",
        "1764151200123",
        "59378ece-31e8-4d52-9940-123456789012",
        "12345678-1234-1234-1234-123456789012",
        "sha256:03381559aadd54b5",
        "192.168.100.200",
        "48.858370, 2.294481",
        "1234567.25 USD",
        "ORD-00012345",
        "978-3-16-148410-0",
        "took 12345678 ms",
        "99999999999999999999",
        "0.4111111111111111",
        "1,234,567,890",
        "xoxb-617216077132-947633463153-",
        "rows 1000000 to 2000000",
        "12345678901234567890123456789012345678901234567890",
    ],
)
def test_what_is_nobodys_number_stays(text: str) -> None:
    assert found([text]) == []


def test_ids_of_records_stay() -> None:
    assert found({"id": 992398599, "a": 992398599324, "order": 41111111, "big": 123456789012345}) == []


def test_the_key_says_what_an_integer_is() -> None:
    assert found({"phone": 4155552671, "ssn": 123456789, "id": 4155552671}) == [("phone", "4155552671"), ("ssn", "123456789")]


def test_a_run_is_judged_once() -> None:
    arena = gather([f"x {VISA_APART} y"])
    look = DETECTORS[0].look
    at = looking.places(arena, DETECTORS[0])
    assert len(at) == 3
    assert [len(list(look(looking.place_at(arena, one)))) for one in at] == [1, 0, 0]
    assert len(list(look(looking.place_at(gather([f"x {VISA_APART} y"]), at[0])))) == 1, "another message is another matter"


def test_a_place_without_a_run_is_nothing() -> None:
    place = looking.place_at(gather(["no digits here"]), 5)
    assert list(DETECTORS[0].look(place)) == []


def test_a_run_that_begins_later_is_not_judged_here() -> None:
    place = looking.place_at(gather(["word and 415-555-2671"]), 3)
    assert list(DETECTORS[0].look(place)) == []


def test_a_long_row_is_judged_in_pieces() -> None:
    row = "12 34 56 78 90 " * 6
    assert found([row + VISA_APART]) == [("credit_card", VISA_APART)]
    run = Run(looking.place_at(gather([row]), 3), 3, 3 + 3 * 20 - 1)
    assert run.count(0, len(run.groups)) == DIGITS_MAX
    assert run.resume < run.end


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("phone: 1, order: ", "other"),
        ("order by phone ", "phone"),
        ("my social security number is ", "ssn"),
        ("iphone ", ""),
        ("microphone ", ""),
        ("trace ", "machine"),
        ("电话", "phone"),
        ("电话 order ", "other"),
        ("телефон ", "phone"),
        ("kreditkarte: ", "card"),
        ("iban ", "bank"),
    ],
)
def test_the_nearest_word_counts(words: str, kind: str) -> None:
    assert nearest(words) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [("homePhone", "phone"), ("phone_number", "phone"), ("SSN", "ssn"), ("card-number", "card"), ("traceId", "other"), ("id", "other"), ("userName", "")],
)
def test_a_key_is_read_as_words(name: str, kind: str) -> None:
    assert of_name(name) == kind


CSV = "name,ssn,phone\nA,900-12-3456,020 7946 0000\n"
TABLE = "+-----+-----+\n| Name | SSN |\n|------|-----|\n| Al | 900-12-3456 |\n"


@pytest.mark.parametrize(
    ("text", "value", "wanted"),
    [
        (CSV, "900", "ssn"),
        (CSV, "020", "phone"),
        (TABLE, "900", " SSN "),
        ("a,b\n1,2,900", "900", ""),
        ("no table\n900", "900", ""),
        ("900", "900", ""),
        ("\n\n900", "900", ""),
    ],
)
def test_the_heading_of_a_column_is_found(text: str, value: str, wanted: str) -> None:
    place = looking.place_at(gather([text]), 3)
    assert heading(place, 3 + text.index(value)) == wanted


def test_a_column_gives_its_meaning() -> None:
    assert found([CSV]) == [("ssn", "900-12-3456"), ("phone", "020 7946 0000")]


def test_how_sure_each_kind_is() -> None:
    hits = looking.hits(DETECTORS, [VISA, "123-45-6789", "+1 415 555 2671", "+44 20 7946 0018", "Tel. 699 956 915"])
    assert [(hit.type, hit.sure) for _, hit in hits] == [
        ("credit_card", SURE),
        ("ssn", LIKELY),
        ("phone", LIKELY),
        ("phone", SURE),
        ("phone", WEAK),
    ]


def test_a_probe_may_begin_within_the_character_before() -> None:
    arena = gather([f"名{VISA}"])
    place: Place = looking.place_at(arena, 3)
    assert [hit.type for hit in DETECTORS[0].look(place)] == ["credit_card"]
