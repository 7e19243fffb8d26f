"""Is the result of a call the right one? HOST-CLI.md section 5 says how expected documents are read."""

from __future__ import annotations

import json
import re

from conformance.suite.cases import Case

FORM = "~"
"""A text in ``text.json`` that begins with this is a regular expression for the text in its place."""

SHOWN_MAX = 300
"""Characters of a found value that a report quotes."""


def wrong_result(case: Case, result: object) -> list[str]:
    """What is wrong with the result, for each of the ways in which the vector describes it."""
    wrong: list[str] = []
    wanted = case.expected("result")
    if case.code and wanted is None and result is not None:
        wrong.append(f"there should be no result, is {_shown(result)}")
    if wanted is not None and not fits(result, wanted, forms=False):
        wrong.append(f"result should be {_shown(wanted)}, is {_shown(result)}")
    form = case.expected("text")
    if form is not None or case.holds:
        wrong += _wrong_text(case, _text(result), form)
    return wrong


def fits(found: object, wanted: object, *, forms: bool) -> bool:
    """Equal as JSON: numbers by value, true is not 1, keys in any order. With ``forms``, texts may be regular expressions."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and found.keys() == wanted.keys() and all(fits(found[key], item, forms=forms) for key, item in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(fits(one, item, forms=forms) for one, item in zip(found, wanted, strict=True))
    if forms and isinstance(wanted, str) and wanted.startswith(FORM):
        return isinstance(found, str) and re.fullmatch(wanted.removeprefix(FORM), found, re.DOTALL) is not None
    return isinstance(found, bool) == isinstance(wanted, bool) and found == wanted


def _text(result: object) -> str:
    """The text of the first item of ``content``; empty if that is none."""
    content = result.get("content") if isinstance(result, dict) else None
    first = content[0] if isinstance(content, list) and content else None
    text = first.get("text") if isinstance(first, dict) else None
    return text if isinstance(text, str) else ""


def _wrong_text(case: Case, text: str, form: object) -> list[str]:
    wrong = [f"the text should hold {_shown(piece)}, is {_shown(text)}" for piece in case.holds if piece not in text]
    if form is not None:
        try:
            found: object = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not fits(found, form, forms=True):
            wrong.append(f"the text should fit {_shown(form)}, is {_shown(text)}")
    return wrong


def _shown(found: object) -> str:
    text = json.dumps(found, ensure_ascii=True)
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"
