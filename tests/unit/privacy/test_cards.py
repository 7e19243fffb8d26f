"""Card numbers: every issuer's range, every layout, and numbers that only look like one."""

from __future__ import annotations

import pytest

from mpp.model.jsontext import Json
from mpp.stages.privacy.detector import LIKELY, SURE
from mpp.stages.privacy.detectors.numbers import DETECTORS
from tests.unit.privacy import looking


def cards(message: Json) -> list[tuple[str, int]]:
    return [(text, hit.sure) for text, hit in looking.hits(DETECTORS, message) if hit.type == "credit_card"]


def with_check(head: str, length: int) -> str:
    """A number that begins with ``head``, filled with sevens, with the right last digit."""
    body = head.ljust(length - 1, "7")
    total = sum(int(one) if at % 2 else sum(divmod(2 * int(one), 10)) for at, one in enumerate(reversed(body)))
    return body + str(-total % 10)


def grouped(number: str, sizes: tuple[int, ...], gap: str) -> str:
    parts, at = [], 0
    for size in sizes:
        parts.append(number[at : at + size])
        at += size
    return gap.join(parts)


ISSUED = [
    *((head, 16) for head in ("4", "51", "55", "2221", "2299", "2300", "2700", "2719", "2720", "6011", "644", "649", "65", "3528", "3589", "62")),
    *((head, 16) for head in ("2200", "2204", "5085", "6069", "6521", "5018", "6304", "6759", "6763", "9792")),
    *((head, 15) for head in ("34", "37")),
    *((head, 14) for head in ("300", "305", "3095", "36", "38", "39")),
    ("62", 17),
    ("62", 19),
]


@pytest.mark.parametrize(("head", "length"), ISSUED)
def test_an_issuers_number_needs_no_word(head: str, length: int) -> None:
    number = with_check(head, length)
    assert cards([f"pay {number}."]) == [(number, SURE)]
    assert cards({"x": int(number)}) == [(number, SURE)]


@pytest.mark.parametrize("gap", [" ", "-", ".", "  "])
@pytest.mark.parametrize(
    ("head", "sizes"),
    [
        ("4", (4, 4, 4, 4)),
        ("5105", (4, 4, 4, 4)),
        ("37", (4, 6, 5)),
        ("34", (4, 4, 4, 3)),
        ("36", (4, 4, 4, 2)),
        ("36", (4, 6, 4)),
        ("4", (4, 4, 4, 4, 3)),
        ("62", (4, 4, 4, 4, 3)),
    ],
)
def test_cards_as_they_are_printed(head: str, sizes: tuple[int, ...], gap: str) -> None:
    written = grouped(with_check(head, sum(sizes)), sizes, gap)
    assert cards([f"({written})"]) == [(written, SURE)]


NUMBER = with_check("4", 16)
WRONG = NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)
APART = grouped(NUMBER, (4, 4, 4, 4), " ")


@pytest.mark.parametrize(
    "text",
    [
        WRONG,
        NUMBER + "1",
        "1" + NUMBER,
        "a" + NUMBER,
        NUMBER + "a",
        "_" + NUMBER,
        "order-" + NUMBER,
        "0." + NUMBER,
        NUMBER + ".5",
        "+" + NUMBER,
        "trace " + NUMBER,
        with_check("4", 13),
        with_check("4", 19),
        with_check("5018", 12),
        with_check("11", 16),
        "0" * 16,
        grouped(NUMBER, (4, 4, 4, 4), "-").replace("-", " ", 1),
        grouped(NUMBER, (6, 10), " "),
        "5553 5554 5555 5556 5557 5558",
        f"554F {APART}",
        f"{APART} 554E 5550",
    ],
)
def test_what_only_looks_like_a_card_stays(text: str) -> None:
    assert cards([text]) == []


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ([f"my card {WRONG} was lost"], [(WRONG, LIKELY)]),
        ({"creditCard": WRONG}, [(WRONG, LIKELY)]),
        ({"card_number": with_check("4", 13)}, [(with_check("4", 13), SURE)]),
        (["visa " + with_check("4", 19)], [(with_check("4", 19), SURE)]),
        (["card no 501864667909"], [("501864667909", SURE)]),
        (["Kreditkarte: " + grouped(WRONG, (4, 4, 4, 4), " ")], [(grouped(WRONG, (4, 4, 4, 4), " "), LIKELY)]),
        (["card " + grouped(NUMBER, (6, 10), " ")], [(grouped(NUMBER, (6, 10), " "), SURE)]),
        ([f"card {APART} 0427"], [(APART, SURE)]),
        (["https://host/cards/" + NUMBER], [(NUMBER, SURE)]),
        (["card 1234 5678"], []),
        (["card x" + WRONG], []),
        (["card " + WRONG + "x"], []),
        (["card " + NUMBER + "x"], []),
        (["card 1234 2026-11-26 5678 9012"], []),
        (["card (1234)5678(9012)3456"], []),
    ],
)
def test_a_word_makes_a_card_of_it(message: Json, wanted: list[tuple[str, int]]) -> None:
    assert cards(message) == wanted


def test_cards_side_by_side() -> None:
    other = grouped(with_check("5105", 16), (4, 4, 4, 4), " ")
    assert {one for one, _ in cards([" ".join([APART, other] * 5)])} == {APART, other}
