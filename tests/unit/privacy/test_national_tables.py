"""Every national number, right and wrong, with its word and without. The numbers are examples from the formats' own documents or made up."""

import pytest

from mpp.stages.privacy.detector import SURE, WEAK
from mpp.stages.privacy.detectors.national import DETECTORS, KINDS, TYPES
from tests.unit.privacy.probed import find, kinds

# Type, word, right number, is it found without a word?
ROWS = (
    ("bsn", "BSN", "111222333", False),
    ("bsn", "Burgerservicenummer", "1112.22.333", False),
    ("steuer_id", "Steuer-ID", "86095742719", False),
    ("steuer_id", "IdNr", "86 095 742 719", False),
    ("versicherungsnummer", "Sozialversicherungsnummer", "15070649C103", False),
    ("versicherungsnummer", "RVNR", "65 170839 J 003", False),
    ("nir", "NIR", "255081416802538", False),
    ("nir", "num\xe9ro de s\xe9curit\xe9 sociale", "2 55 08 14 168 025 38", True),
    ("dni", "DNI", "12345678Z", True),
    ("nie", "NIE", "X1234567L", True),
    ("codice_fiscale", "Codice Fiscale", "RSSMRA85T10A562S", True),
    ("pesel", "PESEL", "44051401359", False),
    ("pl_nip", "numer NIP", "123-456-32-18", False),
    ("personnummer", "personnummer", "811228-9874", False),
    ("personnummer", "Personnummer", "198112289874", False),
    ("hetu", "Henkil\xf6tunnus", "131052-308T", True),
    ("cpr", "CPR-nr", "211062-5629", False),
    ("be_national_number", "rijksregisternummer", "85.07.30-033.28", True),
    ("at_svnr", "SVNR", "1237 010180", False),
    ("pt_nif", "N\xfamero de Contribuinte", "123456789", False),
    ("ppsn", "PPSN", "1234567T", False),
    ("ppsn", "PPS number", "1234567FA", False),
    ("amka", "\u0391\u039c\u039a\u0391", "01013099997", False),
    ("rodne_cislo", "rodn\xe9 \u010d\xedslo", "710319/2745", False),
    ("cnp", "CNP", "1630615123457", False),
    ("egn", "\u0415\u0413\u041d", "7523169263", False),
    ("oib", "OIB", "33392005961", False),
    ("jmbg", "JMBG", "0101006500006", False),
    ("isikukood", "isikukood", "37605030299", False),
    ("taj", "TAJ sz\xe1m", "123-456-788", False),
    ("nino", "National Insurance Number", "AB 12 34 56 C", True),
    ("nino", "NINO", "AB123456C", True),
    ("nhs_number", "NHS number", "943 476 5919", False),
    ("fodselsnummer", "F\xf8dselsnummer", "15108695088", False),
    ("ahv", "AHV-Nr", "756.9217.0769.85", True),
    ("kennitala", "kennitala", "120174-3399", False),
    ("tckn", "T.C. Kimlik No", "10000000146", False),
    ("snils", "\u0421\u041d\u0418\u041b\u0421", "112-233-445 95", True),
    ("inn", "\u0418\u041d\u041d", "500100732259", False),
    ("cpf", "CPF", "111.444.777-35", True),
    ("cpf", "cpf", "11144477735", False),
    ("cnpj", "CNPJ", "11.222.333/0001-81", True),
    ("cnpj", "CNPJ", "12.ABC.345/01DE-35", True),
    ("curp", "CURP", "BOXW310820HNERXN09", True),
    ("cuit", "CUIT", "20-12345678-6", True),
    ("rut", "rol \xfanico tributario", "30.686.957-4", True),
    ("uy_ci", "c\xe9dula uruguaya", "1.234.567-2", False),
    ("ec_cedula", "c\xe9dula ecuatoriana", "1710034065", False),
    ("sin", "Social Insurance Number", "130 692 544", False),
    ("itin", "ITIN", "911-70-1234", True),
    ("ein", "EIN", "12-3456789", False),
    ("aadhaar", "Aadhaar", "2341 2341 2346", False),
    ("in_pan", "PAN card", "ABCPE1234F", True),
    ("cn_resident_id", "\u8eab\u4efd\u8bc1", "11010519491231002X", True),
    ("kr_rrn", "\uc8fc\ubbfc\ub4f1\ub85d\ubc88\ud638", "900101-1234568", True),
    ("jp_my_number", "\u30de\u30a4\u30ca\u30f3\u30d0\u30fc", "123456789018", False),
    ("tw_id", "\u8eab\u5206\u8b49", "A123456789", False),
    ("nric", "NRIC", "S1234567D", True),
    ("hkid", "HKID", "A123456(3)", True),
    ("th_id", "Thai ID", "1-1017-00230-70-8", True),
    ("mykad", "MyKad", "900101-14-1234", False),
    ("nik", "NIK", "3171230507900123", False),
    ("emirates_id", "Emirates ID", "784-1990-1234567-6", True),
    ("saudi_id", "iqama", "1000000008", False),
    ("iran_id", "code melli", "0013542419", False),
    ("il_id", "teudat zehut", "123456782", False),
    ("za_id", "South African ID", "8001015009087", False),
    ("egypt_id", "Egyptian ID", "29001011234564", False),
    ("tfn", "Tax File Number", "123 456 782", False),
    ("au_medicare", "Medicare card", "2123 45670 1", False),
    ("nz_ird", "IRD number", "49-091-850", False),
)
CHECKED = {kind.type for kind in KINDS if kind.check} - {"cpr", "mykad", "nik", "nino", "itin", "ein", "in_pan", "au_medicare", "kennitala"}


def wrong(number: str) -> str:
    """The last digit of the number is another one; letters after it stay."""
    place = max(place for place, one in enumerate(number) if one.isdigit())
    return f"{number[:place]}{(int(number[place]) + 1) % 10}{number[place + 1 :]}"


@pytest.mark.parametrize(("kind", "word", "number", "alone"), ROWS)
def test_a_right_number_is_sure_beside_its_word(kind: str, word: str, number: str, alone: bool) -> None:
    assert (kind, number, SURE) in find([f"The {word}: {number}."], DETECTORS)
    assert (kind, number, SURE) in find({word: number}, DETECTORS)


@pytest.mark.parametrize(("kind", "word", "number", "alone"), ROWS)
def test_a_number_stands_alone_only_where_it_is_unlike_anything_else(kind: str, word: str, number: str, alone: bool) -> None:
    assert (kind in kinds([f"see {number} here"], DETECTORS)) is alone


@pytest.mark.parametrize(("kind", "word", "number", "alone"), [row for row in ROWS if row[0] in CHECKED])
def test_a_wrong_number_counts_only_beside_its_word(kind: str, word: str, number: str, alone: bool) -> None:
    assert (kind, wrong(number), WEAK) in find([f"The {word}: {wrong(number)}."], DETECTORS)
    assert (kind, wrong(number), WEAK) in find({word: wrong(number)}, DETECTORS)
    assert kind not in kinds([f"see {wrong(number)} here"], DETECTORS)


def test_every_type_has_a_row_or_a_case_of_its_own() -> None:
    assert set(TYPES) == {row[0] for row in ROWS} | {"mbi", "cnic", "tax_id", "id_card"}


def test_there_are_many_countries() -> None:
    assert len({kind.where for kind in KINDS if kind.check}) > 35


@pytest.mark.parametrize(
    ("kind", "text", "number"),
    [
        ("mbi", "Medicare ID 1EG4-TE5-MK73", "1EG4-TE5-MK73"),
        ("cnic", "CNIC: 12345-1234567-1", "12345-1234567-1"),
        ("tax_id", "taxpayer ID is 12/345/67890", "12/345/67890"),
        ("id_card", "Personalausweis L01X00T471", "L01X00T471"),
        ("id_card", "insurance_id: NID-900189903", "NID-900189903"),
    ],
)
def test_a_number_without_a_checksum_needs_its_word(kind: str, text: str, number: str) -> None:
    assert (kind, number, WEAK) in find([text], DETECTORS)
    assert kind not in kinds([number], DETECTORS)
