"""What an update says differently in its prompts, in words for the person who must agree to it. Spec: static-content X-18."""

from __future__ import annotations

from mpp.errors import Refused
from mpp.host.static.limits import CHANGES_MAX, CHANGED_CHARS_MAX
from mpp.host.static.prompts import Prompt
from mpp.host.static.static import EMPTY, Static, static_of
from mpp.model.jsontext import shown
from mpp.stages.gatekeeper import VerifiedPackage


def changed_prompts(old: VerifiedPackage, new: VerifiedPackage) -> list[str]:
    """One line for each prompt that is new or reads otherwise. Attack: an update that changes no tool, and what a model is told when a person picks a prompt."""
    known = {one.name: one for one in _readable(old).given}
    lines = []
    for now in static_of(new).given:
        before = known.get(now.name)
        # Attack: the same words, and another picture with words in it.
        if before != now or any(old.read(file) != new.read(file) for file in now.files()):
            lines.append(_told(before, now))
    return lines if len(lines) <= CHANGES_MAX else [*lines[:CHANGES_MAX], f"and {len(lines) - CHANGES_MAX} more prompts that are new or read otherwise"]


def _readable(old: VerifiedPackage) -> Static:
    """A list that was not sound was shown to nobody: all of the new one is new."""
    try:
        return static_of(old)
    except Refused:
        return EMPTY


def _told(before: Prompt | None, now: Prompt) -> str:
    words = _words(now)
    if before is None:
        return f"The prompt {now.name!r} is new: {words}"
    if _words(before) != words:
        return f"The prompt {now.name!r} reads otherwise: it was {_words(before)} and is {words}"
    return f"The prompt {now.name!r} is made otherwise: its arguments, its files, or what comes behind the words shown here"


def _words(one: Prompt) -> str:
    return repr(shown(" ".join((one.title, one.description, *one.texts())).strip(), CHANGED_CHARS_MAX))
