"""Which lengths of items of digits are those of a number cut in pieces."""

from __future__ import annotations

from mpp.stages.privacy.later import on_use

_CARD = frozenset(((4, 4, 4, 4), (4, 6, 5), (4, 4, 4, 4, 3), (8, 8), (4, 12), (12, 4), (6, 10), (2,) * 8))
_FIGURES = frozenset(((4, 4, 4, 4), (4, 6, 5)))
_PHONE, _SSN = (3, 3, 4), (3, 2, 4)
_SINGLE = range(9, 20)
DIGIT_TEXTS_MOST = max(*_SINGLE, *map(len, _CARD))
"""Items of a number cut in pieces. Reason: no shape has more."""
_CONTEXT = on_use(r"(?i)card|credit|\bcc|pan\b|phone|tel|mobile|fax|ssn|social|account|iban|number|digits")
_PHONE_NAME, _SSN_NAME = on_use(r"(?i)phone|tel|mobile|fax|cell"), on_use(r"(?i)ssn|social|tax")


def may_be_number(widths: list[int], name: str, *, is_loose: bool) -> bool:
    """``is_loose``: the items are numbers and not texts, as figures are; then less is taken for a cut."""
    shape = tuple(widths)
    if shape in {_PHONE, _SSN}:
        return bool(_CONTEXT.search(name))
    if shape not in _CARD and (len(shape) not in _SINGLE or max(shape) > 1):
        return False
    return not is_loose or shape in _FIGURES or bool(_CONTEXT.search(name))


def joint(widths: list[int], name: str) -> str:
    """What is put between items, so that the number is written as it usually is."""
    shape = tuple(widths)
    return "-" if (shape == _PHONE and _PHONE_NAME.search(name)) or (shape == _SSN and _SSN_NAME.search(name)) else ""
