"""The checksums of numbers that states give to people, each from its published rule.

A check takes the letters (capital) and digits of a number without what parts them; its form has been matched before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

Check = Callable[[str], bool]


def digits(text: str) -> list[int]:
    return [int(one) for one in text]


def weighted(text: str, weights: Iterable[int]) -> int:
    """The sum of digits times weights, as far as both go."""
    return sum(int(one) * weight for one, weight in zip(text, weights, strict=False))


def is_day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31


def day_first(text: str) -> bool:
    """Begins with DDMM."""
    return is_day(int(text[2:4]), int(text[:2]))


def year_first(text: str) -> bool:
    """Begins with YYMMDD."""
    return is_day(int(text[2:4]), int(text[4:6]))


def luhn(text: str) -> bool:
    """ISO/IEC 7812-1, annex B. All zeros pass the sum and are nobody's number."""
    total = 0
    for place, one in enumerate(reversed(text)):
        digit = int(one) << (place & 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0 and text.strip("0") != ""


def mod11_10(text: str) -> bool:
    """ISO 7064, hybrid system MOD 11,10."""
    rest = 10
    for one in text[:-1]:
        rest = ((rest + int(one)) % 10 or 10) * 2 % 11
    return (11 - rest) % 10 == int(text[-1])


_TIMES = ("0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321", "6598710432", "7659821043", "8765932104", "9876543210")
_TURNED = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")


def verhoeff(text: str) -> bool:
    """The dihedral group of the pentagon; multiplication and permutation as tables."""
    state = 0
    for place, one in enumerate(reversed(text)):
        state = int(_TIMES[state][int(_TURNED[place % 8][int(one)])])
    return state == 0


def ean13(text: str) -> bool:
    return weighted(text, (1, 3) * 6 + (1,)) % 10 == 0


def remainder11(text: str, weights: Iterable[int]) -> int:
    """Eleven less the remainder, where eleven counts as nought; ten is left to the caller."""
    return (11 - weighted(text, weights) % 11) % 11


# Europe


def nino(text: str) -> bool:
    """HMRC NIM39110: letters that no prefix has, and prefixes that are not given."""
    return text[0] not in "DFIQUV" and text[1] not in "DFIOQUV" and text[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


def nhs(text: str) -> bool:
    return remainder11(text, range(10, 1, -1)) == int(text[9]) and len(set(text)) > 1


def bsn(text: str) -> bool:
    """The test of eleven; eight digits have lost their nought."""
    return weighted(text.zfill(9), (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and text.strip("0") != ""


def steuer_id(text: str) -> bool:
    """One of the first ten digits stands two or three times, no other more than once."""
    counts = sorted(text[:10].count(one) for one in set(text[:10]))
    return text[0] != "0" and counts[-1] in {2, 3} and counts[-2] == 1 and mod11_10(text)


def versicherungsnummer(text: str) -> bool:
    """VKVV section 4: the letter as two digits, digit sums of the products."""
    written = f"{text[:8]}{ord(text[8]) - 64:02d}{text[9:11]}"
    products = (int(one) * weight for one, weight in zip(written, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True))
    return sum(sum(divmod(product, 10)) for product in products) % 10 == int(text[11])


def nir(text: str) -> bool:
    """Corsica's 2A and 2B count as 19 and 18."""
    body = text[:13].replace("2A", "19", 1).replace("2B", "18", 1)
    return body.isdigit() and 97 - int(body) % 97 == int(text[13:])


def dni(text: str) -> bool:
    """The letter is the remainder by 23; X, Y and Z of a foreigner's number count as 0, 1 and 2."""
    body = text[:-1].translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(body) % 23] == text[-1]


_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21) * 2 + (2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)


def codice_fiscale(text: str) -> bool:
    """Decree of 23 December 1976: odd places by a table, even ones by their rank."""
    total = sum(_ODD[one] for one in text[0:15:2]) + sum(int(one) if one.isdigit() else ord(one) - 65 for one in text[1:15:2])
    return chr(65 + total % 26) == text[15]


def pesel(text: str) -> bool:
    """The century stands in the tens of the month."""
    return weighted(text, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0 and is_day(int(text[2:4]) % 20, int(text[4:6]))


def personnummer(text: str) -> bool:
    """Luhn over the last ten digits; a coordination number has 60 added to the day."""
    short = text[-10:]
    return luhn(short) and is_day(int(short[2:4]), int(short[4:6]) % 60)


def hetu(text: str) -> bool:
    body = text[:6] + text[-4:-1]
    return day_first(text) and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(body) % 31] == text[-1]


def fodselsnummer(text: str) -> bool:
    """A D-number has 40 added to the day, a synthetic one 40 or 80 to the month."""
    first, second = remainder11(text, (3, 7, 6, 1, 8, 9, 4, 5, 2)), remainder11(text, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2))
    return first == int(text[9]) and second == int(text[10]) and is_day(int(text[2:4]) % 40, int(text[:2]) % 40)


def belgium(text: str) -> bool:
    """Who was born from 2000 on has a 2 put before the number."""
    check = int(text[9:])
    return check in {97 - int(text[:9]) % 97, 97 - int("2" + text[:9]) % 97}


def svnr(text: str) -> bool:
    """The check digit is the fourth; the day of birth follows, with months up to 15 where a day is full."""
    return weighted(text, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == int(text[3]) and text[0] != "0"


def pt_nif(text: str) -> bool:
    return remainder11(text, range(9, 1, -1)) % 10 == int(text[8]) and text[0] != "0"


def ppsn(text: str) -> bool:
    """A second letter counts nine times its rank; W counts nothing."""
    second = ord(text[8]) - 64 if len(text) > 8 and text[8] != "W" else 0
    return "WABCDEFGHIJKLMNOPQRSTUV"[(weighted(text[:7], range(8, 1, -1)) + second * 9) % 23] == text[7]


def amka(text: str) -> bool:
    return luhn(text) and day_first(text)


def rodne_cislo(text: str) -> bool:
    """Ten digits are a multiple of eleven; 50 is added to a woman's month and 20 where a day is full."""
    return is_day(int(text[2:4]) % 50 % 20, int(text[4:6])) and (int(text) % 11 == 0 or (int(text[:9]) % 11 == 10 and text[9] == "0"))


def cnp(text: str) -> bool:
    total = weighted(text, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return (1 if total == 10 else total) == int(text[12]) and year_first(text[1:])


def egn(text: str) -> bool:
    return weighted(text, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(text[9]) and is_day(int(text[2:4]) % 20, int(text[4:6]))


def tckn(text: str) -> bool:
    odd, even = sum(digits(text[0:9:2])), sum(digits(text[1:8:2]))
    return text[0] != "0" and (odd * 7 - even) % 10 == int(text[9]) and sum(digits(text[:10])) % 10 == int(text[10])


def kennitala(text: str) -> bool:
    return remainder11(text, (3, 2, 7, 6, 5, 4, 3, 2)) == int(text[8]) and is_day(int(text[2:4]), int(text[:2]) % 40)


def jmbg(text: str) -> bool:
    return remainder11(text, (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 10 == int(text[12]) and day_first(text)


def isikukood(text: str) -> bool:
    """Estonia and Lithuania: a second row of weights where the first leaves ten."""
    total = weighted(text, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if total == 10:
        total = weighted(text, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return total == int(text[10]) and year_first(text[1:])


def snils(text: str) -> bool:
    return weighted(text, range(9, 0, -1)) % 101 % 100 == int(text[9:]) and text.strip("0") != ""


def inn(text: str) -> bool:
    first = weighted(text, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    return first == int(text[10]) and weighted(text, (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10 == int(text[11])


def nip(text: str) -> bool:
    return weighted(text, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(text[9]) and text[0] != "0"


def taj(text: str) -> bool:
    return weighted(text, (3, 7) * 4) % 10 == int(text[8]) and text.strip("0") != ""
