"""Notes that stay from one call to the next, in the key-value store that the manifest asks for: one for all tools of this package."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

from mpp_sdk import ask, Context, Description, kv, Length, Pattern, tool, ToolError

Title = Annotated[str, Description("Name of the note: letters, digits, dashes"), Length(1, 80), Pattern("^[A-Za-z0-9][A-Za-z0-9-]*$")]

NOTES_MAX = 1_000
"""Notes that are listed. Reason: an agent reads the whole answer."""


@dataclass(frozen=True)
class Note:
    """One note."""

    title: str
    text: str
    changed: int
    by: str


@tool(security_level="low")
def save(title: Title, text: Annotated[str, Description("What to keep"), Length(1, 20_000)], call: Context) -> Note:
    """Keep a note, in the place of one with the same title."""
    note = Note(title, text, int(time.time()), call.agent.name)
    kv.set_json(_key(title), {"text": text, "changed": note.changed, "by": note.by}, shared=True)
    return note


@tool(security_level="low")
def read(title: Title) -> Note:
    """Read one note."""
    found = kv.get_json(_key(title), shared=True)
    if found is None:
        raise ToolError(f"there is no note {title!r}; find names them")
    return Note(title, found["text"], found["changed"], found["by"])


@tool(security_level="low")
def find(words: Annotated[str, Description("Only notes that hold all of these words"), Length(0, 200)] = "") -> list[str]:
    """Name all notes, or those that hold some words."""
    wanted = re.findall(r"\w+", words.casefold())
    titles = [key.removeprefix("note/") for key in islice(kv.keys("note/", shared=True), NOTES_MAX)]
    return [title for title in titles if not wanted or _holds(title, wanted)]


@tool(security_level="medium", asks=["sure"])
def forget(title: Title) -> str:
    """Delete a note. The person behind the agent is asked first."""
    if kv.get(_key(title), shared=True) is None:
        raise ToolError(f"there is no note {title!r}")
    if not ask("sure", f"Delete the note {title}?"):
        return f"{title} stays"
    kv.delete(_key(title), shared=True)
    return f"{title} is gone"


def _key(title: str) -> str:
    return f"note/{title}"


def _holds(title: str, wanted: list[str]) -> bool:
    text = f"{title} {kv.get_json(_key(title), {}, shared=True).get('text', '')}".casefold()
    return all(word in text for word in wanted)
