"""Where a number stands to its word: keys, lists, series, tables, other fields; and what looks alike and stays."""

import pytest

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import Arena, gather, Spot
from mpp.stages.privacy.detector import Place, SURE, WEAK
from mpp.stages.privacy.detectors import columns
from mpp.stages.privacy.detectors.labelled import SERIES_MAX
from mpp.stages.privacy.detectors.national import DETECTORS
from mpp.stages.privacy.detectors.national.checks import bsn, isikukood, ppsn, pt_nif
from mpp.stages.privacy.detectors.national.checks_overseas import cnpj, hong_kong, ird, rrn
from tests.unit.privacy.probed import find, kinds

SECOND_ROW = "47101010110"
"""The first row of weights leaves ten here."""

BSN = ("bsn", "111222333", SURE)


@pytest.mark.parametrize(
    "message",
    [
        {"bsn": "111222333"},
        {"bsn": 111222333},
        {"customerBsn": "111222333"},
        {"customer_bsn": "111222333"},
        {"bsnNumber": "111222333"},
        {"customerBSN": "111222333"},
        {"bsn": ["none", "111222333"]},
        {"bsn": {"issued": "2020", "value": "111222333"}},
        {"type": "BSN", "system": "nl", "value": "111222333"},
        {"bsn": " 111222333 "},
        ["BSN of the applicant, as printed in 2020: 111222333"],
        ["111222333 (BSN)"],
        ["111222333 is my BSN"],
        ["name;bsn\nAda;111222333\nBob;none"],
        ['name,"BSN",town\n"Lovelace, Ada","111222333",Delft'],
        ["| Name | BSN |\n|---|---|\n| Ada | 111222333 |"],
        ['<bsn value="111222333"/>'],
    ],
)
def test_the_value_is_found_near_its_word(message: Json) -> None:
    assert BSN in find(message, DETECTORS)


@pytest.mark.parametrize(
    "message",
    [
        ["111222333"],
        {"order": "111222333"},
        {"bsn": None, "order": "111222333"},
        {"bsn": None},
        {"bsn": {"order": "111222333"}},
        {"bsn": [1, "none"]},
        {"type": "BSN", "order": {"value": "111222333"}},
        ["BSN"],
        ["obsnoxious 111222333"],
        ["111222333, and after a few more words the BSN"],
        ["BSN " + "x" * 60 + " 111222333"],
        ["see customer.bsn", "111222333"],
        ["name;bsn\nAda\nBob;none"],
        ["name, the bsn\nAda,111222334"],
        ["name;bsn"],
        ["order of the bsn\nAda"],
        ["," * 101 + "bsn\n" + "," * 101 + "111222334"],
        [f"name;bsn\n{'x' * 300};111222333"],
    ],
)
def test_the_value_is_not_found_elsewhere(message: Json) -> None:
    assert find(message, DETECTORS) == []


def test_a_json_number_has_lost_its_noughts() -> None:
    assert bsn("010000005") is False
    assert bsn("012345672")
    assert ("bsn", "12345672", SURE) in find({"bsn": 12345672}, DETECTORS)
    assert ("pesel", "2070803628", SURE) in find({"pesel": 2070803628}, DETECTORS)
    assert find({"pesel": 2070803629}, DETECTORS) == []
    assert find({"pesel": "2070803628"}, DETECTORS) == []
    assert find({"pesel": -2070803628}, DETECTORS) == []


def test_a_series_follows_one_word() -> None:
    assert find(["BSN: 111222333, 123456782 and 111222330"], DETECTORS) == [BSN, ("bsn", "123456782", SURE), ("bsn", "111222330", WEAK)]
    assert find(["BSN: 111222333 order 123456782"], DETECTORS) == [BSN]
    assert len(find(["BSN: " + ",".join(["111222333"] * 30)], DETECTORS)) == SERIES_MAX


def test_all_items_of_a_list_belong_to_its_key() -> None:
    assert len(find({"bsn": ["111222333"] * 200}, DETECTORS)) == 200


def test_readings_of_single_leaves_have_nothing_around_them() -> None:
    message: dict[str, Json] = {"bsn": ["111222333"], "ppsn": "1234567T"}
    spots = [Spot(message, "bsn", is_key=True), Spot(message, "ppsn", is_key=True), Spot(message, "ppsn", is_key=True), Spot(message, "ppsn")]
    arena = Arena(["bsn", "ppsn", "PPSN", "1234567T"], spots, [""] * 4)
    found = []
    for leaf in range(4):
        place = Place(arena)
        place.at = arena.starts[leaf]
        found.append(list(DETECTORS[0].look(place)))
    assert found[:2] == [[], []]
    assert found[2]
    assert found[3] == []


def test_a_word_that_means_other_things_needs_a_right_number() -> None:
    assert kinds(["sin 130692544"], DETECTORS) == {"sin"}
    assert find(["sin 130692545"], DETECTORS) == []
    assert find(["file.tin 12-3456789"], DETECTORS) == []


def test_a_word_without_checksum_needs_the_value_right_beside() -> None:
    assert ("id_card", "1234567", WEAK) in find(["c\xe9dula 1234567"], DETECTORS)
    assert find(["a c\xe9dula that somebody brought along 1234567"], DETECTORS) == []


@pytest.mark.parametrize("words", ["order 12345678Z", "SKU: 12345678Z"])
def test_a_number_of_something_else_is_left(words: str) -> None:
    assert find([words], DETECTORS) == []
    assert find({"order_number": "12345678Z"}, DETECTORS) == []
    assert kinds({"participant": "12345678Z"}, DETECTORS) == {"dni"}


@pytest.mark.parametrize(
    "text",
    [
        "550e8400-e29b-41d4-a716-446655440000",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
        "2024-01-15T09:30:00.123456Z",
        "20240115-093000",
        "1712345678901",
        "1.2.3-rc.4+build.5678",
        "9780306406157",
        "4006381333931",
        "10.0.17.123",
        "37.774929,-122.419416",
        "$1,234,567.89",
        "ORD-20240115-0001",
        "The company is in business; its pan is hot, and it is a sin to dine in a tin hut.",
        "[BSN-gkbmrtqz] and [CODICE_FISCALE-gkbmrtqz]",
        "passport to success, tax identification made easy",
        "A1B2C3D4E5",
    ],
)
def test_what_looks_alike_stays(text: str) -> None:
    assert find([text], DETECTORS) == []
    assert find({"value": text}, DETECTORS) == []


def test_cells_are_counted_over_the_whole_message(monkeypatch: pytest.MonkeyPatch) -> None:
    table = "bsn,name\n" + "111222333,Ada\n" * 4
    monkeypatch.setattr(columns, "CELLS_MAX", 8)
    assert len(find([table, table], DETECTORS)) == 8
    with pytest.raises(Refused, match="cells"):
        find([table, table, table], DETECTORS)


def test_a_place_that_is_no_word_gives_nothing() -> None:
    arena = gather(["nothing"])
    place = Place(arena)
    place.at = arena.starts[0]
    assert list(DETECTORS[0].look(place)) == []


def test_numbers_of_the_second_kind() -> None:
    assert cnpj("11222333000182") is False
    assert cnpj("11222333000191") is False
    assert hong_kong("AB9876543")
    assert ird("136410132")
    assert ird("049091850")
    assert rrn("9001011234568")
    assert isikukood(SECOND_ROW)
    assert ppsn("1234567TW")
    assert pt_nif("012345678") is False
