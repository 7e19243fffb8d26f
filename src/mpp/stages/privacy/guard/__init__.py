"""The description guard of stage 7, privacy: what a model reads of a tool before anybody calls it.

Takes: a ``Manifest``, or the ``tools/list`` of an older server; what the package declares; names of tools of others.
Gives: ``Verdict`` with every hit and its place; a digest of every byte that a model reads; what changed since, in words; ``strip_invisible`` for answers.
Refuses: ``description.*``: hidden, encoded or misplaced text. Words that are only suspicious are shown to a person and refuse nothing.
Limits: limits.py.

Spec: spec/6-privacy.md. It has a door of its own, because a look at a package needs no filter. It never says that something is harmless.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.stages.privacy.guard.hits import ASKS, BLOCKS, DOUBTS, Hit
    from mpp.stages.privacy.guard.pins import Change, changes, pin_of
    from mpp.stages.privacy.guard.texts import NAME, PROSE, TITLE, VALUE, Described, Text, describe_manifest, describe_tools
    from mpp.stages.privacy.guard.verdict import NOTHING, Verdict, accepted, judge_described, judge_manifest, refusal
    from mpp.stages.privacy.invisible import strip_invisible

__getattr__ = door(
    __name__,
    {
        "hits": "ASKS BLOCKS DOUBTS Hit",
        "pins": "Change changes pin_of",
        "texts": "NAME PROSE TITLE VALUE Described Text describe_manifest describe_tools",
        "verdict": "NOTHING Verdict accepted judge_described judge_manifest refusal",
        "mpp.stages.privacy.invisible": "strip_invisible",
    },
)

__all__ = (
    "ASKS",
    "BLOCKS",
    "DOUBTS",
    "NAME",
    "NOTHING",
    "PROSE",
    "TITLE",
    "VALUE",
    "Change",
    "Described",
    "Hit",
    "Text",
    "Verdict",
    "accepted",
    "changes",
    "describe_manifest",
    "describe_tools",
    "judge_described",
    "judge_manifest",
    "pin_of",
    "refusal",
    "strip_invisible",
)
