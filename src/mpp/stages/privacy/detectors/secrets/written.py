"""Where in a text the value of a name stands that is not right behind it: an object or a pair in JSON, a field of YAML, a block of lines.

Spec: 6-privacy F-15.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mpp.stages.privacy.detectors.secrets.nested import LOOSE_STEPS, PLAIN_STEPS
from mpp.stages.privacy.later import on_use

LINES_MAX = 1_000
"""Lines of a block that are read as the value of a name. Reason: codes for recovery are ten, a key in base64 takes some fifty; a block may hold the names of others."""

LINE_CHARS_MAX = 1_200
"""Characters of such a line. Reason: a key in base64 fits."""

_STEP = "|".join(re.escape(step) for step in sorted(PLAIN_STEPS | LOOSE_STEPS | {"parametervalue"}, key=len, reverse=True))
_FIELD = r"""["'][\w$#-]{1,24}["']\s{0,4}:\s{0,4}(?:"[^"\n]{0,80}+"|[\w.-]{1,24}+)\s{0,4},\s{0,60}"""
_INSIDE = on_use(
    rf"""
      ["']\s{{0,4}}(?:,|:\s{{0,4}}(?:\[\s{{0,60}})?\{{)\s{{0,60}}(?:{_FIELD}){{0,4}}["'](?P<field>{_STEP})["']\s{{0,4}}:\s{{0,4}}(?=["'0-9])     # "name": "password", "value": "x", and "password": {{"value": "x"}}
    | ["']?:?[ \t]{{0,4}}\r?\n[ \t]{{1,40}}(?:[\w-]{{1,24}}:[ \t][^\n]{{0,80}}\n[ \t]{{1,40}}){{0,3}}["']?(?P<line>{_STEP})["']?:[ \t]{{1,4}}(?=[^\s|>&*\#]) # name: password, value: x below
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BLOCK = on_use(
    r"""["']?[ \t]{0,4}(?:
      :[ \t]{1,4}[|>][+-]?[1-9]?[+-]?[ \t]{0,4}(?:\#[^\n]{0,80})?\r?\n(?=[ \t]{1,40}\S)       # a block of YAML
    | :[ \t]{0,4}\r?\n(?=[ \t]{0,40}-[ ])                                                     # a list of YAML
    | [:=][ \t]{0,4}(?P<quotes>\"{3}|'{3})\r?\n                                               # a text of several lines in TOML or Python
    | [:*_ ]{1,4}\r?\n{1,2}(?P<fence>`{3})[\w-]{0,12}\r?\n                                    # a block of code in Markdown
    )""",
    re.VERBOSE,
)
_LINE = on_use(r"""([ \t]*)(?:-[ ]{1,4})?["']?([^\n]*?)["']?[ \t\r]*$""", re.MULTILINE)


def beside(text: str, end: int, reach: int) -> tuple[int, bool] | None:
    """Where the value of the name that ends at ``end`` begins, and whether its key says no more than that it is one."""
    found = _INSIDE.match(text, end, reach)
    return None if found is None else (found.end(), (found["field"] or found["line"]).lower() not in LOOSE_STEPS)


def block(text: str, end: int, high: int) -> Iterator[tuple[int, int]]:
    """The lines of a block below the name that ends at ``end``."""
    begun = _BLOCK.match(text, end, min(high, end + LINE_CHARS_MAX))
    if begun is None:
        return
    at, fence, indent = begun.end(), begun["quotes"] or begun["fence"] or "", -1
    for _ in range(LINES_MAX):
        line = _LINE.match(text, at, min(high, at + LINE_CHARS_MAX)) if at < high else None
        if line is None:
            return
        before, said = len(line[1]), line[2]
        indent = before if indent < 0 else indent
        if said and (text.startswith(fence, at + before) if fence else before < indent):
            return
        if said:
            yield line.span(2)
        at = line.end() + 1
