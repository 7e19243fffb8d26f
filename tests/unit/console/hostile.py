"""A text of a stranger that would do harm wherever it is not escaped, and the check that it did none."""

from __future__ import annotations

import re

from tests.unit.console.conftest import Page

MARK = "alert(1)"
HOSTILE = f"\"'></bdi></td></code></pre><img src=x onerror={MARK}><script>{MARK}</script>{{{{ 7*7 }}}}{{% x %}}"
"""Ends quotations, cells and scripts, and speaks the language of the templates."""

TURNED = "safe\u202eelif\u2066\u200b"
"""Turns the rest of its line around, with a character that nobody sees."""


def is_harmless(page: Page, *, shown: bool = True) -> bool:
    """Nothing of it became markup, nothing hidden is left; ``shown``: its words stand on the page all the same."""
    assert page.status == 200, page.text[:2000]
    assert "<img" not in page.text
    assert re.search(r"<script(?! src=\"/static/)", page.text) is None
    assert not set(page.text) & {"\u202e", "\u2066", "\u200b"}
    assert " onerror=" not in re.sub(r"&[a-z#0-9]+;", "", re.sub(r">[^<]*<", "><", page.text))
    return (MARK in page.text) is shown
