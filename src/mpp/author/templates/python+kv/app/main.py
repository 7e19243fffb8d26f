"""Notes that stay between calls. They belong to this package and to whoever runs it; no other package reads them.

`shared=True` means: shared by the tools of this package. Without it each tool has keys of its own.
"""

from typing import Annotated

from mpp_sdk import Length, ToolError, kv, tool

Name = Annotated[str, "Name of the note", Length(1, 80)]


@tool(security_level="low")
def save_note(name: Name, text: Annotated[str, "What is kept", Length(1, 20_000)]) -> str:
    """Keep a note under a name; a note of that name is replaced."""
    kv.set(f"note/{name}", text, shared=True)
    return f"Saved {name!r}."


@tool(security_level="low")
def read_note(name: Name) -> str:
    """Give back the note of a name."""
    found = kv.get(f"note/{name}", shared=True)
    if found is None:
        raise ToolError(f"There is no note {name!r}.")
    return found.decode("utf-8")


@tool(security_level="low")
def list_notes() -> list[str]:
    """List the names of all notes."""
    return [key.removeprefix("note/") for key in kv.keys("note/", shared=True)]
