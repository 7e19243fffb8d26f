"""What the checks hand over: one place in a text, and what was found there."""

from __future__ import annotations

from typing import NamedTuple

from mpp.model.jsontext import shown
from mpp.stages.privacy.guard.limits import EXCERPT_CHARS, PLACE_CHARS

BLOCKS, ASKS, DOUBTS = "A", "B", "C"
"""The tiers: refused without asking; words that a person should see; words that do not fit what the package declares."""

HIDDEN = "description.hidden"
CONFUSABLE = "description.confusable"
PADDING = "description.padding"
ENCODED = "description.encoded"
MARKUP = "description.markup"
LINK = "description.link"
VALUE = "description.value"
NAME = "description.name"
REMARK = "description.remark"
SIZE = "description.size"


class Hit(NamedTuple):
    """One finding. ``kind`` is the code of a refusal in tier A, and else a label such as ``secrecy``."""

    tier: str
    kind: str
    where: str
    """A JSON pointer into the manifest, or into the list of tools, safe to print."""
    at: int
    """Characters of the text before it."""
    found: str
    """An excerpt, safe to print."""
    says: str
    points: int = 0

    @property
    def words(self) -> str:
        """One line for people."""
        return f'{self.where}, character {self.at}: {self.says}: "{self.found}"'


class Finding(NamedTuple):
    """A finding inside one text, before it is known where the text stands."""

    kind: str
    at: int
    length: int
    says: str
    tier: str = BLOCKS
    points: int = 0

    def placed(self, where: str, text: str) -> Hit:
        cut = text[self.at : self.at + min(max(self.length, 1), EXCERPT_CHARS)]
        # Attack: an excerpt that ends its own quotation and goes on as words of ours.
        found = shown(" ".join(cut.split()) or cut, EXCERPT_CHARS).replace('"', "'")
        return Hit(self.tier, self.kind, shown(where, PLACE_CHARS), self.at, found, self.says, self.points)
