"""Phone numbers of the world."""

from __future__ import annotations

import pytest

from mpp.model.jsontext import Json
from mpp.stages.privacy.detectors.numbers import DETECTORS
from tests.unit.privacy import looking


def phones(message: Json) -> list[str]:
    return [text for kind, text in looking.found(DETECTORS, message) if kind == "phone"]


@pytest.mark.parametrize(
    "text",
    [
        "+1 (415) 555-2671",
        "+14155552671",
        "+1-668-901-4107",
        "+44 20 7946 0018",
        "+44 (0)20 7946 0018",
        "+447700900123",
        "+49 30 901820",
        "+41 (0)69 979 80 58",
        "+33 1 84 17 61 18",
        "+55 11 96123-4567",
        "+683 7012",
        "0044 20 7946 0018",
        "001-415-555-2671",
        "(415) 555-2671",
        "(415)555-2671",
        "415-555-2671",
        "415.555.2671",
        "415 555 2671",
        "1-800-555-0199",
        "(044)688-7538",
        "(+44) 20 7946 0018",
        "1 (800) 555-0199",
        "415/555-2671",
        "415 - 555 - 2671",
        "+1-604-696-5272x565",
        "(898)666-3621 ext. 135",
        "415-555-2671, ext 12",
        "415-555-2671ext12",
    ],
)
def test_these_need_no_word(text: str) -> None:
    for around in ("{}", "see {}, then", "<{}>", "tel:{}", "a,{},b", "phone={}&x=1", "2026-11-26 {}", "{}."):
        assert phones([around.format(text)]) == [text], around


NATIONAL = [
    "020 7946 0018",
    "60-56-85-91",
    "01.84.17.61.18",
    "(08) 8747 6301",
    "699 956 915",
    "079 2718 1155",
    "0688 843 79 56",
    "450 0840",
    "030/901820",
    "3732695155",
    "99 668472",
]
WORDS = [
    "Phone: {}",
    "call me on {}",
    "Tel. {}",
    "Telefon {}",
    "teléfono: {}",
    "тел. {}",
    "電話：{}",
    "Handy {}",
    "mobile {}",
    "{} office",
    "{}-Fax",
    "they are not answering at {}",
]


@pytest.mark.parametrize("written", NATIONAL)
@pytest.mark.parametrize("around", WORDS)
def test_other_forms_need_a_word(written: str, around: str) -> None:
    assert phones([f"id {written} x"]) == []
    assert phones([around.format(written)]) == [written]


@pytest.mark.parametrize("key", ["phone", "homePhone", "mobile_number", "tel", "contact", "Fax"])
@pytest.mark.parametrize("written", NATIONAL)
def test_other_forms_need_a_key(key: str, written: str) -> None:
    assert phones({key: written}) == [written]
    assert phones({key: [written]}) == [written]


@pytest.mark.parametrize(
    "text",
    [
        "call took 12345678 ms",
        "phone 1234567.25",
        "phone 192.168.100.20",
        "phone 2026-11-26",
        "phone 12345678901234567890",
        "phone abc1234567",
        "phone 1234567abc",
        "phone: x, order: 1234567890",
        "order 415-555-2671",
        "415-555-26711",
        "v1-415-555-2671",
        "415-555-2671-99",
        "+1 415 555",
        "+999 1234 5678",
        "+12345678",
        "+35236450.6",
        "x+14155552671",
        "0032 2509 8000 0000 0270",
        "00 123 456 789 012 345 678",
        "0012345",
        "00441",
        "0099912345678",
        "115-555-2671",
    ],
)
def test_what_is_no_phone_stays(text: str) -> None:
    assert phones([text]) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("phone 0032 2509 8000 12", ["0032 2509 8000"]),
        ("fax 001-099-329-4431", ["001-099-329-4431"]),
        ("+1 (514) 561-3168 971-30-9281", ["+1 (514) 561-3168"]),
        ("+44 12 3456 7", ["+44 12 3456 7"]),
        ("Phone 415-555-2671 10:30", ["415-555-2671"]),
        ("phone 12 34 56 78 90 12 34 56", ["12 34 56 78 90 12"]),
        ("+1 415 555 2671 +44 20 7946 0018", ["+1 415 555 2671", "+44 20 7946 0018"]),
    ],
)
def test_where_a_number_ends(text: str, wanted: list[str]) -> None:
    assert phones([text]) == wanted
