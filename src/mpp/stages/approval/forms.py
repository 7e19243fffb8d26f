"""The forms of what names a question or an approval that lasts: a store asked for anything else has nothing of it."""

from __future__ import annotations

import re

ID = re.compile("[0-9a-f]{32}")
ID_FORM = "32 hex digits"

REF = re.compile("[0-9a-f]{4,32}")
REF_FORM = "4 to 32 hex digits"


def is_id(text: str) -> bool:
    return ID.fullmatch(text) is not None


def is_ref(text: str) -> bool:
    return REF.fullmatch(text) is not None


def can_be_kept(*names: str) -> bool:
    """Can all of these names be written down? Attack: half of a character out of an argument, at which a database fails instead of finding nothing."""
    try:
        "".join(names).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
