"""Social security numbers."""

from __future__ import annotations

import pytest

from mpp.model.jsontext import Json
from mpp.stages.privacy.detectors.numbers import DETECTORS as NUMBERS
from mpp.stages.privacy.detectors.ssn import DETECTORS
from tests.unit.privacy import looking


def numbers(message: Json) -> list[str]:
    return [text for kind, text in looking.found((*NUMBERS, *DETECTORS), message) if kind == "ssn"]


@pytest.mark.parametrize("text", ["123-45-6789", "001-01-0001", "899-99-9999", "665-12-3456"])
def test_the_form_of_the_office_needs_no_word(text: str) -> None:
    for around in ("{}", "({}).", "a,{},b", "id={}", 'ssn: "{}"', "<ssn>{}</ssn>", "2026-11-26 {}"):
        assert numbers([around.format(text)]) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "000-12-3456",
        "666-12-3456",
        "900-12-3456",
        "123-00-4567",
        "123-45-0000",
        "123 45 6789",
        "123.45.6789",
        "123456789",
        "123-456789",
        "1-123-45-6789",
        "123-45-6789-1",
        "a123-45-6789",
        "123-45-67890",
        "+672-10-6609",
        "offset 123-45-6789",
        "123-45 6789",
        "123(45)6789",
        "social security 000-00-0000",
        "SSN",
    ],
)
def test_what_was_never_issued_stays_without_a_word(text: str) -> None:
    assert numbers([text]) == []


@pytest.mark.parametrize("written", ["900-12-3456", "123 45 6789", "123.45.6789", "123456789", "123-456789", "12345-6789", "666-12-3456"])
def test_a_word_makes_one_of_it(written: str) -> None:
    assert numbers([f"SSN: {written}"]) == [written]
    assert numbers([f"Social Security number of the applicant: {written}"]) == [written]
    assert numbers({"socialSecurityNumber": written}) == [written]


@pytest.mark.parametrize(
    ("text", "wanted"), [("SSN l40-12-4958", ["l40-12-4958"]), ("SSN 8Sl-27-4668,", ["8Sl-27-4668"]), ("SSN OIl-SS-BZOO", []), ("part S33-13-1794", [])]
)
def test_a_scanned_number_has_letters_for_figures(text: str, wanted: list[str]) -> None:
    assert numbers([text]) == wanted


def test_a_scanned_number_ends_where_it_ends() -> None:
    assert numbers(["SSN 212-82-5O01x"]) == []
