"""Papers, days of birth, postal codes, bank accounts, vehicles, health records."""

import pytest

from mpp.stages.privacy.detector import LIKELY, SURE, WEAK
from mpp.stages.privacy.detectors.personal import DETECTORS, OFF_BY_DEFAULT
from tests.unit.privacy.probed import find, kinds

FIRST = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
SECOND = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"
GOOD = (
    ("passport", "Passport number: XG9382049", "XG9382049", WEAK),
    ("passport", "Reisepass C01X00T47", "C01X00T47", WEAK),
    ("passport", "num\xe9ro de passeport : 12AB34567", "12AB34567", WEAK),
    ("passport", "\u043f\u0430\u0441\u043f\u043e\u0440\u0442 45 08 123456", "45 08 123456", WEAK),
    ("passport", "\u65c5\u5238\u756a\u53f7\uff1aTK1234567", "TK1234567", WEAK),
    ("date_of_birth", "DOB: 1990-02-28", "1990-02-28", WEAK),
    ("date_of_birth", "Date of birth 02/28/1990", "02/28/1990", WEAK),
    ("date_of_birth", "Geburtsdatum: 28.02.1990", "28.02.1990", WEAK),
    ("date_of_birth", "n\xe9e le 3 mars 1990", "3 mars 1990", WEAK),
    ("date_of_birth", "fecha de nacimiento: 3 de marzo de 1990", "3 de marzo de 1990", WEAK),
    ("date_of_birth", "born on February 28th, 1990", "February 28th, 1990", WEAK),
    ("date_of_birth", "\u751f\u5e74\u6708\u65e5\uff1a1990\u5e742\u670828\u65e5", "1990\u5e742\u670828\u65e5", WEAK),
    ("date_of_birth", "dateOfBirth=19900228", "19900228", WEAK),
    ("postal_code", "ZIP: 94110-1234", "94110-1234", WEAK),
    ("postal_code", "postcode SW1A 1AA", "SW1A 1AA", WEAK),
    ("postal_code", "postal code K1A 0B1", "K1A 0B1", WEAK),
    ("postal_code", "Postcode: 1012 AB", "1012 AB", WEAK),
    ("postal_code", "PLZ 10115", "10115", WEAK),
    ("postal_code", "CEP: 01310-100", "01310-100", WEAK),
    ("drivers_license", "Driver\u2019s license F162-823-54-0116", "F162-823-54-0116", WEAK),
    ("drivers_license", "driving licence MORGA657054SM9IJ", "MORGA657054SM9IJ", WEAK),
    ("drivers_license", "my drivers license number is 5130634", "5130634", WEAK),
    ("bank_account", "account number is 0286727274", "0286727274", WEAK),
    ("bank_account", "Kontonummer: 532 013 000", "532 013 000", WEAK),
    ("routing_number", "routing number 021000021", "021000021", SURE),
    ("routing_number", "routing number 021000022", "021000022", WEAK),
    ("sort_code", "sort code 20-00-00", "20-00-00", WEAK),
    ("swift_bic", "SWIFT: DEUTDEFF500", "DEUTDEFF500", SURE),
    ("vin", "VIN 1M8GDM9AXKP042788", "1M8GDM9AXKP042788", SURE),
    ("vin", "chassis number WVWZZZ1JZXW000001", "WVWZZZ1JZXW000001", WEAK),
    ("medical_record", "MRN: 4481217", "4481217", WEAK),
    ("medical_record", "patient ID PHX-839221", "PHX-839221", WEAK),
    ("npi", "NPI 1234567893", "1234567893", SURE),
    ("dea_number", "DEA no. AB1234563", "AB1234563", SURE),
    ("imei", "IMEI 490154203237518", "490154203237518", SURE),
    ("imei", "IMEI 490154203237519", "490154203237519", WEAK),
    ("geo_location", "coordinates: 37.7749, -122.4194", "37.7749, -122.4194", WEAK),
)


@pytest.mark.parametrize(("kind", "text", "value", "sure"), GOOD)
def test_a_value_is_found_beside_its_word(kind: str, text: str, value: str, sure: int) -> None:
    assert (kind, value, sure) in find([text], DETECTORS)
    assert kind == "vin" or kind not in kinds([value], DETECTORS)


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("date_of_birth", "birthDate", "1990-02-28T00:00:00.000Z"),
        ("date_of_birth", "userDob", "28-Feb-90"),
        ("postal_code", "zipCode", 94110),
        ("postal_code", "zip", "02134"),
        ("passport", "passport_no", 123456789),
        ("bank_account", "accountNumber", "GB 12345678"),
        ("geo_location", "lat", "37.7749"),
        ("vin", "vehicleVin", "1M8GDM9AXKP042788"),
    ],
)
def test_a_value_is_found_under_its_key(kind: str, key: str, value: str | int) -> None:
    assert (kind, str(value)) in {(kind, text) for kind, text, _ in find({key: value}, DETECTORS)}


def test_a_machine_readable_zone_needs_no_word() -> None:
    both = [("passport", FIRST, LIKELY), ("passport", SECOND, SURE)]
    assert find([f"scan:\n{FIRST}\n{SECOND}"], DETECTORS) == both
    assert find([FIRST, SECOND], DETECTORS) == both
    assert find([f"{FIRST}\n{SECOND[:9]}7{SECOND[10:]}"], DETECTORS)[1][2] == LIKELY
    assert find([FIRST], DETECTORS) == both[:1]
    assert find({"mrz": SECOND}, DETECTORS) == [("passport", SECOND, SURE)]
    assert find(["PRODUCTIONENVIRONMENTVARIABLES"], DETECTORS) == []
    assert find(["PRODUCTIONENVIRONMENTVARIABLESOFALLTHESERVICES"], DETECTORS) == []


def test_a_vehicle_needs_no_word_where_its_digit_is_right() -> None:
    assert kinds(["1M8GDM9AXKP042788"], DETECTORS) == {"vin"}
    assert find(["1M8GDM9A1KP042788"], DETECTORS) == []
    assert find(["11111111111111111"], DETECTORS) == []


@pytest.mark.parametrize(
    "text",
    [
        "backup.zip 48210 bytes",
        "The passport of the year 2024 costs 100.",
        "He was born in a small town; the 1990-02-28 release came later.",
        "Our birthday sale ends soon",
        "swift response and swift DELIVERY of the goods",
        "SWIFT: ABCDQQXX",
        "NPI 1234567894",
        "routing 021000022",
        "vin 1M8GDM9A1KP042788",
        "the account number is not known, order 12345678",
        "a driver's license is needed",
        "postal code: unknown, phone: 5550100",
        "[PASSPORT-gkbmrtqz] [DATE_OF_BIRTH-gkbmrtqz]",
        "created 2024-01-15, updated 2024-01-16T10:00:00Z",
        "version 1.2.3 of 94110",
    ],
)
def test_what_looks_alike_stays(text: str) -> None:
    assert find([text], DETECTORS) == []


def test_places_are_off_unless_asked_for() -> None:
    assert OFF_BY_DEFAULT == ("geo_location",)
