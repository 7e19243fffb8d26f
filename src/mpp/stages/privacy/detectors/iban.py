"""International bank account numbers: ISO 13616, with the lengths of the registry that SWIFT keeps."""

from __future__ import annotations

from collections.abc import Iterable

from mpp.stages.privacy.detector import Detector, Hit, LIKELY, Place, SURE
from mpp.stages.privacy.detectors.nearby import BANK, label
from mpp.stages.privacy.later import on_use

_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 "
    "GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 "
    "OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
LENGTHS = {one[:2]: int(one[2:]) for one in _LENGTHS.split()}

_FORMS = {size: on_use(rf"[0-9A-Za-z](?:[ -]?[0-9A-Za-z]){{{size - 1}}}(?![0-9A-Za-z])") for size in sorted(set(LENGTHS.values()))}
_BEGIN = on_use(r"[A-Za-z]{2}[0-9]{2}")
_CALLED = on_use(r"[A-Za-z]{2}[0-9]{2}(?:[ -]?[0-9A-Za-z]{10,30}|(?:[ -][0-9A-Za-z]{4}){2,7}(?:[ -](?=[0-9A-Za-z]{0,2}[0-9])[0-9A-Za-z]{1,3})?)(?![0-9A-Za-z])")
_HEAD_MAX = 4
_SPAN_MAX = 80
"""Characters of a number with a gap after each of its parts. Reason: 34 characters in pairs need 50."""


def _look(place: Place) -> Iterable[Hit]:
    text = place.text
    # Text in text writes a line's end as a backslash and a letter, and that letter is no part of the number.
    first = place.at + (text[place.at] == "\\" and text[place.at + 1] in "nrt")
    begin = _BEGIN.search(text, first, min(place.high, first + 1 + _HEAD_MAX))
    if begin is None:
        return ()
    start = begin.start()
    length = LENGTHS.get(text[start : start + 2].upper(), 0)
    end = _end(text, start, min(place.high, start + _SPAN_MAX), length) if length else 0
    if end and _sums(text[start:end]):
        return (Hit("iban", start, end, SURE),)
    if not length and "iban" not in place.before():
        return ()
    # A wrong sum or length is still an account to a reader who is told that it is one.
    called = _CALLED.match(text, start, min(place.high, start + _SPAN_MAX))
    if called is not None and label(place, start) == BANK:
        return (Hit("iban", start, called.end(), LIKELY),)
    return ()


def _end(text: str, start: int, high: int, length: int) -> int:
    """Where ``length`` letters and digits end, with at most one space or hyphen between two; 0 where the number is longer or shorter."""
    found = _FORMS[length].match(text, start, high)
    return 0 if found is None else found.end()


def _sums(written: str) -> bool:
    """ISO 7064 MOD 97-10 over the number with its first four characters moved to the end. Letters of both sizes are somebody's base64."""
    compact = written.replace(" ", "").replace("-", "")
    if not (compact.isupper() or compact.islower()):
        return False
    return int("".join([str(int(one, 36)) for one in compact[4:] + compact[:4]])) % 97 == 1


DETECTORS: tuple[Detector, ...] = (
    Detector(
        name="iban",
        types=("iban",),
        probes=(r"[^0-9A-Za-z][A-Za-z]{2}[0-9]{2}[ -]?[0-9A-Za-z]{4}[ -]?[0-9A-Za-z]{3}", r"\\[nrt][A-Za-z]{2}[0-9]{2}[ -]?[0-9A-Za-z]{4}[ -]?[0-9A-Za-z]{3}"),
        look=_look,
    ),
)
