"""What is said of a person beside names and numbers of states: papers, days of birth, bank accounts, vehicles, health records.

Most of it has no form of its own, so a word must stand beside it; labelled.py reads them.
"""

from __future__ import annotations

from collections.abc import Iterator

from mpp.stages.privacy.detector import Detector, Hit, LIKELY, Place, SURE
from mpp.stages.privacy.detectors import personal_words as words
from mpp.stages.privacy.detectors.labelled import detectors_of, edged, Kind
from mpp.stages.privacy.detectors.national.checks import luhn, weighted
from mpp.stages.privacy.later import on_use

OFF_BY_DEFAULT = ("geo_location",)
"""Types that are looked for only where a policy names them. Reason: a map, a shop's branches or a weather answer is useless without them."""

_MRZ_WEIGHTS = (7, 3, 1)


def _mrz_sum(text: str) -> str:
    """ICAO Doc 9303-3, section 4.9."""
    return str(sum((0 if one == "<" else int(one, 36)) * _MRZ_WEIGHTS[place % 3] for place, one in enumerate(text)) % 10)


def mrz_second_line(text: str) -> bool:
    """ICAO Doc 9303-4: number, day of birth and day of expiry, each with its digit."""
    return _mrz_sum(text[:9]) == text[9] and _mrz_sum(text[13:19]) == text[19] and _mrz_sum(text[21:27]) == text[27]


_VIN = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))


def vin(text: str) -> bool:
    """49 CFR 565.15(c). Europe gives numbers without a check digit; they are found by a word nearby."""
    values = (_VIN[one] if one.isalpha() else int(one) for one in text)
    total = sum(one * weight for one, weight in zip(values, (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2), strict=True))
    return "0123456789X"[total % 11] == text[8] and not text.isdigit()


def aba(text: str) -> bool:
    """ABA key to routing numbers: the first two digits name a district of the Federal Reserve."""
    first = int(text[:2])
    return weighted(text, (3, 7, 1) * 3) % 10 == 0 and (first <= 12 or 21 <= first <= 32 or 61 <= first <= 72 or first == 80)


def npi(text: str) -> bool:
    """45 CFR 162.406: Luhn with the prefix of US health cards."""
    return luhn("80840" + text)


def dea(text: str) -> bool:
    return str(weighted(text[2:8], (1, 2) * 3))[-1] == text[8]


_COUNTRIES = frozenset(
    [
        "AD",
        "AE",
        "AF",
        "AG",
        "AI",
        "AL",
        "AM",
        "AO",
        "AR",
        "AT",
        "AU",
        "AW",
        "AZ",
        "BA",
        "BB",
        "BD",
        "BE",
        "BF",
        "BG",
        "BH",
        "BI",
        "BJ",
        "BM",
        "BN",
        "BO",
        "BR",
        "BS",
        "BT",
        "BW",
        "BY",
        "BZ",
        "CA",
        "CD",
        "CF",
        "CG",
        "CH",
        "CI",
        "CL",
        "CM",
        "CN",
        "CO",
        "CR",
        "CU",
        "CV",
        "CW",
        "CY",
        "CZ",
        "DE",
        "DJ",
        "DK",
        "DM",
        "DO",
        "DZ",
        "EC",
        "EE",
        "EG",
        "ER",
        "ES",
        "ET",
        "FI",
        "FJ",
        "FO",
        "FR",
        "GA",
        "GB",
        "GD",
        "GE",
        "GG",
        "GH",
        "GI",
        "GL",
        "GM",
        "GN",
        "GQ",
        "GR",
        "GT",
        "GW",
        "GY",
        "HK",
        "HN",
        "HR",
        "HT",
        "HU",
        "ID",
        "IE",
        "IL",
        "IM",
        "IN",
        "IQ",
        "IR",
        "IS",
        "IT",
        "JE",
        "JM",
        "JO",
        "JP",
        "KE",
        "KG",
        "KH",
        "KM",
        "KN",
        "KR",
        "KW",
        "KY",
        "KZ",
        "LA",
        "LB",
        "LC",
        "LI",
        "LK",
        "LR",
        "LS",
        "LT",
        "LU",
        "LV",
        "LY",
        "MA",
        "MC",
        "MD",
        "ME",
        "MG",
        "MK",
        "ML",
        "MM",
        "MN",
        "MO",
        "MR",
        "MT",
        "MU",
        "MV",
        "MW",
        "MX",
        "MY",
        "MZ",
        "NA",
        "NC",
        "NE",
        "NG",
        "NI",
        "NL",
        "NO",
        "NP",
        "NZ",
        "OM",
        "PA",
        "PE",
        "PF",
        "PG",
        "PH",
        "PK",
        "PL",
        "PR",
        "PS",
        "PT",
        "PY",
        "QA",
        "RO",
        "RS",
        "RU",
        "RW",
        "SA",
        "SB",
        "SC",
        "SD",
        "SE",
        "SG",
        "SI",
        "SK",
        "SL",
        "SM",
        "SN",
        "SO",
        "SR",
        "SS",
        "ST",
        "SV",
        "SY",
        "SZ",
        "TD",
        "TG",
        "TH",
        "TJ",
        "TL",
        "TM",
        "TN",
        "TO",
        "TR",
        "TT",
        "TW",
        "TZ",
        "UA",
        "UG",
        "US",
        "UY",
        "UZ",
        "VA",
        "VC",
        "VE",
        "VG",
        "VN",
        "VU",
        "WS",
        "XK",
        "YE",
        "ZA",
        "ZM",
        "ZW",
    ]
)


def bic(text: str) -> bool:
    """ISO 9362: the fifth and sixth letters are a country."""
    return text[4:6] in _COUNTRIES


_YEAR = r"(?:19|20)\d{2}"
_MONTH = (
    r"(?:jan|feb|m\xe4r|mar|apr|avr|may|mai|mei|mag|jun|jui|giu|jul|lug|aug|ago|ao\xfb|sep|set|oct|okt|ott|out|nov|dec|dez|d\xe9c|dic)[a-z\xe9\xfb\xe4]{0,7}\.?"
)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_DATE = (
    rf"{_YEAR}[-/.]\d{{1,2}}[-/.]\d{{1,2}}(?:[T ]\d{{2}}:\d{{2}}(?::\d{{2}}(?:\.\d{{1,9}})?)?(?:Z|[+-]\d{{2}}:?\d{{2}})?)?"
    rf"|{_DAY}[-/. ]{{1,2}}{_DAY}[-/. ]{{1,2}}(?:{_YEAR}|\d{{2}})"
    rf"|{_DAY}(?:st|nd|rd|th|\.|er|\xba)?[- ](?:of |de |di )?{_MONTH},?[- ](?:de |del )?{_YEAR}"
    rf"|{_MONTH} {_DAY}(?:st|nd|rd|th)?,? {_YEAR}"
    rf"|{_YEAR}\u5e74\d{{1,2}}\u6708\d{{1,2}}\u65e5|{_YEAR}[01]\d[0-3]\d|{_DAY}-{_MONTH}-\d{{2}}"
)
_MANY_DIGITS = r"(?=(?:[A-Z \-]{0,6}\d){5})"
_POSTAL = (
    r"\d{5}-\d{3,4}|\d{4} ?(?-i:[A-Z]{2})|\d{3}[ -]\d{2,4}|\d{2}-\d{3}|(?:[A-Z]{1,2}-)?\d{4,6}"
    r"|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z][ -]?\d[A-Z]\d|[A-Z]\d[\dW] ?[A-Z\d]{4}"
)

_MRZ_FIRST, _MRZ_SECOND = r"P[A-Z<][A-Z<]{3}[A-Z][A-Z<]{20,38}", r"[A-Z\d<]{9}\d[A-Z<]{3}\d{7}[MFX<]\d{7}[A-Z\d<]{14}[\d<]\d"
_FIRST_LINE, _NEXT_LINE = on_use(edged(_MRZ_FIRST)), on_use(rf"\s?(?:\n|\n\x00\n)?({_MRZ_SECOND})")


def _mrz_look(place: Place) -> Iterator[Hit]:
    """The two lines at the foot of a passport: in one text, or as two texts side by side."""
    first = _FIRST_LINE.match(place.text, place.at)
    if first is None or "<<" not in first[0]:
        return
    yield Hit("passport", first.start(), first.end(), LIKELY)
    second = _NEXT_LINE.match(place.text, first.end())
    if second is not None:
        yield Hit("passport", second.start(1), second.end(1), SURE if mrz_second_line(second[1]) else LIKELY)


_BIC = r"(?-i:[A-Z]{6}[A-Z2-9][A-NP-Z\d](?:[A-Z\d]{3})?)"


KINDS = (
    Kind(
        type="passport",
        labels=words.PASSPORT,
        form=r"[A-Z]{0,3}\d{6,9}[A-Z]?|(?=(?:[A-Z]{0,4}\d){3})[A-Z\d]{9}|\d{2} ?\d{2} \d{6}",
    ),
    Kind(type="passport", labels=("mrz", "machine readable zone"), form=_MRZ_SECOND, check=mrz_second_line),
    Kind(type="date_of_birth", labels=words.BIRTH, faint=words.BORN, form=_DATE),
    Kind(type="postal_code", labels=words.POSTAL, faint=words.ZIP, form=_POSTAL),
    Kind(type="drivers_license", labels=words.LICENSE, form=rf"{_MANY_DIGITS}[A-Z]{{0,5}}-?\d(?:[ \-]?[A-Z]{{0,2}}\d){{3,14}}[A-Z]{{0,3}}"),
    Kind(type="bank_account", labels=words.ACCOUNT, form=r"(?:(?-i:[A-Z]{2,4})[ -]?)?\d(?:[ \-]?\d){5,17}"),
    Kind(type="routing_number", labels=words.ROUTING, faint=words.ABA, form=r"\d{9}|\d{4}-\d{4}-\d", check=aba, size=9),
    Kind(type="sort_code", labels=("sort code", "sortcode", "bank sort code"), form=r"\d{2}[- ]\d{2}[- ]\d{2}|\d{6}"),
    Kind(type="swift_bic", labels=words.BIC, faint=("bic",), form=_BIC, check=bic),
    Kind(type="swift_bic", form=rf"(?<![A-Z] ){_BIC}", faint=("swift",), check=bic),
    Kind(
        type="vin",
        labels=("vehicle identification number", "vehicle id number", "chassis number", "fahrgestellnummer", "vin number"),
        faint=("vin", "vehicle id"),
        form=r"[A-HJ-NPR-Z\d]{17}",
        check=vin,
        alone=r"[1-9A-HJ-NPR-Z](?=[A-Z\d]{0,9}[A-Z])[A-HJ-NPR-Z\d]{7}[\dX][A-HJ-NPR-Z\d]{4}\d{4}",
        probes=("[^0-9A-Za-z][1-9A-HJ-NPR-Z][0-9A-HJ-NPR-Z]{7}[0-9X][0-9A-HJ-NPR-Z]{4}[0-9]{4}[^0-9A-Za-z]",),
    ),
    Kind(type="medical_record", labels=words.MEDICAL, faint=("mrn", "patient id", "patient number", "patient no"), form=r"[A-Z]{0,4}[-#]?\d(?:-?\d){4,13}"),
    Kind(type="npi", labels=("national provider identifier", "national provider id", "npi number"), faint=("npi",), form=r"[12]\d{9}", check=npi),
    Kind(type="dea_number", labels=("dea number", "dea registration", "dea no"), faint=("dea",), form=r"[ABCDEFGHJ-NPRSTUX][A-Z9]\d{7}", check=dea),
    Kind(type="imei", labels=("imei", "imei number", "international mobile equipment"), form=r"\d{15}|\d{2}[- ]\d{6}[- ]\d{6}[- ]\d", check=luhn),
    Kind(
        type="geo_location",
        labels=("latitude", "longitude", "coordinates", "gps coordinates", "geolocation", "gps"),
        faint=("lat", "lng", "lon", "coords"),
        form=r"-?\d{1,3}\.\d{3,15}(?:\xb0?[NSEW]?,? {0,2}-?\d{1,3}\.\d{3,15})?",
    ),
)

DETECTORS = (
    Detector(name="passport_lines", types=("passport",), probes=("P[A-Z<][A-Z<]{3}[A-Z][A-Z<]{20}",), look=_mrz_look),
    *detectors_of("personal_labels", KINDS),
)
