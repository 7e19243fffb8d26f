"""Checksums of national numbers outside of Europe; see checks.py."""

from __future__ import annotations

from mpp.stages.privacy.detectors.national.checks import day_first, is_day, luhn, remainder11, verhoeff, weighted, year_first

# Americas


def cpf(text: str) -> bool:
    first, second = weighted(text, range(10, 1, -1)) * 10 % 11 % 10, weighted(text, range(11, 1, -1)) * 10 % 11 % 10
    return first == int(text[9]) and second == int(text[10]) and len(set(text)) > 1


def cnpj(text: str) -> bool:
    """A letter counts as its code less 48, since 2026. Instrucao Normativa RFB 2229/2024."""
    values = [ord(one) - 48 for one in text]
    for size in (12, 13):
        weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)[13 - size :]
        rest = sum(one * weight for one, weight in zip(values, weights, strict=False)) % 11
        if values[size] != (0 if rest < 2 else 11 - rest):
            return False
    return len(set(text)) > 1


def curp(text: str) -> bool:
    total = sum("0123456789ABCDEFGHIJKLMN\xd1OPQRSTUVWXYZ".index(one) * (18 - place) for place, one in enumerate(text[:17]))
    return (10 - total % 10) % 10 == int(text[17]) and year_first(text[4:])


def cuit(text: str) -> bool:
    rest = remainder11(text, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2))
    return (9 if rest == 10 else rest) == int(text[10])


def rut(text: str) -> bool:
    rest = remainder11(text[-2::-1], (2, 3, 4, 5, 6, 7, 2, 3))
    return "0123456789K"[rest] == text[-1]


def uruguay(text: str) -> bool:
    return weighted(text.zfill(8), (2, 9, 8, 7, 6, 3, 4, 1)) % 10 == 0


def ecuador(text: str) -> bool:
    return luhn(text) and (1 <= int(text[:2]) <= 24 or text[:2] == "30") and text[2] < "6"


def itin(text: str) -> bool:
    """IRM 3.21.263: the groups that are given out."""
    group = int(text[3:5])
    return text[0] == "9" and (50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99)


_NO_CAMPUS = frozenset(["00", "07", "08", "09", "17", "18", "19", "28", "29", "49", "69", "70", "78", "79", "89", "96", "97"])


def ein(text: str) -> bool:
    """The first two digits name a campus of the IRS."""
    return text[:2] not in _NO_CAMPUS


# Asia, Africa, Oceania


def aadhaar(text: str) -> bool:
    return text[0] not in "01" and verhoeff(text)


def cn_resident(text: str) -> bool:
    """GB 11643-1999: ISO 7064 MOD 11-2, a day of birth from the seventh digit on."""
    total = weighted(text[:17], (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
    return "10X98765432"[total % 11] == text[17] and text[6:8] in {"19", "20"} and year_first(text[8:]) and "11" <= text[:2] <= "82"


def rrn(text: str) -> bool:
    """Numbers given since October 2020 have no check digit; they are found by a word nearby."""
    return remainder11(text, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 10 == int(text[12]) and year_first(text)


def my_number(text: str) -> bool:
    rest = weighted(text, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest < 2 else 11 - rest) == int(text[11]) and text.strip("0") != ""


def taiwan(text: str) -> bool:
    """A letter counts as two digits, by the order in which districts got theirs."""
    letter = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(text[0]) + 10
    return (letter // 10 + letter % 10 * 9 + weighted(text[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


_NRIC = {"S": (0, "JZIHGFEDCBA"), "T": (4, "JZIHGFEDCBA"), "F": (0, "XWUTRQPNMLK"), "G": (4, "XWUTRQPNMLK"), "M": (3, "XWUTRQPNJLK")}


def nric(text: str) -> bool:
    offset, letters = _NRIC[text[0]]
    return letters[(weighted(text[1:8], (2, 7, 6, 5, 4, 3, 2)) + offset) % 11] == text[8]


def tfn(text: str) -> bool:
    return weighted(text, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0 and text.strip("0") != ""


def au_medicare(text: str) -> bool:
    return weighted(text, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(text[8])


def ird(text: str) -> bool:
    """New Zealand: a second row of weights where the first leaves ten."""
    body = text[:-1].zfill(8)
    rest = remainder11(body, (3, 2, 7, 6, 5, 4, 3, 2))
    return (remainder11(body, (7, 4, 3, 2, 5, 2, 7, 6)) if rest == 10 else rest) == int(text[-1])


def sin(text: str) -> bool:
    return text[0] not in "08" and luhn(text)


def south_africa(text: str) -> bool:
    return luhn(text) and year_first(text)


def israel(text: str) -> bool:
    return luhn(text.zfill(9))


def thailand(text: str) -> bool:
    return (11 - weighted(text, range(13, 1, -1)) % 11) % 10 == int(text[12]) and text[0] != "0"


def hong_kong(text: str) -> bool:
    """A single letter has a blank before it, which counts 36."""
    values = [36, *(ord(one) - 55 if one.isalpha() else int(one) for one in text)][-9:]
    return sum(one * weight for one, weight in zip(values, range(9, 0, -1), strict=True)) % 11 == 0


def iran(text: str) -> bool:
    rest = weighted(text, range(10, 1, -1)) % 11
    return (rest if rest < 2 else 11 - rest) == int(text[9]) and len(set(text)) > 1


def egypt(text: str) -> bool:
    """Century, then the day of birth."""
    rest = remainder11(text, (2, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2))
    return rest % 10 == int(text[13]) and year_first(text[1:])


def nik(text: str) -> bool:
    """Indonesia: 40 is added to a woman's day of birth."""
    return is_day(int(text[8:10]), int(text[6:8]) % 40)


def cpr(text: str) -> bool:
    """Denmark has given numbers without a checksum since 2007; only the day of birth can be wrong."""
    return day_first(text)
