"""Numbers of payment cards: ISO/IEC 7812 with the ranges that the issuers publish."""

from __future__ import annotations


from mpp.stages.privacy.detector import Hit, LIKELY, SURE
from mpp.stages.privacy.detectors.national.checks import luhn
from mpp.stages.privacy.detectors.nearby import CARD, MACHINE
from mpp.stages.privacy.detectors.runs import Run
from mpp.stages.privacy.later import on_use

DIGITS_LEAST, DIGITS_MOST = 12, 19
"""Digits of a card number. Reason: ISO/IEC 7812-1 allows 19, and Maestro issued 12."""

GROUPS_MOST = 8
"""Groups of one card number. Reason: sixteen digits in pairs."""

OFTEN_IDS = 13
"""Digits up to which a number is a card only if something says so. Reason: ids and clock times in milliseconds have as many."""

_ISSUED = on_use(
    r"4[0-9]{15}"  # Visa
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12}"  # Discover, RuPay
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    r"|3(?:0[0-5][0-9]|095|[689][0-9]{2})[0-9]{10}"  # Diners Club
    r"|62[0-9]{14,17}"  # UnionPay
    r"|220[0-4][0-9]{12}"  # Mir
    r"|(?:508[5-9]|6069|607[0-9]|608[0-4]|6521|6522)[0-9]{12}"  # RuPay
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{12}"  # Maestro
    r"|9792[0-9]{12}"  # Troy
)
"""Issuer and length without a word nearby. The lengths that other numbers have too are missing: 12 and 13 digits are ids and clock times,
and any 19 digits may be a 64-bit id."""

_LONG_VISA = on_use(r"4[0-9]{18}")
_LAYOUTS = frozenset(((4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 3), (4, 4, 4, 2)))
"""How cards are printed, and how people part those that are printed otherwise."""

# Only gaps lie between. Attack: "card; DE89 3704 ...", an account behind a card, whose first word is hexadecimal too.
_HEX_BEFORE = on_use(r"(?<![0-9A-Za-z])(?=[0-9]{0,3}[A-F])[0-9A-F]{4}[ .-]{1,3}(?:[0-9A-F]{4}[ .-]{1,3})?\Z")
_HEX_AFTER = on_use(r"[ .-]{1,3}(?:[0-9A-F]{4}[ .-]{1,3})?(?=[0-9]{0,3}[A-F])[0-9A-F]{4}(?![0-9A-Za-z])")
_STEPS = frozenset((1, 2, 3))
WORDS_BESIDE = 12
"""Characters on either side of a card that are read for words of hexadecimal. Reason: two words and their gaps."""

_GAPS = frozenset((" ", "-", ".", "  ", " - "))


def find(run: Run) -> list[Hit]:
    hits: list[Hit] = []
    first, last = 0, len(run.groups)
    if run.count(0, last) < DIGITS_LEAST:
        return hits
    while first < last:
        after, sure = _window(run, first) if run.free[first] else (first, 0)
        if sure:
            hits.append(Hit("credit_card", run.groups[first][0], run.groups[after - 1][1], sure))
            run.take(first, after)
        first = max(after, first + 1)
    return hits


def _window(run: Run, first: int) -> tuple[int, int]:
    """The window from ``first`` on that is a card: its end and how sure that is."""
    said = (first, 0)
    for after in range(first + 1, min(first + GROUPS_MOST, len(run.groups)) + 1):
        count = run.count(first, after)
        if count > DIGITS_MOST or not run.free[after - 1]:
            break
        if count < DIGITS_LEAST or not _is_one(run, first, after):
            continue
        is_called = run.label == CARD and not run.joined_after(after)
        if (is_called or _plain(run, first, after)) and luhn(run.digits(first, after)):
            return after, SURE
        # A wrong check digit does not make a number harmless that is called a card: somebody mistyped it.
        if is_called and not run.joined_before(first):
            said = (after, LIKELY)
    return said


def _is_one(run: Run, first: int, after: int) -> bool:
    """Its groups are parted all in the same way."""
    gaps = run.gaps(first, after)
    return len(gaps) <= 1 and gaps <= _GAPS


def _plain(run: Run, first: int, after: int) -> bool:
    """An issuer's number on its own, written as one or as printed."""
    sizes = run.sizes(first, after)
    if (len(sizes) > 1 and sizes not in _LAYOUTS) or run.joined_before(first) or run.joined_after(after) or run.is_abroad(first):
        return False
    number = run.digits(first, after)
    if len(sizes) == 1:
        return _ISSUED.fullmatch(number) is not None and run.label != MACHINE
    return (_ISSUED.fullmatch(number) or _LONG_VISA.fullmatch(number)) is not None and not _in_a_row(run, first, after)


def _in_a_row(run: Run, first: int, after: int) -> bool:
    """A piece of a dump or of a table of characters: words of hexadecimal beside it, or it counts."""
    start, end = run.groups[first][0], run.groups[after - 1][1]
    low, high = max(run.place.low, start - WORDS_BESIDE), min(run.place.high, end + WORDS_BESIDE)
    if _HEX_BEFORE.search(run.text, low, start) or _HEX_AFTER.match(run.text, end, high):
        return True
    steps = {int(run.digits(at + 1, at + 2)) - int(run.digits(at, at + 1)) for at in range(first, after - 1)}
    return steps <= _STEPS
