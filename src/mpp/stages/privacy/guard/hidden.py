"""Characters that nobody sees, and room that hides what follows. Spec: F-70, F-72."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mpp.model.hiddentext import hidden_at
from mpp.stages.privacy.guard.hits import HIDDEN, PADDING, Finding
from mpp.stages.privacy.guard.limits import BLANKS_MAX, LINE_BREAKS_MAX, SAME_MAX
from mpp.stages.privacy.invisible import JOINTS

_BLANK = r"[^\S\r\n]"
_ROOM = re.compile(rf"(?:\r?\n{_BLANK}*){{{LINE_BREAKS_MAX + 1},}}|{_BLANK}{{{BLANKS_MAX + 1},}}|([^\w\s])\1{{{SAME_MAX},}}|(\w)\2{{{SAME_MAX},}}")


def hidden_findings(text: str, *, is_name: bool) -> Iterator[Finding]:
    """The first hidden character of a text. Spec: F-70."""
    if text.isascii() and text.isprintable():
        return
    # A joint of an emoji or of a word is none; it is passed over in prose. The length stays.
    plain = text if is_name else JOINTS.sub("-", text)
    found = hidden_at(plain, is_name=is_name)
    if found is not None:
        at, character = found
        yield Finding(HIDDEN, at, 1, f"a character that nobody sees as it is ({character})")


def padding_findings(text: str) -> Iterator[Finding]:
    """Attack: an order behind so many blanks that no reviewer scrolls to it. Spec: F-72."""
    found = _ROOM.search(text)
    if found is not None:
        what = f"{found[0][0]!a} {len(found[0])} times" if found[1] or found[2] else f"{len(found[0])} blanks and line breaks in a row"
        yield Finding(PADDING, found.start(), len(found[0]), what)
