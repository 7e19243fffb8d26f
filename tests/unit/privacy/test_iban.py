"""Bank account numbers."""

from __future__ import annotations

import pytest

from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import gather
from mpp.stages.privacy.detector import LIKELY, SURE
from mpp.stages.privacy.detectors.iban import DETECTORS, LENGTHS
from tests.unit.privacy import looking


def accounts(message: Json) -> list[tuple[str, int]]:
    return [(text, hit.sure) for text, hit in looking.hits(DETECTORS, message)]


def example(country: str) -> str:
    """A number of the country's length with the right check digits."""
    body = ("ABCD1234567890" * 3)[: LENGTHS[country] - 4]
    rest = int("".join(str(int(one, 36)) for one in body + country + "00")) % 97
    return f"{country}{98 - rest:02d}{body}"


def apart(number: str, gap: str = " ") -> str:
    return gap.join(number[at : at + 4] for at in range(0, len(number), 4))


@pytest.mark.parametrize("country", sorted(LENGTHS))
def test_every_country(country: str) -> None:
    number = example(country)
    for written in (number, apart(number), apart(number, "-"), number.lower()):
        for around in ("{}", "to {} now", "({})", "{}, BIC", "a={}&b"):
            assert accounts([around.format(written)]) == [(written, SURE)], around


GOOD = example("DE")
WRONG = GOOD[:-1] + ("1" if GOOD[-1] != "1" else "2")


@pytest.mark.parametrize(
    "text",
    [
        WRONG,
        GOOD + "1",
        GOOD[:-1],
        "x" + GOOD,
        GOOD + "x",
        GOOD[:10] + GOOD[10:].lower() + " ",
        apart(GOOD).replace(" ", "  "),
        apart(GOOD).replace(" ", "/"),
        GOOD[:12] + "  " + GOOD[12:],
        "XX" + GOOD[2:],
        "de1461c3545f" * 3,
        "sha256-" + "GB29" * 10,
        "bank transfer " + "ab",
        "iban DE12 3",
        "bank XX60 SBK000000000000000A",
        "order " + WRONG,
    ],
)
def test_what_is_no_account_stays(text: str) -> None:
    assert accounts([text]) == []


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ([f"IBAN {WRONG}"], WRONG),
        ([f"bank account number {WRONG}."], WRONG),
        ({"iban": WRONG}, WRONG),
        ([f"Konto: {apart(WRONG)} BIC"], apart(WRONG)),
        (["Bank: IBAN NL42736415397898956048\nSWIFT"], "NL42736415397898956048"),
        (["IBAN 'IN60 SBK000000000000000A'"], "IN60 SBK000000000000000A"),
        (["wire to SE32CRBC0100601211501234 under"], "SE32CRBC0100601211501234"),
    ],
)
def test_a_word_makes_an_account_of_a_wrong_number(message: Json, wanted: str) -> None:
    assert accounts(message) == [(wanted, LIKELY)]


def test_a_probe_without_a_number_is_nothing() -> None:
    assert list(DETECTORS[0].look(looking.place_at(gather(["nothing at all"]), 4))) == []
