"""Phone numbers: those with a country's code, those of North America by their form, all others where a word says so."""

from __future__ import annotations

import re

from mpp.stages.privacy.detector import Hit, LIKELY, SURE, WEAK
from mpp.stages.privacy.detectors.nearby import OTHER, PHONE, phone_after
from mpp.stages.privacy.detectors.runs import Run
from mpp.stages.privacy.later import on_use

DIGITS_LEAST, DIGITS_MOST = 7, 13
"""Digits of a number without the country's code. Reason: ITU-T E.164 allows 15 with it; shorter ones are extensions and short codes."""

ABROAD_MOST = 15
"""Digits with the country's code. Reason: ITU-T E.164, clause 6.1."""

_ABROAD = on_use(r"\(?\+|00[1-9]|001?[-. ]")
_AMERICA = on_use(r"(?:1(?: ?[.-] ?| ))?(?:\([2-9][0-9]{2}\)[ .-]{0,2}|[2-9][0-9]{2}(?: ?[./-] ?| ))[2-9][0-9]{2}(?: ?[.-] ?| )[0-9]{4}(?![0-9])")
_AMERICA_GLUED = on_use(r"\([0-9]{3}\) ?[0-9]{3}-[0-9]{4}(?![0-9])")
_AMERICA_PLAIN = on_use(r"1[2-9][0-9]{2}[2-9][0-9]{6}")
_EXTENSION = on_use(r"(?:,? ?(?:ext(?:ension)?|extn|durchwahl|poste|доб)\.?:? ?|,? ?[x#] ?)([0-9]{1,6})(?![0-9A-Za-z])", re.IGNORECASE)
_QUAD = on_use(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")


def find(run: Run) -> list[Hit]:
    hits: list[Hit] = []
    for first, after in run.segments():
        at = first
        while at < after:
            end, sure = _window(run, at, after)
            if sure:
                hits.append(Hit("phone", run.head(at), _with_extension(run, end), sure))
                run.take(at, end)
            at = max(end, at + 1)
    return hits


def _window(run: Run, at: int, after: int) -> tuple[int, int]:
    """The phone number that begins with group ``at``: the group after it and how sure that is."""
    if run.count(at, after) < DIGITS_LEAST or run.joined_before(at):
        return at, 0
    if _ABROAD.match(run.text, run.head(at)):
        end, sure = _abroad(run, at, after)
        if sure:
            return end, sure
    end = _american(run, at, after)
    if end:
        return end, LIKELY
    return _national(run, at, after)


def _ends_well(run: Run, end: int) -> bool:
    return not run.joined_after(end) or _extension(run, end) is not None


def _abroad(run: Run, at: int, after: int) -> tuple[int, int]:
    """Windows from the longest on; a valid one before one that is only possible."""
    possible = 0
    is_plus = run.is_abroad(at)
    for end in range(_reach(run, at, after, ABROAD_MOST + 2), at, -1):
        digits = run.digits(at, end)
        number = digits if is_plus else digits.removeprefix("00")
        if not DIGITS_LEAST <= len(number) <= ABROAD_MOST or not _ends_well(run, end) or _is_fraction(run, at, end):
            continue
        # Two zeros begin other numbers too; without a word they must stand alone.
        if not is_plus and end < after and run.label != PHONE:
            continue
        state = _validity(number)
        if state == SURE:
            return end, SURE
        if state and not possible and (is_plus or (end - at > 1 and _AMERICA_PLAIN.fullmatch(number)) or _is_said(run, end)):
            possible = end
    return (possible, LIKELY) if possible else (at, 0)


def _is_said(run: Run, end: int) -> bool:
    """A word, the key or a heading says that it is a phone number."""
    return run.label == PHONE or (end == len(run.groups) and phone_after(run.place, run.end))


def _validity(number: str) -> int:
    """SURE for a number that can be assigned, LIKELY for one whose length is right, 0 for others."""
    if number.startswith("1"):
        # Eleven digits are the whole rule for the length; the table of area codes is not needed for it.
        return LIKELY if len(number) == 11 else 0
    import phonenumbers  # noqa: PLC0415 - slow to import and only needed for a number with a country's code

    try:
        parsed = phonenumbers.parse("+" + number)
    except phonenumbers.NumberParseException:
        return 0
    if phonenumbers.is_valid_number(parsed):
        return SURE
    return LIKELY if phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE else 0


def _american(run: Run, at: int, after: int) -> int:
    """Area, exchange and line with marks between: the form alone is enough, unless a label says that it is something else."""
    start = run.head(at)
    found = _AMERICA.match(run.text, start, run.end) or _AMERICA_GLUED.match(run.text, start, run.end)
    if found is None or run.label == OTHER:
        return 0
    end = at + sum(1 for first, _ in run.groups[at:after] if first < found.end())
    return end if _ends_well(run, end) else 0


def _national(run: Run, at: int, after: int) -> tuple[int, int]:
    """Any form, where a word or the key says that it is a phone number."""
    for end in range(_reach(run, at, after, DIGITS_MOST), at, -1):
        if run.count(at, end) < DIGITS_LEAST or not _is_said(run, end):
            break
        if _ends_well(run, end) and not _is_measure(run, at, end):
            return end, WEAK
    return at, 0


def _reach(run: Run, at: int, after: int, most: int) -> int:
    """The end of the longest window with so many digits."""
    while run.count(at, after) > most:
        after -= 1
    return after


def _is_fraction(run: Run, at: int, end: int) -> bool:
    return end - at == 2 and run.gaps(at, end) == {"."}


def _is_measure(run: Run, at: int, end: int) -> bool:
    """A fraction, a network address or an amount."""
    written = run.text[run.groups[at][0] : run.groups[end - 1][1]]
    return _is_fraction(run, at, end) or _QUAD.fullmatch(written) is not None or run.has_unit(end)


def _extension(run: Run, end: int) -> int | None:
    found = _EXTENSION.match(run.text, run.groups[end - 1][1], run.place.high)
    return None if found is None else found.end()


def _with_extension(run: Run, end: int) -> int:
    return _extension(run, end) or run.groups[end - 1][1]
